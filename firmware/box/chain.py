# Tags: each record's HMAC over the tag before it, so that nobody can quietly edit the past.
#
# Refuses: to hold keys or state. MicroPython has neither `hmac` nor `hash.copy()`, hence HMAC over plain sha256.

from hashlib import sha256

_BLOCK = 64  # bytes, SHA-256's block
_INNER = int.from_bytes(b"\x36" * _BLOCK, "big")
_OUTER = int.from_bytes(b"\x5c" * _BLOCK, "big")


# HMAC-SHA256 over the parts joined: 32 bytes. `key` is bytes of any length.
def hmac_sha256(key, *parts):
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    # One long integer makes both pads: a Python loop over 64 bytes costs more than the hash.
    pad = int.from_bytes(key + bytes(_BLOCK - len(key)), "big")
    inner = sha256((pad ^ _INNER).to_bytes(_BLOCK, "big"))
    for part in parts:
        inner.update(part)
    outer = sha256((pad ^ _OUTER).to_bytes(_BLOCK, "big"))
    outer.update(inner.digest())
    return outer.digest()


# The tag before seq 1. `box` is text, `life` its 8 bytes.
def first_tag(k_chain, box, life):
    return hmac_sha256(k_chain, b"manyi/1\0", box.encode(), b"\0", life)[:8]


# The tag of the record `packed` (53 bytes) that follows a record tagged `prev`.
def next_tag(k_chain, prev, packed):
    return hmac_sha256(k_chain, prev, packed)[:8]
