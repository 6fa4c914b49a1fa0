"""The bench's own book: which identity went into which chip, and how its test ended. One folder, a file a box.

Refuses: to give one identity to two chips, or two to one chip; to let a record be changed unseen (its mac).
Holds no key but in `<mac>.kept`, which is there while a box is flashed with its journal kept (keeping.py), and gone when it
is verified. The PIN of the hotspot is in it too, so its files are for their owner only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from manyi.box.identity import PIN_DIGITS
from manyi.box.words import BoxError
from manyi.core import whole
from manyi.core.wire import SEAL_BYTES, seal

ACCEPTED = ".accepted.json"
GIVEN = ".given.json"
KEPT = ".kept"


@dataclass(frozen=True, slots=True)
class Claim:
    """An identity that belongs to a chip from now on."""

    box: str
    mac: str
    pin: str
    at_ms: int
    retired: bool = False


def topic(box: str) -> str:
    """What an acceptance record is sealed for, so that it passes for nothing else."""
    return f"manyi/1/{box}/acceptance"


def sealed(k_link: bytes, box: str, body: dict[str, Any]) -> str:
    """JSON with its mac, as docs/WIRE.md seals messages."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))[:-1]
    return text + seal(topic(box), text.encode(), k_link).decode()


def vouched(body: dict[str, Any], ask: Callable[[str], str]) -> str:
    """As `sealed`, where nobody but the box has the key: `ask` gives it the SHA-256 (hex), and has its mac (hex)."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))[:-1]
    return f'{text},"mac":"{ask(hashlib.sha256(text.encode()).hexdigest())}"}}'


def is_sealed(k_link: bytes, box: str, text: str) -> bool:
    """By whoever held the key, or by the box."""
    raw = text.strip().encode()
    body, tail = raw[:-SEAL_BYTES], raw[-SEAL_BYTES:]
    proofs = (body, hashlib.sha256(body).hexdigest().encode())
    return any(hmac.compare_digest(tail, seal(topic(box), what, k_link)) for what in proofs)


class Records:
    """The folder. Made if it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def claims(self) -> list[Claim]:
        """Every claim, by box. Raises BoxError."""
        found = []
        for path in sorted(self.folder.glob(f"*{GIVEN}")):
            try:
                found.append(Claim(**json.loads(path.read_text(encoding="utf-8"))))
            except (ValueError, TypeError) as error:
                raise BoxError(f"{path} 读不懂", f"{path} is no record of ours: {error}") from None
        return found

    def standing(self, box: str, mac: str) -> Claim | None:
        """The claim that this pair has already; None: both are free. Raises BoxError."""
        for other in self.claims():
            if (other.box, other.mac, other.retired) == (box, mac, False):
                return other
            if other.box == box:
                raise BoxError(
                    f"{box} 已给过芯片 {other.mac}，编号不可再用：用那块芯片，或请中心另给一个编号（manyi broker add）",
                    f"{box} was given to chip {other.mac}, and an id is never used again: take that chip, or another id "
                    "(manyi broker add)",
                )
            if other.mac == mac and not other.retired:
                raise BoxError(
                    f"这块芯片已是 {other.box}：先 manyi box retire",
                    f"this chip is {other.box} already: retire it first",
                )
        return None

    def claim(self, box: str, mac: str, at_ms: int) -> Claim:
        """Binds the identity to the chip, on disk before it is written into the chip. The same pair again is the same
        claim. Raises BoxError."""
        found = self.standing(box, mac)
        if found is not None:
            return found
        made = Claim(box, mac, "".join(secrets.choice("0123456789") for _ in range(PIN_DIGITS)), at_ms)
        self._write(box + GIVEN, json.dumps(asdict(made)))
        return made

    def release(self, box: str) -> None:
        """Takes a claim back whose identity no chip has ever kept."""
        (self.folder / (box + GIVEN)).unlink(missing_ok=True)

    def retire(self, box: str) -> None:
        for one in self.claims():
            if one.box == box:
                self._write(box + GIVEN, json.dumps(asdict(one) | {"retired": True}))

    def accept(self, box: str, text: str) -> Path:
        return self._write(box + ACCEPTED, text + "\n")

    def accepted(self, box: str) -> str:
        """The acceptance record's text; "" if there is none."""
        path = self.folder / (box + ACCEPTED)
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def keep(self, mac: str, text: str) -> None:
        """Puts by what makes a chip the box it is."""
        self._write(mac + KEPT, text)

    def kept(self, mac: str) -> str:
        """What was put by; "" if nothing is."""
        path = self.folder / (mac + KEPT)
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def let_go(self, mac: str) -> None:
        (self.folder / (mac + KEPT)).unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        whole.write(path, text.encode(), 0o600)
        return path
