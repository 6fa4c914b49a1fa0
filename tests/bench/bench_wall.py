"""The live wall with 50 browsers attached: logged-in streams (30 of the centre, 20 of ten counties) while 600 boxes press.

The real Mosquitto and `manyi serve` with accounts; boxes and browsers are paper ones on one thread of this process
(many.py, watching.py), so that its own work comes on top of what is measured: press → client is an upper bound. CPU is the
collector's own, all that it does in that time, its beats and looks too: so it is set beside that with no browser and with one.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.bench_influx import AT_ONCE, name
from tests.bench.many import Speaker
from tests.bench.watching import Watcher
from tests.collector.speaking import K_LINK
from tests.services.mosquitto import Mosquitto
from tests.system.city import City

COUNTIES, HALLS, WINDOWS = 10, 10, 6
BOXES = COUNTIES * HALLS * WINDOWS
CENTRE, OF_COUNTIES = 30, 20
CLIENTS = CENTRE + OF_COUNTIES
CROWDS = (0, 1, CLIENTS)  # one after the other in every run, so that they share the machine's mood
RUNS = 3
PRESSES = 100  # of one crowd in one run
RATE = 10.0  # a second in all
QUIET_S = 30.0  # presses that have not arrived everywhere by then are lost

Row = tuple[object, ...]


@dataclass
class Found:
    """One run of one crowd."""

    cpu_ms: float  # of the collector, a press
    took_ms: list[float]  # press → each client that sees it
    bytes_each: float  # to one client of the centre, a press


class Lobby(City):
    """A city whose wall wants a login, and whose 600 boxes stand at windows."""

    def _configure(self) -> None:
        super()._configure()
        text = self.config.read_text().replace(
            "login = false", "login = true\nhttps = false\nsecond_factor = []"
        )
        self.config.write_text(text)
        (self.folder / "link.keys").write_text("".join(f"{name(i)} {K_LINK.hex()}\n" for i in range(BOXES)))
        roster = self.folder / "roster"
        roster.mkdir()
        offices, boxes = ["编号,类型,上级编号,名称,英文名,电话"], ["评价器,窗口,启用时间"]
        for i in range(BOXES):
            c, h, w = i // (HALLS * WINDOWS), i // WINDOWS % HALLS, i % WINDOWS
            offices += [f"c{c},县区,,{c}号区,County {c},"] * (h == w == 0)
            offices += [f"c{c}h{h},大厅,c{c},{c}区{h}号政务服务大厅,Hall {c}.{h},07300{c}{h}"] * (w == 0)
            offices.append(f"c{c}h{h}w{w},窗口,c{c}h{h},{w}号窗口,Window {w},")
            boxes.append(f"{name(i)},c{c}h{h}w{w},2024-01-01 00:00")
        (roster / "offices.csv").write_text("\n".join(offices) + "\n")
        (roster / "boxes.csv").write_text("\n".join(boxes) + "\n")

    def start(self) -> None:
        done = self.manyi("roster", "import", str(self.folder / "roster"))
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        self.collector.start()

    def _answers(self) -> bool:
        try:
            self.get("/healthz")
        except OSError:
            return False
        return True

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.collector.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="manyi-bench-") as folder:
        broker = Mosquitto(Path(folder) / "broker")
        broker.start()
        lobby = Lobby(Path(folder) / "city", broker, 0)
        try:
            lobby.start()
            cookies = sessions(lobby)
            found, resident = asyncio.run(_all(lobby, cookies))
        finally:
            lobby.close()
            broker.kill()
    yield from _rows(found, resident)


def _rows(found: dict[int, list[Found]], resident: dict[int, float]) -> Iterator[Row]:
    cpu = {crowd: statistics.median(each.cpu_ms for each in runs) for crowd, runs in found.items()}
    note = f"{RUNS} runs of {PRESSES} presses, {RATE:.0f}/s, {BOXES} boxes"
    for crowd in CROWDS[1:]:
        who = f"{crowd} browsers" if crowd > 1 else "1 browser"
        for percent, target in ((50, ""), (99, "< 500")):
            value = statistics.median(
                statistics.quantiles(run.took_ms, n=100, method="inclusive")[percent - 1]
                for run in found[crowd]
            )
            yield (f"press → each of {who}, p{percent}", value, "ms", target, note if percent == 50 else "")
    for crowd in CROWDS:
        spread = [each.cpu_ms for each in found[crowd]]
        yield (
            f"collector CPU a press, browsers: {crowd}",
            cpu[crowd],
            "ms",
            "",
            f"{min(spread):.1f} to {max(spread):.1f}",
        )
    yield (f"the same, {CLIENTS} browsers against 1", cpu[CLIENTS] / cpu[1], "times", "", "")
    more = (cpu[CLIENTS] - cpu[1]) / (CLIENTS - 1) * 1000
    yield ("CPU of one more browser a press", more, "us", "", f"{1 + COUNTIES} different pictures")
    sent = statistics.median(each.bytes_each for each in found[CLIENTS]) / 1024
    yield ("sent to one browser of the centre a press", sent, "KiB", "", "gzip")
    for crowd in CROWDS:
        yield (
            f"collector's memory, browsers: {crowd}",
            resident[crowd],
            "MiB",
            "",
            "resident, after the first run",
        )


def sessions(lobby: Lobby) -> list[tuple[str, str]]:
    """(cookie, county) of an account for every browser, logged in as a login does it."""
    from manyi.core import config as configs  # noqa: PLC0415
    from manyi.office.access.from_config import office_settings  # noqa: PLC0415
    from manyi.office.runtime import configure  # noqa: PLC0415

    configure(replace(office_settings(configs.load(lobby.config)), login=True))
    from django.db import connections  # noqa: PLC0415  needs configure()
    from manyi.office.access.models import User  # noqa: PLC0415

    from tests.office.people import session  # noqa: PLC0415

    made = []
    for i in range(CLIENTS):
        county = "" if i < CENTRE else f"c{i % COUNTIES}"
        user = User(
            username=f"p{i}", display_name=f"P{i}", role="county" if county else "centre", county=county
        )
        user.must_change = False
        user.set_unusable_password()
        user.save()
        made.append((session(user), county))
    connections.close_all()
    return made


async def _all(
    lobby: Lobby, cookies: list[tuple[str, str]]
) -> tuple[dict[int, list[Found]], dict[int, float]]:
    boxes = [Speaker(name(i)) for i in range(BOXES)]
    for start in range(0, BOXES, AT_ONCE):
        await asyncio.gather(*(box.connect(lobby.broker.port) for box in boxes[start : start + AT_ONCE]))
    found: dict[int, list[Found]] = {crowd: [] for crowd in CROWDS}
    resident: dict[int, float] = {}
    chance, at = random.Random(1), 0
    for _ in range(RUNS):
        for crowd in CROWDS:
            watchers = [Watcher(*cookie) for cookie in cookies[:crowd]]
            await asyncio.gather(*(each.connect(lobby.web) for each in watchers))
            found[crowd].append(await _press(lobby, boxes, watchers, chance, at))
            at += PRESSES
            resident.setdefault(crowd, lobby.resident_mib())
            await asyncio.gather(*(each.close() for each in watchers))
    await asyncio.gather(*(box.close() for box in boxes))
    return found, resident


async def _press(
    lobby: Lobby, boxes: list[Speaker], watchers: list[Watcher], chance: random.Random, at: int
) -> Found:
    sent: list[tuple[float, str]] = []
    tasks = []
    cpu, began, due = lobby.collector.cpu_s(), time.perf_counter(), 0.0
    for i in range(at, at + PRESSES):
        due += chance.expovariate(RATE)
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        which = i * 7 % BOXES
        boxes[which].press(1 + (i % 17 == 0) + (i % 41 == 0))
        sent.append((time.perf_counter(), f"c{which // (HALLS * WINDOWS)}"))
        tasks.append(asyncio.create_task(boxes[which].send()))
    await asyncio.gather(*tasks)
    took = []
    for each in watchers:
        mine = [when for when, county in sent if each.place in ("", county)]
        patience = time.perf_counter() + QUIET_S
        while len(each.seen) < len(mine):
            if time.perf_counter() > patience:
                raise TimeoutError(f"{len(each.seen)} of {len(mine)} presses were shown to one browser")
            await asyncio.sleep(0.01)
        took += [1000 * (there - gone) for gone, there in zip(mine, each.seen, strict=True)]
    spent = 1000 * (lobby.collector.cpu_s() - cpu) / PRESSES
    size = watchers[0].bytes / PRESSES if watchers else 0.0
    return Found(spent, took, size)


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
