"""MQTT bytes against the standard's own layout. Runs on MicroPython too (test_on_micropython.py), so no pytest here."""

from box import mqtt


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
    made = mqtt.connect("b1", 60, b"t", b"gone", "u", "pw")
    assert made == (
        b"\x10\x1e"
        + b"\x00\x04MQTT\x04\xee\x00\x3c"
        + b"\x00\x02b1"
        + b"\x00\x01t\x00\x04gone"
        + b"\x00\x01u\x00\x02pw"
    )


def test_connect_without_user_has_neither():
    assert mqtt.connect("b1", 60, b"t", b"x")[9] == 0x2E


def test_subscribe_and_puback():
    assert mqtt.subscribe(1, [("a/b", 0), ("c", 1)]) == b"\x82\x0c\x00\x01\x00\x03a/b\x00\x00\x01c\x01"
    assert mqtt.puback(258) == b"\x40\x02\x01\x02"


def test_publish_heads():
    assert mqtt.publish_head(b"t", 3) + b"abc" == b"\x30\x06\x00\x01tabc"
    assert mqtt.publish_head(b"t", 3, 7) + b"abc" == b"\x32\x08\x00\x01t\x00\x07abc"
    assert mqtt.publish_head(b"t", 0, 7, retain=True)[0] == 0x33
    assert mqtt.publish_head(b"t", 4096)[:3] == b"\x30\x83\x20"


def test_a_stream_is_cut_into_packets_whatever_the_chunks():
    stream = (
        b"\x20\x02\x00\x00" + mqtt.publish_head(b"top", 200, 9) + b"x" * 200 + b"\xd0\x00" + mqtt.puback(3)
    )
    whole = packets(mqtt.Reader(300), stream, len(stream))
    assert [head >> 4 for head, _ in whole] == [mqtt.CONNACK, mqtt.PUBLISH, mqtt.PINGRESP, mqtt.PUBACK]
    for size in (1, 2, 3, 7, 64, 130):
        assert packets(mqtt.Reader(300), stream, size) == whole
    topic, payload, pid, retained = mqtt.published(*whole[1])
    assert (topic, payload, pid, retained) == (b"top", b"x" * 200, 9, False)


def test_a_packet_that_is_too_large_is_skipped_and_the_stream_goes_on():
    stream = mqtt.publish_head(b"t", 5000) + b"y" * 5000 + b"\xd0\x00"
    for size in (1, 512, 6000):
        reader = mqtt.Reader(64)
        assert packets(reader, stream, size) == [(0xD0, b"")]
        assert reader.skipped == 1


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
