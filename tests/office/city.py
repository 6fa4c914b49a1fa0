"""An invented city in the shape of manyi.core's snapshots, for the office's tests: any size, any mood. Never shipped."""

from __future__ import annotations

import math
import random
from collections.abc import Hashable
from datetime import datetime, timedelta, timezone
from typing import Any

from manyi.office.errors import HallUnknown, SourceDown

BEIJING = timezone(timedelta(hours=8))
COUNTIES = [
    "南屏", "松河县", "柳川", "云岭县", "清渠", "东坪", "白砾县", "平埠", "长梁",
    "青汀县", "北原", "望渚", "沙堰县", "双槐", "石滩", "梅垭", "新埠",
]  # fmt: skip
NAMES = "李文静 王建国 张秀兰 赵海燕 刘志强 陈思远 孙丽娟 周明亮 吴晓红 郑凯".split()  # noqa: SIM905


def wilson(k: int, n: int) -> list[float]:
    z = 1.96
    p, q = k / n, z * z / n
    middle, half = (p + q / 2) / (1 + q), z * math.sqrt(p * (1 - p) / n + q / n / 4) / (1 + q)
    return [p, max(0.0, middle - half), min(1.0, middle + half)]


def tally(s: int, b: int, d: int, corrected: int = 0) -> dict[str, Any]:
    n = s + b + d
    rate: dict[str, Any] = {"s": None, "sb": None, "enough": n >= 59}
    if n:
        rate |= {"s": wilson(s, n), "sb": wilson(s + b, n)}
    return {
        "n": n,
        "level": [s, b, d],
        "first": [s - corrected, b, d + corrected],
        "corrected": corrected,
        "presses": n + corrected + n // 40,
        "flagged": corrected,
        "rate": rate,
    }


def added(parts: list[dict[str, Any]]) -> dict[str, Any]:
    level = [sum(part["level"][at] for part in parts) for at in range(3)]
    return tally(level[0], level[1], level[2], sum(part["corrected"] for part in parts))


