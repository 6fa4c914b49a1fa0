# A simulated board without an identity: a FOLDER without box.json. Its serial line is FOLDER/tty; see README.md here.

import asyncio
import sys

from box.talk import MOST
from main import FW
from ports.serial import Serial
from ports.shelf import Shelf
from ports.sim.flash import Flash
from ports.sim.port import BOARD, MAC, RESET, tty
from tasks import blank


class Port:
    def __init__(self, folder):
        self.board, self.mac = BOARD, MAC
        self.serial, self.shelf = Serial(*tty(folder), MOST), Shelf(folder)
        self.flash = Flash(folder + "/flash.bin", 0, None)

    def lamp(self, light, sound):
        pass

    def reset(self, reason, why):
        print("reset")
        sys.exit(RESET)


def live(folder):
    print("blank")
    asyncio.run(blank.run(Port(folder), "%d.%d.%d" % FW))
