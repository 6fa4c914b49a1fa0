"""台账核对: what the auditor learns of the ledger, and what an outsider takes away, held against the files it comes from."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from manyi.core import root
from manyi.core.checking import Checking
from manyi.core.config import Data
from manyi.core.days import DAY_MS
from manyi.core.ledger import facts, reader, schema

from tests.office.browser import Chromium
from tests.office.people import People
from tests.office.tables.test_scope import events
from tests.office.tables.test_tables_screens import WIDE, log_in, screen

__all__ = ["screen"]  # a fixture
NOON = 1_795_233_600_000  # 2026-11-21 12:00 in Beijing


def settle(folder: Path, now_ms: int) -> None:
    """A minute of the service's check, and one of the whole."""
    with closing(schema.open_for_reading(folder / "ledger.db")) as conn:
        checking = Checking(Data(folder), lambda: now_ms)
        checking.minute(conn)
        while not checking.slice(conn):
            pass


@pytest.fixture
def written(folder: Path) -> Path:
    """Four days of facts, each with its root."""
    for file in folder.glob("ledger.db*"):
        file.unlink()
    shutil.rmtree(folder / "roots", ignore_errors=True)
    with closing(schema.open_for_writing(folder / "ledger.db")) as conn:
        for day in range(4):
            at_ms = NOON - (4 - day) * DAY_MS
            facts.append_facts(conn, at_ms, [("office", {"id": f"x{day}-{n}"}) for n in range(3)])
    settle(folder, NOON)
    return folder


def edit(folder: Path, row: int) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as conn:
        conn.execute("DROP TRIGGER row_is_never_changed")
        conn.execute("UPDATE row SET at_ms = at_ms - 1 WHERE id = ?", (row,))
        conn.commit()


def test_the_auditor_sees_up_to_where_and_when_all_was_found_whole(written: Path, town: People) -> None:
    with town.browser("auditor") as client:
        page = client.get("/ledger/").text
    with closing(schema.open_for_reading(written / "ledger.db")) as conn:
        last, digest = reader.tail(conn)
    assert "每一行都与写入时一致" in page
    assert f"2026-11-21 12:00:00：第 1 行到第 {last} 行" in page
    assert "对照每日封印 4 份" in page
    assert digest.hex() in page
    sealed = root.published(written / "roots")
    assert [r.day.isoformat() in page and r.after.hex() in page for r in sealed] == [True] * 4


def test_a_change_is_said_with_its_row_and_when_all_was_still_whole(written: Path, town: People) -> None:
    edit(written, 5)
    settle(written, NOON + 60_000)
    with town.browser("auditor") as client:
        page = client.get("/ledger/").text
        english = client.get("/ledger/?lang=en").text
    assert "第 5 行与写入时不符" in page
    assert "每一行都与写入时一致" not in page
    assert "2026-11-21 12:01:00" in page, "when it was noticed"
    assert "2026-11-21 12:00:00：第 1 行到第" in page, "when it was whole"
    assert "Row 5 is not what was written" in english


def test_a_day_without_a_root_is_a_line_of_its_own(written: Path, town: People) -> None:
    for day in ("2026-11-18", "2026-11-19"):
        (written / "roots" / f"{day}.txt").unlink()
    with town.browser("auditor") as client:
        page = client.get("/ledger/").text
    assert "2026-11-18 – 2026-11-19" in page
    assert "没有封印：当天的行没有通过核对" in page


def test_before_the_first_check_nothing_is_claimed(folder: Path, town: People) -> None:
    (folder / "checked.json").unlink(missing_ok=True)
    with town.browser("auditor") as client:
        page = client.get("/ledger/").text
    assert "还没有查完一遍" in page
    assert "一致" not in page


def test_a_root_is_given_byte_for_byte_and_all_in_one_file_and_each_is_logged(
    written: Path, town: People
) -> None:
    (written / "roots" / "secret.key").write_text("not for anybody")
    with town.browser("auditor") as client:
        one = client.get("/ledger/file/2026-11-18/")
        assert one.content == (written / "roots" / "2026-11-18.txt").read_bytes()
        assert 'filename="2026-11-18.txt"' in one.headers["content-disposition"]
        every = client.get("/ledger/file/")
        for strange in ("2026-11-30", "latest", "secret.key", "..%2Fledger.db", "2026-11-18.txt"):
            assert client.get(f"/ledger/file/{strange}/").status_code == 404, strange
    with zipfile.ZipFile(BytesIO(every.content)) as file:
        names = file.namelist()
        assert names[1:] == [f"roots/2026-11-{day}.txt" for day in (17, 18, 19, 20)]
        assert file.read(names[2]) == one.content
        assert "manyi verify --export" in file.read("README.txt").decode()
    assert events("export") == [("auditor", "roots/2026-11-18"), ("auditor", "roots")]


def test_a_stray_file_among_the_roots_is_said_and_names_no_folder(written: Path, town: People) -> None:
    (written / "roots" / "x.txt").write_text("nothing of ours")
    with town.browser("auditor") as client:
        answer = client.get("/ledger/")
        assert answer.status_code == 503
        assert "roots/x.txt 不是每日封印" in answer.text
        assert str(written) not in answer.text


def test_it_is_for_the_auditor_and_the_centre_and_found_in_their_menu(written: Path, town: People) -> None:
    for role in ("auditor", "centre"):
        with town.browser(role) as client:
            assert client.get("/ledger/").status_code == 200
            assert 'href="/ledger/"' in client.get("/me/").text
    for role in ("county", "hall_leader", "technician", "administrator", "security", "staff", "screen"):
        with town.browser(role) as client:
            for page in ("/ledger/", "/ledger/file/", "/ledger/file/2026-11-18/"):
                assert client.get(page).status_code == 403, (role, page)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("size", [(1280, 800), (400, 860)])
def test_it_fits_a_desk_and_a_telephone(
    screen: Chromium, written: Path, town: People, size: tuple[int, int], language: str
) -> None:
    edit(written, 5)
    settle(written, NOON + 60_000)
    log_in(screen, town, "auditor")
    screen.size(*size)
    screen.open(f"{town.office.url}/ledger/?lang={language}")
    screen.until("document.readyState === 'complete' && document.querySelector('table.roots') !== null")
    assert screen.value(WIDE) <= 0
    assert screen.said == []
    screen.size(1920, 1080)
