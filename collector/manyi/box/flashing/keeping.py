"""A chip that is flashed anew and stays the box it is: its identity and what it has learned go into the new image, its
journal is not touched. What is taken out lies beside the bench's records until the chip has it again, so that a cable
pulled out in the midst loses nothing.

Refuses: a chip whose identity cannot be read, one that is divided otherwise than the image, and another board's image.
Takes no update along: what runs afterwards is what was flashed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from manyi.box.flashing import image
from manyi.box.flashing.image import Partition
from manyi.box.identity import IDENTITY, Given, named
from manyi.box.records import Records
from manyi.box.words import BoxError

LEARNED = ("config", "wifi", "address", "duty")
"""Files of the partition `data`; `slot`, `a` and `b` are updates."""

Read = Callable[[Partition], bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """Files of the partitions `vfs` and `data`. They hold the box's keys."""

    who: dict[str, bytes] = field(repr=False)
    learned: dict[str, bytes] = field(repr=False)

    def given(self) -> Given | None:
        """None: the chip had no identity."""
        try:
            one = self._identity()
            return Given(*(one[k] for k in ("box", "user", "password", "k_link", "k_chain")))
        except (KeyError, ValueError, TypeError):
            return None

    def _identity(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.who[IDENTITY])
        return found

    def over(self, before: Kept) -> Kept:
        """What is whole of this, and the rest as it was before."""
        return Kept(self.who if self._sound() else before.who, {**before.learned, **self.learned})

    def _sound(self) -> bool:
        """A file's name can be there before its content is: littlefs does not tell, a certificate's name does."""
        if self.given() is None:
            return False
        tls = self._identity().get("tls")
        ca = tls and tls["ca"].lstrip("/")
        return not ca or (ca in self.who and ca == named(self.who[ca]))

    def into(self, whole: bytes) -> bytes:
        """The image as this box's. Raises BoxError."""
        return image.with_files(image.with_files(whole, self.who), self.learned, "data")

    def check(self, whole: bytes) -> None:
        """Boards of one chip take each other's images, and never start. Raises BoxError."""
        mine, its = self.given() and self._identity().get("board"), image.facts(whole).board
        if mine and mine != its:
            raise BoxError(
                f"这台的板是 {mine}，镜像是 {its} 的，没有写入：写 BOARD={mine} 重新制作",
                f"this box has an {mine}, the image is for an {its}, and nothing was written: make it with BOARD={mine}",
            )


def taken(read: Read, whole: bytes, book: Records, mac: str) -> Kept:
    """What the chip is and has learned, also when an earlier run was broken off. Raises BoxError."""
    found, text = _read(read, whole), book.kept(mac)
    if text:  # an earlier run ended anywhere: what it has written by halves was whole before
        parts = json.loads(text)
        before = Kept(*({name: bytes.fromhex(digits) for name, digits in part.items()} for part in parts))
        found = found.over(before) if found else before
    if found is None:
        raise BoxError(
            "芯片里的身份读不出，没有写入。原来是评价器：先 manyi box save 存下记录交中心，再不保留记录重做，用新名称；"
            "本来就是空白板：去掉 KEEP_JOURNAL（--keep-journal）",
            "this chip's identity cannot be read; nothing was written. If it was a box: `manyi box save` first, for the "
            "centre, then flash it without --keep-journal and give it a new name; if it never was one: leave --keep-journal out",
        )
    found.check(whole)
    parts = ({name: raw.hex() for name, raw in part.items()} for part in (found.who, found.learned))
    book.keep(mac, json.dumps(list(parts)))
    return found


def _read(read: Read, whole: bytes) -> Kept | None:
    """None: there is nothing that can be read. Raises BoxError."""
    table = read(image.TABLE)
    if image.find(table, "journal") is None:
        return None
    wanted = whole[image.TABLE_AT :]
    places = {}
    for name in ("vfs", "data", "journal"):
        places[name] = image.named(wanted, name)
        if image.find(table, name) != places[name]:
            raise BoxError(
                "芯片的分区和镜像不同，不能保留记录：先 manyi box save 存下记录交中心",
                "the chip is divided otherwise than this image: `manyi box save` first, for the centre",
            )
    root = image.files(read(places["vfs"]))
    if root is None:
        return None
    who = {name: raw for name, raw in root.items() if name == IDENTITY or name.startswith("ca-")}
    data = image.files(read(places["data"])) or {}  # a box makes a torn one anew, too
    return Kept(who, {name: data[name] for name in LEARNED if name in data})
