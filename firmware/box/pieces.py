# docs/WIRE.md, fetch, chunk and the stream of an update: written, read, and signed for. Loaded only while one comes.
#
# Refuses: half a message, like wire.py.

from binascii import a2b_base64, hexlify

from box import wire
from box.chain import hmac_sha256

PIECE_MAX = 256  # bytes; with all around it a chunk must fit wire.INCOMING_MAX


# The body of a question for the bytes of stream `id` from `at` on.
def fetch(id, at):
    return ('{"v":1,"id":"%s","at":%d' % (id, at)).encode()


# An opened chunk -> (id, at, bytes)
def chunk(o):
    data = o.get("data")
    if type(o.get("id")) is not str:
        raise wire.Unreadable("id")
    if type(o.get("at")) is not int:
        raise wire.Unreadable("at")
    try:
        data = a2b_base64(data)
    except (ValueError, TypeError):
        data = b""
    if not 0 < len(data) <= PIECE_MAX:
        raise wire.Unreadable("data")
    return o["id"], o["at"], data


# The last line of a manifest whose lines before it have this SHA-256.
def signature(k_link, box, digest):
    own = hmac_sha256(k_link, b"manyi/1\0update\0" + box.encode())
    return b"mac " + hexlify(hmac_sha256(own, digest)) + b"\n"
