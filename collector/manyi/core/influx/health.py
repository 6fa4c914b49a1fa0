"""How the boxes are and whether the account adds up, as points in the wall's bucket.

    box,box=..,county=..,township=..,hall=..,window=.. online=1i,depth=0i,...
    boxes,county=..,township=..,hall=.. known=..i,online=..i,depth=..i,stuck=..i
    account,scope=city pressed=..i,...,boxes=..i,online=..i        account,scope=box,box=.. pressed=..i,...

The ledger keeps of beats only the newest, so this is the one measurement whose history a rebuild cannot bring back
(looks.py). It refuses to say a box is online because it once said so.
"""

import json
import sqlite3
from collections.abc import Callable
from typing import Final

from manyi.core import account, fleet, stores
from manyi.core.account import Line
from manyi.core.influx.follow import Server
from manyi.core.influx.lines import tag, text
from manyi.core.influx.looks import Looks
from manyi.core.ratings import store as ratings

_BOXES = """
SELECT s.box, s.fw, s.reason, b.at_ms IS NOT NULL, b.depth, b.oldest_ms, b.rssi, b.heap, b.room, b.clock, b.stuck,
  b.erases, b.faults, b.unknown, b.lost_s + b.lost_b + b.lost_d, b.up_ms
FROM state s LEFT JOIN beat b ON b.box = s.box AND b.at_ms = (SELECT max(at_ms) FROM beat WHERE box = s.box)"""
_BEAT: Final = (
    "depth", "oldest_ms", "rssi", "heap", "room", "clock", "stuck", "erases", "faults", "unknown", "lost", "up_ms"
)  # fmt: skip


CITY: Final = "account,scope=city"


class Health(Looks):
    """A feed of the wall's bucket."""

    ALWAYS = frozenset({CITY})  # so that a wall knows within two minutes that nobody counts any more

    def __init__(
        self,
        ledger: sqlite3.Connection,
        source: sqlite3.Connection,
        wall: sqlite3.Connection,
        server: Server,
        silent_ms: int,
        now_ms: Callable[[], int],
    ) -> None:
        super().__init__(server, now_ms)
        self._ledger, self._source, self._wall, self._silent_ms = ledger, source, wall, silent_ms
        self._current = ratings.current_roster()
        self._memory = account.Memory()

    def _look(self, now_ms: int) -> list[tuple[str, str]]:
        boxes, halls = self._boxes(now_ms)
        of_halls = [
            (at, f"known={known}i,online={online}i,depth={depth}i,stuck={stuck}i")
            for at, (known, online, depth, stuck) in halls.items()
        ]
        online = sum(counts[1] for counts in halls.values())
        return [*boxes, *of_halls, *self._account(now_ms, len(boxes), online)]

    def _boxes(self, now_ms: int) -> tuple[list[tuple[str, str]], dict[str, list[int]]]:
        """Each box; and of each hall how many there are, how many online, what waits in them, how many hold a key down:
        a day of a city's boxes is ten times as many points as one of its halls."""
        self._roster = self._current.of(self._source)
        told = {box: more for box, *more in self._ledger.execute(_BOXES)}
        out, halls = [], dict[str, list[int]]()
        for box, known in fleet.look(self._ledger, self._roster, now_ms, self._silent_ms).items():
            if not known.counted:
                continue
            fields = [f"online={int(known.online)}i", f"heard_ms={known.heard_ms}i"]
            depth = stuck = 0
            if box in told:
                fw, reason, is_beating, *beat = told[box]
                fields += [f"reason={reason}i", f"fw={text(fw)}"]
                if is_beating:
                    fields += [f"{name}={value}i" for name, value in zip(_BEAT, beat, strict=True)]
                    depth, stuck = beat[_BEAT.index("depth")], int(beat[_BEAT.index("stuck")] > 0)
            out.append((self._at(box, now_ms), ",".join(fields)))
            self._add(halls, box, now_ms, (1, int(known.online), depth, stuck))
        return out, halls

    def _add(self, halls: dict[str, list[int]], box: str, now_ms: int, one: tuple[int, ...]) -> None:
        place = self._roster.where(box, now_ms)
        at = f"boxes,county={tag(place.county)},township={tag(place.township)},hall={tag(place.hall)}"
        halls[at] = [a + b for a, b in zip(halls.get(at, (0, 0, 0, 0)), one, strict=True)]

    def _at(self, box: str, now_ms: int) -> str:
        place = self._roster.where(box, now_ms)
        return (
            f"box,box={tag(box)},county={tag(place.county)},township={tag(place.township)}"
            f",hall={tag(place.hall)},window={tag(place.window)}"
        )

    def _account(self, now_ms: int, boxes: int, online: int) -> list[tuple[str, str]]:
        found = account.read(self._ledger, now_ms, self._silent_ms, self._memory)
        shown = int(stores.get(self._wall, "shown", "0"))
        health = json.loads(stores.get(self._wall, "health", "{}")).get("account", {})
        ok = found.ok and bool(health.get("ok", True))  # the wall knows too whether its own sum is off
        city = f"{_account(found.total)},shown={shown}i,undated={health.get('undated', 0)}i,ok={int(ok)}i"
        return [(CITY, f"{city},boxes={boxes}i,online={online}i")] + [
            (f"account,scope=box,box={tag(line.box)}", f"{_account(line)},ok={int(line.ok)}i")
            for line in found.lines
        ]


def _account(line: Line) -> str:
    return (
        f"pressed={line.pressed}i,stored={line.stored}i,waiting={line.waiting}i,lost={line.lost}i"
        f",lost_box={line.lost_box}i,lost_centre={line.lost_centre}i,unknown={line.unknown}i,forked={line.forked}i"
    )
