# Whose press is this: a new visitor's, or the second one of a visit? docs/WIRE.md, config: `second`, `visit_ms`.
#
# A visit lasts visit_ms from its first press, as in the collector's settling; only presses that are in flash count.
# `correct`: a later press corrects the first, which the collector settles: no mark is needed. `reason`: every later
# press of the visit says why (the key's number is the reason, the newest one holds) and none of them corrects.
#
# Refuses: both at once, and to be told the levels of two presses together.


class Visit:
    def __init__(self):
        self._began = None  # up_ms of the first press

    # Is a press at `ms` one of the visit that is open?
    def going(self, ms, visit_ms):
        return self._began is not None and ms - self._began < visit_ms

    # -> the reason that a press of key `level` gives, or 0: it rates
    def reason(self, level, ms, settings):
        return level if settings["second"] == "reason" and self.going(ms, settings["visit_ms"]) else 0

    # The press at `ms` is in flash.
    def took(self, ms, visit_ms):
        if not self.going(ms, visit_ms):
            self._began = ms
