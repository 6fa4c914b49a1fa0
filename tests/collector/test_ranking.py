"""Places with ties: a different place always means intervals that do not touch, whatever the units."""

from hypothesis import given
from hypothesis import strategies as st
from manyi.core.ranking import Standing, Sums, standings
from manyi.core.rates import FEWEST, wilson


@st.composite
def units(draw: st.DrawFn) -> list[Sums]:
    found = []
    for i in range(draw(st.integers(0, 12))):
        n = draw(st.sampled_from((0, 1, 58, 59, 60, 500, 5_000, 50_000)) | st.integers(0, 20_000))
        s = draw(st.integers(0, n))
        found.append(Sums(f"u{i}", n, s, draw(st.integers(s, n))))
    return found


def shown(found: list[Standing]) -> list[tuple[str, str]]:
    return [(each.sums.unit, each.place) for each in found]


def test_units_told_apart_tied_and_too_small() -> None:
    found = standings(
        [
            Sums("small", 58, 58, 58),
            Sums("low", 1_000, 700, 900),
            Sums("second", 1_000, 900, 950),
            Sums("third", 1_000, 890, 950),
            Sums("best", 1_000, 990, 999),
            Sums("none", 0, 0, 0),
        ]
    )
    assert shown(found) == [
        ("best", "1"), ("second", "2="), ("third", "2="), ("low", "4"), ("small", "-"), ("none", "-"),
    ]  # fmt: skip
    assert [each.order for each in found] == [1, 2, 3, 4, 5, 6]


def test_chain_of_overlaps_is_one_place_because_nobody_in_it_can_be_cut_off() -> None:
    chain = [Sums(f"u{i}", 1_000, 900 - 20 * i, 950) for i in range(4)]
    assert wilson(900, 1_000)[0] > wilson(840, 1_000)[1], "the ends of the chain could be told apart"
    assert {each.place for each in standings(chain)} == {"1="}


@given(units())
def test_different_places_never_overlap_and_one_place_is_a_chain(found: list[Sums]) -> None:
    placed = [each for each in standings(found) if each.rank]
    for a in placed:
        for b in placed:
            if a.rank < b.rank:
                assert a.lo > b.hi
    for rank in {each.rank for each in placed}:
        group = sorted((each for each in placed if each.rank == rank), key=lambda each: each.lo)
        reach = group[0].hi
        for each in group[1:]:
            assert each.lo <= reach
            reach = max(reach, each.hi)
        assert all(each.tied == (len(group) > 1) for each in group)


@given(units(), st.randoms())
def test_places_hang_on_the_figures_not_on_the_order_they_came_in(found: list[Sums], random: object) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert standings(mixed) == standings(found)


@given(units())
def test_everybody_is_listed_once_and_the_small_are_last_without_a_place(found: list[Sums]) -> None:
    listed = standings(found)
    assert sorted(each.sums.unit for each in listed) == sorted(u.unit for u in found)
    assert [each.order for each in listed] == list(range(1, len(found) + 1))
    assert [each.rank > 0 for each in listed] == sorted((u.n >= FEWEST for u in found), reverse=True)
    ranks = [each.rank for each in listed if each.rank]
    assert ranks == sorted(ranks)
    assert all(rank == 1 + sum(r < rank for r in ranks) for rank in ranks)