class City:
    """A Source whose figures a test sets."""

    def __init__(
        self, counties: int = 3, halls: int = 3, *, busy: bool = True, now_ms: int = 1_795_240_000_000
    ) -> None:
        self._random = random.Random(7)
        self._version = 0
        self.down = ""
        self.age_ms = 0
        self.reads = 0
        self.now_ms = now_ms
        self.alarms: list[dict[str, Any]] = []
        self.silent: list[Any] = []
        self.listed: list[dict[str, Any]] = []
        self.lost = 0
        self.units = [self._county(at, halls, busy) for at in range(counties)]
        if busy:
            for _ in range(20):
                self.press()

    def _county(self, at: int, halls: int, busy: bool) -> dict[str, Any]:
        made = []
        for number in range(halls):
            s, b, d = (
                (self._random.randint(8, 120), self._random.randint(0, 9), self._random.randint(0, 4))
                if busy
                else (0, 0, 0)
            )
            kinds = ("政务服务中心", "人社服务大厅", "社保服务大厅", "就业服务大厅", "乡镇人社所")
            name = kinds[number % len(kinds)] + (
                f"{number // len(kinds) + 1}" if number >= len(kinds) else ""
            )
            english = f"Hall {number + 1}"
            made.append({"id": f"h{at}-{number}", "name": name, "name_en": english, **tally(s, b, d, d // 2)})
        name = COUNTIES[at] + ("" if COUNTIES[at].endswith("县") else "区")
        return {"id": f"c{at}", "name": name, "name_en": f"{name} County", **added(made), "halls": made}

    def press(self, level: int = 0) -> None:
        """One more rating, somewhere."""
        pick = self._random
        level = level or pick.choices((1, 2, 3), (90, 7, 3))[0]
        county = pick.choice(self.units)
        at = pick.randrange(len(county["halls"]))
        hall = county["halls"][at]
        counts = hall["level"]
        counts[level - 1] += 1
        county["halls"][at] = {**hall, **tally(counts[0], counts[1], counts[2], hall["corrected"])}
        county.update(added(county["halls"]))
        staff = pick.randrange(len(NAMES) + 2)
        changed = level == 1 and pick.random() < 0.1
        self._version += 1
        self.now_ms += pick.randint(1_000, 9_000)
        row = {
            "id": f"r{self._version}",
            "time_ms": self.now_ms,
            "level": level,
            "first_level": 3 if changed else level,
            "presses": 2 if changed else 1,
            "prompted": pick.random() < 0.3,
            "county": county["id"],
            "hall": hall["id"],
            "window": f"w{pick.randint(1, 12)}",
            "window_name": f"{pick.randint(1, 12)}号窗口",
            "staff": f"s{staff}" if staff < len(NAMES) else "",
            "staff_name": NAMES[staff] if staff < len(NAMES) else "",
            "box": f"{hall['id']}-b{pick.randint(1, 4)}",
            "version": 1,
            "dated": "clock",
        }
        self.listed.insert(0, row)

    @property
    def latest(self) -> list[dict[str, Any]]:
        return self.listed[:20]

    # the port

    def version(self) -> Hashable:
        self._check()
        return self._version

    def wall(self, now_ms: int) -> dict[str, Any]:
        self._check()
        self.reads += 1
        total = added(self.units)
        boxes = sum(4 * len(county["halls"]) for county in self.units)
        return {
            "now_ms": now_ms,
            "day": datetime.fromtimestamp(now_ms / 1000, BEIJING).date().isoformat(),
            "city": {"zh": "岱州市人社局", "en": "Daizhou"},
            "total": total,
            "counties": self.units,
            "latest": self.latest,
            "boxes": {"online": boxes - len(self.silent), "known": boxes, "silent": self.silent},
            "account": {
                "pressed": total["presses"] + 3 + self.lost,
                "stored": total["presses"],
                "waiting": 3,
                "lost": self.lost,
                "unknown": 0,
                "shown": total["presses"],
                "ok": True,
            },
            "alarms": self.alarms,
            "projected_ms": now_ms - self.age_ms,
        }

    def newest(self, tier: str, unit: str) -> list[dict[str, Any]]:
        return [row for row in self.listed if row[tier] == unit][:20]

    def roster(self) -> dict[str, list[tuple[str, str, str]]]:
        self._check()
        counties = [(c["id"], c["name"], c["name_en"]) for c in self.units]
        halls = [(h["id"], f"{c['name']} {h['name']}", h["name_en"]) for c in self.units for h in c["halls"]]
        staff = [(f"s{at}", name, "") for at, name in enumerate(NAMES)]
        return {"county": counties, "hall": halls, "staff": staff}

    def hall(self, hall: str, now_ms: int) -> dict[str, Any]:
        self._check()
        for county in self.units:
            for unit in county["halls"]:
                if unit["id"] == hall:
                    n = unit["n"] // 5 * 5
                    level = [n - unit["level"][1] - unit["level"][2], *unit["level"][1:]] if n else [0, 0, 0]
                    return {
                        "hall": hall,
                        "name": county["name"] + unit["name"],
                        "name_en": unit["name_en"],
                        "released": {"n": n, "level": level},
                        "batches": n // 5,
                        "waiting_hint": unit["n"] > n,
                        "as_of_batch_ms": self.now_ms // 300_000 * 300_000 if n else None,
                    }
        raise HallUnknown(hall)

    def account(self, now_ms: int) -> dict[str, Any]:
        lines = [self._line(box, county, hall) for box, (county, hall) in self.places(now_ms).items()]
        return {**self.wall(now_ms)["account"], "boxes": lines}

    def _line(self, box: str, county: str, hall: str) -> dict[str, Any]:
        units = {unit["id"]: unit for each in self.units if each["id"] == county for unit in each["halls"]}
        stored = units[hall]["presses"] if box.endswith("b1") else 0
        figures = {"pressed": stored, "stored": stored, "waiting": 0, "lost": 0, "unknown": 0, "forked": 0}
        return {"box": box, **figures, "ok": True}

    def places(self, now_ms: int) -> dict[str, tuple[str, str]]:
        self._check()
        return {
            f"{hall['id']}-b{at}": (county["id"], hall["id"])
            for county in self.units
            for hall in county["halls"]
            for at in range(1, 5)
        }

    def ledger(self) -> None:
        self._check()

    def metrics(self) -> bytes:
        self._check()
        return b"# TYPE manyi_test gauge\nmanyi_test 1\n"

    def _check(self) -> None:
        if self.down:
            raise SourceDown(self.down)
