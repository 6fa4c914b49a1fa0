"""A CSV file to a grid: the encodings and separators that bureaus have, and what is wrong with the file. Refuses binary files."""

import csv
import io

from manyi.core.roster.table import Grid, Problem

SEPARATORS = ",\t;"
LOOKED_AT = 20  # rows in which the separator shows


def read_csv(file: str, raw: bytes, problems: list[Problem]) -> Grid | None:
    """The file's rows, as far as they can be read; None if none can."""
    text = decode(raw)
    if text is None:
        zh = "编码无法识别：请在 Excel 中另存为“CSV UTF-8(逗号分隔)”"
        en = 'wrong encoding: save it as "CSV UTF-8" (UTF-8, GB18030 and Excel\'s Unicode text are read)'
        problems.append(Problem(file, 0, "", zh, en))
        return None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator(text), strict=True)
    rows: list[tuple[int, tuple[str, ...]]] = []
    try:
        before = 0
        for cells in reader:
            rows.append((before + 1, tuple(cells)))
            before = reader.line_num
    except csv.Error as error:
        zh, en = f"CSV 格式有误（{error}）", f"not valid CSV ({error})"
        problems.append(Problem(file, reader.line_num, "", zh, en))
    return Grid(file, "", tuple(rows))


def decode(raw: bytes) -> str | None:
    """UTF-8 with or without BOM, UTF-16 with one (Excel's Unicode text), else GB18030, else None. Other files that hold NULs
    are refused.
    """
    encodings = ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def separator(text: str) -> str:
    """What stands between cells: what the first rows have most of; a comma if they have none."""
    first = "\n".join(text.splitlines()[:LOOKED_AT])
    return max(SEPARATORS, key=first.count)
