"""InfluxDB as a projection: a server that is away, slow, refuses a line; corrections; rebuild; the real influxd."""

import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import stores
from manyi.core.influx.follow import Follow, Server
from manyi.core.influx.lines import FIELDS, line, point, tag, time_ns, zeros
from manyi.core.influx.writer import Accepted, Keep, Rejected, Writer
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.store import Ratings, presses

from tests.collector.paper_ledger import LIFE, MINUTE, NOON, TOWN, PaperLedger, on_duty, placed
from tests.collector.test_ratings import events, play
from tests.services.influx import Influx
from tests.services.processes import free_port


def rating(**new: int | str) -> Rating:
    base = {
        "box": "box-1", "life": LIFE, "seq": 41, "version": 1, "row_id": 1, "at_ms": NOON, "boot": 1, "up_ms": 5,
        "time_ms": NOON, "dated": "clock", "level": 2, "first": 3, "presses": 2, "prompted": 1, "flags": 1,
        "reason": 0, "visit": "", "biz": 0, "latency_ms": 7, "county": "c1", "township": "", "hall": "h1",
        "window": "w1", "staff": "",
    }  # fmt: skip
    return Rating(**{**base, **new})  # type: ignore[arg-type]


def test_line_of_a_rating() -> None:
    r = rating()
    assert line(r, point(r)) == (
        "rating,county=c1,township=-,hall=h1,window=w1,staff=-,box=box-1 "
        "n=1i,s=0i,b=1i,d=0i,first_s=0i,first_b=0i,first_d=1i,presses=2i,prompted=1i,flagged=1i,latency_ms=7i "
        f"{NOON}000041"
    )


def test_point_taken_back_is_all_zeros_at_its_old_place_and_time() -> None:
    r = rating()
    text = zeros(point(r), time_ns(r))
    assert text.startswith(point(r) + " n=0i,s=0i,")
    assert "1i" not in text
    assert text.endswith(f" {NOON}000041")


def test_two_presses_in_one_millisecond_are_two_points() -> None:
    assert time_ns(rating(seq=1)) != time_ns(rating(seq=2))
    assert time_ns(rating(seq=1_000_007)) == NOON * 1_000_000 + 7


@given(st.text(max_size=40))
def test_no_tag_value_breaks_a_line(value: str) -> None:
    text = tag(value)
    assert text
    assert not re.search(r"[\n\r\t]|(?<!\\)[ ,=]|\\$", text)


# -- a server that misbehaves on order


class FakeServer:
    """Answers writes by `rule(lines) -> (status, body)`; keeps what it took; `hang` holds every answer back."""

    def __init__(self) -> None:
        self.rule: Callable[[list[str]], tuple[int, str]] = lambda lines: (204, "")
        self.taken: list[str] = []
        self.cleared = 0
        self.hang = threading.Event()
        self.hang.set()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fake.hang.wait()
                if self.path.startswith("/api/v2/delete"):
                    fake.cleared += 1
                    status, said = 204, ""
                else:
                    lines = body.split("\n")
                    status, said = fake.rule(lines)
                    if status == 204:
                        fake.taken += lines
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(said)))
                    self.send_header("Content-Type", "application/json")
                    if status == 429:
                        self.send_header("Retry-After", "3")
                    self.end_headers()
                    self.wfile.write(said.encode())
                except OSError:
                    pass  # the client gave up waiting, as it should

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.hang.set()
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def writer(fake: FakeServer) -> Iterator[Writer]:
    made = Writer(fake.url, "org", "bucket", "token", timeout_ms=60_000)
    yield made
    made.close()


def refuses(word: str) -> Callable[[list[str]], tuple[int, str]]:
    def rule(lines: list[str]) -> tuple[int, str]:
        bad = [text for text in lines if word in text]
        return (400, f'{{"code":"invalid","message":"unable to parse {bad[0][:9]}"}}') if bad else (204, "")

    return rule


def test_one_bad_line_is_named_and_the_rest_is_written(fake: FakeServer, writer: Writer) -> None:
    fake.rule = refuses("bad")
    sent = [f"m,box=b{i} n={i}i 1" for i in range(37)]
    sent[11] = "m,box=bad n=1i 1"
    answer = writer.write(sent)
    assert isinstance(answer, Rejected)
    ((text, why),) = answer.bad
    assert text == sent[11]
    assert why.startswith("400 ")
    assert "unable to parse" in why
    assert sorted(set(fake.taken)) == sorted(text for text in sent if "bad" not in text)


