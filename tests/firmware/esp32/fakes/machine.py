# machine as an ESP32 has it, as far as ports/esp32 uses it.

import sys
import time

import bench
from umachine import *  # noqa: F403
from umachine import PinBase

HARD_RESET, PWRON_RESET, WDT_RESET = 2, 1, 3
TO_2000 = 946_684_800


class Pin(PinBase):
    IN, OUT, PULL_UP, IRQ_FALLING, IRQ_RISING = 1, 3, 2, 2, 1

    def __init__(self, number, mode=-1, pull=None, value=None):
        self.number, self.level = number, value
        if (
            mode == Pin.IN
            and number in bench.keys
            and pull != (Pin.PULL_UP if bench.facts["pull_up"] else None)
        ):
            raise ValueError("pull")
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is not None:
            self.level = level
            if self.number == bench.facts["cs"]:
                bench.reader.value(level)
            return None
        if self.number in bench.keys:
            return 0 if bench.fingers.read() & 1 << bench.keys.index(self.number) else 1
        return self.level

    def irq(self, handler, trigger):
        if trigger != Pin.IRQ_FALLING:
            raise ValueError("trigger")
        bench.edges[self.number] = handler


class PWM:
    def __init__(self, pin, freq, duty_u16):
        self.number = pin.number
        self.duty = duty_u16

    def duty_u16(self, duty):
        if not 0 <= duty <= 65535:
            raise ValueError("duty")
        self.duty = duty
        if bench.facts.get("tell_lamp"):
            bench.say("pwm pin=%d duty=%d" % (self.number, duty))


class RTC:
    offset = None  # s from the host's uptime to 2000: after power-on a board is in 2000

    def memory(self, data=None):
        if data is not None:
            with open(bench.rtc_path, "wb") as f:
                f.write(data)
            return None
        try:
            with open(bench.rtc_path, "rb") as f:
                return f.read()
        except OSError:
            return b""

    def datetime(self, parts=None):
        from box import calendar  # noqa: PLC0415  the board's own, once its root is in place

        up = time.ticks_ms() // 1000
        if parts is None:
            y, mo, d, h, mi, s, weekday = calendar.civil((RTC.offset or TO_2000 - up) + up)
            return y, mo, d, weekday, h, mi, s, 0
        RTC.offset = calendar.unix(parts[0], parts[1], parts[2], parts[4], parts[5], parts[6]) - up
        bench.say("rtc %d-%02d-%02d" % parts[:3])
        return None


class WDT:
    def __init__(self, timeout):
        self.timeout = timeout
        self.feed()

    def feed(self):
        bench.fed = time.ticks_ms(), self.timeout


def SPI(number, **pins):
    return bench.reader


def I2C(number, **pins):
    return bench.clock


class UART:
    def __init__(self, number, **pins):
        pass

    def write(self, data):
        bench.say("voice " + data.hex())


def unique_id():
    return bytes.fromhex("24dcc3a1b2c4")


def reset_cause():
    try:
        with open(bench.rtc_path + ".cause") as f:
            return int(f.read())
    except OSError:
        return PWRON_RESET


def reset():
    bench.cause("2")
    sys.exit(3)
