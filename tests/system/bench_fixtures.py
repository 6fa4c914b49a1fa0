"""What tests of the technician's bench share: a blank box at a cable, a mock chip, fingers that press the lit key."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from manyi.box import doctor, provision, records
from manyi.box.console import Console, opened
from manyi.box.identity import Given
from manyi.box.provision import Journal
from manyi.box.site import Site

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


def fingers(bench: BenchBox, wrong: bool = False) -> None:
    """A technician's, from now on beside the test: they press the key whose lamp is lit, or another one."""
    seen = len(bench.heard("lamp"))  # now, not when the thread comes to it
    threading.Thread(target=_follow, args=(bench, wrong, seen), daemon=True).start()


def _follow(bench: BenchBox, wrong: bool, seen: int) -> None:
    pressed: list[str] = []  # a test asks for each key once

    def asks() -> list[str]:
        lit = [re.search(r"only=(\d)", line) for line in bench.heard("lamp")[seen:]]
        return [key[1] for key in lit if key and key[1] not in pressed]

    while len(pressed) < 3:
        bench.until("a lamp asks", lambda: bool(asks()))
        pressed.append(asks()[0])
        bench.tell(f"tap {int(pressed[-1]) % 3 + 1 if wrong else pressed[-1]} 40")
        if wrong:
            return


def examine(
    bench: BenchBox, link_s: float = 60, somebody: bool = True, wrong: bool = False
) -> list[doctor.Check]:
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        console.unlock(K_LINK)

        def tell(text: str) -> None:
            if "press each key" in text and somebody:
                fingers(bench, wrong)

        return doctor.examine(console, lambda _: True, tell, link_s=link_s, keys_s=60 if somebody else 1)
