# The workbench that the fake modules share: fingers, flash, air, badge, and the commands that move them. One process is
# one board; FOLDER holds flash.bin and data.bin (its partitions), rtc (memory that outlives a reset), and root/ (the
# file system at /).

import asyncio
import json
import select
import sys
import time

from chips import Badge, Clock, Reader
from ports.sim.fingers import Fingers

JOIN_MS = 150
folder = sys.argv[1]
with open(folder + "/bench.json") as f:
    facts = json.load(f)
orders = open(folder + "/orders", "rb")  # noqa: SIM115  a pipe: standard input is the board's own serial line
air = "on"  # "off": no network. "lie": the driver says connected, and nothing goes through
wifi = facts.get("networks", {"hall": "secret-key"})  # those in the air, ssid to key
edges = {}  # pin number to its handler
keys = facts["keys"]
reader, clock = Reader(), Clock()
fed = None  # (ms, patience) of the watchdog
joined = []


class Hands(Fingers):
    def down(self, level, for_ms=None):
        was = self.read() & 7
        super().down(level, for_ms)
        handler = edges.get(keys[level - 1])
        if handler and not was & 1 << level - 1:
            handler(None)


fingers = Hands()


def say(line):
    sys.stdout.write(line + "\n")


def obey(words):
    global air  # noqa: PLW0603
    do = words[0]
    if do == "tap":
        return fingers.tap(int(words[1]), int(words[2]) if len(words) > 2 else 120)
    if do == "down":
        fingers.down(int(words[1]))
    elif do == "up":
        fingers.up(int(words[1]))
    elif do == "block":
        time.sleep_ms(int(words[1]))
    elif do == "air":
        air = words[1]
    elif do == "badge":
        reader.badge = Badge(bytes.fromhex(words[1])) if len(words) > 1 else None
    elif do == "die":
        fingers.broken = True
    else:
        say("unknown command=" + do)
    return None


async def listen():
    source = asyncio.StreamReader(orders)
    ready = select.poll()
    ready.register(orders, select.POLLIN)
    one, text = bytearray(1), b""
    while await source.readinto(one):
        while True:
            if one == b"\n":
                waits = obey(text.decode().split())
                if waits:
                    await waits
                text = b""
            else:
                text += one
            if not ready.poll(0) or not orders.readinto(one):
                break


async def watch():
    while True:
        await asyncio.sleep_ms(250)
        if fed and time.ticks_diff(time.ticks_ms(), fed[0]) > fed[1]:
            cause("3")
            say("fault watchdog")
            sys.exit(3)


def cause(number):
    with open(rtc_path + ".cause", "w") as f:
        f.write(number)


rtc_path = folder + "/rtc"
