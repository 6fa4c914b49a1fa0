"""Visits: what is taken and why not, told twice, who may tell, and counts against figures worked out one by one."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.cli import app
from manyi.core import export, stores, verify
from manyi.core.days import day_begin
from manyi.core.errors import InputError, LedgerError, SetupError
from manyi.core.ledger import facts, schema
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.store import Ratings
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import fact_rows
from manyi.core.told.sources import Source, Sources, add_source, digest_of, parse
from manyi.core.visits import report as visits
from manyi.core.visits.intake import Intake
from manyi.core.visits.store import Counts, VisitStore, added, of_business, of_day
from typer.testing import CliRunner

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger

ISO = "2026-11-21T12:00:00+08:00"  # NOON
HALL_1 = Source("queue_h1", "0" * 64, frozenset({"h1"}), {"1": "w1"}, {"社保": 12}, prompt=False)


def told(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"A{n:03}", "window": "w1", "finished_ms": NOON, **more}


class Desk:
    """A real ledger (by facts and Intake), visits.db and ratings of a paper ledger beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = schema.open_for_writing(folder / "ledger.db")
        facts.append_facts(self.ledger, NOON, TOWN)
        self.intake = Intake(folder)

    def close(self) -> None:
        self.intake.close()
        self.ledger.close()

    def take(self, *items: Any, source: Source = HALL_1, now_ms: int = NOON) -> dict[str, Any]:
        return self.intake.take(source, json.dumps(list(items)).encode(), now_ms).as_dict()

    def rows(self) -> int:
        return int(self.ledger.execute("SELECT count(*) FROM row WHERE kind = 'visit'").fetchone()[0])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def test_one_many_or_wrapped_are_taken_as_one_row_each_message(desk: Desk) -> None:
    one = desk.intake.take(HALL_1, json.dumps(told(1)).encode(), NOON)
    assert one.as_dict() == {"taken": 1, "repeated": 0, "refused": []}
    assert desk.take(told(2), told(3, window="1"), told(4, finished_ms=NOON, business="社保"))["taken"] == 3
    wrapped = json.dumps({"visits": [told(5)]}).encode()
    assert desk.intake.take(HALL_1, wrapped, NOON).as_dict()["taken"] == 1
    assert desk.rows() == 3
    row = desk.ledger.execute(
        "SELECT body FROM row WHERE kind = 'visit' ORDER BY id LIMIT 1 OFFSET 1"
    ).fetchone()
    source, found = visits.said(row[0]) or ("", [])
    assert source == "queue_h1"
    assert [(v.id, v.window, v.biz) for v in found] == [
        ("A002", "w1", 0),
        ("A003", "w1", 0),
        ("A004", "w1", 12),
    ]


def test_told_again_changes_nothing_and_says_so(desk: Desk) -> None:
    desk.take(told(1), told(2))
    again = desk.take(told(1), told(2), told(2), told(3))
    assert again == {"taken": 1, "repeated": 3, "refused": []}
    desk.intake.close()
    desk.intake = Intake(desk.folder)
    assert desk.take(told(1), told(3))["repeated"] == 2
    assert desk.rows() == 2
    other = Source("queue_h2", "0" * 64)
    assert desk.take(told(1), source=other)["taken"] == 1, "another system's A001 is another visit"


