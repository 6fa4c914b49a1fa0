"""The drill: real boxes press while the copy is made, the machine is lost, the copy comes back, the boxes fill the rest."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable

import pytest

from tests.system.city import City
from tests.system.conftest import make_city  # noqa: F401  a fixture

pytestmark = pytest.mark.slow


def test_a_copy_made_under_presses_comes_back_and_the_boxes_fill_what_came_after(
    make_city: Callable[..., City],  # noqa: F811
) -> None:
    city = make_city(boxes=2, beat_s=2)  # with each beat a box asks the collector where it is
    box, other = city.boxes
    for level in (1, 2, 3):
        box.tap(level)
    city.settle()
    presses = threading.Thread(target=lambda: [box.tap(1) for _ in range(10)])
    presses.start()
    done = city.manyi("backup", str(city.folder / "copies"), "--secrets")
    presses.join()
    assert done.returncode == 0, done.stdout + done.stderr
    for level in (3, 1, 2):
        other.tap(level)
    city.settle()
    truth = city.truth()
    assert len(truth) == 16

    city.collector.kill()
    shutil.rmtree(city.folder / "data")  # the disk is gone, with everything on it
    (copy,) = (city.folder / "copies").iterdir()
    done = city.manyi("restore", str(copy), "--data", str(city.folder / "data"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(city.ledger()) < len(truth)
    for words in (("account",), ("verify", "--keys", str(city.folder / "auditor.keys"))):
        done = city.manyi(*words)
        assert done.returncode == 0, done.stdout + done.stderr

    city.collector.start()
    city.settle()  # nobody presses: ledger, wall, account and chain by the boxes' own flash
    total = json.loads(city.manyi("account", "--json").stdout)["total"]
    assert (total["pressed"], total["stored"], total["lost"]) == (16, 16, 0)
    assert "a backup came back" in city.manyi("verify").stdout
