"""What a journal does, as situations: each function is one. test_journal.py runs them on both interpreters.

Refuses pytest: MicroPython has none.
"""

from binascii import crc32

from box.chain import first_tag, next_tag
from box.journal import GIVE_UP_AT, RESERVE, Journal, JournalFault
from box.record import BOOT, CLOCK, FULL, LOSS, PRESS, ROTTEN, TORN, read_loss, unpack
from flash import BLOCK, NorFlash, PowerCut
from world import BOX, KEY, Story

ERASES = 20  # per 1,000 presses: budget.toml, which MicroPython cannot read


def begun(blocks=5):
    s = Story(NorFlash(blocks))
    s.boot()
    s.idle()
    return s


def raises(what, call, *args):
    try:
        call(*args)
    except what:
        return True
    return False


def slot_of(s, seq):
    a = s.j.ring.find(seq)
    assert a >= 0
    return a


def record(s, seq):
    buf = bytearray(64)
    assert s.j.read(seq, buf)
    return unpack(buf)


# ---- life and boot


def case_an_empty_flash_gets_a_life_once():
    s = begun()
    life = s.j.life
    assert (s.j.base, s.j.newest, s.j.boot, s.j.depth) == (1, 0, 1, 0)
    assert s.j.run(1) == (1, first_tag(KEY, BOX, life))
    s.boot()
    assert s.j.life == life
    assert s.lives == 1


def case_a_boot_loop_of_a_thousand_boots_writes_nothing():
    s = begun()
    s.press(1)
    s.boot()
    s.idle()
    done = s.flash.programs, s.flash.erases
    for _ in range(1000):
        s.boot()
        s.idle()
    assert (s.flash.programs, s.flash.erases) == done
    assert s.j.boot == 2


def case_a_boot_is_written_with_its_first_record():
    s = begun()
    s.press(3)
    assert record(s, 1)[1] == BOOT
    assert record(s, 1)[9] == 1
    assert record(s, 2)[1:10] == (PRESS, 1, 2, 1000, 0, 0, 1, 3, 0)
    s.boot()
    s.press(1)
    assert [record(s, q)[1] for q in (3, 4)] == [BOOT, PRESS]
    assert record(s, 4)[2] == 2


def case_one_press_is_one_program_and_one_read():
    s = begun()
    s.press(1)
    done = s.flash.programs, s.flash.reads
    s.press(1)
    assert (s.flash.programs - done[0], s.flash.reads - done[1]) == (1, 1)


def case_an_idle_box_never_erases_under_a_key():
    s = begun()
    for i in range(600):
        erases = s.flash.erases
        s.press(1 + i % 3)
        assert s.flash.erases == erases
        s.idle()
        s.send()


def case_a_box_that_is_never_idle_loses_no_press():
    s = begun()
    for i in range(600):
        s.press(1 + i % 3)
    s.settle()
    lost, missing = s.account()
    assert sum(lost) == len(missing) > 0


def case_figures_survive_a_reboot():
    s = begun()
    for i in range(700):
        s.press(1 + i % 3)
        if i % 3:
            s.idle()
    s.send()
    before = s.j.n, s.j.lost, s.j.unknown, s.j.newest, s.j.base, s.j.acked, s.j.erases
    assert sum(s.j.lost) > 0
    s.boot()
    assert (s.j.n, s.j.lost, s.j.unknown, s.j.newest, s.j.base, s.j.acked, s.j.erases) == before


def case_unknown_kinds_and_levels_are_kept_as_they_are():
    s = begun()
    seq = s.write(200, level=9, reason=255, held=65535, flags=128, data=b"\xff" * 20)
    assert record(s, seq)[1] == 200
    assert record(s, seq)[8:] == (9, 255, 65535, 128, b"\xff" * 20)
    s.write(PRESS, level=9)
    assert s.j.n == [0, 0, 0]
    s.settle()
    s.account()


# ---- acknowledgements


def case_an_acknowledgement_frees_and_survives_a_reboot():
    s = begun()
    for _ in range(5):
        s.press(1)
    tag = s.j.run(4)[1]
    assert s.j.ack(3, tag) == 4
    assert (s.j.acked, s.j.depth) == (3, 3)
    s.boot()
    assert (s.j.acked, s.j.depth) == (3, 3)


def case_a_forged_acknowledgement_frees_nothing():
    s = begun()
    for _ in range(5):
        s.press(1)
    for seq, tag in ((3, b"12345678"), (3, b""), (7, s.j.run(7)[1]), (2**32 - 1, b"12345678")):
        assert s.j.ack(seq, tag) is None
    assert s.j.acked == 0


