"""The drivers against chips made of registers (fakes/chips.py). Runs on MicroPython too, so no pytest in it."""

from chips import Badge, Clock, Reader, crc_a
from drivers import ds3231, mfrc522, voice

UIDS = (b"\x04\xa1\xb2\xc3", b"\x04\x11\x22\x33\x44\x55\x66", bytes(range(16, 26)))
TOUCH = 60  # polls; at one in 50 ms a touch of 3 s, but most readings take ten


def read(reader, driver, polls=TOUCH):
    found = []
    for _ in range(polls):
        before = reader.accesses
        uid = driver.poll()
        assert (
            reader.accesses - before < 40
        )  # 40 accesses of 2 bytes at 1 MHz: under a millisecond on the wire
        if uid:
            found.append(uid)
    return found


def made(**facts):
    reader = Reader(**facts)
    return reader, mfrc522.MFRC522(reader, reader)


def test_the_two_checksums_agree():
    for data in (b"", b"\x50\x00", b"\x93\x70\x04\xa1\xb2\xc3\xd4", bytes(range(40))):
        assert mfrc522.crc_a(data) == crc_a(data)
    assert mfrc522.crc_a(b"\x50\x00") == b"\x57\xcd"  # ISO 14443-3: HLTA is 50 00 57 CD


def test_a_badge_of_each_length_is_read_once_for_a_touch():
    for uid in UIDS:
        reader, driver = made()
        reader.badge = Badge(uid)
        assert read(reader, driver) == [uid]


def test_a_badge_that_comes_again_is_read_again():
    reader, driver = made()
    reader.badge = Badge(UIDS[1])
    assert read(reader, driver) == [UIDS[1]]
    reader.badge = None
    assert read(reader, driver) == []
    reader.badge = Badge(UIDS[1])
    assert read(reader, driver) == [UIDS[1]]


def test_a_badge_taken_away_in_the_middle_is_no_badge():
    for polls in range(1, 12):
        reader, driver = made()
        reader.badge = Badge(UIDS[1])
        early = read(reader, driver, polls)
        reader.badge = None
        assert early + read(reader, driver) in ([], [UIDS[1]])
        reader.badge = Badge(UIDS[0])
        assert read(reader, driver) == [UIDS[0]]


def test_noise_never_makes_another_number():
    for i in range(64):
        reader, driver = made()
        reader.badge = Badge(UIDS[1])

        def spoil(answer, i=i):
            if i % 8 >= len(answer):
                return answer[: i // 8]
            return answer[: i % 8] + bytes((answer[i % 8] ^ 1 << i // 8,)) + answer[i % 8 + 1 :]

        reader.badge.spoil = spoil
        assert read(reader, driver) in ([], [UIDS[1]])


def test_a_slow_chip_is_waited_for_and_a_dumb_one_set_up_anew():
    reader, driver = made(late=5)
    reader.badge = Badge(UIDS[0])
    assert read(reader, driver, 200) == [UIDS[0]]
    reader, driver = made(late=1000)
    assert read(reader, driver, 50) == []
    reader.late, reader.irq_in = 1, 0
    reader.badge = Badge(UIDS[0])
    assert read(reader, driver) == [UIDS[0]]


def test_a_chip_that_lost_its_power_for_a_moment_reads_again():
    reader, driver = made()
    reader._clear()
    reader.badge = Badge(UIDS[2])
    assert read(reader, driver) == [UIDS[2]]


def test_an_empty_socket_is_noticed():
    assert made()[1].present()
    for version in (0, 255):
        assert not made(version=version)[1].present()


# ---- DS3231


def test_a_clock_that_was_never_set_tells_nothing():
    assert ds3231.DS3231(Clock()).read() is None


def test_a_time_set_is_a_time_read_in_the_chips_own_form():
    chip = Clock()
    driver = ds3231.DS3231(chip)
    driver.write(1_795_266_296)  # 2026-11-21 13:04:56, a Saturday
    assert driver.read() == 1_795_266_296
    assert bytes(chip.regs[:7]) == b"\x56\x04\x13\x06\x21\x11\x26"
    for at in (951_827_696, 4_107_542_399, 4_107_542_400, 1_798_761_599):
        driver.write(at)
        assert driver.read() == at


def test_registers_that_are_no_date_are_no_time():
    for i, value in ((0, 0x7A), (1, 0x66), (2, 0x25), (2, 0x52), (4, 0x32), (5, 0x13), (6, 0xFA), (4, 0x00)):
        chip = Clock()
        driver = ds3231.DS3231(chip)
        driver.write(1_795_266_296)
        chip.regs[i] = value
        assert driver.read() is None


def test_a_missing_clock_is_an_oserror():
    chip = Clock()
    chip.there = False
    try:
        ds3231.DS3231(chip).read()
    except OSError:
        return
    raise AssertionError


# ---- voice


class Uart:
    def __init__(self):
        self.said = []

    def write(self, data):
        self.said.append(data)


def test_a_word_is_said_as_the_data_sheet_has_it():
    uart = Uart()
    module = voice.Voice(uart)
    module.say(voice.THANKS, 100)
    module.say(voice.THANKS, 100)
    volume, play = b"\x7e\xff\x06\x06\x00\x00\x1e\xfe\xd7\xef", b"\x7e\xff\x06\x12\x00\x00\x02\xfe\xe7\xef"
    assert uart.said == [volume, play, play]


def test_silence_is_silent():
    uart = Uart()
    voice.Voice(uart).say(voice.INVITE, 0)
    assert uart.said == []
