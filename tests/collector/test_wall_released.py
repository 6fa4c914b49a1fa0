"""What was released stays released: wall.db deleted, of another version, or cut off between the two files."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from manyi.core import stores
from manyi.core.wall import own as wall_own
from manyi.core.wall import released as wall_released
from manyi.core.wall.store import VERSION, Wall
from manyi.core.wall.view import hall_snapshot

from tests.collector.paper_ledger import NOON, TOWN
from tests.collector.test_wall import DAY, LATER, Screen, screen

__all__ = ["screen"]  # a fixture


def reopened(screen: Screen, between: Callable[[Path], None]) -> None:
    """The service ends, something happens to the files, and it begins again."""
    path = Path(screen.conn.execute("PRAGMA database_list").fetchone()[2])
    screen.wall.close()
    screen.conn.close()
    between(path)
    screen.wall = Wall(path, screen.source, ("临江市", "Linjiang"))
    screen.conn = stores.open_reader(path)


def deleted(path: Path) -> None:
    for file in path.parent.glob("wall.db*"):
        file.unlink()


def of_another_version(path: Path) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute(f"PRAGMA user_version = {VERSION + 1}")
    conn.close()


def cut_off_after_released_db(path: Path) -> None:
    """The batch is in released.db, and wall.db was not committed."""
    with sqlite3.connect(path) as conn:
        for hall, day, n in conn.execute(
            "SELECT hall, day, count(*) FROM shown WHERE batch = 2 GROUP BY 1, 2"
        ):
            conn.execute("UPDATE pool SET waiting = waiting + ? WHERE hall = ? AND day = ?", (n, hall, day))
        conn.execute("UPDATE shown SET batch = NULL WHERE batch = 2")
        conn.execute("DELETE FROM batch WHERE id = 2")
    conn.close()


def cut_off_after_wall_db(path: Path) -> None:
    """The batch is in wall.db, and released.db was not committed; then wall.db is lost."""
    with sqlite3.connect(path.with_name("released.db")) as conn:
        conn.execute("DELETE FROM batch WHERE id = 2")
        conn.execute("DELETE FROM member WHERE batch = 2")
    conn.close()


@pytest.mark.parametrize(
    "what", [deleted, of_another_version, cut_off_after_released_db, cut_off_after_wall_db]
)
def test_no_other_grouping_of_the_same_ratings_is_ever_shown(
    screen: Screen, what: Callable[[Path], None]
) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 1, 3)
    first = screen.hall()
    screen.visits("box-2", 3, 1, 2, 1, 1, 2)
    before, figures = screen.hall(), screen.show()["total"]
    assert (first["batches"], before["batches"], before["released"]["n"]) == (1, 2, 11)
    reopened(screen, what)
    if what is cut_off_after_wall_db:
        reopened(screen, deleted)
    assert screen.hall() == before
    assert screen.show()["total"] == figures
    screen.visits("box-1", 3, 3, 3, 3, start_ms=2 * 3_600_000)
    assert screen.hall(NOON + 4 * 3_600_000)["released"] == before["released"], "four new ones are not five"
    screen.visits("box-2", 3, start_ms=3 * 3_600_000)
    after = screen.hall(NOON + 4 * 3_600_000)
    assert (after["batches"], after["released"]["n"]) == (3, 16)


def test_a_clerks_batches_are_the_same_too(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 3, 1, 1)
    screen.hall(LATER + DAY)
    before = wall_own.snapshot(screen.conn, "ann")
    assert before["n"] == 6
    reopened(screen, deleted)
    screen.hall(LATER + DAY)
    assert wall_own.snapshot(screen.conn, "ann") == before
    screen.hall(LATER + 2 * DAY)
    assert wall_own.snapshot(screen.conn, "ann") == before, "a rating is released once"


def test_of_hall_screens_a_week_is_kept_and_the_numbers_go_on(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    for week in range(3):
        screen.visits("box-1", 1, 1, 1, 1, 1, start_ms=week * 7 * DAY)
        screen.hall(LATER + week * 7 * DAY)
    reopened(screen, lambda _: None)
    kept = "SELECT id FROM released.batch ORDER BY id"
    assert screen.wall._conn.execute(kept).fetchall() == [(2,), (3,)]
    assert screen.wall._conn.execute("SELECT count(*) FROM released.member").fetchone() == (10,)
    reopened(screen, deleted)
    seen = screen.hall(LATER + 14 * DAY)
    assert (seen["batches"], seen["released"]["n"]) == (1, 5)
    assert hall_snapshot(screen.conn, "h1", LATER + 7 * DAY) is not None


def test_the_file_names_nobody_and_no_level_of_a_single_rating(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 1, 3)
    screen.hall()
    columns = {
        row[1]
        for table in ("member", "own_member")
        for row in screen.wall._conn.execute(f"PRAGMA released.table_info({table})")
    }
    assert columns == {"box", "life", "seq", "batch"}
    assert wall_released.NAME == "released.db"
