"""DNS, NTP, the calendar and the hotspot's page, as bytes. Runs on MicroPython too, so no pytest in it."""

import struct

from box import calendar, dns, ntp, page

HOST = "broker.example.gov.cn"


def raises(what, call, *args):
    try:
        call(*args)
    except what:
        return True
    return False


# ---- DNS


def reply(ident=7, host=HOST, flags=0x8180, records=(), count=None):
    head = struct.pack(">HHHHHH", ident, flags, 1, len(records) if count is None else count, 0, 0)
    return head + dns.question(ident, host)[12:] + b"".join(records)


def record(kind, data, name=b"\xc0\x0c"):
    return name + struct.pack(">HHIH", kind, 1, 300, len(data)) + data


A = record(1, bytes((10, 1, 2, 3)))


def test_a_question_is_what_a_name_server_expects():
    assert (
        dns.question(0x1234, "a.bc")
        == b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x02bc\x00\x00\x01\x00\x01"
    )


def test_an_address_comes_back():
    assert dns.answer(7, HOST, reply(records=[A])) == ["10.1.2.3"]


def test_other_records_and_names_before_it_are_skipped():
    cname = record(5, b"\x01x\xc0\x0c")
    spelled = record(1, bytes((10, 1, 2, 4)), name=b"\x01x\x02yz\x00")
    assert dns.answer(7, HOST, reply(records=[cname, record(28, bytes(16)), A, spelled])) == [
        "10.1.2.3",
        "10.1.2.4",
    ]


def test_case_does_not_matter():
    assert dns.answer(7, HOST, reply(host="BROKER.Example.gov.cn", records=[A])) == ["10.1.2.3"]


def test_an_answer_to_another_question_is_none():
    assert dns.answer(7, HOST, reply(ident=8, records=[A])) is None
    assert dns.answer(7, HOST, reply(host="other.example.gov.cn", records=[A])) is None
    assert dns.answer(7, HOST, dns.question(7, HOST)) is None  # an echo of the question
    assert dns.answer(7, HOST, b"") is None


def test_a_name_that_does_not_exist_has_no_address():
    assert dns.answer(7, HOST, reply(flags=0x8183)) == []


def test_an_answer_cut_anywhere_neither_raises_nor_invents():
    whole = reply(records=[record(5, b"\x01x\xc0\x0c"), A])
    for end in range(len(whole)):
        assert dns.answer(7, HOST, whole[:end]) in (None, [])
    assert dns.answer(7, HOST, whole) == ["10.1.2.3"]


def test_an_answer_that_promises_more_than_it_has_ends():
    assert dns.answer(7, HOST, reply(records=[A], count=65535)) == ["10.1.2.3"]
    looped = record(1, bytes((1, 2, 3, 4)), name=b"\x3f" * 4)
    assert dns.answer(7, HOST, reply(records=[looped], count=9)) == []


def test_what_is_no_name_is_not_asked():
    for host in ("", "a..b", ".", "x" * 64, "a." * 130):
        assert raises(ValueError, dns.question, 1, host)


def test_an_address_needs_no_name_server():
    assert dns.is_address("192.168.1.20")
    for no in ("192.168.1", "192.168.1.256", "a.b.c.d", "1.2.3.4.5", "1..2.3", "0001.2.3.4", ""):
        assert not dns.is_address(no)


# ---- NTP

NONCE = b"12345678"
UNIX_S = 1_795_219_200


def said(
    head=0x24,
    stratum=2,
    nonce=NONCE,
    got=(UNIX_S + ntp.TO_1970, 1 << 31),
    sent=(UNIX_S + ntp.TO_1970, 1 << 31),
):
    return (
        bytes((head, stratum))
        + bytes(22)
        + nonce
        + struct.pack(">IIII", *[n & 0xFFFFFFFF for n in got + sent])
    )


def test_the_time_is_the_middle_of_receiving_and_sending():
    assert ntp.answer(NONCE, said()) == UNIX_S * 1000 + 500
    later = (UNIX_S + ntp.TO_1970 + 1, 1 << 31)
    assert ntp.answer(NONCE, said(sent=later)) == UNIX_S * 1000 + 1000


def test_the_second_era_of_ntp_is_understood():
    s = 2_100_000_000  # in 2036
    at = (s + ntp.TO_1970, 0)
    assert at[0] > 1 << 32
    assert ntp.answer(NONCE, said(got=at, sent=at)) == s * 1000


def test_no_time_from_a_stranger_a_question_or_a_server_without_one():
    for bad in (
        said(nonce=b"87654321"), said(head=0x23), said(head=0xE4), said(stratum=0), said(stratum=16),
        said(sent=(0, 0)), said()[:47], b"",
    ):  # fmt: skip
        assert ntp.answer(NONCE, bad) is None


def test_a_question_has_the_nonce_where_the_answer_repeats_it():
    asked = ntp.question(NONCE)
    assert len(asked) == 48
    assert asked[0] == 0x23
    assert asked[40:] == NONCE


# ---- calendar


def test_the_calendar_knows_these_days():
    assert calendar.civil(0) == (1970, 1, 1, 0, 0, 0, 3)
    assert calendar.civil(951_827_696) == (2000, 2, 29, 12, 34, 56, 1)
    assert calendar.civil(1_795_219_200) == (2026, 11, 21, 0, 0, 0, 5)
    assert calendar.civil(4_107_542_399) == (2100, 2, 28, 23, 59, 59, 6)
    assert calendar.civil(4_107_542_400) == (2100, 3, 1, 0, 0, 0, 0)


