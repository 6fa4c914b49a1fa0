"""A sheet of paper in millimetres: the few shapes that the drawings in this folder are made of.

Refuses: fonts, pictures and links from outside, and colour that carries meaning alone: every sheet is read in black
and white.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
FONT = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
INK, GREY, FAINT = "#111", "#666", "#bbb"


def n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Sheet:
    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self.out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{n(width)}mm" height="{n(height)}mm" '
            f'viewBox="0 0 {n(width)} {n(height)}" font-family="{FONT}" fill="none" stroke-linecap="round" '
            'stroke-linejoin="round">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{n(width)}" height="{n(height)}" fill="#fff"/>',
        ]

    def raw(self, text: str) -> None:
        self.out.append(text)

    def line(self, *points: tuple[float, float], w: float = 0.35, ink: str = INK, dash: str = "") -> None:
        path = " ".join(f"{n(x)},{n(y)}" for x, y in points)
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self.raw(f'<polyline points="{path}" stroke="{ink}" stroke-width="{n(w)}"{extra}/>')

    def rect(
        self, x: float, y: float, w: float, h: float, *, r: float = 0, fill: str = "none", line: float = 0.35,
        ink: str = INK, dash: str = "",
    ) -> None:  # fmt: skip
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        stroke = f' stroke="{ink}" stroke-width="{n(line)}"' if line else ""
        self.raw(
            f'<rect x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" rx="{n(r)}" fill="{fill}"{stroke}{extra}/>'
        )

    def circle(
        self,
        x: float,
        y: float,
        r: float,
        *,
        fill: str = "none",
        line: float = 0.35,
        ink: str = INK,
        dash: str = "",
    ) -> None:
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        stroke = f' stroke="{ink}" stroke-width="{n(line)}"' if line else ""
        self.raw(f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{fill}"{stroke}{extra}/>')

    def path(self, d: str, *, fill: str = "none", line: float = 0.35, ink: str = INK) -> None:
        stroke = f' stroke="{ink}" stroke-width="{n(line)}"' if line else ""
        self.raw(f'<path d="{d}" fill="{fill}"{stroke}/>')

    def text(
        self, x: float, y: float, words: str, size: float = 2.6, *, at: str = "start", bold: bool = False,
        ink: str = INK, fit: float = 0, turn: float = 0,
    ) -> None:  # fmt: skip
        """`fit` is the width in mm that the words take in any font; `turn` degrees about their own point."""
        extra = ' font-weight="700"' if bold else ""
        extra += f' textLength="{n(fit)}" lengthAdjust="spacingAndGlyphs"' if fit else ""
        extra += f' transform="rotate({n(turn)} {n(x)} {n(y)})"' if turn else ""
        self.raw(
            f'<text x="{n(x)}" y="{n(y)}" font-size="{n(size)}" text-anchor="{at}" fill="{ink}"{extra}>'
            f"{escape(words)}</text>"
        )

    def measure(self, x1: float, y1: float, x2: float, y2: float, words: str, *, size: float = 2.4) -> None:
        """A dimension line with its words beside the middle."""
        self.line((x1, y1), (x2, y2), w=0.18)
        across = x1 == x2
        for x, y in ((x1, y1), (x2, y2)):
            self.line(*(((x - 1.2, y), (x + 1.2, y)) if across else ((x, y - 1.2), (x, y + 1.2))), w=0.18)
        if across:
            self.text(x1 - 0.9, (y1 + y2) / 2, words, size, at="middle", turn=-90)
        else:
            self.text((x1 + x2) / 2, y1 - 0.9, words, size, at="middle")

    def done(self) -> str:
        return "\n".join([*self.out, "</svg>", ""])
