# DS3231, a clock with a battery, over an I2C object: readfrom_mem_into, writeto_mem. Unix seconds in and out.
#
# Refuses: to tell a time that it does not know. A clock whose oscillator has stood still says so in a bit, which only
# setting it clears; registers that are no date are no time.

from box import calendar

ADDRESS = 0x68
STATUS = 0x0F
STOPPED = 0x80  # the oscillator stood still since it was last set
CENTURY = 0x80  # in the month


def _bcd(value):
    return value // 10 << 4 | value % 10


def _number(bcd):
    tens, ones = bcd >> 4, bcd & 15
    if tens > 9 or ones > 9:
        raise ValueError
    return tens * 10 + ones


class DS3231:
    def __init__(self, i2c):
        self._i2c = i2c
        self._buf = bytearray(7)
        self._one = bytearray(1)

    # -> Unix seconds, or None. Raises OSError if no chip answers.
    def read(self):
        self._i2c.readfrom_mem_into(ADDRESS, STATUS, self._one)
        if self._one[0] & STOPPED:
            return None
        b = self._buf
        self._i2c.readfrom_mem_into(ADDRESS, 0, b)
        try:
            if b[2] & 0x40:  # 12 hours: not as we set it
                return None
            parts = (
                2000 + (100 if b[5] & CENTURY else 0) + _number(b[6]), _number(b[5] & 0x1F), _number(b[4]),
                _number(b[2]), _number(b[1]), _number(b[0]),
            )  # fmt: skip
        except ValueError:
            return None
        seconds = calendar.unix(*parts)
        return seconds if calendar.civil(seconds)[:6] == parts else None

    def write(self, unix_s):
        year, month, day, hour, minute, second, weekday = calendar.civil(unix_s)
        century = CENTURY if year >= 2100 else 0
        fields = (
            _bcd(second),
            _bcd(minute),
            _bcd(hour),
            weekday + 1,
            _bcd(day),
            _bcd(month) | century,
            _bcd(year % 100),
        )
        self._i2c.writeto_mem(ADDRESS, 0, bytes(fields))
        self._i2c.readfrom_mem_into(ADDRESS, STATUS, self._one)
        self._i2c.writeto_mem(ADDRESS, STATUS, bytes((self._one[0] & ~STOPPED & 0xFF,)))
