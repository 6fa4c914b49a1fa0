"""`manyi box label | record`: what a technician prints of the bench's book. Composes; decides nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from manyi.box import identity, records
from manyi.box.asked import HOME, RecordsDir
from manyi.box.papers import label, paper, sheet
from manyi.box.words import BoxError, both

Out = Annotated[
    Path, typer.Option("--out", help=both("SVG 文件；多页加编号", "SVG file; pages are numbered."))
]
Chosen = Annotated[
    list[str] | None, typer.Option("--box", help=both("只要这些，可重复", "Only these, repeatable."))
]


def box_label(
    out: Out,
    box: Chosen = None,
    pin: Annotated[
        bool, typer.Option("--pin", help=both("贴在盒内的：带 PIN", "For inside the case: with the PIN."))
    ] = False,
    records_dir: RecordsDir = HOME,
) -> None:
    """打印标签：二维码、编号、校验、MAC / Labels to print: QR code, id, check digits, MAC."""
    claims = _claims(records.Records(records_dir), box)
    _print(label.sheets([label.Label(c.box, c.mac, c.pin if pin else "") for c in claims]), out)


def box_record(
    out: Out,
    box: Chosen = None,
    records_dir: RecordsDir = HOME,
    handover: Annotated[
        Path | None,
        typer.Option(help=both("移交文件：核对验收记录的签名", "Hand-over file: checks the records' seals.")),
    ] = None,
) -> None:
    """打印验收记录，每台一页，现场填写签字 / Acceptance records to print, a page a box, to be signed on site."""
    book, keys = records.Records(records_dir), identity.links(handover)
    pages, untested = [], []
    for one in _claims(book, box):
        text, key = book.accepted(one.box), keys.get(one.box)
        if text:
            intact = None if key is None else records.is_sealed(key, one.box, text)
            try:
                pages.append(sheet.page(json.loads(text), intact))
            except (ValueError, KeyError, TypeError):  # of an older manyi, or somebody was at it
                raise BoxError(
                    f"{one.box} 的验收记录读不懂：再做一次 manyi box doctor",
                    f"the acceptance record of {one.box} cannot be read: manyi box doctor once more",
                ) from None
        else:
            untested.append(one.box)
    if untested and (box or not pages):
        names = " ".join(untested)
        raise BoxError(
            f"还没有验收：{names}，先 manyi box doctor", f"not tested yet: {names}. First: manyi box doctor"
        )
    _print(pages, out)


def _claims(book: records.Records, box: list[str] | None) -> list[records.Claim]:
    claims = [c for c in book.claims() if not c.retired and (not box or c.box in box)]
    if missing := set(box or ()) - {c.box for c in claims}:
        names = " ".join(sorted(missing))
        raise BoxError(
            f"{book.folder} 里没有这些评价器的档案：{names}", f"{book.folder} has no file of: {names}"
        )
    return claims


def _print(pages: list[str], out: Path) -> None:
    if not pages:
        raise BoxError(
            "没有可打印的：先 manyi box provision", "there is nothing to print: first manyi box provision"
        )
    for path in paper.write(pages, out):
        typer.echo(f"{path}  " + both("用浏览器打开，按 100% 打印", "open it in a browser, print at 100%"))


def mount(app: typer.Typer) -> None:
    app.command("label")(box_label)
    app.command("record")(box_record)
