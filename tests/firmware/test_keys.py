"""Keys: bounce, blindness, two hands, furniture. Runs on MicroPython too (test_on_micropython.py), so no pytest here."""

from box.keys import BLIND_MS, PRESS, RELEASE, RELEASE_MS, SAMPLE_MS, STUCK, STUCK_MS, TOGETHER_MS, Keys

G, Y, R = 1, 2, 4  # bits of levels 1, 2, 3
STALE = [9999, 9999, 9999]  # what a port leaves of older edges


class Counter:
    """A box's keys over time: `see` samples every 5 ms, `blind` lets time pass unseen."""

    def __init__(self):
        self.keys, self.ms, self.events = Keys(), 0, []
        self.ago = [0, 0, 0]  # of the next sample's latch
        self.see(0, 5)

    def see(self, bits, ms, latched=0):
        ago, self.ago = self.ago if latched else STALE, [0, 0, 0]
        end = self.ms + ms
        while self.ms < end:
            self.ms += SAMPLE_MS
            self.events += self.keys.sample(bits, latched, ago, self.ms)
            latched, ago = 0, STALE

    def blind(self, ms):
        self.ms += ms - SAMPLE_MS

    def presses(self):
        return [level for what, level, _ in self.events if what == PRESS]

    def releases(self):
        return [(level, held) for what, level, held in self.events if what == RELEASE]


def test_a_press_is_told_at_its_second_sample():
    c = Counter()
    c.see(R, SAMPLE_MS, latched=R)
    assert c.presses() == []
    c.see(R, SAMPLE_MS)
    assert c.presses() == [3]


def test_a_spike_shorter_than_a_sample_is_nothing():
    c = Counter()
    c.see(0, 5, latched=G)
    c.see(G, 5, latched=G)
    c.see(0, 100)
    assert c.events == []


def test_a_bouncing_key_is_one_press_and_one_release():
    c = Counter()
    for bits in (Y, 0, Y, 0, Y, Y, Y, Y, Y, Y):
        c.see(bits, 5, latched=bits)
    for bits in (0, Y, 0, 0, Y, 0):
        c.see(bits, 5, latched=bits)
    c.see(0, 100)
    assert c.presses() == [2]
    assert len(c.releases()) == 1


def test_a_key_that_comes_up_for_as_long_as_the_worst_bounce_is_still_down():
    c = Counter()
    c.see(Y, 30, latched=Y)
    c.see(0, 15)
    c.see(Y, 30, latched=Y)
    assert c.presses() == [2]
    assert c.releases() == []
    c.see(0, RELEASE_MS)
    assert c.releases() == []
    c.see(0, 5)
    assert c.releases() == [(2, 75)]


def test_an_edge_between_two_samples_puts_a_release_off():
    c = Counter()
    c.see(Y, 30, latched=Y)
    c.see(0, 15)
    c.see(0, RELEASE_MS, latched=Y)
    assert c.releases() == []
    c.see(0, 5)
    assert c.releases() == [(2, 45)]


def test_how_long_a_key_was_held_is_told_at_its_release():
    c = Counter()
    c.see(G, 300, latched=G)
    c.see(0, RELEASE_MS + 5)
    assert c.releases() == [(1, 300)]
    assert c.keys.quiet()


def test_the_same_key_twice_is_two_presses():
    c = Counter()
    for held in (60, 10):
        c.see(G, held, latched=G)
        c.see(0, TOGETHER_MS)
    assert c.presses() == [1, 1]
    assert c.releases() == [(1, 60), (1, 10)]


def test_down_and_up_while_nobody_looked_is_a_press():
    c = Counter()
    c.blind(400)
    c.see(0, 5, latched=R)
    assert c.presses() == [3]
    c.see(0, 50)
    assert c.releases() == [(3, 0)]  # how long is not known


def test_down_while_nobody_looked_and_up_right_after_is_a_press():
    c = Counter()
    c.blind(400)
    c.see(R, 5, latched=R)
    c.see(0, 50)
    assert c.presses() == [3]


def test_a_tap_of_which_one_sample_was_seen_before_nobody_looked_is_a_press():
    c = Counter()
    c.see(G, SAMPLE_MS, latched=G)  # its edge is taken out of the latch here
    c.blind(400)
    c.see(0, 50)
    assert c.presses() == [1]
    assert c.releases() == [(1, 0)]  # how long is not known


def test_a_release_that_bounces_while_nobody_looked_is_no_second_press():
    c = Counter()
    c.see(G, 30, latched=G)
    c.blind(400)
    c.see(0, 100, latched=G)
    assert c.presses() == [1]