def test_server_that_refuses_every_line_is_not_believed(fake: FakeServer, writer: Writer) -> None:
    fake.rule = lambda lines: (400, "no such page")
    assert isinstance(writer.write([f"m n={i}i 1" for i in range(20)]), Keep)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_what_somebody_can_mend_keeps_the_lines(fake: FakeServer, writer: Writer, status: int) -> None:
    fake.rule = lambda lines: (status, '{"message":"not now"}')
    answer = writer.write(["m n=1i 1"])
    assert isinstance(answer, Keep)
    assert answer.why.startswith(str(status))
    assert answer.wait_s == (3.0 if status == 429 else 0.0)


def test_server_that_never_answers_and_one_that_is_away_keep_the_lines(fake: FakeServer) -> None:
    fake.hang.clear()
    for url in (fake.url, f"http://127.0.0.1:{free_port()}"):
        with closing(Writer(url, "org", "bucket", "token", timeout_ms=300)) as writer:
            assert isinstance(writer.write(["m n=1i 1"]), Keep)
            assert isinstance(writer.clear(), Keep)


@pytest.mark.parametrize(
    "said",
    ["points beyond retention policy dropped=1", "dropped 1 points outside retention policy of duration 1h"],
)
def test_points_older_than_the_bucket_keeps_are_no_bad_lines(
    fake: FakeServer, writer: Writer, said: str
) -> None:
    fake.rule = lambda lines: (422, f'{{"message":"partial write: {said}"}}')
    assert writer.write(["m n=1i 1", "m n=1i 2"]) == Accepted(2)


# -- following ratings.db


