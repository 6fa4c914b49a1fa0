# The Wi-Fi driver, as little of it as net.py needs. What to do and when is box/radio.py's.
#
# Every call here returns at once but active(), which waits for the radio to start or stop: tens of ms. There is no scan.

import network

PM_NONE = 0  # mains power: radio sleep costs a press up to 100 ms on its way, and some routers lose sleepers


class Wifi:
    hotspot = True

    # networks: [{"ssid", "key", and perhaps "static": [address, mask, gateway, dns]}], best first
    def __init__(self, box, networks):
        self.networks = networks
        network.hostname(box[:32])
        self._nic = network.WLAN(network.STA_IF)
        self._ap = network.WLAN(network.AP_IF)

    def count(self):
        return len(self.networks)

    def join(self, i):
        nic, one = self._nic, self.networks[i]
        if not nic.active():
            nic.active(True)
            nic.config(pm=PM_NONE)
            nic.config(reconnects=0)  # the driver's own retries hide what is wrong (#12315)
        try:
            nic.disconnect()
        except OSError:
            pass  # it was not connected
        nic.ifconfig(tuple(one["static"]) if one.get("static") else "dhcp")
        nic.connect(one["ssid"], one.get("key") or None)

    def cycle(self):
        self._nic.active(False)

    def linked(self):
        return self._nic.isconnected()

    # Address, mask, gateway, DNS server.
    def address(self):
        return self._nic.ifconfig()

    def rssi(self):
        try:
            return self._nic.status("rssi")
        except (OSError, RuntimeError):
            return 0  # not connected this very moment, or the driver cannot say

    # The technician's network: WPA2 with the label's PIN; it and the page need the same number, so nobody types two.
    def open(self, ssid, pin):
        self._nic.active(False)
        self._ap.active(True)
        self._ap.config(ssid=ssid, security=network.AUTH_WPA2_PSK, key=pin, max_clients=1)

    def shut(self):
        self._ap.active(False)
