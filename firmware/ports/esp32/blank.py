# A board without an identity, for tasks/blank.py. Its board is the one whose facts lie in the image.

import asyncio
import os
import sys

import machine
import micropython
from box.talk import MOST
from main import FW
from ports.esp32.flash import Flash
from ports.esp32.lamps import Lamps
from ports.serial import Serial
from ports.shelf import Shelf
from tasks import blank


class Port:
    def __init__(self):
        name = os.listdir("/app/boards")[0].split(".")[0]
        facts = __import__("boards." + name, None, None, ("NAME",))
        self.board, self.mac = facts.NAME, machine.unique_id().hex()
        micropython.kbd_intr(-1)  # a 3 in a line of noise is no Ctrl-C
        self.serial = Serial(sys.stdin.buffer, sys.stdout.buffer, MOST)
        self.shelf = Shelf("")
        self.flash = Flash()
        self.lamp = Lamps(facts.LAMPS, facts.LAMP_ON, facts.BUZZER, facts.BUZZER_HZ, facts.DUTY_LAMP).show

    def reset(self, reason, why):
        machine.reset()


def go():
    asyncio.run(blank.run(Port(), "%d.%d.%d" % FW))