def case_the_ledger_lost_everything_or_more_than_the_box_still_has():
    s = begun()
    for i in range(600):
        s.press(1 + i % 3)
        s.send()
        s.idle()
    assert s.j.base > 100
    for seq in (0, 5, s.j.base - 1):
        assert s.j.ack(seq, b"") == s.j.base
    assert s.j.acked == s.j.newest


def case_the_ledger_came_back_from_a_backup():
    s = begun()
    for _ in range(100):
        s.press(2)
    s.settle()
    yesterday = 40
    for seq in list(s.stored):
        if seq > yesterday:
            del s.stored[seq]
    s.head = yesterday
    assert s.j.ack(yesterday, s.stored[yesterday][1]) == yesterday + 1
    assert s.j.acked == s.j.newest  # what was heard once is free, and is sent again all the same
    s.next = yesterday + 1
    for _ in range(10):
        s.send()
    assert s.account() == ([0, 0, 0], [])
    assert s.verify() == []


def case_a_second_delivery_changes_nothing():
    s = begun()
    for _ in range(50):
        s.press(3)
        s.send(heard=False)
    s.settle()
    assert s.account() == ([0, 0, 0], [])


# ---- full


def case_a_full_ring_admits_what_it_gives_up():
    s = begun(5)
    while s.j.base == 1:
        s.press(1 + s.j.newest % 3)
        s.idle()
    f = record(s, s.j.newest)
    first, last, *lost = read_loss(f[12])
    assert (f[1], f[9], first, last) == (LOSS, FULL, 1, 63)
    assert sum(lost) == 62  # and the boot record
    assert s.j.lost == lost
    for i in range(1500):  # several times round: admissions are given up too, and admitted again
        s.press(1 + i % 2)
        if i % 5 == 0:
            s.idle()
        if i % 90 == 0:
            s.boot()
    whole = s.j.lost
    s.settle()
    lost, missing = s.account()
    assert lost == whole == s.j.lost
    assert len(missing) == sum(lost)
    s.verify()


def case_acknowledged_blocks_go_in_silence():
    s = begun()
    for i in range(1000):
        s.press(1 + i % 3)
        s.idle()
        s.send()
    assert (s.j.lost, s.losses()) == ([0, 0, 0], [])
    assert s.j.base > 700


def case_room_says_how_many_until_one_must_go():
    s = begun(6)
    s.press(1)
    room = s.j.room
    assert room == 5 * 63 - 2 + 63 - RESERVE
    for _ in range(room):
        s.press(1)
        assert s.j.base == 1
    assert s.j.room == 0
    s.press(1)
    assert s.j.base == 64
    s.settle()
    assert s.j.room > 100


def case_idle_work_gives_up_late():
    s = begun(5)
    while s.j.base == 1:
        s.press(1)
        s.idle()
    assert GIVE_UP_AT - 3 <= s.j.ring.left() <= GIVE_UP_AT


# ---- rot


def case_a_rotten_slot_is_admitted_once_for_ever():
    s = begun()
    for i in range(30):
        s.press(1 + i % 3)
    s.flash.rot(slot_of(s, 10) + 20, 0x10)
    s.flash.rot(slot_of(s, 11) + 30, 0xFF)
    for _ in range(5):
        s.boot()
        s.idle()
    s.settle()
    lost, missing = s.account()
    assert missing == [10, 11]
    assert sum(lost) == 2
    assert len(s.losses()) == 1
    assert s.losses()[0][0] == ROTTEN
    assert s.verify() == [12]
    assert s.stored[12][2] == s.said.get(11, bytes(61))[53:] or s.stored[12][2] != bytes(8)
    s.boot()
    s.idle()
    assert len(s.losses()) == 1
    assert s.j.lost == lost


def case_rot_found_while_sending_stops_nothing():
    s = begun()
    for i in range(30):
        s.press(1 + i % 3)
    s.flash.rot(slot_of(s, 10) + 20, 0x10)
    assert s.j.run(12)[0] == 1  # believed
    assert not s.j.read(10, bytearray(64))
    assert s.j.run(12)[0] == 11  # no longer
    s.settle()
    assert s.account()[1] == [10]
    assert s.verify() == [11]


def case_rot_grows():
    s = begun()
    for _ in range(30):
        s.press(1)
    for seq in (10, 11, 9):
        s.flash.rot(slot_of(s, seq) + 20, 0x10)
        s.boot()
        s.idle()
    s.settle()
    assert s.account() == ([3, 0, 0], [9, 10, 11])
    assert s.own_losses()[0] == s.j.lost == [3, 0, 0]


def case_more_rot_than_can_be_remembered_at_once():
    s = begun()
    for _ in range(100):
        s.press(2)
    for seq in range(5, 95, 2):
        s.flash.rot(slot_of(s, seq) + 20, 0x10)
    s.boot()
    s.idle()
    s.settle()
    assert s.account()[0] == [0, 45, 0]
    assert s.j.lost == [0, 45, 0]


