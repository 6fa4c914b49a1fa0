# The port of a board: the list at the head of main.py, on an ESP32. Its pins are one file of facts in boards/.
#
# Refuses: to decide. It touches pins, flash, clock and radio, and what to do with them is box/'s and tasks/'.

import gc
import os
import sys
import time

import machine
import micropython
from box import calendar
from box.chord import Chord
from box.clock import BATTERY, Uptime
from box.wall import Wall
from ports import dial
from ports.esp32.flash import Flash
from ports.esp32.hands import Hands
from ports.esp32.lamps import Lamps
from ports.esp32.names import Names
from ports.esp32.net import Net, networks
from tasks.bell import Bell

TICKS = 1 << 30
WATCHDOG_MS = 8000  # four times the longest blocked moment, a TLS handshake on a bad day
POWER, WATCHDOG, UNKNOWN = 1, 2, 6  # boot reasons
MARK = (
    b"MYB"  # before the reason that a reset left in the RTC's memory, which outlives a reset but no power cut
)
QUIET_MS = 10_000
RTC_ERROR_MS = 1000  # a battery clock has whole seconds
SAVED = ".new"


class Port:
    DIED = 4  # boot reason

    # ident: what box.json says, keys as bytes; facts: a module of boards/; folder: where settings are kept
    def __init__(self, ident, facts, folder):
        self.ident, self._folder = ident, folder
        self._uptime = Uptime(time.ticks_ms() % TICKS, TICKS)
        self._dog = None
        self.told = None  # (sent, got, Unix ms, source): a time that the clock may believe
        self.hands = Hands(facts.KEYS, facts.KEY_DOWN, facts.KEY_PULL_UP)
        self.ago = self.hands.ago
        self._lamps = Lamps(facts.LAMPS, facts.LAMP_ON, facts.BUZZER, facts.BUZZER_HZ, facts.DUTY_LAMP)
        self._chord = Chord()
        self._touched = 0
        self.flash = Flash()
        self.leaving = Bell()
        self.board, self.mac = facts.NAME, machine.unique_id().hex()
        micropython.kbd_intr(-1)  # no prompt behind the console, and a 3 in a line of noise is no Ctrl-C
        self.cable, self.root = (sys.stdin.buffer, sys.stdout.buffer), ""
        self._rtc = machine.RTC()
        self._wall = Wall()
        self._battery = _clock(facts.RTC)
        self._reader = _reader(facts.NFC)
        self.reader = self._reader is not None
        self._voice = _voice(facts.VOICE_UART)
        self._asked = False
        self.net = Net(self, _nic(self, facts))
        self.names = Names(self, self.net.servers, self.net.heard)
        self._trusted = dial.trust(ident["tls"])
        self.errands = (("net", self.net.run),)
        gc.collect()

    # ---- keys and light

    def keys(self):
        seen = self.hands.read()
        if seen or self._touched:
            self._touched = seen & 7
            if self._chord.held(seen & 7, self.up_ms()):
                self.net.want_hotspot()
        return seen

    # No finger for a while: the moment for a reset that can wait.
    def quiet(self):
        return self.up_ms() - self._chord.moved > QUIET_MS

    def lamp(self, light, sound, only=0):
        if self.net.hotspot and light < 100:  # a press still shows; otherwise one second on, one off
            light = 100 * (self.up_ms() // 1000 & 1)
        self._lamps.show(light, sound, only)

    def lit(self, level, seq):
        pass  # a console need not hear which key

    def signed_in(self, yes):
        self._lamps.signed_in(yes)

    # track: drivers/voice.py's
    def say(self, track, volume):
        if self._voice:
            self._voice.say(track, volume)

    # -> the number of a badge that was just touched to the reader, or None. To be asked every 20 to 100 ms.
    def badge(self):
        return self._reader.poll() if self._reader else None

    # What answers on its pins. A voice module is told and never asked.
    def parts(self):
        found = [name for name, part in (("reader", self._reader), ("clock", self._battery)) if part]
        return ",".join(found) or "-"

    # A cable may be long: 30 characters take 3 ms at 115200 baud.
    def tell(self, line):
        print(line)

    # ---- time, chance, health

    def up_ms(self):
        return self._uptime.at(time.ticks_ms() % TICKS)

    def random(self, n):
        return os.urandom(n)

    def chance(self):
        return int.from_bytes(os.urandom(4), "little")

    def heap(self):
        return gc.mem_free()

    def rssi(self):
        return self.net.rssi()

    # What time it is by the collector's word; sure: False, at the start: it is later than that. See box/wall.py.
    def wall(self, unix_ms, sure):
        if not sure:
            y, mo, d, _, h, mi, s, _ = self._rtc.datetime()
            unix_ms = self._wall.start(unix_ms, calendar.unix(y, mo, d, h, mi, s) * 1000)
        self._set(unix_ms)
        if sure:
            self._wall.prove(unix_ms)
            if self._battery:
                try:
                    self._battery.write(unix_ms // 1000)
                except OSError as e:
                    self.tell("fault battery=%r" % e)

    # Somebody who cannot prove it says that it was unix_ms in the middle between sent and got.
    def claim(self, sent, got, unix_ms, source):
        if self._wall.believes(unix_ms):
            if not self._wall.sure:
                self._set(unix_ms)
            self.told = (sent, got, unix_ms, source)

    def _set(self, unix_ms):
        y, mo, d, h, mi, s, weekday = calendar.civil(unix_ms // 1000)
        self._rtc.datetime((y, mo, d, weekday, h, mi, s, 0))

    # -> what somebody said about the time, once: (sent, got, Unix ms, source) for box/clock.py, or None
    def time(self):
        if not self._asked:
            self._asked = True
            self._ask_battery()
        told, self.told = self.told, None
        return told

    def _ask_battery(self):
        try:
            seconds = self._battery.read() if self._battery else None
        except OSError:
            self._battery = seconds = None  # no clock answers on these pins
        if seconds is not None:
            now = self.up_ms()
            self.claim(now, now + RTC_ERROR_MS, seconds * 1000 + RTC_ERROR_MS // 2, BATTERY)

    # ---- link

    def fresh(self):
        return self.net.fresh()

    # Never a look-up by the system's resolver, which blocks (names.py). The clock is set already, or TLS would refuse
    # a good certificate.
    async def connect(self):
        if not self.net.linked():
            raise OSError("no network")
        stream = await dial.connect(await self.names.dial(), self.ident["port"], self._trusted)
        stream.heard = self._hears
        return stream

    # A word over the link, through TLS: whoever said it has the right certificate.
    def _hears(self):
        self.net.heard()
        self.names.worked()

    # ---- files

    def load(self, name):
        try:
            with open("%s/%s" % (self._folder, name), "rb") as f:
                return f.read()
        except OSError:
            return None

    # A file system that takes nothing ends no task: all of this is in force already, and is told again some day.
    def save(self, name, data):
        path = "%s/%s" % (self._folder, name)
        try:
            with open(path + SAVED, "wb") as f:
                f.write(data)
            os.rename(path + SAVED, path)
        except OSError as e:
            self.tell("fault save=%s why=%r" % (name, e))

    # For an update.
    def disk(self):
        from ports.disk import Disk  # noqa: PLC0415

        return Disk(self._folder)

    # ---- life and death

    # A brown-out reads as power, and a panic of the system as a reset that left no reason (ESP32's modmachine.c).
    def boot_reason(self):
        note, cause = self._rtc.memory(), machine.reset_cause()
        self._rtc.memory(b"")
        if cause == machine.WDT_RESET:
            return WATCHDOG
        if cause == machine.PWRON_RESET:
            return POWER
        return note[3] if len(note) == 4 and note[:3] == MARK else UNKNOWN

    def reset(self, reason, why):
        self._rtc.memory(MARK + bytes((reason,)))
        self.tell("fault " + why if why else "reset")
        machine.reset()

    def stop(self):
        self.reset(UNKNOWN, "")

    # The first call shortens the watchdog that boot.py started: loading and the journal's scan are over.
    def feed(self):
        if self._dog is None:
            self._dog = machine.WDT(timeout=WATCHDOG_MS)
        self._dog.feed()


# ---- what a board may lack


def _nic(port, facts):
    if facts.ETH:
        from ports.esp32.wired import Wired  # noqa: PLC0415

        return Wired(facts.ETH, port.ident.get("static"))
    from ports.esp32.wifi import Wifi  # noqa: PLC0415

    return Wifi(port.ident["box"], networks(port.load("wifi") or b"", port.ident["wifi"]))


def _clock(pins):
    if not pins:
        return None
    from drivers.ds3231 import DS3231  # noqa: PLC0415

    return DS3231(
        machine.I2C(pins["i2c"], sda=machine.Pin(pins["sda"]), scl=machine.Pin(pins["scl"]), freq=pins["hz"])
    )


def _reader(pins):
    if not pins:
        return None
    from drivers.mfrc522 import MFRC522  # noqa: PLC0415

    spi = machine.SPI(
        pins["spi"], baudrate=pins["hz"], sck=machine.Pin(pins["sck"]),
        mosi=machine.Pin(pins["mosi"]), miso=machine.Pin(pins["miso"]),
    )  # fmt: skip
    if pins["rst"] is not None:
        machine.Pin(pins["rst"], machine.Pin.OUT, value=1)
    reader = MFRC522(spi, machine.Pin(pins["cs"], machine.Pin.OUT, value=1))
    return reader if reader.present() else None


def _voice(pins):
    if not pins:
        return None
    from drivers.voice import Voice  # noqa: PLC0415

    return Voice(
        machine.UART(
            pins["uart"], baudrate=pins["baud"], tx=machine.Pin(pins["tx"]), rx=machine.Pin(pins["rx"])
        )
    )