class Line:
    """Paper ledger → ratings.db → influx.db → a server."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.ledger = PaperLedger(folder)
        self.ratings = Ratings(folder / "ratings.db", self.ledger.conn)
        self.ratings.drain()
        self.path = folder / "influx.db"
        self.source = stores.open_reader(folder / "ratings.db")
        self.server = server
        self.follow = self.open()

    def open(self) -> Follow:
        return Follow(self.path, self.source, self.server, lambda: NOON)

    def close(self) -> None:
        for one in (self.follow, self.source, self.ratings, self.ledger):
            one.close()

    def drain(self) -> None:
        self.ratings.drain()
        while moved := self.follow.step():
            assert not isinstance(moved, Keep), moved.why

    def press(self, box: str, times: int, level: int = 1, start: int = 1) -> None:
        self.ledger.clock(box, start * MINUTE, NOON)
        for i in range(times):
            up_ms = (start + 1 + i) * MINUTE
            self.ledger.press(box, up_ms, level, NOON + up_ms)


@pytest.fixture
def chain(tmp_path: Path, writer: Writer) -> Iterator[Line]:
    made = Line(tmp_path, writer)
    yield made
    made.close()


def sums(taken: list[str], field: str) -> int:
    """What InfluxDB would sum: the newest line of each point counts."""
    points: dict[tuple[str, str], str] = {}
    for text in taken:
        at, fields, ns = text.split(" ")
        points[at, ns] = fields
    return sum(int(m.group(1)) for f in points.values() if (m := re.search(rf"\b{field}=(\d+)i", f)))


def test_new_follower_clears_the_bucket_then_writes_all(fake: FakeServer, chain: Line) -> None:
    chain.press("box-1", 5)
    chain.drain()
    assert fake.cleared == 1
    assert sums(fake.taken, "presses") == 5
    assert chain.follow.step() == 0


def test_503_then_well_again_loses_and_doubles_nothing(fake: FakeServer, chain: Line) -> None:
    chain.drain()
    fake.rule = lambda lines: (503, "")
    chain.press("box-1", 5)
    chain.ratings.drain()
    assert isinstance(chain.follow.step(), Keep)
    chain.press("box-2", 3)
    chain.ratings.drain()
    assert isinstance(chain.follow.step(), Keep)
    chain.follow.close()
    fake.rule = lambda lines: (204, "")
    chain.follow = chain.open()
    chain.drain()
    assert sums(fake.taken, "presses") == sums(fake.taken, "n") == 8


def test_bad_line_is_set_aside_with_its_reason_and_counted(fake: FakeServer, chain: Line) -> None:
    fake.rule = refuses("box=box-2")
    for box in ("box-1", "box-2", "box-3"):
        chain.press(box, 1)
    chain.drain()
    assert sums(fake.taken, "presses") == 2
    assert chain.follow.aside == 1
    rows = sqlite3.connect(chain.path).execute("SELECT at_ms, line, why FROM aside").fetchall()
    assert [(at, "box=box-2" in text, why[:3]) for at, text, why in rows] == [(NOON, True, "400")]


def test_re_attribution_while_the_server_is_away_leaves_no_ghost(fake: FakeServer, chain: Line) -> None:
    chain.ledger.fact(*TOWN)
    chain.press("box-1", 2, level=3)
    chain.drain()
    fake.rule = lambda lines: (
        (503, "") if fake.taken.extend(lines) is None else (0, "")
    )  # took it, then failed
    for n, window in enumerate(("w2", "w3", "w1", "w2"), 1):
        chain.ledger.fact(placed("box-1", window, NOON), at_ms=NOON + n)
        chain.ratings.drain()
        assert isinstance(chain.follow.step(), Keep)
    fake.rule = lambda lines: (204, "")
    chain.drain()
    assert sums(fake.taken, "d") == sums(fake.taken, "presses") == 2
    assert sums([t for t in fake.taken if "window=w2," in t], "d") == 2


def test_ratings_that_began_again_are_sent_again_after_clearing(fake: FakeServer, chain: Line) -> None:
    chain.press("box-1", 5)
    chain.drain()
    chain.ratings.reset()
    fake.taken.clear()
    chain.drain()
    assert fake.cleared == 2
    assert sums(fake.taken, "presses") == 5


class Moody:
    """An InfluxDB in memory that may take lines and not answer, or take a part of them, as `moods` say."""

    target = "memory"

    def __init__(self, moods: list[int]) -> None:
        self.moods = moods
        self.points: dict[tuple[str, str], str] = {}

    def write(self, lines: list[str]) -> Accepted | Keep:
        mood = self.moods.pop() if self.moods else 0
        taken = lines if mood < 2 else lines[: len(lines) // 2]
        for text in taken:
            at, fields, ns = text.split(" ")
            self.points[at, ns] = fields
        return Accepted(len(lines)) if mood == 0 else Keep("no answer")

    def clear(self) -> Accepted:
        self.points.clear()
        return Accepted(0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=40), st.lists(st.integers(0, 2), max_size=60))
def test_any_history_and_any_moods_end_in_one_point_per_rating(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[object, ...]], moods: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("moody")
    server = Moody(moods)
    chain = Line(folder, server)

    def live() -> None:
        chain.ratings.drain()
        chain.follow.step()

    play(chain.ledger, history, live)
    moods.clear()
    chain.drain()
    now = as_of(chain.source, 2**62)
    assert {key: f for key, f in server.points.items() if not f.startswith("n=0i")} == {
        (at, ns): fields for at, fields, ns in (line(r, point(r)).split(" ") for r in now)
    }
    assert all(f.count("=0i") == len(FIELDS) for f in server.points.values() if f.startswith("n=0i"))
    chain.close()
    shutil.rmtree(folder)


# -- the real thing


def test_real_influxd_corrections_and_rebuild_end_in_the_ledgers_sums(influx: Influx, tmp_path: Path) -> None:
    bucket = influx.bucket()
    writer = Writer(influx.url, influx.org, bucket, influx.token)
    chain = Line(tmp_path, writer)
    chain.ledger.fact(*TOWN)
    for box in ("box-1", "box-2", "box-3", "box-9"):
        chain.press(box, 25, level=2)
    chain.drain()
    chain.ledger.press("box-1", 26 * MINUTE + 1_000, 3, NOON + 27 * MINUTE)
    chain.ledger.fact(
        placed("box-2", "w3", NOON + 10 * MINUTE), on_duty("w1", "cat", NOON + 5 * MINUTE), at_ms=NOON + 1
    )
    chain.drain()
    by = 'SELECT sum(n) AS n, sum(presses) AS presses, sum(d) AS d FROM rating GROUP BY "window", staff'
    rows = influx.query(bucket, by)
    expected = chain.source.execute(
        "SELECT window, staff, count(*), sum(presses), sum(level = 3) FROM rating GROUP BY 1, 2"
    ).fetchall()
    shown = {(r["window"], r["staff"]): (r["n"], r["presses"], r["d"]) for r in rows if r["n"]}
    assert shown == {(w or "-", s or "-"): tuple(rest) for w, s, *rest in expected}
    assert len(shown) > 4
    assert writer.presses() == presses(chain.source) == 101
    chain.follow.reset()
    chain.drain()
    again = influx.query(bucket, by)
    assert {(r["window"], r["staff"]): (r["n"], r["presses"], r["d"]) for r in again} == shown, (
        "no zeros are left"
    )
    writer.close()


def test_real_influxd_field_of_another_type_is_named_and_the_rest_written(influx: Influx) -> None:
    bucket = influx.bucket()
    writer = Writer(influx.url, influx.org, bucket, influx.token)
    good = [f"rating,box=b{i} presses=1i {NOON}00000{i}" for i in range(5)]
    bad = f"rating,box=b1 presses=1.5 {NOON}000009"
    broken = "rating,box=b1 presses= 1"
    assert writer.write(good[:1]) == Accepted(1)
    answer = writer.write([*good[1:3], bad, broken, *good[3:]])
    assert isinstance(answer, Rejected)
    assert {text for text, _ in answer.bad} == {bad, broken}
    assert writer.presses() == 5
    writer.close()