def case_rot_in_what_the_ledger_asks_for_again():
    s = begun()
    for _ in range(60):
        s.press(1)
    s.settle()
    s.flash.rot(slot_of(s, 30) + 20, 1)
    s.flash.rot(slot_of(s, 10) + 20, 1)
    s.boot()
    s.idle()
    assert s.j.lost == [0, 0, 0]  # the ledger has it: nothing is lost
    for seq in range(21, s.j.newest + 1):
        s.stored.pop(seq, None)
    s.head = 20
    s.settle()
    assert s.account() == ([1, 0, 0], [30])
    s.boot()
    s.idle()
    assert s.j.lost == [1, 0, 0]


def case_the_newest_record_rots():
    s = begun()
    for _ in range(10):
        s.press(1)
    s.flash.rot(slot_of(s, 11) + 20, 1)
    s.boot()
    assert s.j.newest == 10
    s.idle()
    s.settle()
    assert s.losses() == [(TORN, 0, 11, 11, 0, 0, 0)]
    assert (s.j.lost, s.j.unknown, s.j.n) == ([0, 0, 0], 1, [9, 0, 0])
    assert s.verify() == []  # the chain goes on from the newest tag that could be read
    s.boot()
    s.idle()
    assert s.j.unknown == 1


def case_the_newest_record_rots_while_the_box_runs():
    s = begun()
    for _ in range(10):
        s.press(1)
    s.flash.rot(slot_of(s, 11) + 20, 1)
    s.settle()
    assert s.account() == ([1, 0, 0], [11])


def case_an_answer_about_a_slot_that_has_rotted_since():
    s = begun()
    for _ in range(10):
        s.press(1)
    s.send(heard=False)
    s.flash.rot(slot_of(s, s.head) + 20, 1)
    s.settle()
    assert s.j.acked == s.j.newest
    assert s.stored_presses() == [10, 0, 0]


