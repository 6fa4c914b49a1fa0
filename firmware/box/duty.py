# Who is signed in: badges touched, closing time, and what outlives a reboot. docs/decisions/005.
#
# - Another badge signs its holder in, and so the one before out. The same badge again signs out, but not within
#   AGAIN_MS: a reader reads twice, and a hand that is not sure touches twice.
# - Closing time ends it, and so does midnight. Without a clock nothing but a badge does.
# - After a reboot the one who was signed in still is, as soon as the clock proves that it was today. Until then a badge
#   signs in: a second sign-in says nothing false, a sign-out would.
#
# Refuses: to know names or whether a badge is anybody's (the collector's roster does), to write, and to be wrong in
# silence: what it says is journalled before it holds.

import struct

from box import hours

IN, OUT, CLOSING = 1, 2, 3  # reasons of the duty record
AGAIN_MS = 10_000
BADGE_MAX = 10  # bytes; the longest number of a 13.56 MHz badge
KEPT = "<QB10s"


# `data` of a duty record
def data(badge):
    return bytes((len(badge),)) + badge


class Duty:
    # kept: what `packed` gave before the reboot, or None
    def __init__(self, kept=None):
        self.who = b""
        self.unsaved = False
        self._kept = kept if kept and len(kept) == struct.calcsize(KEPT) else None
        self._at = 0  # Unix ms of the sign-in; 0: not known yet
        self._up = 0  # up_ms of it
        self._last = b""
        self._touched = 0

    # A badge was touched to the reader -> the reason of the record to write, or 0
    def touched(self, badge, ms):
        if badge == self._last and ms - self._touched < AGAIN_MS:
            return 0
        return OUT if badge == self.who else IN

    # That record is in flash.
    def took(self, reason, badge, ms):
        self._last, self._touched = (badge, ms) if reason != CLOSING else (b"", 0)
        self.who = badge if reason == IN else b""
        self._at, self._up, self._kept = 0, ms, None
        self.unsaved = True

    # From time to time -> CLOSING if a record of it is due. open: the config's. unix_ms: None if not known
    def look(self, ms, unix_ms, open):
        if unix_ms is None:
            return 0
        if self._kept:
            at, size, badge = struct.unpack(KEPT, self._kept)
            self._kept = None
            if hours.day(at) == hours.day(unix_ms) and at <= unix_ms:
                self.who, self._at = badge[: min(size, BADGE_MAX)], at
        if not self.who:
            return 0
        if not self._at:
            self._at = unix_ms - (ms - self._up)
            self.unsaved = True
        if hours.day(self._at) != hours.day(unix_ms):
            self.who, self.unsaved = b"", True
            return 0
        span = hours.span(open)
        return CLOSING if span and hours.minute(self._at) < span[1] <= hours.minute(unix_ms) else 0

    # What a reboot must know. Not before the clock is known: without a day it would prove nothing.
    def packed(self):
        self.unsaved = False
        return struct.pack(KEPT, self._at if self.who else 0, len(self.who), self.who)
