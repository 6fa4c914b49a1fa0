# The simulator's port: a folder is the box, standard input its keys, standard output its lamp. See README.md here.
#
# Refuses: to stand in for the firmware. Everything a real box decides is decided by the same compiled modules.

import asyncio
import binascii
import gc
import json
import os
import sys
import time

from box.clock import Uptime
from ports import dial
from ports.sim import console
from ports.sim.fingers import Fingers
from ports.sim.flash import Flash
from tasks.bell import Bell

TICKS = 1 << 30  # of an ESP32's counter; MicroPython here counts further, and the box must not need it
WATCHDOG_MS = 8000
WATCH_MS = 250
POWER = 1  # boot reasons
WATCHDOG = 2
RESET = 3  # exit status: start it again
POWER_CUT = 9  # exit status
BOARD, MAC = "sim", "24dcc300a1b2"


# The serial line: a terminal that FOLDER/tty names, for tests of the console. None: no cable is plugged in.
def tty(folder):
    try:
        line = open(folder + "/tty", "r+b")
    except OSError:
        return None
    return line, line


class Port:
    errands = ()

    # identity: where box.json lies, if not in the folder: a box that starts from an image has its own file system
    def __init__(self, folder, identity=None):
        self._folder = folder
        with open(identity or folder + "/box.json") as f:
            ident = json.load(f)
        for key in ("k_link", "k_chain"):
            ident[key] = binascii.unhexlify(ident[key])
        self.ident = ident
        if ident.get("speed", 1) != 1:
            from ports.sim import fingers, haste  # noqa: PLC0415

            haste.hurry(ident["speed"], (sys.modules[__name__], fingers))
        tls = ident["tls"]
        if tls and tls["ca"].startswith("/ca-") and not identity:  # provisioned: the folder is its root
            tls["ca"] = folder + tls["ca"]
        self._trusted = dial.trust(tls)
        self.flash = Flash(folder + "/flash.bin", ident.get("cut_at", 0), self._power_cut)
        self.fingers = Fingers()
        self.keys, self.ago = self.fingers.read, self.fingers.ago
        for level in ident.get("held", ()):  # while it is switched on
            self.fingers.down(level)
        self.leaving = Bell()
        self.board, self.mac = BOARD, MAC
        self.cable, self.root = tty(folder), "" if identity else folder
        self.reader = ident.get("reader", False)
        self._uptime = Uptime(time.ticks_ms() % TICKS, TICKS)
        self._fed = time.ticks_ms()
        self._patience = WATCHDOG_MS * ident.get("speed", 1)  # a busy host stands still for all of a fast box
        self._shines = ident.get("tell_lamp", False)
        self._was = None
        self._hogged = None
        self.touched = None  # a badge that is at the reader
        gc.collect()

    # ---- time, chance, health

    def up_ms(self):
        return self._uptime.at(time.ticks_ms() % TICKS)

    def random(self, n):
        return os.urandom(n)

    def chance(self):
        return int.from_bytes(os.urandom(4), "little")

    def time(self):
        return None

    def wall(self, unix_ms, sure):
        pass  # the host's clock is set

    def heap(self):
        gc.collect()
        return gc.mem_free()

    def rssi(self):
        return 0  # wired

    # ---- light

    def lamp(self, light, sound, only):
        if self._shines and (light, sound, only) != self._was:
            self._was = light, sound, only
            self.tell(
                ("lamp light=%d sound=%d" + (" only=%d" if only else "")) % self._was[: 3 if only else 2]
            )

    def signed_in(self, yes):
        if self._shines:
            self.tell("lamp signed_in=%d" % yes)

    def say(self, what, volume):
        if self._shines:
            self.tell("say what=%d volume=%d" % (what, volume))

    # As touched by `badge HEX` on standard input.
    def badge(self):
        badge, self.touched = self.touched, None
        return badge

    def parts(self):
        return "reader" if self.reader else "-"

    def lit(self, level, seq):
        self.tell("light level=%d seq=%d ms=%.2f" % (level, seq, self.fingers.since_ms(level)))

    def tell(self, line):
        sys.stdout.write(line + "\n")

    # ---- link

    def fresh(self):
        return False

    async def connect(self):
        return await dial.connect(self.ident["host"], self.ident["port"], self._trusted)

    # ---- files

    def load(self, name):
        try:
            with open("%s/%s" % (self._folder, name), "rb") as f:
                return f.read()
        except OSError:
            return None

    # As on a board: a file system that takes nothing ends no task.
    def save(self, name, data):
        path = "%s/%s" % (self._folder, name)
        try:
            with open(path + ".new", "wb") as f:
                f.write(data)
            os.rename(path + ".new", path)
        except OSError as e:
            self.tell("fault save=%s why=%r" % (name, e))

    # For an update. With `cut_file_at` the power fails at that change of a file.
    def disk(self):
        from ports.disk import Disk  # noqa: PLC0415

        left = self.ident.get("cut_file_at", 0)

        def cut():
            nonlocal left
            left -= 1
            if left == 0:
                self._power_cut()

        disk = Disk(self._folder)
        disk.step = cut
        return disk

    # Takes heap, and keeps it, until only so many bytes are left.
    def hog(self, left):
        gc.collect()
        while gc.mem_free() > left:
            self._hogged = (self._hogged,)

    # ---- life and death

    # The VM stands still.
    def block(self, ms):
        time.sleep_ms(ms)

    def boot_reason(self):
        kept = self.load("boot")
        if kept:
            os.remove(self._folder + "/boot")
        return int(kept) if kept else POWER

    def reset(self, reason, why):
        self.save("boot", b"%d" % reason)
        self.tell("fault " + why if why else "reset")
        sys.exit(RESET)

    def stop(self):
        sys.exit(0)

    def feed(self):
        self._fed = time.ticks_ms()

    # What the watchdog's own hardware does.
    async def watch(self):
        while True:
            await asyncio.sleep_ms(WATCH_MS)
            if time.ticks_diff(time.ticks_ms(), self._fed) > self._patience:
                self.reset(WATCHDOG, "watchdog")

    def _power_cut(self):
        sys.exit(POWER_CUT)


async def live(folder, run, identity=None):
    port = Port(folder, identity)
    asyncio.create_task(console.run(port))  # noqa: RUF006  the loop keeps it
    asyncio.create_task(port.watch())  # noqa: RUF006
    await run(port)
