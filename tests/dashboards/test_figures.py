"""Every query of every panel on a real influxd, as Grafana asks it, against the ledger's own figures.

Whatever a panel shows of ratings is worked out here a second time from ratings.db, one rating at a time. Which queries
were compared is written down, and the last test refuses a query of the boards that is not among them. Longer than one
screen for that: it is one list, in one module, so that one process knows it.
"""

from __future__ import annotations

import json
import shutil
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import httpx
import pytest
from manyi.core import account, metrics, stores, workdays
from manyi.core.alarms import certificates
from manyi.core.alarms.kinds import RANK
from manyi.core.ledger import schema
from manyi.core.rates import wilson
from manyi.core.ratings.rating import Rating
from manyi.core.roster.model import Roster
from manyi.core.roster.names import named
from manyi.core.roster.rows import fact_rows

from tests.dashboards.grafana import ALL, Panel, boards, interpolate, interval_of, targets
from tests.dashboards.seeded import (
    ANSWERED,
    BEIJING,
    BUCKETS,
    DAY,
    DISLIKED,
    HOUR,
    MINUTE,
    QUEUED,
    TYPED,
    Seeded,
    midnight,
)  # fmt: skip
from tests.services.influx import Influx

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK would rather have its newest format
    from dashboards import fleet

FEWEST = 59
PHONES = {"np-h1": "0537-6600101", "sh-h1": "0537-6600201", "sh-h2": "0537-6600301"}
LEADERS = {"np-h1": "何志远", "sh-h1": "宋明华", "sh-h2": ""}
COURSE = ("所选时段的过程", "Over the chosen period")
WEEK = ("county", "hall")  # boards that open on the last seven days
Which = Callable[[Rating], bool]
Span = tuple[int, int]  # ms since the epoch: from, to

# Every query and its English twin, which stands at the same place.
QUERIES = list(zip(targets("zh"), targets("en"), strict=True))
COMPARED: set[tuple[str, str, str]] = set()  # board, title in Chinese, refId
RAN: set[str] = set()  # tests of this module, in this process