def test_same_id_with_something_else_is_refused_unless_it_says_that_it_is_a_correction(desk: Desk) -> None:
    desk.take(told(1))
    found = desk.take(told(1, window="w2"), told(2), told(2, finished_ms=NOON - 1))
    assert found["taken"] == 1
    assert [(r["index"], r["id"]) for r in found["refused"]] == [(0, "A001"), (2, "A002")]
    assert "needs a higher rev" in found["refused"][0]["why_en"]


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (told(window="w9"), "not in the roster"),
        (told(window="h1"), "not in the roster"),
        (told(window=""), "not in the roster"),
        (told(window="w3"), "not this queue system's"),
        (told(id=""), "1 to 64"),
        (told(id="x" * 65), "1 to 64"),
        (told(id="a\nb"), "1 to 64"),
        (told(finished_ms=NOON + 300_001), "future"),
        (told(finished_ms=NOON - 31 * 86_400_000 - 1), "31 days"),
        (told(finished_ms="1"), "with its zone"),
        (told(finished_ms=True), "with its zone"),
        ({"id": "1", "window": "w1", "finished": "2026-11-21T12:00:00"}, "with its zone"),
        ({"id": "1", "window": "w1", "finished": "yesterday"}, "with its zone"),
        ({"id": "1", "window": "w1"}, "with its zone"),
        (told(finished=ISO), "with its zone"),
        (told(business="医保"), "not in the source's table"),
        (told(business=65_536), "not in the source's table"),
        (told(business=True), "not in the source's table"),
        (told(staff="x" * 33), "at most 32"),
        (told(staff=["g1"]), "at most 32"),
        (told(prompt=1), "true or false"),
        (told(phone="139"), "unknown field phone"),
        ("A001", "JSON object"),
        (None, "JSON object"),
    ],
)
def test_bad_visit_is_refused_in_plain_words_and_holds_no_other(desk: Desk, item: Any, says: str) -> None:
    found = desk.take(told(900), item, told(901))
    assert found["taken"] == 2
    (refused,) = found["refused"]
    assert refused["index"] == 1
    assert says in refused["why_en"]
    assert any("\u4e00" <= c <= "\u9fff" for c in refused["why"])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"7",
        b'"x"',
        b"[" * 100_000,
        json.dumps([told()] * 1_001).encode(),
        json.dumps(told() | {"id": "\ud800"}).encode(),  # half a character: JSON, and no text
        json.dumps(told() | {"staff": "\udfff"}).encode(),
    ],
)
def test_message_that_is_none_takes_nothing(desk: Desk, payload: bytes) -> None:
    with pytest.raises(InputError):
        desk.intake.take(HALL_1, payload, NOON)
    assert desk.rows() == 0


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda x: (
            st.lists(x, max_size=4)
            | st.dictionaries(
                st.sampled_from(["id", "window", "finished", "finished_ms", "business", "staff", "visits"]), x
            )
        ),
        max_leaves=8,
    )
)
def test_nothing_that_is_sent_breaks_the_intake(desk: Desk, payload: Any) -> None:
    try:
        answer = desk.intake.take(HALL_1, json.dumps(payload).encode(), NOON)
    except InputError:
        return
    assert not answer.taken
    assert answer.refused


def test_iso_time_with_any_zone_is_the_same_moment(desk: Desk) -> None:
    zones = (ISO, "2026-11-21T04:00:00Z", "2026-11-21T04:00:00.000+00:00")
    roster = Roster.from_facts(fact_rows(desk.ledger))
    told_ = [visits.judge({"id": "1", "window": "w1", "finished": z}, HALL_1, roster, NOON) for z in zones]
    assert {v.finished_ms for v in told_} == {NOON}
    assert datetime.fromtimestamp(NOON / 1000, UTC).isoformat() == "2026-11-21T04:00:00+00:00"


def test_rows_are_of_the_chain_and_an_export_without_persons_verifies(desk: Desk) -> None:
    desk.take(told(1, staff="g1"), told(2))
    desk.take(told(3))
    assert verify.ledger(desk.ledger, desk.folder / "roots").finding is None
    day, out = date(2026, 11, 21), desk.folder / "export"
    export.write(desk.ledger, desk.folder / "roots", out, (day, day))
    assert export.check(out).finding is None
    said = "".join(path.read_text() for path in out.iterdir() if path.is_file())
    assert '"kind":"visit"' in said.replace(" ", "")
    assert not any(word in said for word in ("A001", b"A001".hex(), b"g1".hex()))


def test_copy_of_another_zone_takes_no_visits(desk: Desk, tmp_path: Path) -> None:
    desk.ledger.execute("INSERT INTO meta VALUES ('follows', 'x')")
    with pytest.raises(LedgerError):
        desk.take(told(1))


def test_nothing_is_said_to_be_taken_while_the_ledger_is_locked(desk: Desk, monkeypatch: Any) -> None:
    desk.take(told(1))
    assert desk.intake._desk._conn is not None
    desk.intake._desk._conn.execute("PRAGMA busy_timeout = 1")
    desk.ledger.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        desk.take(told(2))
    desk.ledger.execute("ROLLBACK")
    assert desk.take(told(2))["taken"] == 1


# -- who may tell


def test_source_file_is_for_its_owner_alone_and_tokens_lie_in_it_as_digests(tmp_path: Path) -> None:
    file, token_file = tmp_path / "visits.toml", tmp_path / "token"
    add_source(file, "queue_h1", ["h1"], token_file)
    add_source(file, "queue_h2", [], tmp_path / "token2")
    token = token_file.read_text().strip()
    assert token not in file.read_text()
    assert {p.stat().st_mode & 0o777 for p in (file, token_file)} == {0o600}
    sources = Sources(file)
    assert (sources.of_token(token) or HALL_1).name == "queue_h1"
    assert sources.of_token(token[:-1]) is None
    assert sources.of_token("") is None
    with pytest.raises(InputError):
        add_source(file, "queue_h1", [], tmp_path / "token3")
    with pytest.raises(InputError):
        add_source(file, "box-1", [], tmp_path / "token3")
    with pytest.raises(InputError):
        add_source(file, "queue_h3", [], token_file)
    file.chmod(0o640)
    with pytest.raises(SetupError, match="chmod 600"):
        Sources(file).all()


