# A simulated board without an identity: a FOLDER without box.json. Its serial line is FOLDER/tty; see README.md here.

import asyncio
import sys

from main import FW
from ports.shelf import Shelf
from ports.sim.flash import Flash
from ports.sim.port import BOARD, MAC, RESET, tty
from tasks import blank


class Port:
    def __init__(self, folder):
        self.board, self.mac, self.shelf = BOARD, MAC, Shelf(folder)
        self.serial = tty(folder)
        self.flash = Flash(folder + "/flash.bin", 0, None)

    def lamp(self, light, sound):
        pass

    def reset(self, reason, why):
        print("reset")
        sys.exit(RESET)


def live(folder):
    print("blank")
    asyncio.run(blank.run(Port(folder), "%d.%d.%d" % FW))
