# network as an ESP32 has it, as far as ports/esp32 uses it: joining takes a moment, a wrong key never joins.

import time

import bench

STA_IF, AP_IF, AUTH_WPA2_PSK, PHY_LAN8720 = 0, 1, 3, 1


def hostname(name):
    if len(name) > 32:
        raise ValueError("hostname")


class Nic:
    def __init__(self):
        self.on, self.since, self.fixed = False, None, None

    def active(self, on=None):
        if on is not None:
            self.on = on
            if not on:
                self.since = None
        return self.on

    def isconnected(self):
        return (
            self.since is not None
            and bench.air != "off"
            and time.ticks_diff(time.ticks_ms(), self.since) > bench.JOIN_MS
        )

    def ifconfig(self, fixed=None):
        if fixed is not None:
            self.fixed = fixed
            return None
        name_server = bench.facts.get("name_server", "127.0.0.1")
        return (
            ("127.0.0.1", "255.0.0.0", "127.0.0.1", name_server) if self.isconnected() else ("0.0.0.0",) * 4
        )


class WLAN(Nic):
    def __init__(self, number):
        super().__init__()
        self.number, self.facts = number, {}

    def config(self, **facts):
        if not self.on:
            raise OSError("Wifi Not Started")
        self.facts.update(facts)
        if self.number == AP_IF and "ssid" in facts:
            bench.say("ap ssid=%s key=%s" % (facts["ssid"], facts["key"]))

    def connect(self, ssid, key):
        if not self.on or self.number != STA_IF:
            raise OSError("Wifi Not Started")
        bench.say("join ssid=%s fixed=%s" % (ssid, self.fixed[0] if self.fixed != "dhcp" else "no"))
        right = ssid in bench.wifi and bench.wifi[ssid] == (key or "")
        self.since = time.ticks_ms() if right else None

    def disconnect(self):
        if self.since is None:
            raise OSError("Wifi Not Connected")
        self.since = None

    def status(self, what):
        if not self.isconnected():
            raise OSError("Wifi Not Connected")
        if bench.facts.get("rssi_unknown"):
            raise RuntimeError("Wifi Unknown Error 0x3016")
        return -61


class LAN(Nic):
    def __init__(self, **pins):
        super().__init__()
        if pins["phy_type"] != PHY_LAN8720:
            raise ValueError("invalid phy type")
        bench.say("lan mdc=%d mdio=%d" % (pins["mdc"].number, pins["mdio"].number))

    def ifconfig(self, fixed=None):
        if fixed is not None:
            bench.say("lan fixed=" + fixed[0])
        return super().ifconfig(fixed)

    def active(self, on=None):
        if on:
            self.since = time.ticks_ms()
        return super().active(on)