def test_changed_source_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "visits.toml"
    add_source(file, "queue_h1", [], tmp_path / "token")
    sources = Sources(file)
    assert set(sources.all()) == {"queue_h1"}
    add_source(file, "queue_h2", [], tmp_path / "token2")
    assert set(sources.all()) == {"queue_h1", "queue_h2"}


def test_every_problem_of_a_source_file_is_told_at_once() -> None:
    with pytest.raises(SetupError) as told_:
        parse('[box-1]\n[queue_a]\ntoken_sha256="1"\nhals=[]\n[queue_b]\nbusiness={a=-1}\n', "f")
    text = str(told_.value)
    assert "[box-1]" in text
    assert "token_sha256, hals" in text
    assert "business" in text
    assert len(digest_of("x")) == 64
    assert digest_of("x") == sha256(b"x").hexdigest()


# -- counts


class Hall:
    """Paper ledger with visits in between, visits.db and ratings.db behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = PaperLedger(folder)
        self.ledger.fact(*TOWN)
        self.ratings = Ratings(folder / "ratings.db", self.ledger.conn)
        self.ratings.drain()
        self.source = stores.open_reader(folder / "ratings.db")
        self.visits = VisitStore(folder / "visits.db")
        self.reader = stores.open_reader(folder / "visits.db")
        self.told: dict[str, tuple[str, int]] = {}
        self.boots = 0

    def close(self) -> None:
        for one in (self.reader, self.visits, self.source, self.ratings, self.ledger):
            one.close()

    def visit(self, n: int, window: str = "w1", at_ms: int = NOON) -> None:
        raw = visits.body("queue_h1", [visits.Visit(f"A{n}", window, at_ms, n % 3, "", 0)])
        self.told.setdefault(f"A{n}", (window, at_ms))
        self.ledger.conn.execute("BEGIN IMMEDIATE")
        self.ledger._row(at_ms, "visit", None, raw, None)  # type: ignore[arg-type]
        self.ledger.conn.execute("COMMIT")

    def rate(self, box: str, of: int | None = None, at_ms: int = NOON) -> None:
        self.boots += 1
        self.ledger.clock(box, 0, at_ms, at_ms, boot=self.boots)
        key = "" if of is None else visits.key("queue_h1", f"A{of}")
        self.ledger.press(box, 1_000, 1, at_ms + 1_000, boot=self.boots, visit=key, prompted=of is not None)

    def step(self) -> None:
        self.ratings.step()
        self.visits.step(self.ledger.conn, self.source)

    def drain(self) -> None:
        self.ratings.drain()
        while self.visits.step(self.ledger.conn, self.source):
            pass

    def day(self, at_ms: int = NOON) -> dict[str, Counts]:
        return of_day(self.reader, day_begin(at_ms))

    def expected(self) -> dict[tuple[str, int], Counts]:
        keys = {visits.key("queue_h1", n): where for n, where in self.told.items()}
        found = as_of(self.source, 2**62)
        out = {}
        for spot in {(w, day_begin(t)) for w, t in self.told.values()}:
            mine = [k for k, (w, t) in keys.items() if (w, day_begin(t)) == spot]
            matched = len({r.visit for r in found if r.visit in mine})
            loose = sum((r.window, day_begin(r.time_ms)) == spot and r.visit not in keys for r in found)
            rated = min(len(mine), matched + loose)
            out[spot] = Counts(len(mine), rated, matched + loose - rated)
        return out

    def all(self) -> dict[tuple[str, int], Counts]:
        rows = self.reader.execute("SELECT window, day_ms, visits, rated, surplus FROM day")
        return {(window, day_ms): Counts(*counts) for window, day_ms, *counts in rows}


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    yield made
    made.close()


def test_unrated_is_visits_without_a_rating(hall: Hall) -> None:
    for n in range(10):
        hall.visit(n)
    for _ in range(4):
        hall.rate("box-1")
    hall.drain()
    assert hall.day() == {"w1": Counts(10, 4, 0)}
    counts = hall.day()["w1"]
    assert (counts.unrated, counts.rate) == (6, 0.4)
    assert of_business(hall.reader, day_begin(NOON), day_begin(NOON) + 1) == {
        ("w1", 0): 4, ("w1", 1): 3, ("w1", 2): 3,
    }  # fmt: skip


def test_more_ratings_than_visits_is_a_surplus_and_never_less_than_nothing_unrated(hall: Hall) -> None:
    hall.visit(1)
    for _ in range(3):
        hall.rate("box-1")
    hall.drain()
    counts = hall.day()["w1"]
    assert (counts, counts.unrated, counts.rate) == (Counts(1, 1, 2), 0, 1.0)


def test_two_ratings_of_one_prompted_visit_are_one_rated_visit(hall: Hall) -> None:
    hall.visit(1)
    hall.visit(2)
    hall.rate("box-1", of=1)
    hall.rate("box-1", of=1, at_ms=NOON + MINUTE)
    hall.drain()
    assert hall.day()["w1"] == Counts(2, 1, 0)


def test_window_whose_visits_nobody_tells_is_not_known_and_not_in_the_sum(hall: Hall) -> None:
    hall.visit(1)
    hall.rate("box-3")
    hall.rate("box-2")
    hall.drain()
    assert set(hall.day()) == {"w1"}
    assert added(hall.day().values()) == Counts(1, 0, 0)


def test_rating_that_came_before_its_visit_was_told_is_matched_late(hall: Hall) -> None:
    hall.visit(9)
    hall.rate("box-1", of=1, at_ms=NOON + MINUTE)
    hall.drain()
    assert hall.day()["w1"] == Counts(1, 1, 0), "an unknown key is some visit's"
    hall.visit(1)
    hall.drain()
    assert hall.day()["w1"] == Counts(2, 1, 0)


def test_rebuild_and_another_ledger_give_the_same(hall: Hall) -> None:
    for n in range(20):
        hall.visit(n, f"w{1 + n % 3}", NOON - n * 3 * 3_600_000)
        hall.rate("box-1", of=n if n % 2 else None, at_ms=NOON - n * 3_600_000)
    hall.drain()
    before = hall.all()
    assert before == hall.expected()
    hall.visits.reset()
    hall.drain()
    assert hall.all() == before
    hall.ratings.reset()
    hall.drain()
    assert hall.all() == before


acts = st.tuples(
    st.sampled_from(["visit", "rate", "prompted", "step"]),
    st.integers(0, 6),
    st.sampled_from(["w1", "w2", "w3"]),
    st.sampled_from([0, -5 * 3_600_000, -13 * 3_600_000]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(acts, max_size=30))
def test_any_order_of_visits_and_ratings_ends_in_the_same_counts(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int, str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("visits")
    hall = Hall(folder)
    for what, n, window, later_ms in history:
        match what:
            case "visit":
                hall.visit(n, window, NOON + later_ms)
            case "rate":
                hall.rate("box-1" if n % 2 else "box-2", at_ms=NOON + later_ms)
            case "prompted":
                hall.rate("box-1", of=n, at_ms=NOON + later_ms)
            case _:
                hall.step()
    hall.drain()
    assert hall.all() == hall.expected()
    hall.close()
    shutil.rmtree(folder)


def test_two_intakes_at_once_count_a_visit_once(desk: Desk) -> None:
    other = Intake(desk.folder)
    with closing(other):
        assert desk.take(told(1))["taken"] == 1
        assert other.take(HALL_1, json.dumps(told(1)).encode(), NOON).repeated == 1
        assert other.take(HALL_1, json.dumps(told(2)).encode(), NOON).taken == 1
        assert desk.take(told(2))["repeated"] == 1


def test_command_lets_a_queue_system_in_and_prints_no_token(tmp_path: Path) -> None:
    run, file, token = CliRunner(), str(tmp_path / "visits.toml"), tmp_path / "token"
    done = run.invoke(
        app, ["visits", "add", "queue_h1", "--file", file, "--hall", "h1", "--token-file", str(token)]
    )
    assert done.exit_code == 0, done.output
    assert token.read_text().strip() not in done.output
    assert (Sources(Path(file)).of_token(token.read_text().strip()) or HALL_1).halls == {"h1"}
    assert "queue_h1  visits  h1" in run.invoke(app, ["visits", "list", "--file", file]).output
    again = run.invoke(app, ["visits", "add", "queue_h1", "--file", file, "--token-file", str(token)])
    assert (again.exit_code, run.invoke(app, ["visits", "list", "--file", str(token)]).exit_code) == (2, 2)


def test_command_writes_the_list_that_the_service_reads(tmp_path: Path) -> None:
    """Without --file it is the configuration's: a list that nobody reads would be answered with 503."""
    run, config, token = CliRunner(), tmp_path / "manyi.toml", tmp_path / "token"
    base = (
        '[city]\nname = "示范市"\nname_en = "Demo"\n[data]\ndir = "data"\n[keys]\nlink_file = "link.keys"\n'
        '[broker]\nhost = "localhost"\nusername = "c"\npassword_file = "p"\n'
    )
    words = ["-c", str(config), "visits", "add", "queue_h1", "--token-file", str(token)]
    config.write_text(base)
    refused = run.invoke(app, words)
    assert (refused.exit_code, token.exists()) == (2, False)
    assert "[visits] sources" in refused.output
    (tmp_path / "secrets").mkdir()
    config.write_text(base + '[visits]\nsources = "secrets/visits.toml"\n')
    done = run.invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "queue_h1" in Sources(tmp_path / "secrets" / "visits.toml").all()
    assert "queue_h1" in run.invoke(app, ["-c", str(config), "visits", "list"]).output
