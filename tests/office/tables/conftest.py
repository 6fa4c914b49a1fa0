"""The small city's data, made once; an office over a copy of it, with accounts or without."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from manyi.office import OfficeSettings, configure
from python_calamine import CalamineWorkbook

from tests.office.city import City
from tests.office.conftest import accounts_template  # noqa: F401  one database of accounts for all of them
from tests.office.people import People, people
from tests.office.tables.book import Seen, past, write

Sheet = list[list[Any]]


@pytest.fixture(scope="session")
def seen() -> list[Seen]:
    return past()


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory, seen: list[Seen]) -> Path:
    folder = tmp_path_factory.mktemp("city") / "data"
    write(folder, seen)
    return folder


@pytest.fixture
def folder(stores: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stores, tmp_path / "data"))


@pytest.fixture
def ask(folder: Path) -> Callable[..., Any]:
    """`ask(path)`: one request to an office without accounts."""
    configure(OfficeSettings(folder, source=City(), allowed_hosts=("testserver",), login=False))
    from django.test import AsyncClient  # noqa: PLC0415  needs configure()

    def once(path: str, method: str = "get") -> Any:
        async def run() -> Any:
            return await getattr(AsyncClient(raise_request_exception=False), method)(path)

        return asyncio.run(run())

    return once


@pytest.fixture
def town(accounts_template: Path, folder: Path) -> Iterator[People]:  # noqa: F811
    """The office over the real stores, with an account of every role."""
    with people(accounts_template, folder, None) as found:  # type: ignore[arg-type]  # no invented city: the stores
        yield found


def sheet(body: bytes) -> Sheet:
    """Every cell of the workbook's only sheet, as a spreadsheet types them."""
    book = CalamineWorkbook.from_filelike(BytesIO(body))
    assert len(book.sheet_names) == 1
    return book.get_sheet_by_index(0).to_python(skip_empty_area=False)


def rows_below(cells: Sheet, head: str) -> tuple[list[str], Sheet]:
    """(heads, rows) of the table whose first head is that; rows end where the sheet's line is empty."""
    top = next(at for at, row in enumerate(cells) if row[0] == head and row[1] != "" and row[2] != "")
    rows = []
    for row in cells[top + 1 :]:
        if not any(cell != "" for cell in row):
            break
        rows.append(row)
    return [str(cell) for cell in cells[top]], rows
