# Ethernet with a LAN8720 or its like, in the shape of wifi.py. Address by DHCP, or fixed.

import network
from machine import Pin


class Wired:
    hotspot = False  # where a wire is used, radio is often forbidden

    # eth: the board's facts; static: None or [address, mask, gateway, dns]
    def __init__(self, eth, static):
        self._static = static
        self._nic = network.LAN(
            mdc=Pin(eth["mdc"]),
            mdio=Pin(eth["mdio"]),
            power=None if eth["power"] is None else Pin(eth["power"]),
            phy_type=getattr(network, "PHY_" + eth["phy"]),
            phy_addr=eth["addr"],
            ref_clk=Pin(eth["ref_clk"]),
            ref_clk_mode=Pin.IN if eth["ref_clk_in"] else Pin.OUT,
        )

    def count(self):
        return 1

    def join(self, _):
        if not self._nic.active():
            self._nic.active(True)
            if self._static:
                self._nic.ifconfig(tuple(self._static))

    def cycle(self):
        self._nic.active(False)

    def linked(self):
        return self._nic.isconnected()

    def address(self):
        return self._nic.ifconfig()

    def rssi(self):
        return 0
