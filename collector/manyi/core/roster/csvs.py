"""A CSV file to a grid: the encodings that bureaus have, and what is wrong with the file. Refuses UTF-16 and
binary files.
"""

import csv
import io

from manyi.core.roster.table import Grid, Problem


def read_csv(file: str, raw: bytes, problems: list[Problem]) -> Grid | None:
    """The file's rows, as far as they can be read; None if none can."""
    text = decode(raw)
    if text is None:
        zh = "编码无法识别：请在 Excel 中另存为“CSV UTF-8(逗号分隔)”"
        en = 'wrong encoding: save it as "CSV UTF-8" (UTF-8 and GB18030 are read)'
        problems.append(Problem(file, 0, "", zh, en))
        return None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
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
    """UTF-8 with or without BOM, else GB18030, else None. UTF-16 and binary files hold NULs and are
    refused.
    """
    if b"\0" in raw:
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
