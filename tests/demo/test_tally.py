"""A box's side of the account: what it says is believed only as far as it fits what was done and seen."""

from __future__ import annotations

from manyi.demo.tally import Tally, parse

READY = "ready box=b1 life=0011223344556677 boot=1 newest=0 n=0,0,0"


def heard(*lines: str, taps: int = 2) -> Tally:
    tally = Tally("b1")
    tally.taps[1] = taps
    for line in (READY, *lines):
        tally.said(line)
    return tally


def test_a_line_is_a_word_and_its_fields() -> None:
    assert parse("light level=1 seq=41 ms=3\n") == ("light", {"level": "1", "seq": "41", "ms": "3"})
    assert parse("link down why=refused") == ("link", {"": "down", "why": "refused"})


def test_an_honest_box_has_nothing_wrong() -> None:
    tally = heard("light level=1 seq=2 ms=1", "light level=1 seq=3 ms=1", "ack seq=3 depth=0")
    assert tally.waiting == 0
    tally.said("ready box=b1 life=0011223344556677 boot=2 newest=3 n=2,0,0")
    assert tally.judge() == []


def test_a_press_journalled_just_before_a_kill_counts_without_its_light() -> None:
    tally = heard("light level=1 seq=2 ms=1", "ack seq=2 depth=0")
    tally.said("ready box=b1 life=0011223344556677 boot=2 newest=3 n=2,0,0")
    assert tally.waiting == 1
    assert tally.judge() == []


def test_a_light_that_the_flash_does_not_know_is_a_loss() -> None:
    tally = heard("light level=1 seq=2 ms=1", "light level=1 seq=3 ms=1")
    tally.said("ready box=b1 life=0011223344556677 boot=2 newest=2 n=1,0,0")
    assert "a press was lost" in tally.judge()[0]


def test_a_count_that_no_finger_made_is_seen() -> None:
    tally = heard(taps=1)
    tally.said("ready box=b1 life=0011223344556677 boot=2 newest=3 n=2,0,0")
    assert "pressed 1 times, but it counts 2" in tally.judge()[0]


def test_a_seq_used_twice_and_a_new_life_are_seen() -> None:
    tally = heard("light level=1 seq=2 ms=1", "light level=1 seq=2 ms=1")
    tally.said("ready box=b1 life=8811223344556677 boot=1 newest=2 n=2,0,0")
    assert [p for p in tally.judge() if "twice" in p]
    assert [p for p in tally.judge() if "its life changed" in p]


def test_records_given_up_are_a_problem() -> None:
    assert heard("lost 1,0,0").judge()
