# Time, worked out: milliseconds since boot from a counter that wraps, and which Unix millisecond one of them was.
#
# Refuses: to read a clock, and to believe an answer it cannot date: only one that repeats the question's own boot and
# up_ms and came back within RTT_MS says what time it is. Presses never wait for it; they carry up_ms alone.

import struct

RTT_MS = 2000  # half of it is the error, and a press must not land in its neighbour's visit
DRIFT_PPM = 160  # of a counter, at its worst
STEP_MS = 500  # a difference worth a record
HOUR_MS = 3_600_000  # at most one correction an hour: drift is 160 ppm, 0.6 s
SETTLE_MS = 10_000  # a boot that ends before this, without a press, writes nothing (a boot loop)
FIRST_MS = 1_704_067_200_000  # 2024: a collector that says less has no clock itself
LAST_MS = 4_102_444_800_000  # 2100
# The clock record's source. A smaller one knows better: it is sealed, it is measured.
ACK, NTP, BATTERY = 1, 2, 3


# Counts up_ms from a tick counter of `period` ticks. Must be asked at least once a period.
class Uptime:
    def __init__(self, ticks, period):
        self._last = ticks
        self._period = period
        self.ms = 0

    def at(self, ticks):
        self.ms += (ticks - self._last) % self._period
        self._last = ticks
        return self.ms


class Clock:
    def __init__(self):
        self.source = 0  # 0: not known
        self.error = 0  # ms, either way
        self._epoch = 0  # Unix ms of up_ms 0
        self._at = 0  # up_ms of the answer that said so
        self._noted = None  # the epoch of the newest clock record of this boot
        self._noted_at = 0
        self._noted_source = 0

    # The answer to a question sent at `sent` came at `got` (both up_ms) and said `now`. A worse source may trim what a better
    # one said, by no more than the counter has drifted since. -> True if it set the clock.
    def answer(self, sent, got, now, source=ACK):
        if not (0 <= got - sent <= RTT_MS and FIRST_MS <= now < LAST_MS):
            return False
        error = (got - sent + 1) // 2
        epoch = now - sent - (got - sent) // 2
        off = abs(epoch - self._epoch)
        if self.source and source > self.source:
            slack = self.error + (got - self._at) * DRIFT_PPM // 1_000_000
            if error >= slack or off > slack + error:
                return False
            source = self.source
        elif source == self.source and error > self.error and off <= error + self.error:
            return False  # it says nothing that the better answer before it did not
        self.source, self.error, self._epoch, self._at = source, error, epoch, got
        return True

    def unix_ms(self, up_ms):
        return self._epoch + up_ms if self.source else None

    # Is a clock record due? `pressed`: this boot has journalled a press, which waits to be dated.
    def due(self, up_ms, pressed):
        if not self.source:
            return False
        if self._noted is None:
            return pressed or up_ms >= SETTLE_MS
        if abs(self._epoch - self._noted) <= STEP_MS:
            return False
        return self.source < self._noted_source or up_ms - self._noted_at >= HOUR_MS

    # -> data of a clock record made at up_ms; from now on it is the record to compare with.
    def note(self, up_ms):
        self._noted, self._noted_at, self._noted_source = self._epoch, up_ms, self.source
        return struct.pack("<QI", self._epoch + up_ms, self.error)