def test_every_day_of_a_century_comes_back():
    day = 946_684_800 // 86_400
    before = None
    for i in range(36_525):
        at = (day + i) * 86_400 + i
        got = calendar.civil(at)
        assert calendar.unix(*got[:6]) == at
        assert before is None or got[6] == (before + 1) % 7
        before = got[6]


# ---- the hotspot's page


def post(body, head="POST / HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: %d"):
    body = body.encode()
    return (head % len(body)).encode() + b"\r\n\r\n" + body


FORM = "pin=12345678&ssid=%s&key=%s"


def test_a_look_shows_the_form_and_changes_nothing():
    answer, what, chosen = page.respond(b"GET /generate_204 HTTP/1.1\r\n\r\n", "12345678")
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert "更换 Wi-Fi".encode() in answer
    assert (what, chosen) == (0, None)


def test_the_length_is_that_of_the_bytes():
    answer, _, _ = page.respond(b"GET / HTTP/1.1\r\n\r\n", "1")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head


def test_the_right_pin_changes_the_network():
    request = post(FORM % ("%E5%A4%A7%E5%8E%85+2", "a%26b%3Dc%2Bd%25e"))
    assert page.whole(request)
    answer, what, chosen = page.respond(request, "12345678")
    assert (what, chosen) == (page.OK, ("大厅 2", "a&b=c+d%e"))
    assert b"a&b" not in answer


def test_an_open_network_has_no_key():
    assert page.respond(post(FORM % ("hall", "")), "12345678")[2] == ("hall", "")


def test_a_wrong_pin_changes_nothing_and_says_so():
    for pin in ("12345678x", "", "12345679"):
        answer, what, chosen = page.respond(post("pin=%s&ssid=a&key=" % pin), "12345678")
        assert (what, chosen) == (page.WRONG_PIN, None)
        assert answer.startswith(b"HTTP/1.0 403")


def test_a_box_without_a_pin_lets_nobody_in():
    for pin in (None, ""):
        assert page.respond(post("pin=&ssid=a&key="), pin)[1] == page.WRONG_PIN


def test_names_and_keys_that_no_network_can_have_are_refused():
    for ssid, key in (
        ("", "longenough"),
        ("x" * 33, "longenough"),
        ("%E5%A4%A7" * 11, "longenough"),
        ("a", "short"),
        ("a", "y" * 64),
    ):
        answer, what, chosen = page.respond(post(FORM % (ssid, key)), "12345678")
        assert (what, chosen) == (page.BAD, None)
        assert answer.startswith(b"HTTP/1.0 400")


def test_the_longest_and_the_shortest_names_and_keys_are_taken():
    for ssid in ("a", "x" * 32, "x大"):
        for key in ("y" * 8, "y" * 63):
            assert page.respond(post(FORM % (ssid, key)), "12345678")[1:] == (page.OK, (ssid, key))
    for key in ("y" * 7, "y" * 64):
        assert page.respond(post(FORM % ("a", key)), "12345678")[1] == page.BAD


def test_another_method_is_no_try_of_a_pin():
    answer, what, chosen = page.respond(b"PUT / HTTP/1.1\r\n\r\npin=12345678&ssid=a&key=", "12345678")
    assert answer.startswith(b"HTTP/1.0 405")
    assert (what, chosen) == (0, None)
    assert 0 not in (page.OK, page.WRONG_PIN, page.BAD)


def test_broken_forms_are_refused_not_raised():
    for body in (
        "",
        "&&&",
        "=",
        "pin",
        "%",
        "%zz=1",
        "pin=%E5",
        "pin=12345678&ssid=%ff&key=",
        "pin=12345678&ssid=a%4&key=12345678",
    ):
        assert page.respond(post(body), "12345678")[2] is None
    assert page.respond(b"DELETE / HTTP/1.1\r\n\r\n", "12345678")[0].startswith(b"HTTP/1.0 405")
    assert page.respond(b"\r\n\r\n", "12345678")[2] is None


def test_a_request_is_whole_when_its_body_is():
    request = post(FORM % ("hall", "12345678"))
    for end in range(len(request)):
        assert not page.whole(request[:end])
    assert page.whole(request)


def test_a_look_has_no_body_to_wait_for():
    assert page.whole(b"GET / HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n")


def test_a_request_of_a_phone_is_not_too_long_and_one_more_byte_is():
    head = b"GET / HTTP/1.1\r\nx: "
    most = head + b"y" * (page.REQUEST_MAX - 1 - len(head))
    assert not page.whole(most)
    assert raises(ValueError, page.whole, most + b"y")
    body = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
    fits = page.REQUEST_MAX - 1 - len(body % 1000)
    assert not page.whole(body % fits)
    assert raises(ValueError, page.whole, body % (fits + 1))


def test_a_request_that_will_never_end_is_dropped():
    assert raises(ValueError, page.whole, b"GET / HTTP/1.1\r\n" + b"x" * page.REQUEST_MAX)
    for length in ("9999", "99999999", "-1", "x", ""):
        assert raises(
            ValueError, page.whole, b"POST / HTTP/1.1\r\ncontent-length: " + length.encode() + b"\r\n\r\n"
        )


def test_the_new_network_comes_first_and_old_ones_stay():
    old = [
        {"ssid": "a", "key": "1"},
        {"ssid": "b", "key": "2"},
        {"ssid": "c", "key": "3"},
        {"ssid": "d", "key": "4"},
    ]
    assert [n["ssid"] for n in page.preferred(("x", "k"), old)] == ["x", "a", "b", "c"]
    again = page.preferred(("c", "new"), old)
    assert [(n["ssid"], n["key"]) for n in again] == [("c", "new"), ("a", "1"), ("b", "2"), ("d", "4")]
