"""A4 pages as SVG, in millimetres, which any browser prints at their true size: what labels and acceptance records are drawn
with.

Refuses anything that a closed network would have to fetch: no font, no picture, no address.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

WIDE, HIGH = 210.0, 297.0
QUIET = 4  # modules of white around a code, as its standard wants
GREY, INK = "#666", "#111"


def page(drawn: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE:g}mm" height="{HIGH:g}mm" viewBox="0 0 {WIDE:g} {HIGH:g}" '
        f'font-family="Noto Sans CJK SC,Microsoft YaHei,PingFang SC,sans-serif" fill="{INK}">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n' + "".join(drawn) + "</svg>\n"
    )


def text(
    x: float, y: float, height: float, words: str, *, bold: bool = False, grey: bool = False, most: float = 0
) -> str:
    """`most`: mm that it may take. What is longer is squeezed, never cut: textLength is what a renderer must keep to."""
    squeeze = (
        f' textLength="{most:g}" lengthAdjust="spacingAndGlyphs"'
        if 0 < most < len(words) * height * 0.6
        else ""
    )
    look = (' font-weight="bold"' if bold else "") + (f' fill="{GREY}"' if grey else "")
    return f'<text x="{x:g}" y="{y:g}" font-size="{height:g}"{look}{squeeze}>{escape(words)}</text>\n'


def line(x: float, y: float, to_x: float) -> str:
    return f'<path d="M{x:g} {y:g}H{to_x:g}" stroke="{INK}" stroke-width=".25"/>\n'


def box(x: float, y: float, side: float) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" fill="none" stroke="{INK}" stroke-width=".3"/>\n'


def qr(words: str, x: float, y: float, side: float) -> str:
    import segno  # noqa: PLC0415  only who prints needs it

    rows = [list(row) for row in segno.make_qr(words, error="q").matrix]
    unit = side / (len(rows) + 2 * QUIET)
    cells = "".join(
        f"M{x + (QUIET + column) * unit:.3f} {y + (QUIET + row) * unit:.3f}h{unit:.3f}v{unit:.3f}h-{unit:.3f}z"
        for row, line_ in enumerate(rows)
        for column, dark in enumerate(line_)
        if dark
    )
    return f'<path d="{cells}" fill="#000" shape-rendering="crispEdges"/>\n'


def write(pages: list[str], out: Path) -> list[Path]:
    """One file a page; several are numbered."""
    paths = [out] if len(pages) == 1 else [out.with_stem(f"{out.stem}-{n}") for n in range(1, len(pages) + 1)]
    for path, drawn in zip(paths, pages, strict=True):
        path.write_text(drawn, encoding="utf-8")
    return paths
