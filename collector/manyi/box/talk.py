"""The serial console's lines (docs/CONSOLE.md), host side. Pure; the box has its own in firmware/box/talk.py, and
tests/wire/console.json binds both."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from zlib import crc32

NONCE_BYTES, CODE_BYTES = 8, 6
PIECE = 64
"""Bytes of a file in one line: 128 digits and the frame stay below the box's 240 characters a line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`number` 0: the box could not read the line. `fields` of "k=v" words; `why` of a refusal."""

    number: int
    ok: bool
    fields: dict[str, str]
    why: str


def line(number: int, *words: object) -> bytes:
    text = " ".join((f"@{number}", *map(str, words)))
    return f"{text} *{crc32(text.encode()):08x}\n".encode()


def answer(raw: bytes) -> Answer | None:
    """One line from the box; None for noise and for a line that came to harm."""
    at = raw.rfind(b"@")
    text, star, crc = raw[max(at, 0) :].strip().rpartition(b" *")
    try:
        if at < 0 or not star or int(crc, 16) != crc32(text):
            return None
        number, verdict, *words = text[1:].decode().split(" ")
        fields = dict(word.split("=", 1) for word in words if "=" in word)
        if verdict not in ("ok", "no"):
            return None
        return Answer(int(number), verdict == "ok", fields, " ".join(words) if verdict == "no" else "")
    except ValueError:
        return None


def code(k_link: bytes, box: str, nonce: bytes) -> str:
    """What opens the console of this box while it shows this nonce: 12 hex digits."""
    told = b"manyi/1/console\0" + box.encode() + b"\0" + nonce
    return hmac.new(k_link, told, hashlib.sha256).digest()[:CODE_BYTES].hex()
