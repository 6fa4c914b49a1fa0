"""press → InfluxDB, at 10 presses a second from 600 boxes: the real Mosquitto, `manyi serve` with all its feeds, influxd.

The boxes are paper ones on one thread (many.py). A press counts as arrived when the sum of presses in the raw bucket has
grown past it: presses are matched in the order of sending, as a dashboard would see them.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.many import Speaker
from tests.collector.speaking import K_LINK
from tests.services.influx import Influx, influxd
from tests.services.mosquitto import Mosquitto
from tests.system.city import City

BOXES = 600
PRESSES = 600
RATE = 10.0  # a second in all
AT_ONCE = 50  # connections made together
WAIT_S = 60.0
LOOK_S = 0.01

Row = tuple[object, ...]


def main() -> Iterator[Row]:
    if influxd() is None:
        yield ("press → InfluxDB from 600 boxes", "no influxd here", "ms", "", "make services builds one")
        return
    with tempfile.TemporaryDirectory(prefix="manyi-bench-") as name:
        folder = Path(name)
        broker, influx = Mosquitto(folder / "broker"), Influx(folder / "influx")
        city: City | None = None
        broker.start()
        try:
            influx.start()
            influx.set_up()
            city = City(folder / "city", broker, 0, influx)
            _everything(city)
            city.start()
            took = asyncio.run(_press(city))
        finally:
            if city is not None:
                city.close()
            influx.kill()
            broker.kill()
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    note = f"{PRESSES} presses, {RATE:.0f}/s, {BOXES} boxes on paper, polled by query every {LOOK_S * 1000:.0f} ms"
    yield ("press → InfluxDB from 600 boxes, p50", cuts[49], "ms", "", note)
    yield ("press → InfluxDB from 600 boxes, p99", cuts[98], "ms", "< 1000", f"longest {max(took):.0f}")


def _everything(city: City) -> None:
    """Keys of all boxes, and every bucket: the feeds take turns on one thread."""
    assert city.influx is not None
    keys = "".join(f"{name(i)} {K_LINK.hex()}\n" for i in range(BOXES))
    (city.folder / "link.keys").write_text(keys)
    more = "".join(
        f'{bucket} = "{city.influx.bucket()}"\n' for bucket in ("rollup_bucket", "day_bucket", "wall_bucket")
    )
    city.config.write_text(city.config.read_text() + more)


def name(i: int) -> str:
    return f"mb-{i:012x}"


async def _press(city: City) -> list[float]:
    boxes = [Speaker(name(i)) for i in range(BOXES)]
    for start in range(0, BOXES, AT_ONCE):
        await asyncio.gather(*(box.connect(city.broker.port) for box in boxes[start : start + AT_ONCE]))
    sent: list[float] = []
    arrived = asyncio.create_task(asyncio.to_thread(_watch, city))
    chance = random.Random(1)
    tasks = []
    began = time.perf_counter()
    due = 0.0
    for i in range(PRESSES):
        due += chance.expovariate(RATE)
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        box = boxes[(i * 7) % BOXES]
        box.press(1 + (i % 17 == 0) + (i % 41 == 0))
        sent.append(time.perf_counter())
        tasks.append(asyncio.create_task(box.send()))
    await asyncio.gather(*tasks)
    seen = await arrived
    await asyncio.gather(*(box.close() for box in boxes))
    return [1000 * (there - gone) for gone, there in zip(sent, seen, strict=True)]


def _watch(city: City) -> list[float]:
    """When the sum of presses passed 1, 2, 3 and so on."""
    seen: list[float] = []
    last = time.perf_counter()
    while len(seen) < PRESSES:
        there, now = city.in_influx(), time.perf_counter()
        if there > len(seen):
            seen += [now] * (there - len(seen))
            last = now
        elif now - last > WAIT_S:
            raise TimeoutError(f"{len(seen)} of {PRESSES} presses reached InfluxDB")
        time.sleep(LOOK_S)
    return seen
