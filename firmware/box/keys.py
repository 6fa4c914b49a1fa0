# Three keys: samples in, presses out. Debounces, and tells a hand from a piece of furniture.
#
# Refuses: to read a pin, to know the time (every sample brings its own), to guess. Where the samples cannot say which
# key was meant there is no press and so no light, and the citizen presses again.
#
# The rules
# - A press is a key seen down in two samples in a row, so a spike of less than 5 ms is nothing. It is written when it
#   is confirmed; how long it lasts is told when it ends.
# - A release is a key seen up for RELEASE_MS without a new edge.
# - Nobody looked for more than BLIND_MS (a TLS handshake, a flash erase): the latch, which hardware or an interrupt set
#   meanwhile, is a press by itself, and so is the one sample that saw the key down just before. But only of a key that
#   was up: on a key that was down it may be the release bouncing.
# - Two keys at once: the first one down counts, another within TOGETHER_MS is the same hand. Both new in one sample:
#   if one of them is still down and the other is not, that one; otherwise none. A key went down when its latch says,
#   not when it was seen: a finger on time is not to be taken for a hand because the box looked late.
# - A key held down never blocks the other two, and is reported as stuck after STUCK_MS until it comes up.
# - What is down at the first sample was down before the box was: no press.

# Events: (PRESS, level, 0) (RELEASE, level, held ms, 0 unknown) (STUCK, level, 0)
PRESS, RELEASE, STUCK = 1, 2, 3

SAMPLE_MS = 5  # how often the port should be asked; two of these, the journal and the light fit 20 ms
BLIND_MS = 12  # two samples missed; two such gaps are still shorter than a finger's shortest tap
RELEASE_MS = 20  # the worst bounce of a cheap key in its data sheet is 10 ms
TOGETHER_MS = 100  # a flat hand lands within this; a change of mind takes longer
STUCK_MS = 60_000
LEVELS = (1, 2, 3)


class Keys:
    def __init__(self):
        self.stuck = 0  # bits: the beat's field
        self._down = 0  # debounced
        self._was = 0  # the sample before
        self._at = None  # ms of the sample before; None: none yet
        self._pressed = -TOGETHER_MS  # ms at which the key of the newest press went down
        self._edge = [0, 0, 0]  # ms at which the key went down
        self._since = [0, 0, 0]  # ms at which it was first seen down
        self._up = [None, None, None]  # ms since which a key that was down is seen up
        self._events = []  # used again for every sample, so that a stuck key costs no heap

    # True while nothing is down or bouncing: the moment for an erase.
    def quiet(self):
        return not (self._down | self._was)

    # bits: keys down now; latched: keys that had a down edge since the last call; ago: for each of those, ms since the
    # first such edge; ms: now. -> events, valid until the next sample.
    def sample(self, bits, latched, ago, ms):
        if not (bits | latched | self._was | self._down):  # nearly always
            self._at = ms
            return ()
        if self._at is None:
            self._down = self._was = bits
            self._since = [ms, ms, ms]
            self._at = ms
            return ()
        blind = ms - self._at > BLIND_MS
        self._events.clear()
        fresh = 0
        for level in LEVELS:
            i = level - 1
            bit = 1 << i
            if self._down & bit:
                self._held(level, bit, bits & bit, latched & bit, ms)
                continue
            if not self._was & bit:
                self._edge[i] = ms - ago[i] if latched & bit else ms
            if bits & bit:
                if not self._was & bit:
                    self._since[i] = ms
                if blind or self._was & bit:
                    fresh |= bit
            elif blind and (latched | self._was) & bit:
                self._since[i] = self._up[i] = ms
                fresh |= bit
        self._was = bits
        self._at = ms
        if fresh:
            self._fresh(fresh, bits)
        return self._events

    def _held(self, level, bit, down, edge, ms):
        i = level - 1
        if down:
            self._up[i] = None
            if not self.stuck & bit and ms - self._since[i] >= STUCK_MS:
                self.stuck |= bit
                self._events.append((STUCK, level, 0))
            return
        if self._up[i] is None or edge:
            self._up[i] = ms
        if ms - self._up[i] >= RELEASE_MS:
            self._events.append((RELEASE, level, self._up[i] - self._since[i]))
            self._up[i] = None
            self._down &= ~bit
            self.stuck &= ~bit

    # One hand after another: nobody may have looked for as long as two of them took.
    def _fresh(self, fresh, bits):
        self._down |= fresh
        edge = self._edge
        while fresh:
            first = min([edge[i] for i in (0, 1, 2) if fresh >> i & 1])
            hand = 0
            for i in (0, 1, 2):
                if fresh >> i & 1 and edge[i] - first < TOGETHER_MS:
                    hand |= 1 << i
            fresh &= ~hand
            if hand & (hand - 1):  # more than one
                hand &= bits
            if hand in (1, 2, 4):
                level = 3 if hand == 4 else hand
                if edge[level - 1] - self._pressed >= TOGETHER_MS:
                    self._pressed = edge[level - 1]
                    self._events.append((PRESS, level, 0))
