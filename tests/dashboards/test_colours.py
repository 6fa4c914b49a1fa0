"""The three levels' colours as people see them who cannot tell some apart (Machado, Oliveira and Fernandes 2009, severity 1)."""

from __future__ import annotations

from itertools import combinations

import pytest

from dashboards import theme

EYES = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}  # fmt: skip
APART = 15.0  # CIE76; about 2 is just seen side by side
LEVELS = (theme.SATISFIED, theme.BASIC, theme.DISSATISFIED)


def seen(colour: str, eye: str) -> tuple[float, float, float]:
    """CIELAB of the colour to that eye."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    r, g, b = (min(1.0, max(0.0, sum(k * x for k, x in zip(row, light, strict=True)))) for row in EYES[eye])
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (
            (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
            0.2126 * r + 0.7152 * g + 0.0722 * b,
            (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def apart(one: str, other: str, eye: str) -> float:
    pairs = zip(seen(one, eye), seen(other, eye), strict=True)
    return float(sum((p - q) ** 2 for p, q in pairs) ** 0.5)


@pytest.mark.parametrize("eye", EYES)
def test_levels_are_told_apart_by_every_eye(eye: str) -> None:
    for one, other in combinations(LEVELS, 2):
        assert apart(one, other, eye) >= APART, (one, other)


def test_the_measure_knows_a_red_and_a_green_that_are_not() -> None:
    assert apart("#b06a3c", "#8a8a3c", "deutan") < APART