@pytest.fixture(autouse=True)
def remembered(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    RAN.add(request.function.__name__)


def key(panel: Panel, target: dict[str, Any]) -> tuple[str, str, str]:
    return panel.board, panel.body["title"], target["refId"]


def wordless(row: dict[str, Any]) -> str:
    return str({name: isinstance(value, str) or value for name, value in row.items()})


def query_of(title: str, board: str = "", ref: str = "A") -> str:
    """The query of all panels with this title, to be asked of other points than the seeded city's."""
    found = {
        key(*zh): zh[1]["query"]
        for zh, _ in QUERIES
        if key(*zh)[1:] == (title, ref) and board in ("", zh[0].board)
    }
    (query,) = set(found.values())
    COMPARED.update(found)
    return str(query)


class Asker:
    """The committed panels' queries, by board and the description's language-free place: their title in Chinese."""

    def __init__(self, city: Seeded) -> None:
        self.city = city

    def ask(
        self, board: str, title: str, ref: str = "A", span: Span | None = None, **chosen: list[str]
    ) -> list[dict[str, Any]]:
        """Written down as compared. The English panel must show the same, but for its words."""
        found = [each for each in QUERIES if key(*each[0]) == (board, title, ref)]
        assert len(found) == 1, f"{board}/{title} {ref}: {len(found)} such queries"
        COMPARED.add((board, title, ref))
        chinese, english = (self.run(*each, span, **chosen) for each in found[0])
        assert sorted(map(wordless, chinese)) == sorted(map(wordless, english)), f"{board}/{title} {ref}"
        return chinese

    def run(
        self, panel: Panel, target: dict[str, Any], span: Span | None = None, **chosen: list[str]
    ) -> list[dict[str, Any]]:
        """With the range on which the board opens, or another."""
        since, until = self.city.today, self.city.today + DAY - 1
        if panel.board in WEEK:  # whatever the browser's clock
            since, until = self.seven_midnights
        if panel.board in ("account", "system"):
            since, until = self.city.now - 24 * HOUR, self.city.now + HOUR
        since, until = span or (since, until)
        variables = {"county": [ALL], "hall": [ALL]} | chosen
        return self.city.ask_source(
            target["datasource"]["uid"],
            interpolate(target["query"], since, until, interval_of(panel.body, since, until), **variables),
        )

    @property
    def seven_midnights(self) -> Span:
        return self.city.now - 7 * DAY, self.city.now

    def of(self, which: Which) -> dict[str, int]:
        return self.city.counts(which)

    def today(self, r: Rating) -> bool:
        return midnight(r.time_ms) == self.city.today

    def week(self, r: Rating) -> bool:
        return r.time_ms >= midnight(self.city.now, -6)


@pytest.fixture(scope="module")
def asker(seeded: Seeded) -> Asker:
    return Asker(seeded)


def bounds(k: int, n: int) -> list[float]:
    return [k / n, *wilson(k, n)]


def test_every_query_answers_as_it_stands_and_with_one_hall_and_two_chosen(asker: Asker) -> None:
    rate_of_looks = {
        "每分钟入库记录",
        "Records stored per minute",
    }  # the city was looked at once; a rate needs two
    empty = []
    for lang in ("zh", "en"):
        for panel, target in targets(lang):
            for chosen in (
                {},
                {"county": ["sh"], "hall": ["sh-h1"]},
                {"county": ["np", "sh"], "hall": ["np-h1", "sh-h2"]},
            ):
                rows = asker.run(panel, target, **chosen)
                calm = (
                    panel.body["title"] in ("报警", "Alarms") and target["refId"] in "ABC"
                )  # alive, not many, nothing urgent
                calm |= panel.board == "windows" and panel.body["title"] in (
                    "未评",
                    "Unrated visits",
                )  # yesterday's
                calm |= panel.body["title"] in COURSE and target["refId"] in "BDF"  # days: of a long period
                if not chosen and not rows and not calm and panel.body["title"] not in rate_of_looks:
                    empty.append(f"{panel} {target['refId']}")
    assert empty == [], "the seeded city has something to show in every panel"


def test_the_variables_list_what_there_is(asker: Asker) -> None:
    for name, board in boards().items():
        for variable in board.get("templating", {}).get("list", []):
            asked = interpolate(variable["query"], 0, 0, county=["sh"])
            rows = asker.city.ask_source(variable["datasource"]["uid"], asked)
            expected = {"county": {"np", "sh"}, "hall": {"sh-h1", "sh-h2"}}[variable["name"]]
            assert {r["value"] for r in rows} == expected, name


@pytest.mark.parametrize(
    ("title", "field"), [("今日评价", "n"), ("满意", "s"), ("基本满意", "b"), ("不满意", "d")]
)
def test_todays_counts_are_beijings_day_whatever_the_browsers_clock(
    asker: Asker, title: str, field: str
) -> None:
    (row,) = asker.ask("city", title)
    assert row[field] == asker.of(asker.today)[field]
    assert row["time"] == asker.city.today


@pytest.mark.parametrize(("title", "levels"), [("满意率", (1,)), ("满意及基本满意率", (1, 2))])
def test_todays_rates_have_the_intervals_of_the_ledgers_counts(
    asker: Asker, title: str, levels: tuple[int, ...]
) -> None:
    n = asker.of(asker.today)["n"]
    k = asker.of(lambda r: asker.today(r) and r.level in levels)["n"]
    assert n >= FEWEST
    (row,) = asker.ask("city", title)
    assert [row[x] for x in ("rate", "lo", "hi")] == pytest.approx(bounds(k, n), abs=1e-6)


def test_todays_course_ends_at_todays_sum(asker: Asker) -> None:
    rows = asker.ask("city", "今日累计与往常同日")
    assert rows[-1]["cumulative_sum"] == asker.of(asker.today)["n"]
    assert [r["cumulative_sum"] for r in rows] == sorted(r["cumulative_sum"] for r in rows)
    assert rows[0]["time"] == asker.city.today


def test_a_usual_day_is_the_mean_of_like_days(asker: Asker) -> None:
    """Each of its half-hours, worked out rating by rating, over the like days since the first rating."""
    moments = [datetime.fromtimestamp(r.time_ms / 1000, BEIJING) for r in asker.city.ratings()]
    today = datetime.fromtimestamp(asker.city.today / 1000, BEIJING).date()
    days = [day for day in workdays.like(today) if day >= min(moments).date()]
    halves = Counter((t.hour * 60 + t.minute) // 30 for t in moments if t.date() in days)
    rows = asker.ask("city", "今日累计与往常同日", "B")
    usual = [sum(halves[h] for h in range(half + 1)) / len(days) for half in range(48) if days]
    times = [asker.city.today + half * 30 * MINUTE for half in range(48) if days]
    assert [r["n_cum"] for r in rows] == pytest.approx(usual, abs=1e-4)
    assert [r["time"] for r in rows] == times
    told = asker.city.ask_source("manyi-day", "SELECT days FROM baseline WHERE tier = 'city'")
    assert {r["days"] for r in told} == {len(days)}


def test_without_a_like_day_there_is_no_usual_day_rather_than_one_of_zeros(asker: Asker) -> None:
    """A point that rests on no day, at a moment of its own: the panel must not draw it."""
    put(asker, "baseline,tier=city n_cum=0,days=0i", asker.city.today + 1)
    assert len(asker.ask("city", "今日累计与往常同日", "B")) == 48
    (kept,) = asker.city.ask_source("manyi-day", "SELECT count(n_cum) FROM baseline WHERE tier = 'city'")
    assert kept["count"] == 49


def test_a_window_that_lost_all_its_ratings_is_in_no_table(asker: Asker) -> None:
    """A correction that moved them leaves a point of zeros (docs/INFLUX.md), here of a window that the roster has not."""
    lost = "rollup_day,tier=window,county=np,township=-,hall=np-h1,window=lost n=0i,s=0i,b=0i,d=0i,corrected=0i,flagged=0i"
    put(asker, lost, asker.city.today)
    kept = asker.city.ask_source("manyi-day", "SELECT n FROM rollup_day WHERE \"window\" = 'lost'")
    assert [r["n"] for r in kept] == [0]
    for board in ("hall", "windows"):
        assert "lost" not in {r["window"] for r in asker.ask(board, "各窗口")}


def put(asker: Asker, line: str, time_ms: int) -> None:
    """One more line into the days' bucket, with the collector's token."""
    done = httpx.post(
        f"{asker.city.server.url}/api/v2/write?org=manyi&bucket=manyi_day",
        content=f"{line} {time_ms * 1_000_000}",
        headers={"Authorization": f"Token {asker.city.token('')}"},
        trust_env=False,
    )
    assert done.status_code == 204


def test_counties_on_the_map_have_their_reds_of_today(asker: Asker) -> None:
    first, *others = asker.ask("city", "各县区今日不满意人次")
    assert (first["county"], first["n"]) == ("", asker.of(asker.today)["n"]), (
        "the row whose area is never painted"
    )
    rows = {r["county"]: (r["n"], r["d"]) for r in others}
    assert set(rows) == {"np", "sh"}
    for county in ("np", "sh"):
        own = asker.of(lambda r, county=county: asker.today(r) and r.county == county)
        assert rows[county] == (own["n"], own["d"])


@pytest.mark.parametrize(
    ("board", "title", "tier"),
    [("city", "县区排名（今日）", "county"), ("county", "大厅排名（今日）", "hall")],
)
def test_a_ranking_has_the_ledgers_rates_and_a_tie_is_a_tie(
    asker: Asker, board: str, title: str, tier: str
) -> None:
    rows = asker.ask(board, title)
    assert len(rows) == {"county": 2, "hall": 3}[tier]
    for row in rows:
        own = asker.of(lambda r, row=row: asker.today(r) and getattr(r, tier) == row[tier])
        assert row["n"] == own["n"]
        percent, near = (100, 0.05 + 1e-6) if board == "city" else (1, 1e-6)  # the wall says it in words
        assert row["rate"] + (0 if own["n"] >= FEWEST else 9) == pytest.approx(own["s"] / own["n"], abs=1e-6)
        interval = [row["lo"] / percent, row["hi"] / percent]
        assert interval == pytest.approx(bounds(own["s"], own["n"])[1:], abs=near / percent)
        assert (row["place"] == "-") == (own["n"] < FEWEST)
    placed = [r for r in rows if r["place"] != "-"]
    for a in placed:
        for b in placed:
            if a is not b and a["lo"] < b["hi"] and b["lo"] < a["hi"]:
                assert a["place"] == b["place"]
                assert a["place"].endswith("=")


def test_latest_reds_are_the_ledgers_newest_with_whom_to_call(asker: Asker) -> None:
    reds = [r for r in asker.city.ratings() if r.level == 3 and r.time_ms > asker.city.now - 3 * DAY]
    reds.sort(key=lambda r: -r.time_ms)
    for ref, unseen in (("A", True), ("B", False)):
        own = [r for r in reds if (not r.known_ms) is unseen][:8]
        lines = asker.ask("city", "最新不满意评价", ref)
        assert [r["time"] for r in lines] == [r.time_ms for r in own]
        assert {r["text"][:3] for r in lines} == {"未知悉" if unseen else "已知悉"}
        for line, red in zip(lines, own, strict=True):
            assert PHONES[red.hall] in line["text"]
            assert LEADERS[red.hall] in line["text"]
    with closing(schema.open_for_reading(asker.city.config.data.ledger)) as ledger:
        roster = Roster.from_facts(fact_rows(ledger))
    for board, limit in (("county", 12), ("hall", 12), ("windows", 8)):
        rows = asker.ask(board, "最新不满意评价")
        newest = reds[:limit]
        assert [r["time"] for r in rows] == [r.time_ms for r in newest]
        assert [r["known"] for r in rows] == [int(r.known_ms > 0) for r in newest]
        assert [r["known"] for r in rows[:3]] == [1, 1, 0]
        for row, red in zip(rows, newest, strict=True):
            assert (row["phone"], row["leader"]) == (PHONES[red.hall], LEADERS[red.hall])
            leader = roster.leader(red.hall, red.time_ms)
            assert row["leader_phone"] == (leader.tel if leader else "")
            assert row["hall_name"] == named(roster, red.hall)[0]
            assert row["window_name"] == roster.units[red.window].zh
        here = asker.ask(board, "最新不满意评价", county=["np"])
        assert [r["time"] for r in here] == [r.time_ms for r in reds if r.county == "np"][:limit]
    english = [
        t for p, t in targets("en") if (p.board, p.body["title"]) == ("hall", "Latest dissatisfied ratings")
    ]
    asked = interpolate(english[0]["query"], 0, 0, county=[ALL], hall=[ALL])
    halls = {r["hall_name"] for r in asker.city.ask_source("manyi-wall", asked)}
    assert halls <= {"Nanping HRSS Hall", "Songhe HRSS Hall", "Songhe, Liulin HRSS Hall"}


@pytest.mark.parametrize("board", ["county", "hall", "windows"])
def test_a_period_sums_the_days_and_works_its_interval_out_anew(asker: Asker, board: str) -> None:
    chosen = {"county": ["sh"], "hall": [ALL]}
    week = asker.seven_midnights
    own = asker.of(lambda r: asker.week(r) and r.county == "sh")
    (row,) = asker.ask(board, "评价人次", span=week, **chosen)
    assert {k: row[k] for k in own} == own
    for title, k in (("满意率", own["s"]), ("满意及基本满意率", own["s"] + own["b"])):
        (row,) = asker.ask(board, title, span=week, **chosen)
        assert [row[x] for x in ("rate", "lo", "hi")] == pytest.approx(bounds(k, own["n"]), abs=1e-9)


@pytest.mark.parametrize("board", WEEK)
def test_days_are_stacked_from_the_ledgers_days(asker: Asker, board: str) -> None:
    for ref, level in zip("ABC", (1, 2, 3), strict=True):
        own = Counter(midnight(r.time_ms) for r in asker.city.ratings() if asker.week(r) and r.level == level)
        shown = {r["time"]: r["sum"] for r in asker.ask(board, "每日人次", ref) if r["sum"]}
        assert shown == own
    days = Counter(midnight(r.time_ms) for r in asker.city.ratings() if asker.week(r))
    good = Counter(midnight(r.time_ms) for r in asker.city.ratings() if asker.week(r) and r.level == 1)
    enough = {day: bounds(good[day], n) for day, n in days.items() if n >= FEWEST}
    for ref, name, at in (("B", "rate", 0), ("C", "lo", 1), ("A", "hi", 2)):
        rows = asker.ask(board, "每日满意率与区间", ref)
        shown = {r["time"]: r[name] for r in rows if r[name] is not None}
        assert shown.keys() == enough.keys()
        assert shown == pytest.approx({day: b[at] for day, b in enough.items()}, abs=1e-9)


def test_small_days_of_a_hall_have_no_rate(asker: Asker) -> None:
    few = asker.ask("hall", "每日满意率与区间", "B", hall=["sh-h2"])
    small = Counter(midnight(r.time_ms) for r in asker.city.ratings() if asker.week(r) and r.hall == "sh-h2")
    assert {r["time"]: r["rate"] is None for r in few} == {day: n < FEWEST for day, n in small.items()}
    assert min(small.values()) < FEWEST


@pytest.mark.parametrize(
    ("board", "title", "tags", "span"),
    [
        ("county", "各大厅", ("hall",), "week"),
        ("hall", "各窗口", ("hall", "window"), "week"),
        ("windows", "各窗口", ("hall", "window"), "today"),
    ],
)
def test_tables_of_units_are_the_ledgers_with_both_rates_or_too_few(
    asker: Asker, board: str, title: str, tags: tuple[str, ...], span: str
) -> None:
    which: Which = getattr(asker, span)
    rows = asker.ask(board, title)
    assert sum(r["n"] for r in rows) == asker.of(which)["n"]
    few = 0
    for row in rows:
        own = asker.of(lambda r, row=row: which(r) and all(getattr(r, t) == row[t] for t in tags))
        assert {k: row[k] for k in own} == own
        hidden = 0 if own["n"] >= FEWEST else 9
        few += hidden > 0
        for name, k in (("rate_s", own["s"]), ("rate_sb", own["s"] + own["b"])):
            shown = [row[name] + hidden, row[f"{name}_lo"], row[f"{name}_hi"]]
            assert shown == pytest.approx(bounds(k, own["n"]), abs=1e-9)
            assert (row[name] < -1) == (own["n"] < FEWEST)
    if board == "windows":
        assert few == len(rows), "no window has 59 in the seeded day"


def test_a_screen_in_utc_has_todays_windows(asker: Asker) -> None:
    """The range on which 窗口 opens holds one midnight of Beijing, today's, at every hour."""
    rows = asker.ask("windows", "各窗口", span=(asker.city.now - DAY, asker.city.now))
    assert sum(r["n"] for r in rows) == asker.of(asker.today)["n"] > 0


def test_visits_without_a_rating_are_known_where_the_queue_told_them(asker: Asker) -> None:
    yesterday = midnight(asker.city.now, -1)
    rated = asker.of(lambda r: r.window == "sh-h1-w1" and midnight(r.time_ms) == yesterday)["n"]
    for board in ("county", "hall", "windows"):
        (row,) = asker.ask(board, "未评", span=asker.seven_midnights, county=["sh"])
        assert (row["visits"], row["unrated"]) == (40, 40 - rated)
        assert row["rating_rate"] == pytest.approx(rated / 40)
        assert asker.ask(board, "未评", span=asker.seven_midnights, county=["np"]) == []


def test_the_course_of_a_day_sums_to_the_day(asker: Asker) -> None:
    for ref, level in zip("ACE", "sbd", strict=True):
        rows = asker.ask("windows", COURSE[0], ref, county=["np"])
        assert sum(r["sum"] for r in rows) == asker.of(lambda r: asker.today(r) and r.county == "np")[level]


@pytest.mark.parametrize(
    ("days", "step", "refs"),
    [(8, HOUR // 2, "ACE"), (15, HOUR, "ACE"), (29, 2 * HOUR, "ACE"), (35, DAY, "BDF"), (365, DAY, "BDF")],
)
def test_the_longer_the_period_the_longer_its_steps_and_all_of_it_is_the_ledgers(
    asker: Asker, days: int, step: int, refs: str
) -> None:
    since, until = midnight(asker.city.now, -days), asker.city.now
    answered = ""
    for ref, level in zip("ABCDEF", (1, 1, 2, 2, 3, 3), strict=True):
        rows = asker.ask("windows", COURSE[0], ref, span=(since, until), county=["sh"])
        if not rows:
            continue
        answered += ref
        own: Counter[int] = Counter()
        for r in asker.city.ratings():
            if r.time_ms >= since and r.county == "sh" and r.level == level:
                day = midnight(r.time_ms)
                own[day + (r.time_ms - day) // step * step] += 1
        assert {r["time"]: r["sum"] for r in rows if r["sum"]} == own
    assert answered == refs


@pytest.mark.parametrize(
    ("title", "level", "hall"),
    [("全市来评人次（小时 × 星期）", 0, ""), ("全市不满意人次", 3, ""), ("所选大厅来评人次", 0, "sh-h1")],
)
def test_peaks_are_the_hours_of_eight_weeks(asker: Asker, title: str, level: int, hall: str) -> None:
    rows = asker.ask("peaks", title, hall=[hall or ALL])
    profile = asker.city.ask_source(
        "manyi-day",
        "SELECT last(days) AS days FROM profile WHERE "
        + (f"tier = 'hall' AND hall = '{hall}'" if hall else "tier = 'city'")
        + " GROUP BY weekday, hour",
    )
    days = {(r["weekday"], r["hour"]): r["days"] for r in profile}
    own: Counter[str] = Counter()
    for r in asker.city.ratings():
        if not asker.today(r) and (not level or r.level == level) and (not hall or r.hall == hall):
            own[datetime.fromtimestamp(r.time_ms / 1000, BEIJING).strftime("%H")] += 1
    shown: Counter[str] = Counter()
    for row in rows:
        shown[row["hour"]] += round(row["v"] * days[row["weekday"], row["hour"]])
    assert shown == own


def test_boxes_are_the_ledgers_states(asker: Asker) -> None:
    for board in ("city", "fleet"):
        (row,) = asker.ask(board, "评价器")
        assert (row["online"], row["silent"], row["known"]) == (11, 1, 12)
    rows = {r["box"]: r for r in asker.ask("fleet", "全部评价器")}
    assert len(rows) == 12
    assert {box for box, r in rows.items() if not r["online"]} == {"sim-010"}
    assert (rows["sim-002"]["rssi"], rows["sim-002"]["room"], rows["sim-002"]["fw"]) == (-58, 7598, "1.4.0")
    assert rows["sim-002"]["heap"] == 41_194
    held = {"depth": 3, "oldest": 3, "stuck": 4, "faults": 2, "clock": 2}
    assert {name: rows["sim-004"][name] for name in held} == held
    assert {name: rows["sim-002"][name] for name in held} == dict.fromkeys(held, 0) | {"clock": 1}
    (row,) = asker.ask("fleet", "评价器")
    assert (row["depth"], row["stuck"]) == (8, 2), "two boxes with keys held, whichever"
    assert rows["sim-002"]["up_days"] == pytest.approx(5 + 2 / 24)
    assert rows["sim-002"]["window"] == "np-h1-w2"
    assert {box for box, r in rows.items() if r["reason"] == 5} == {"sim-011"}
    assert [r["fw"] for r in asker.ask("fleet", "固件版本")] == ["1.4.0"] * 12
    assert asker.ask("fleet", "在线台数与待传记录")[-1]["sum"] == 11
    assert asker.ask("fleet", "在线台数与待传记录", "B")[-1]["sum"] == 8


def test_the_account_is_the_ledgers(asker: Asker) -> None:
    """As it was at the moment that InfluxDB was told: what a silent box may have lost grows by the second."""
    fields = ("pressed", "stored", "waiting", "lost", "lost_box", "lost_centre", "unknown", "forked")

    def at(time_ms: int) -> account.Account:
        with closing(schema.open_for_reading(asker.city.config.data.ledger)) as ledger:
            return account.read(ledger, time_ms, 180_000)

    told = asker.city.ask_source("manyi-wall", "SELECT waiting FROM account WHERE scope = 'city'")
    found = at(told[-1]["time"])
    assert found.total.unknown > 0, "one box is silent"
    with closing(stores.open_reader(asker.city.config.data.wall)) as wall:
        shown = int(stores.get(wall, "shown", "0"))
    for board, title in (
        ("city", "对账：按下 = 入库 + 待传 + 承认丢失"),
        ("account", "对账：按下 = 入库 + 待传 + 承认丢失"),
        ("account", "丢在哪里、还差什么"),
    ):
        (row,) = asker.ask(board, title)
        figures = {"shown": shown, "ok": int(found.ok), "undated": 0}
        figures |= {name: getattr(found.total, name) for name in fields}
        assert {name: value for name, value in row.items() if name != "time"}.items() <= figures.items()
        assert row.keys() >= {"pressed", "stored", "waiting", "lost", "unknown", "shown", "ok"}
    rows = asker.ask("account", "每台评价器")
    assert {r["box"] for r in rows} == {line.box for line in found.lines}
    for row in rows:
        (line,) = [line for line in at(row["time"]).lines if line.box == row["box"]]
        assert {name: row[name] for name in fields} == {name: getattr(line, name) for name in fields}
        assert row["ok"] == int(line.ok)
    assert asker.ask("account", "待传与失联")[-1]["last"] == found.total.waiting
    assert asker.ask("account", "待传与失联", "B")[-1]["last"] == found.total.unknown


def test_the_collectors_own_figures_are_what_the_ledger_says(asker: Asker) -> None:
    with closing(schema.open_for_reading(asker.city.config.data.ledger)) as ledger:
        (rows,) = ledger.execute("SELECT max(id) FROM row").fetchone()
    (row,) = asker.ask("system", "采集器计数")
    assert (row["records"], row["aside"]) == (rows, 0)
    assert (row["batches"], row["queue"]) == (metrics.value(metrics.ACKS), QUEUED)
    assert row["batches"] >= ANSWERED
    for board in ("city", "system"):
        (row,) = asker.ask(board, "采集器")
        assert HOUR <= row["up_days"] * DAY <= asker.city.looked_ms - asker.city.now + HOUR
        assert row["live_lag_ms"] == 0, "the wall has taken in all of the ledger"
    (disk,) = asker.ask("system", "磁盘")
    room = shutil.disk_usage(asker.city.config.data.ledger.parent)
    assert disk["disk_free_bytes"] == pytest.approx(room.free, rel=0.5), "others write meanwhile"
    assert disk["disk_free_ratio"] == pytest.approx(disk["disk_free_bytes"] / room.total, abs=1e-4)
    ledger = asker.city.config.data.ledger
    sizes = sum(file.stat().st_size for file in ledger.parent.glob(f"{ledger.name}*"))
    assert ledger.stat().st_size <= disk["ledger_bytes"] <= sizes
    feeds = {r["feed"]: (r["lag"], r["failing"]) for r in asker.ask("system", "各投影")}
    assert {"ratings", "wall", "influx", "influx wall", "influx rollup", "influx day"} <= set(feeds)
    assert {failing for _, failing in feeds.values()} == {0}
    found = certificates.read(asker.city.config.certificates)
    left = {one.name: (one.days_left(asker.city.looked_ms), one.expires_ms) for one in found}
    assert set(left) == {"ca", "broker"}
    for board in ("fleet", "system"):
        rows = asker.ask(board, "证书到期")
        assert {r["name"]: (r["days_left"], r["expires_ms"]) for r in rows} == left


def test_records_per_minute_are_the_growth_of_the_ledger(asker: Asker, influx: Influx) -> None:
    """Two looks a minute apart, written as the collector writes them."""
    bucket = influx.bucket()
    lines = [
        f"collector records={n}i {(asker.city.today + ms) * 1_000_000}" for n, ms in ((100, 0), (190, 60_000))
    ]
    influx.write(bucket, lines)
    query = interpolate(query_of("每分钟入库记录"), asker.city.today, asker.city.today + HOUR, interval="1m")
    (row,) = influx.query(bucket, query)
    assert row["non_negative_derivative"] == 90


def test_lag_and_queue_show_their_worst(asker: Asker, influx: Influx) -> None:
    bucket = influx.bucket()
    for ms, lag, queue in ((1_000, 900, 2), (2_000, 40, 31), (3_000, 60, 0)):
        influx.write(
            bucket, [f"collector live_lag_ms={lag}i,queue={queue}i {(asker.city.today + ms) * 1_000_000}"]
        )
    worst = []
    for ref in "AB":
        asked = query_of("实时延迟与队列", ref=ref)
        query = interpolate(asked, asker.city.today, asker.city.today + HOUR, interval="1m")
        worst += [row["max"] for row in influx.query(bucket, query)]
    assert worst == [900, 31]


def test_a_projection_that_fails_says_so_beside_how_far_it_is_behind(influx: Influx) -> None:
    asked = query_of("各投影")
    bucket, at = influx.bucket(), int(time.time() * 1000) - 5_000
    feeds = ("influx\\ wall lag=70i,failing=1i", "ratings lag=3i,failing=0i")
    influx.write(bucket, ["collector up_ms=9i", *(f"collector,feed={feed} {at}000000" for feed in feeds)])
    rows = {r["feed"]: (r["lag"], r["failing"]) for r in influx.query(bucket, asked)}
    assert rows == {"influx wall": (70, 1), "ratings": (3, 0)}


def test_how_old_the_data_are_is_the_age_of_the_collectors_last_line(influx: Influx) -> None:
    asked = query_of("数据截至")
    for lines_ago, expected in (
        ([75], 75),
        ([599, 300, 75], 75),
        ([40, 30, 3], 3),
        ([700], None),
        ([], None),
    ):
        bucket = influx.bucket()
        lines = [
            f"collector up_ms={10**9 - ago}i {int((time.time() - ago) * 1000)}000000" for ago in lines_ago
        ]
        lines.append(f"collector,feed=wall lag=0i,failing=0i {int(time.time() * 1000)}000000")
        influx.write(bucket, lines)
        rows = influx.query(bucket, asked)
        if expected is None:
            assert rows == []
        else:
            (row,) = rows
            assert expected <= row["age"] <= expected + 60


def test_a_dead_collector_is_the_first_alarm_and_boxes_and_account_are_not_known(influx: Influx) -> None:
    def asked(title: str) -> str:
        """Not compared by this: whether there is a row at all."""
        return str(next(zh[1]["query"] for zh, _ in QUERIES if key(*zh)[:2] == ("city", title)))

    shown = {"报警": 0, "评价器": 1, "对账：按下 = 入库 + 待传 + 承认丢失": 1, "采集器": 1}
    for ago, rows in ((20, shown), (150, {**dict.fromkeys(shown, 0), "报警": 1})):
        bucket, at = influx.bucket(), int((time.time() - ago) * 1000)
        account = "pressed=1i,stored=1i,waiting=0i,lost=0i,unknown=0i,shown=1i,ok=1i,boxes=2i,online=1i"
        influx.write(bucket, [f"collector up_ms=9i {at}000000", f"account,scope=city {account} {at}000000"])
        assert {title: len(influx.query(bucket, asked(title))) for title in shown} == rows
    (dead,) = influx.query(bucket, query_of("报警", "city"))
    assert 150 <= dead["age"] <= 190


def test_the_wall_says_how_many_alarms_it_has_no_room_for(influx: Influx) -> None:
    (panel,) = [
        p for p, t in targets("zh") if (p.board, p.body["title"], t["refId"]) == ("city", "报警", "B")
    ]
    room = panel.body["options"]["reduceOptions"]["limit"]
    bucket, at = influx.bucket(), int(time.time() * 1000)
    points = [
        f'alarm,kind=silent,subject=b{i},county=c active=1i,text_zh="x" {at}000000' for i in range(room)
    ]
    influx.write(bucket, [*points, f'alarm,kind=fork,subject=b,county=c active=0i,text_zh="over" {at}000000'])
    asked = query_of("报警", "city", "B")
    assert influx.query(bucket, asked) == []
    influx.write(bucket, [f'alarm,kind=disk,subject=-,county=- active=1i,text_zh="x" {at}000000'])
    assert [row["n"] for row in influx.query(bucket, asked)] == [room + 1]


def test_no_staff_is_in_a_bucket_that_grafana_reads(asker: Asker) -> None:
    """Neither an id nor a name nor a badge, in any tag or text of any measurement; leaders on duty are in `red` alone."""
    with closing(schema.open_for_reading(asker.city.config.data.ledger)) as ledger:
        roster = Roster.from_facts(fact_rows(ledger))
    rated = {r.staff for r in asker.city.ratings() if r.staff}
    assert rated
    persons = {p for one in roster.staff.values() for p in (one.id, one.zh, one.en, one.badge) if p} | rated
    assert {r.known_by for r in asker.city.ratings() if r.known_ms and not r.known_role} == {TYPED}
    persons.add(TYPED)
    raw = {str(r["staff"]) for r in asker.city.ask("manyi", "SELECT n, staff FROM rating")}
    assert rated <= raw, "the raw bucket knows them"
    texts: dict[str, set[str]] = {}
    for uid in BUCKETS:
        for (name,) in [r.values() for r in asker.city.ask_source(uid, "SHOW MEASUREMENTS")]:
            rows = asker.city.ask_source(uid, f'SELECT * FROM "{name}"')
            assert rows
            assert not {"staff", "badge"} & rows[0].keys()
            texts.setdefault(name, set()).update(
                v for row in rows for v in row.values() if isinstance(v, str)
            )
    assert {"rating", "red", "box", "account", "rollup_day", "summary", "ranking"} <= set(texts)
    for name, said in texts.items():
        assert not said & persons, name
        joined = " ".join(said)
        assert not [p for p in persons if len(p) > 2 and p in joined], name
        assert ("何志远" in joined) == (name == "red"), name


def test_how_long_a_press_takes_is_the_ledgers(asker: Asker) -> None:
    own: dict[int, list[int]] = {}
    for r in asker.city.ratings():
        if r.time_ms >= asker.city.now - 24 * HOUR:
            own.setdefault(r.time_ms // (10 * MINUTE) * 10 * MINUTE, []).append(r.latency_ms)
    for ref, percent in (("A", 50), ("B", 95), ("C", 99)):
        shown = {r["time"]: r["percentile"] for r in asker.ask("system", "按下到入库", ref)}
        rank = {
            at: int(len(of) * percent / 100 + 0.5) for at, of in own.items()
        }  # as InfluxQL says: the nearest
        assert shown == {at: sorted(of)[rank[at] - 1] for at, of in own.items() if rank[at]}


def test_alarms_are_the_walls_in_both_languages(asker: Asker) -> None:
    urgent, rest = asker.ask("city", "报警", "C"), asker.ask("city", "报警", "D")
    rows = [{**row, "since_ms": row["since_ms"] - 8 * HOUR} for row in (*urgent, *rest)]  # the wall is in UTC
    with closing(stores.open_reader(asker.city.config.data.wall)) as wall:
        held = json.loads(stores.get(wall, "health", "{}"))["alarms"]
    own = sorted((a["since_ms"], a["text_zh"]) for a in held)
    assert sorted((r["since_ms"], r["text"]) for r in rows) == own, "each in one of the two"
    matter = sorted(held, key=lambda a: (RANK[a["kind"]], -a["since_ms"], a["text_zh"]))
    assert len({a["kind"] for a in held}) > 2
    shown = sorted(rows, key=lambda r: (r["order"], r["text"]))  # some begin at one moment
    assert [r["text"] for r in shown] == [a["text_zh"] for a in matter]
    assert sorted((r["since_ms"], r["text"]) for r in asker.ask("system", "报警")) == own
    assert [row["alive"] for row in asker.ask("city", "报警", "E")] == [1]
    assert any(DISLIKED in r["text"] or "不满意" in r["text"] for r in rows)
    assert any("sim-010" in r["text"] for r in rows)
    english = next(t for p, t in targets("en") if (p.board, p.body["title"]) == ("system", "Alarms"))
    said = asker.city.ask_source("manyi-wall", english["query"])
    assert sorted(r["since_ms"] for r in said) == sorted(r["since_ms"] for r in rows)
    assert all(r["text"].isascii() or "Box" in r["text"] or "dissatisfied" in r["text"] for r in said)


def test_alarms_about_boxes_are_the_chosen_counties(asker: Asker) -> None:
    with closing(stores.open_reader(asker.city.config.data.wall)) as wall:
        held = json.loads(stores.get(wall, "health", "{}"))["alarms"]
    about = [a for a in held if a["kind"] in fleet.ABOUT]
    assert 0 < len(about) < len(held)
    for county in ("np", "sh", ALL):
        own = sorted((a["since_ms"], a["text_zh"]) for a in about if county in (a["county"], ALL))
        rows = asker.ask("fleet", "评价器的报警", county=[county])
        assert sorted((r["since_ms"], r["text"]) for r in rows) == own
        assert own, county
    odd = Counter(a["box"] for a in about if a["kind"] in fleet.ODD)
    assert {r["box"]: r["complaints"] for r in asker.ask("fleet", "全部评价器", "B")} == odd
    assert odd.keys() == {"sim-004", "sim-008"}, "keys held down; the silent one says so itself"


def test_that_there_are_no_other_alarms_is_said_only_while_the_collector_speaks(influx: Influx) -> None:
    asked = query_of("报警", "city", "E")
    for ago, rows in ((20, 1), (95, 0)):
        bucket, at = influx.bucket(), int((time.time() - ago) * 1000)
        influx.write(
            bucket,
            [
                f"collector up_ms=9i {at}000000",
                f"collector,feed=wall lag=0i,failing=0i {at + ago * 1000}000000",
            ],
        )
        found = influx.query(bucket, asked)
        assert len(found) == rows
        assert all(row["order"] > max(RANK.values()) * 10**13 for row in found), "it stands last"


def test_no_query_of_the_boards_is_without_a_comparison(request: pytest.FixtureRequest) -> None:
    """The last of the module, because it asks what all others compared. None is excepted: what the seeded city cannot
    show (a clock's age, a rate of two looks) is compared on points of its own above.
    """
    tests = {name for name in globals() if name.startswith("test_")}
    if tests - RAN - {request.function.__name__}:
        pytest.skip("only some of the comparisons ran in this process")
    assert sorted({key(*zh) for zh, _ in QUERIES} - COMPARED) == []
