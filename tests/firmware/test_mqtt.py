"""MQTT bytes against the standard's own layout. Runs on MicroPython too (test_on_micropython.py), so no pytest here."""

from box import mqtt
from box.sheet import FRONT, Sheet


def on_a_sheet(write, *args, payload=b""):
    sheet = Sheet(bytearray(6000))
    sheet.begin(payload)
    write(sheet, *args)
    return bytes(sheet.text())


def publish(payload, *args):
    return on_a_sheet(mqtt.publish, *args, payload=payload)


def packets(reader, data, size):
    out = []
    for i in range(0, len(data), size):
        for head, body in reader.packets(memoryview(data)[i : i + size]):
            out.append((head, bytes(body)))
    return out


def broken(call, *args):
    try:
        call(*args)
    except mqtt.Broken:
        return True
    return False


def test_connect_carries_will_user_and_password():
    made = on_a_sheet(mqtt.connect, 60, "b1", b"t", b"gone", "u", "pw")
    assert made == (
        b"\x10\x1e"
        + b"\x00\x04MQTT\x04\xee\x00\x3c"
        + b"\x00\x02b1"
        + b"\x00\x01t\x00\x04gone"
        + b"\x00\x01u\x00\x02pw"
    )


def test_subscribe_and_puback():
    made = on_a_sheet(mqtt.subscribe, 1, [(b"a/b", 0), (b"c", 1)])
    assert made == b"\x82\x0c\x00\x01\x00\x03a/b\x00\x00\x01c\x01"
    assert mqtt.puback(258) == b"\x40\x02\x01\x02"


def test_a_payload_on_the_sheet_becomes_a_publish():
    assert publish(b"abc", b"t") == b"\x30\x06\x00\x01tabc"
    assert publish(b"abc", b"t", 7) == b"\x32\x08\x00\x01t\x00\x07abc"
    assert publish(b"", b"t", 7, True)[0] == 0x33
    assert publish(bytes(4096), b"t")[:3] == b"\x30\x83\x20"


def test_a_sheet_takes_no_half_of_a_piece_and_does_not_grow():
    sheet = Sheet(bytearray(FRONT + 4))
    sheet.begin(b"abc")
    assert not sheet.add(b"de")
    assert bytes(sheet.text()) == b"abc"
    assert sheet.add(b"d")
    sheet.before(b"x" * FRONT)
    try:
        sheet.before(b"y")
    except ValueError:
        assert len(sheet.text()) == FRONT + 4
        return
    raise AssertionError("taken")


def test_a_stream_is_cut_into_packets_whatever_the_chunks():
    stream = b"\x20\x02\x00\x00" + publish(b"x" * 200, b"top", 9) + b"\xd0\x00" + mqtt.puback(3)
    whole = packets(mqtt.Reader(300), stream, len(stream))
    assert [head >> 4 for head, _ in whole] == [mqtt.CONNACK, mqtt.PUBLISH, mqtt.PINGRESP, mqtt.PUBACK]
    for size in (1, 2, 3, 7, 64, 130):
        assert packets(mqtt.Reader(300), stream, size) == whole
    topic, payload, pid, retained = mqtt.published(*whole[1])
    assert (topic, payload, pid, retained) == (b"top", b"x" * 200, 9, False)


def test_of_a_packet_that_is_too_large_the_beginning_is_kept_and_the_stream_goes_on():
    stream = publish(b"y" * 5000, b"t", 9) + b"\xd0\x00" + publish(b"z", b"t")
    for size in (1, 63, 64, 65, 512, 6000):
        long, ping, short = packets(mqtt.Reader(64), stream, size)
        assert mqtt.published(*long) == (b"t", b"y" * 59, 9, False)
        assert (ping, mqtt.published(*short)[1]) == ((0xD0, b""), b"z")


def test_a_reader_that_was_reset_forgets_half_a_packet():
    reader = mqtt.Reader(64)
    assert packets(reader, b"\x30\x20abc", 5) == []
    reader.reset()
    assert packets(reader, b"\xd0\x00", 2) == [(0xD0, b"")]


def test_what_is_not_mqtt_is_said_to_be_broken():
    assert broken(packets, mqtt.Reader(64), b"\x30\xff\xff\xff\xff\x01", 6)
    for head, body in (
        (0x30, b""),
        (0x30, b"\x00"),
        (0x30, b"\x00\x09ab"),
        (0x32, b"\x00\x01t\x00"),
        (0x34, b"\x00\x01t"),
    ):
        assert broken(mqtt.published, head, body)


def test_a_refusal_says_why():
    assert mqtt.refusal(mqtt.CONNACK, b"\x00\x00") == ""
    assert mqtt.refusal(mqtt.CONNACK, b"\x00\x05") == "not authorized"
    assert mqtt.refusal(mqtt.CONNACK, b"\x00\x63") == "connack 99"
    assert mqtt.refusal(mqtt.SUBACK, b"\x00\x01\x00\x01") == ""
    assert mqtt.refusal(mqtt.SUBACK, b"\x00\x01\x00\x80") == "subscribe"
