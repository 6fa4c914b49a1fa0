# What time a board's own clock shall show, of all that it is told. TLS looks at it for the dates of certificates, and nothing
# else does: presses carry up_ms. But a box whose clock is wrong by years talks to nobody who could tell it so.
#
# - Proven: it is later than the firmware was made, and than the collector's newest sealed word in the journal. Once the
#   collector has said the time in this boot (`sure`), nobody else sets the clock.
# - Claimed: by NTP, a battery clock, or the chip's clock itself after a reset. Any of them may lie or be out of order. So a
#   claim is believed within LIFE_MS of what is proven, and only until the next one: a lie ends with the liar.
#
# Refuses: to touch a clock.

LIFE_MS = 315_576_000_000  # ten years; no box lies in a store for longer


class Wall:
    def __init__(self):
        self.sure = False
        self._floor = 0  # Unix ms

    # It is later than `floor`; the chip's clock says `kept`. -> what it shall say
    def start(self, floor, kept):
        self._floor = floor
        return kept if self.believes(kept) else floor

    # The collector says that it is `ms`.
    def prove(self, ms):
        self._floor, self.sure = ms, True

    # Somebody says that it is `ms`: can that be?
    def believes(self, ms):
        return self._floor <= ms < self._floor + LIFE_MS
