"""Settle: which presses make one rating."""

from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st
from manyi.core.ratings.settle import FLAG_CORRECTED, FLAG_REASON_ALONE, Press, Visit, settle

VISIT_MS = 5_000


def fold(presses: list[Press], newest: Visit | None = None) -> list[Visit]:
    visits: list[Visit] = [] if newest is None else [newest]
    for press in presses:
        visit = settle(visits[-1] if visits else None, press, VISIT_MS)
        if visits and visit.seq == visits[-1].seq:
            visits[-1] = visit
        else:
            visits.append(visit)
    return visits


def press(
    seq: int, up_ms: int, level: int, *, boot: int = 1, reason: int = 0, prompted: bool = False
) -> Press:
    return Press(seq, boot, up_ms, level, reason, prompted)


def test_slip_corrected_within_the_visit() -> None:
    (visit,) = fold([press(1, 0, 2), press(2, 900, 1)])
    assert (visit.seq, visit.first, visit.level, visit.presses, visit.flags) == (1, 2, 1, 2, 0)


def test_red_made_green_is_flagged() -> None:
    (visit,) = fold([press(1, 0, 3), press(2, 900, 1)])
    assert visit.flags == FLAG_CORRECTED


def test_red_made_green_made_red_again_is_not_corrected() -> None:
    (visit,) = fold([press(1, 0, 3), press(2, 900, 1), press(3, 1_800, 3)])
    assert (visit.level, visit.flags) == (3, 0)


def test_next_visitor_is_not_swallowed_by_a_clerk_who_keeps_pressing() -> None:
    visits = fold([press(1, 0, 1), press(2, 4_000, 1), press(3, 5_000, 3)])
    assert [(v.seq, v.level) for v in visits] == [(1, 1), (3, 3)]


def test_reboot_ends_a_visit() -> None:
    assert len(fold([press(1, 100, 1), press(2, 200, 1, boot=2)])) == 2


def test_reason_keeps_the_level_and_is_kept() -> None:
    (visit,) = fold([press(1, 0, 3), press(2, 1_500, 2, reason=2)])
    assert (visit.level, visit.reason, visit.presses, visit.flags) == (3, 2, 2, 0)


def test_reason_after_our_visit_but_within_the_boxs_still_belongs_to_it() -> None:
    visits = fold([press(1, 0, 3), press(2, 9_000, 1, reason=1), press(3, 9_100, 1)])
    assert [(v.seq, v.level, v.presses) for v in visits] == [(1, 3, 2), (3, 1, 1)]


def test_reason_alone_is_a_flagged_rating_and_not_lost() -> None:
    (visit,) = fold([press(7, 0, 2, reason=1)])
    assert visit.flags == FLAG_REASON_ALONE


def test_prompted_by_any_press() -> None:
    (visit,) = fold([press(1, 0, 1), press(2, 10, 1, prompted=True)])
    assert visit.prompted


steps = st.tuples(
    st.integers(0, 7_000), st.sampled_from([1, 2, 3]), st.sampled_from([0, 0, 0, 1]), st.booleans()
)


@st.composite
def lives(draw: st.DrawFn) -> list[Press]:
    presses, boot, up_ms = [], 1, 0
    for seq, (gap, level, reason, prompted) in enumerate(draw(st.lists(steps, max_size=40)), 1):
        if draw(st.integers(0, 9)) == 0:
            boot, up_ms = boot + 1, 0
        up_ms += gap
        presses.append(press(seq, up_ms, level, boot=boot, reason=reason, prompted=prompted))
    return presses


@given(lives(), st.data())
def test_any_chunking_settles_to_the_same_ratings(presses: list[Press], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(presses)))
    head = fold(presses[:cut])
    assert head[:-1] + fold(presses[cut:], head[-1] if head else None) == fold(presses)


@given(lives())
def test_every_press_is_in_exactly_one_rating(presses: list[Press]) -> None:
    assert sum(v.presses for v in fold(presses)) == len(presses)


@given(lives())
def test_no_correction_lies_outside_the_visit(presses: list[Press]) -> None:
    by_seq = {p.seq: p for p in presses}
    visits = fold(presses)
    ends = ([v.seq for v in visits] + [len(presses) + 1])[1:] if visits else []
    for visit, end in zip(visits, ends, strict=True):
        mine = [by_seq[s] for s in range(visit.seq, end)]
        plain = [p for p in mine if not p.reason] or mine[:1]
        assert all(p.up_ms - visit.up_ms < VISIT_MS for p in plain)
        assert visit.first == mine[0].level


@given(lives())
def test_ratings_of_a_boot_do_not_overlap(presses: list[Press]) -> None:
    for _, group in groupby(fold(presses), key=lambda v: v.boot):
        visits = list(group)
        for a, b in pairwise(visits):
            assert b.up_ms - a.up_ms >= VISIT_MS or b.flags & FLAG_REASON_ALONE
