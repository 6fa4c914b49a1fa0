"""The row chain: what makes the ledger impossible to edit quietly. Pure.

    hash(row) = SHA-256( hash(row before) | text | SHA-256(body) )
    text      = "<id>|<at_ms>|<kind>|<box>|<life>|<branch>|<seq>\\n", ASCII, decimal numbers

The hash before row 1 is 32 zero bytes. A row that belongs to no box has empty box and life, and 0 for
branch and seq. Box ids, lives and kinds hold neither `|` nor a line feed, so no two rows share a text. The
body goes in by its own digest, so that an export can leave out a body that names persons and anybody can
still check the chain without a key.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, TypeAlias

GENESIS: Final = bytes(32)

Key: TypeAlias = tuple[int, int, str, str, str, int, int]
"""id, at_ms, kind, box, life, branch, seq."""


def row_hash(before: bytes, key: Key, body: bytes) -> bytes:
    return row_hash_of_digest(before, key, sha256(body).digest())


def row_hash_of_digest(before: bytes, key: Key, digest: bytes) -> bytes:
    """The same where only the body's SHA-256 is known."""
    text = "%d|%d|%s|%s|%s|%d|%d\n" % key  # noqa: UP031 - the tuple is the text's fields, in order
    return sha256(before + text.encode() + digest).digest()
