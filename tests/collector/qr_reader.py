"""Reads a QR code from its modules, with nothing of what drew it (ISO/IEC 18004): format, mask, zigzag, blocks, segments.

Refuses what a phone could only guess at: every block must be a code word of its Reed-Solomon code as it stands, nothing is
mended. Versions 1 to 5, which is what a label needs.
"""

from __future__ import annotations

from collections.abc import Iterator

Matrix = list[list[bool]]

FORMAT_MASK, FORMAT_POLYNOMIAL = 0b101010000010010, 0b10100110111
LEVELS = {0b01: "L", 0b00: "M", 0b11: "Q", 0b10: "H"}
# (version, level): (error correction words of a block, data words of each block)
BLOCKS = {
    (1, "L"): (7, (19,)), (1, "M"): (10, (16,)), (1, "Q"): (13, (13,)), (1, "H"): (17, (9,)),
    (2, "L"): (10, (34,)), (2, "M"): (16, (28,)), (2, "Q"): (22, (22,)), (2, "H"): (28, (16,)),
    (3, "L"): (15, (55,)), (3, "M"): (26, (44,)), (3, "Q"): (18, (17, 17)), (3, "H"): (22, (13, 13)),
    (4, "L"): (20, (80,)), (4, "M"): (18, (32, 32)), (4, "Q"): (26, (24, 24)), (4, "H"): (16, (9, 9, 9, 9)),
    (5, "L"): (26, (108,)), (5, "M"): (24, (43, 43)), (5, "Q"): (18, (15, 15, 16, 16)), (5, "H"): (22, (11, 11, 12, 12)),
}  # fmt: skip
MASKS = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, _c: r % 2 == 0,
    lambda _r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BYTES, ALPHANUMERICS, END = 0b0100, 0b0010, 0


def read(dark: Matrix) -> str:
    """The text. Raises ValueError."""
    size = len(dark)
    version = (size - 17) // 4
    level, mask = _format(dark)
    words = _words(dark, version, MASKS[mask])
    return _text(_data(words, *BLOCKS[version, level]))


def _format(dark: Matrix) -> tuple[str, int]:
    size = len(dark)
    around = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    beside = [(size - 1 - i, 8) for i in range(7)] + [(8, size - 8 + i) for i in range(8)]
    first, second = (_number(dark[r][c] for r, c in cells) ^ FORMAT_MASK for cells in (around, beside))
    rest = first
    for bit in range(14, 9, -1):
        if rest >> bit & 1:
            rest ^= FORMAT_POLYNOMIAL << (bit - 10)
    if first != second or rest:
        raise ValueError("its format")
    return LEVELS[first >> 13], first >> 10 & 7


def _words(dark: Matrix, version: int, masked: object) -> list[int]:
    size = len(dark)
    bits = [
        dark[r][c] ^ masked(r, c)  # type: ignore[operator]
        for r, c in _zigzag(size)
        if not _is_function(r, c, size, version)
    ]
    return [_number(bits[at : at + 8]) for at in range(0, len(bits) - 7, 8)]


def _zigzag(size: int) -> Iterator[tuple[int, int]]:
    upwards, right = True, size - 1
    while right > 0:
        if right == 6:  # the timing column is passed over
            right -= 1
        for step in range(size):
            row = size - 1 - step if upwards else step
            yield row, right
            yield row, right - 1
        upwards, right = not upwards, right - 2


def _is_function(r: int, c: int, size: int, version: int) -> bool:
    """Finder, format, timing, or alignment: no data."""
    if 6 in (r, c) or (r < 9 and (c < 9 or c >= size - 8)) or (r >= size - 8 and c < 9):
        return True
    centre = size - 7
    return version > 1 and abs(r - centre) <= 2 and abs(c - centre) <= 2


def _data(words: list[int], correcting: int, sizes: tuple[int, ...]) -> list[int]:
    """The blocks' data, each checked, one after the other."""
    blocks: list[list[int]] = [[] for _ in sizes]
    left = iter(words)
    for at in range(max(sizes)):
        for block, size in zip(blocks, sizes, strict=True):
            if at < size:
                block.append(next(left))
    data = [word for block in blocks for word in block]
    for _ in range(correcting):
        for block in blocks:
            block.append(next(left))
    for block in blocks:
        for root in range(correcting):
            rest = 0
            for word in block:
                rest = _times(rest, _power(root)) ^ word
            if rest:
                raise ValueError("a block is no code word")
    return data


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


def _power(n: int) -> int:
    found = 1
    for _ in range(n):
        found = _times(found, 2)
    return found


def _text(data: list[int]) -> str:
    bits, at, found = "".join(f"{word:08b}" for word in data), 0, ""

    def take(n: int) -> int:
        nonlocal at
        at += n
        return int(bits[at - n : at] or "0", 2)

    while at + 4 <= len(bits) and (mode := take(4)) != END:
        if mode == BYTES:
            found += bytes(take(8) for _ in range(take(8))).decode()
        elif mode == ALPHANUMERICS:
            count = take(9)
            for _ in range(count // 2):
                pair = take(11)
                found += ALPHANUMERIC[pair // 45] + ALPHANUMERIC[pair % 45]
            found += ALPHANUMERIC[take(6)] if count % 2 else ""
        else:
            raise ValueError(f"mode {mode}")
    return found


def _number(bits: object) -> int:
    found = 0
    for bit in bits:  # type: ignore[attr-defined]
        found = found << 1 | bit
    return found
