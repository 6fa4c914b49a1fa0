"""Records and tags, as situations for both interpreters (test_record.py, test_chain.py). Refuses pytest."""

from box.chain import first_tag, hmac_sha256, next_tag
from box.record import LOSS, PRESS, loss_data, pack, read_loss, unpack, write
from box.sheet import FRONT, Sheet


def hexed(data):
    return "".join(["%02x" % b for b in data])


def record_goes_in_and_comes_out():
    slot = bytearray(b"\xff" * 64)
    pack(slot, PRESS, 65535, 2**32 - 1, 2**64 - 1, (1, 2, 2**32 - 1), 3, 255, 65535, 255, b"\xff" * 20)
    assert unpack(slot) == (
        17, PRESS, 65535, 2**32 - 1, 2**64 - 1, 1, 2, 2**32 - 1, 3, 255, 65535, 255, b"\xff" * 20,
    )  # fmt: skip
    assert slot[53:] == b"\xff" * 11


def record_clears_what_the_buffer_held():
    slot = bytearray(b"\xff" * 64)
    pack(slot, PRESS, 1, 1, 1, (1, 0, 0), data=b"\1")
    assert unpack(slot)[8:] == (0, 0, 0, 0, b"\1" + bytes(19))


def record_refuses_data_that_does_not_fit():
    slot = bytearray(64)
    try:
        pack(slot, PRESS, 1, 1, 1, (0, 0, 0), data=bytes(21))
    except ValueError:
        assert slot == bytes(64)
        return
    raise AssertionError("taken")


def record_of_a_loss_reads_back():
    slot = bytearray(64)
    pack(slot, LOSS, 1, 9, 5, (9, 9, 9), reason=1, data=loss_data(2, 8, (3, 2**32 - 1, 1)))
    assert read_loss(unpack(slot)[12]) == (2, 8, 3, 2**32 - 1, 1)


def record_in_json_drops_only_trailing_zeros():
    slot = bytearray(64)
    pack(slot, 200, 1, 9, 2**63, (0, 0, 0), data=b"\0\1\0\2\0\0")
    slot[53:61] = b"\0\1\2\3\4\5\6\xff"
    sheet = Sheet(bytearray(600))
    sheet.begin(b"")
    assert write(sheet, slot)
    assert bytes(sheet.text()) == (
        b'{"seq":9,"fmt":17,"kind":200,"boot":1,"up_ms":9223372036854775808,"n":[0,0,0],'
        b'"level":0,"reason":0,"held":0,"flags":0,"data":"00010002","tag":"00010203040506ff"}'
    )


def record_that_does_not_fit_is_said_to():
    slot, whole = bytearray(64), Sheet(bytearray(600))
    pack(slot, PRESS, 1, 9, 5, (1, 2, 3), 1)
    whole.begin(b"")
    assert write(whole, slot)
    size = len(whole.text())
    for room in range(size + 1):
        small = Sheet(bytearray(FRONT + room))
        small.begin(b"")
        assert write(small, slot) == (room == size)


# RFC 4231, cases 1, 2, 3 and 6
HMACS = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
)


def chain_hmac_is_the_standard_one():
    for key, text, digest in HMACS:
        assert hexed(hmac_sha256(key, text)) == digest
        assert hexed(hmac_sha256(key, text[:3], b"", memoryview(text)[3:])) == digest


def chain_tags_depend_on_all_before_them():
    key, life = bytes(32), b"\1" * 8
    start = first_tag(key, "mb-1", life)
    assert len(start) == 8
    assert len({start, first_tag(key, "mb-2", life), first_tag(key, "mb-1", b"\2" * 8)}) == 3
    tag = next_tag(key, start, bytes(53))
    assert tag not in (next_tag(key, tag, bytes(53)), next_tag(key, start, b"\1" + bytes(52)))
    assert tag != next_tag(b"\1" + bytes(31), start, bytes(53))
