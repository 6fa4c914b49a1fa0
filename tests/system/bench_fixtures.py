"""What tests of the technician's bench share: a blank box at a cable, a mock chip, fingers that press the lit key."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from manyi.box import doctor, provision, records
from manyi.box.console import Console, opened
from manyi.box.identity import Given, Site
from manyi.box.provision import Journal

from tests.firmware.simbox import BOX, K_CHAIN, K_LINK
from tests.system.bench_box import BenchBox, MockLoader

GIVEN = Given(BOX, BOX, "secret", K_LINK.hex(), K_CHAIN.hex())
OTHER = Given("hall-9", "hall-9", "secret", "ab" * 32, "cd" * 32)
FAST = {"beat_s": 10, "ack_ms": 1000, "backoff_ms": 100, "backoff_max_ms": 400}


def site_of(port: int, ca: bytes | None = None, name: str = "localhost") -> Site:
    return Site("127.0.0.1", port, name, ca, {"wifi": [{"ssid": "hall", "key": "12345678"}], **FAST})


@pytest.fixture
def make_bench(tmp_path: Path, firmware: Path) -> Iterator[Callable[..., BenchBox]]:
    made: list[BenchBox] = []

    def make(words: list[str] | None = None) -> BenchBox:
        made.append(BenchBox(tmp_path / f"bench-{len(made)}", firmware, words))
        return made[-1]

    yield make
    for box in made:
        box.close()


@pytest.fixture
def bench(make_bench: Callable[..., BenchBox]) -> BenchBox:
    """A blank box at a cable."""
    return make_bench()


@pytest.fixture
def book(tmp_path: Path) -> records.Records:
    return records.Records(tmp_path / "records")


@pytest.fixture
def make_loader(tmp_path: Path) -> Iterator[Callable[..., MockLoader]]:
    made: list[MockLoader] = []

    def make(chip: str = "esp32") -> MockLoader:
        made.append(MockLoader(tmp_path / f"loader-{len(made)}", chip))
        return made[-1]

    yield make
    for loader in made:
        loader.close()


def give(
    bench: BenchBox, book: records.Records, site: Site, given: Given = GIVEN, **more: Journal
) -> dict[str, str]:
    with opened(bench.line.port) as line:
        return provision.provision(Console(line, bench.line.port), given, site, book, 1, **more)


def follow(bench: BenchBox, wrong: bool = False) -> None:
    """The fingers of a technician: presses the key whose lamp is lit, or another one."""
    seen = len(bench.heard("lamp"))
    for _ in range(3):
        bench.until("a lamp asks", lambda s=seen: any("only=" in x for x in bench.heard("lamp")[s:]))
        lit = [x for x in bench.heard("lamp")[seen:] if "only=" in x][-1]
        key = int(re.search(r"only=(\d)", lit)[1])  # type: ignore[index]
        seen = len(bench.heard("lamp"))
        bench.tell(f"tap {key % 3 + 1 if wrong else key} 40")
        if wrong:
            return
        time.sleep(0.3)


def examine(
    bench: BenchBox, link_s: float = 30, fingers: bool = True, wrong: bool = False
) -> list[doctor.Check]:
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        console.unlock(K_LINK)

        def tell(text: str) -> None:
            if "press each key" in text and fingers:
                threading.Thread(target=follow, args=(bench, wrong), daemon=True).start()

        return doctor.examine(console, lambda _: True, tell, link_s=link_s, keys_s=25 if fingers else 1)