def test_a_late_sample_that_is_not_late_enough_trusts_no_spike():
    c = Counter()
    c.blind(BLIND_MS)
    c.see(0, 5, latched=G)
    assert c.presses() == []


def test_of_two_keys_of_one_hand_the_first_counts():
    c = Counter()
    c.see(G, 20, latched=G)
    c.see(G | R, 200, latched=R)
    c.see(0, 100)
    assert c.presses() == [1]


def test_two_keys_in_the_same_sample_are_no_press():
    c = Counter()
    c.see(G | R, 200, latched=G | R)
    c.see(0, 100)
    assert c.presses() == []
    c.see(R, 50, latched=R)
    assert c.presses() == [3]


def test_of_two_keys_while_nobody_looked_the_one_still_down_counts():
    c = Counter()
    c.blind(400)
    c.see(R, 50, latched=G | R)
    assert c.presses() == [3]


def test_two_keys_that_came_and_went_while_nobody_looked_are_no_press():
    c = Counter()
    c.blind(400)
    c.see(0, 50, latched=G | R)
    assert c.presses() == []


def test_a_tap_after_one_that_was_seen_late_is_no_second_finger_of_one_hand():
    c = Counter()
    c.blind(90)
    c.ago[0] = 85  # down for 60 ms of them
    c.see(0, 30, latched=G)
    c.see(R, 60, latched=R)
    assert c.presses() == [1, 3]


def test_a_second_finger_that_is_seen_late_is_still_of_the_same_hand():
    c = Counter()
    c.see(G, 20, latched=G)
    c.blind(300)
    c.ago[2] = 260
    c.see(G | R, 100, latched=R)
    assert c.presses() == [1]


def test_two_taps_while_nobody_looked_are_told_in_their_order():
    c = Counter()
    c.blind(400)
    c.ago = [100, 0, 100 + TOGETHER_MS]
    c.see(0, 50, latched=G | R)
    assert c.presses() == [3, 1]


def test_of_a_hand_while_nobody_looked_and_a_tap_after_it_the_tap_counts():
    c = Counter()
    c.blind(400)
    c.ago = [300, 290, 100]
    c.see(0, 50, latched=G | Y | R)
    assert c.presses() == [3]


def test_a_key_whose_edge_the_latch_missed_went_down_when_it_was_seen():
    c = Counter()
    c.blind(50)
    c.ago[0] = 45
    c.see(0, 50, latched=G)
    c.see(R, 10)
    assert c.presses() == [1], "95 ms later"
    c.see(0, 50)
    c.see(R, 10)
    assert c.presses() == [1, 3]


def test_a_taped_key_does_not_silence_the_others():
    c = Counter()
    c.see(G, 1000, latched=G)
    for _ in range(2):
        c.see(G | R, 60, latched=R)
        c.see(G, TOGETHER_MS)
    assert c.presses() == [1, 3, 3]


def test_a_key_down_for_a_minute_is_stuck_until_it_comes_up():
    c = Counter()
    c.see(Y, STUCK_MS, latched=Y)
    assert c.keys.stuck == 0
    c.see(Y, 5)
    assert c.keys.stuck == Y
    assert [e for e in c.events if e[0] == STUCK] == [(STUCK, 2, 0)]
    c.see(0, 50)
    assert c.keys.stuck == 0
    assert c.releases() == [(2, STUCK_MS + 5)]


def test_a_key_that_was_down_before_the_box_is_stuck_a_minute_after_it_started():
    keys = Keys()
    keys.sample(R, 0, STALE, 2 * STUCK_MS)  # a box takes its time to start
    keys.sample(R, 0, STALE, 3 * STUCK_MS - 5)
    assert keys.stuck == 0
    keys.sample(R, 0, STALE, 3 * STUCK_MS)
    assert keys.stuck == R


def test_a_key_that_is_down_or_was_just_now_is_no_quiet_moment():
    c = Counter()
    assert c.keys.quiet()
    c.see(R, SAMPLE_MS)
    assert not c.keys.quiet()
    c.see(R, SAMPLE_MS)
    assert not c.keys.quiet()
    c.see(0, SAMPLE_MS)
    assert not c.keys.quiet()
    c.see(0, RELEASE_MS)
    assert c.keys.quiet()


def test_a_key_that_was_down_before_the_box_is_no_press():
    keys = Keys()
    assert not keys.sample(R, R, STALE, 0)
    for ms in range(5, 1000, 5):
        assert not keys.sample(R, 0, STALE, ms)
    c = Counter()
    c.keys, c.events, c.ms = keys, [], 1000
    c.see(0, 50)
    c.see(R, 50, latched=R)
    assert c.presses() == [3]
