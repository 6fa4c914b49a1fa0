"""Whose a name is while a box is given one: nobody's until its chip may have kept it, and then this chip's for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from manyi.box import records
from manyi.box.console import Console, Unplugged, opened
from manyi.box.provision import START_S, Journal
from manyi.box.words import BoxError

from tests.firmware.conftest import micropython
from tests.firmware.simbox import BOX
from tests.services.processes import free_port
from tests.system.bench_box import BenchBox
from tests.system.bench_fixtures import OTHER, give, site_of

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")


def retired_by_force(bench: BenchBox) -> None:
    """Its identity is gone, its journal is not."""
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        console.unlock(bytes.fromhex(OTHER.k_link))
        console.ask("retire", "force")
        console.wait_for("blank", patience_s=START_S)


def test_a_provisioning_that_was_refused_leaves_the_name_free_for_another_board(
    make_bench: Callable[..., BenchBox], book: records.Records
) -> None:
    used, fresh = make_bench(), make_bench()
    give(used, records.Records(book.folder / "elsewhere"), site_of(free_port()), OTHER)
    used.tell("tap 1 40")
    used.until("its light", lambda: bool(used.heard("light")))
    retired_by_force(used)
    with pytest.raises(BoxError, match="old records"):
        give(used, book, site_of(free_port()))
    assert book.claims() == []
    give(fresh, book, site_of(free_port()))
    assert [claim.box for claim in book.claims()] == [BOX]


@pytest.mark.parametrize("last", [False, True])
def test_a_name_is_free_until_its_last_file_is_asked_to_be_kept(
    last: bool, bench: BenchBox, book: records.Records
) -> None:
    """Whether the box has kept it then, nobody knows: from there on the name is this chip's."""

    def cut(data: bytes, to_box: bool) -> bytes:
        if to_box and (b" keep" if last else b" more 64") in data:
            bench.line.cut_after = bench.line.carried  # the next line does not come through
        return data

    bench.line.bend = cut
    with pytest.raises(Unplugged):
        give(bench, book, site_of(free_port()))
    assert [claim.box for claim in book.claims()] == ([BOX] if last else [])
    if last:
        with pytest.raises(BoxError, match="另给一个编号"):
            book.claim(BOX, "ffffffffffff", 1)
        book.claim(BOX, book.claims()[0].mac, 1)


def test_a_name_that_is_another_chip_s_wipes_no_journal(bench: BenchBox, book: records.Records) -> None:
    give(bench, records.Records(book.folder / "elsewhere"), site_of(free_port()), OTHER)
    bench.tell("tap 1 40")
    bench.until("its light", lambda: bool(bench.heard("light")))
    retired_by_force(bench)
    book.claim(BOX, "ffffffffffff", 1)
    before = (bench.folder / "flash.bin").read_bytes()
    with pytest.raises(BoxError, match="never used again"):
        give(bench, book, site_of(free_port()), journal=Journal.wipe)
    assert (bench.folder / "flash.bin").read_bytes() == before
