"""What a box is given: the line that `manyi broker add` wrote for it, and what the site file says. Pure but for `load`.

Every problem is reported at once. Refuses to print a secret, and an identity without TLS unless the file says so.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from manyi.box import site as sites
from manyi.box.site import Site
from manyi.box.words import Unfit, both, file_trouble
from manyi.broker.names import BOX

IDENTITY = "box.json"
HEX_KEY = re.compile(r"[0-9a-f]{64}")
BOARD = re.compile(r"[a-z0-9-]{3,24}")
PIN_DIGITS = 8
"""WPA2 takes no fewer."""
FILE_MAX = 4096
"""Bytes; the box takes no larger file (ports/shelf.py)."""


@dataclass(frozen=True, slots=True)
class Given:
    """One line of the hand-over file."""

    box: str
    user: str
    password: str = field(repr=False)
    k_link: str = field(repr=False)
    k_chain: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """What a line of the hand-over file has at the least: who may talk to the broker."""

    user: str
    password: str = field(repr=False)


def handover(text: str) -> list[Given]:
    """Raises Unfit."""
    found, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            given = Given(*(one[k] for k in ("box", "user", "password", "k_link", "k_chain")))
        except KeyError as error:
            zh = (
                "缺密钥：manyi broker add 时要写 --link-file 和 --auditor-file"
                if "k_" in str(error)
                else f"缺 {error}"
            )
            problems.append(f"{number}: " + both(zh, f"{error} is missing"))
            continue
        except (ValueError, TypeError):
            problems.append(f"{number}: " + both("不是移交文件的一行", "no line of a hand-over file"))
            continue
        if not BOX.fullmatch(given.box) or not all(
            HEX_KEY.fullmatch(k) for k in (given.k_link, given.k_chain)
        ):
            problems.append(f"{number}: " + both("编号或密钥格式不对", "the id or a key has a wrong form"))
        elif given.k_link == given.k_chain:
            problems.append(f"{number}: " + both("两个密钥相同", "both keys are the same"))
        found.append(given)
    names = [g.box for g in found]
    problems += [
        both(f"{n} 出现两次", f"{n} is there twice") for n in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems:
        raise Unfit(problems)
    return found


def links(path: Path | None) -> dict[str, bytes]:
    """k_link by box, of a hand-over file; {} if none is at hand. Raises Unfit, BoxError."""
    given = handover(text_of(path)) if path is not None else []
    return {one.box: bytes.fromhex(one.k_link) for one in given}


def accounts(text: str) -> dict[str, Account]:
    """By box, from lines with or without keys: an account given anew has none. Raises Unfit."""
    found, problems = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            found[str(one["box"])] = Account(str(one["user"]), str(one["password"]))
        except (ValueError, KeyError, TypeError):
            problems.append(f"{number}: " + both("不是移交文件的一行", "no line of a hand-over file"))
    if problems:
        raise Unfit(problems)
    return found


def files(given: Given, at: Site, board: str, pin: str) -> dict[str, bytes]:
    """Name on the box to content; box.json last, since it makes the others count. Raises Unfit.

    The certificate's name carries its own digest, so a new one never lies under an old identity."""
    made, tls = trust(at)
    who = {
        "box": given.box, "k_link": given.k_link, "k_chain": given.k_chain, "host": at.host, "port": at.port,
        "user": given.user, "password": given.password, "tls": tls, "board": board, "pin": pin, **at.extra,
    }  # fmt: skip
    made[IDENTITY] = json.dumps(who, ensure_ascii=False, separators=(",", ":")).encode()
    small_enough(made)
    return made


def trust(at: Site) -> tuple[dict[str, bytes], dict[str, str] | None]:
    """The root's file, and the identity's `tls` that names it."""
    if at.ca is None:
        return {}, None
    name = named(at.ca)
    return {name: at.ca}, {"ca": f"/{name}", "name": at.name}


def named(ca: bytes) -> str:
    return f"ca-{hashlib.sha256(ca).hexdigest()[:8]}.der"


def small_enough(made: Mapping[str, bytes]) -> None:
    large = [name for name, content in made.items() if len(content) > FILE_MAX]
    if large:
        raise Unfit([both(f"{n} 太大", f"{n} is over {FILE_MAX} bytes") for n in large])


def load(handover_file: Path, site_file: Path) -> tuple[list[Given], Site]:
    """Raises Unfit, BoxError."""
    lines, at = texts(handover_file, site_file)
    return handover(lines), at


def texts(handover_file: Path, site_file: Path) -> tuple[str, Site]:
    """The hand-over file as it is. Raises Unfit, BoxError."""
    return text_of(handover_file), sites.read(text_of(site_file), site_file.parent)


def text_of(path: Path) -> str:
    """A text file as Windows' editor may have saved it: UTF-8 with or without a mark, or the system's GB18030. Raises
    BoxError."""
    try:
        raw = path.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise file_trouble(path, error) from None
    except UnicodeDecodeError:
        return raw.decode("gb18030", errors="replace")