def case_a_header_with_one_rotten_bit_costs_nothing():
    for bit in range(0, 512, 7):
        s = begun()
        for _ in range(20):
            s.press(1)
        s.flash.rot(bit // 8, 1 << bit % 8)
        s.boot()
        s.settle()
        assert s.account() == ([0, 0, 0], [])


def case_a_rotten_header_costs_no_record():
    for block in (0, 1, 2):
        s = begun()
        for i in range(150):
            s.press(1 + i % 3)
        s.flash.rot(block * BLOCK + 20, 0xFF)
        s.flash.rot(block * BLOCK + 61, 0xFF)
        s.boot()
        s.settle()
        assert s.account() == ([0, 0, 0], [])
        assert s.verify() == []


def case_a_whole_block_rots_between_good_ones():
    s = begun()
    for i in range(170):
        s.press(1 + i % 3)
    for a in range(BLOCK, 2 * BLOCK):
        s.flash.rot(a, 0x5A)
    s.boot()
    s.settle()
    lost, missing = s.account()
    assert len(missing) == 63 == sum(lost)
    assert s.losses()[0][:4] == (ROTTEN, 0, 64, 126)


def case_one_rotten_bit_never_acknowledges():
    s = begun()
    for _ in range(20):
        s.press(1)
    for bit in range(8):
        s.flash.rot(slot_of(s, 15) + 63, 1 << bit)
        s.boot()
        assert s.j.acked == 0
        s.flash.rot(slot_of(s, 15) + 63, 1 << bit)


def case_rot_and_a_full_ring_add_up():
    s = begun(5)
    for i in range(200):
        s.press(1 + i % 3)
    for seq in (5, 6, 70, 100, 126, 127):
        s.flash.rot(slot_of(s, seq) + 20, 1)
    s.boot()
    s.idle()
    for seq in (9, 72):
        s.flash.rot(slot_of(s, seq) + 20, 1)  # not found before its block goes
    for i in range(250):
        s.press(1 + i % 3)
    s.settle()
    assert s.account()[0] == s.j.lost


# ---- torn and worn


def case_a_torn_record_spends_its_seq_and_its_boot():
    s = begun()
    s.press(1)
    s.boot()
    s.flash.cuts = [[1, "bits"]]
    assert raises(PowerCut, s.press, 2)
    s.boot()
    assert (s.j.newest, s.j.boot) == (2, 3)
    s.press(3)
    assert [record(s, q)[1] for q in (4, 5, 6)] == [LOSS, BOOT, PRESS]
    s.settle()
    assert s.losses() == [(TORN, 0, 3, 3, 0, 0, 0)]
    assert s.account() == ([0, 0, 0], [])
    assert s.verify() == []


def case_a_bad_slot_is_skipped_and_nothing_is_lost():
    s = begun()
    s.flash.stuck_high = {5 * 64 + 20: 0xFF, 6 * 64 + 1: 0xFF, BLOCK + 64 + 4: 0xFF}
    for i in range(100):
        s.press(1 + i % 3)
    assert s.j.faults == 3
    for _ in range(2):
        s.boot()
        s.watch()
    s.settle()
    assert s.account() == ([0, 0, 0], [])
    assert s.losses() == []
    assert s.verify() == []


def case_a_block_that_cannot_be_erased_clean_is_skipped():
    s = begun(6)
    s.flash.stuck_low = {2 * BLOCK + 3: 0xFF}
    for i in range(1000):
        s.press(1 + i % 3)
        s.idle()
        s.send()
        if i % 100 == 50:
            s.boot()
    s.settle()
    assert s.account() == ([0, 0, 0], [])


def case_a_dead_flash_says_so_and_keeps_the_past():
    s = begun(8)
    for i in range(70):
        s.press(1 + i % 3)
    s.flash.program = lambda a, d: None
    assert raises(JournalFault, s.press, 1)
    assert s.j.tidy() in (False, True)
    n = s.j.n
    assert s.j.newest == 71
    del s.flash.program
    s.boot()
    assert (s.j.n, s.j.base) == (n, 1)
    s.press(2)
    s.settle()
    s.account()


def case_a_torn_slot_whose_crc_happens_to_fit_is_refused():
    s = begun()
    for _ in range(5):
        s.press(1)
    a = slot_of(s, 6) + 64
    forged = bytearray(s.flash.cells[a - 64 : a])
    forged[4] = 7
    forged[61:63] = (crc32(forged[:61]) & 0xFFFF).to_bytes(2, "little")
    s.flash.cells[a : a + 64] = forged
    s.boot()
    assert s.j.newest == 6
    for _ in range(2):
        s.settle()
        s.boot()
    assert (s.j.n, s.j.unknown) == ([5, 0, 0], 1)
    s.verify()


def case_tags_are_those_of_the_law():
    s = begun()
    s.press(1)
    s.write(CLOCK, reason=1, data=b"12345678abcd")
    buf = bytearray(64)
    prev = first_tag(KEY, BOX, s.j.life)
    for seq in (1, 2, 3):
        assert s.j.run(seq) == (1, prev)
        assert s.j.read(seq, buf)
        assert next_tag(KEY, prev, buf[:53]) == buf[53:61]
        prev = bytes(buf[53:61])
    assert s.j.run(4) == (1, prev)


def case_a_flash_too_small_is_refused():
    assert raises(ValueError, Journal, NorFlash(3), KEY, BOX, lambda: b"12345678")


def case_what_another_use_left_in_flash_is_erased():
    flash = NorFlash(5)
    for a in range(5 * BLOCK):
        flash.cells[a] = a * 7 & 0xFF
    s = Story(flash)
    s.boot()
    for i in range(600):
        s.press(1 + i % 3)
        s.send()
    s.settle()
    assert s.account() == ([0, 0, 0], [])


def case_a_box_that_fails_whenever_it_writes_does_not_eat_its_ring():
    s = begun()
    s.press(1)
    for _ in range(100):
        s.flash.cuts = [[1, "bits"]]
        raises(PowerCut, s.idle)
        s.boot()
        s.flash.cuts = []
    before = s.j.ring.slot
    assert before == 3  # nothing to say, nothing written
    for _ in range(100):
        s.flash.cuts = [[1, "bits"]]
        raises(PowerCut, s.press if s.j.ring.slot == 3 else lambda _: s.idle(), 1)
        s.boot()
    s.flash.cuts = []
    assert s.j.ring.slot == 3 + 5
    s.press(2)
    s.settle()
    assert s.account() == ([0, 0, 0], [])
    assert s.j.unknown == 5


def case_a_thousand_presses_cost_no_more_erases_than_the_budget_has():
    s = begun(8)
    for _ in range(504):
        s.press(1)
    s.settle()
    before = s.flash.erases
    for i in range(1000):
        s.press(1 + i % 3)
        if i % 8 == 0:
            s.send()
        if i % 40 == 0:
            s.write(CLOCK, reason=1)
        if i % 125 == 0:
            s.boot()
        s.idle()
    assert 15 <= s.flash.erases - before <= ERASES


def case_rot_in_a_slot_not_yet_written_is_no_loss():
    s = begun()
    s.press(1)
    s.flash.rot(6 * 64 + 9, 0x55)
    s.boot()
    s.idle()
    for _ in range(10):
        s.press(2)
    s.settle()
    assert s.account() == ([0, 0, 0], [])
    assert (s.losses(), s.j.unknown, s.j.faults) == ([], 0, 1)
