# The errand that keeps the box on a network: takes the steps that box/radio.py names, asks for the time, opens the
# hotspot. tasks/link.py owns the connection to the broker; this only makes one possible.
#
# Refuses: to be in a key's way. Everything it waits for is asyncio's.

import asyncio
import gc
import json

from box import ntp, radio
from box.clock import HOUR_MS, NTP
from ports.esp32 import udp
from tasks.borrowed import forget

LOOK_MS = 500
ASK_MS = 1500  # half of it would be the error of the answer
AGAIN_MS = 30_000  # to ask for the time again, if nobody said it
SPREAD_MS = 8000  # when a county's power returns, its boxes do not
# "Wifi Unknown Error" is a RuntimeError; an address or a name that is none (somebody typed it) a ValueError. What there is
# no heap for is not done: keys and journal need none of it.
ERRORS = (OSError, RuntimeError, ValueError, MemoryError)


class Net:
    def __init__(self, port, nic):
        self._port, self._nic, self._ident = port, nic, port.ident
        self.heard_at = 0  # up_ms
        self.hotspot = False
        self._radio = radio.Radio(nic.count(), port.up_ms())
        self._up_at = None  # up_ms at which the link may dial; None: no network
        self._told = False
        self._ntp_at = 0
        self._wanted = False

    def linked(self):
        return self._up_at is not None

    # True once, some time after the network has come: a link that pauses need not pause on.
    def fresh(self):
        if self._told or self._up_at is None or self._port.up_ms() < self._up_at:
            return False
        self._told = True
        return True

    def rssi(self):
        return self._nic.rssi()

    def heard(self):
        self.heard_at = self._port.up_ms()

    def want_hotspot(self):
        self._wanted = self._nic.hotspot and bool(self._ident.get("pin"))

    # Addresses of DNS servers, the network's own first.
    def servers(self):
        own = self._nic.address()[3]
        return ([own] if own != "0.0.0.0" else []) + list(self._ident.get("dns", ()))

    async def run(self, alive):
        while True:
            alive.mark()
            try:
                if self._wanted:
                    self._wanted = False
                    await self._serve(alive)
                self._step()
                await self._time(alive)
            except ERRORS as e:
                self._port.tell("net why=%r" % e)
            await asyncio.sleep_ms(LOOK_MS)

    def _step(self):
        port, nic = self._port, self._nic
        now = port.up_ms()
        linked = nic.linked()
        if linked != (self._up_at is not None):
            self._up_at = now + port.chance() % SPREAD_MS if linked else None
            self._told = False
            port.tell("net up address=%s" % nic.address()[0] if linked else "net down")
        do = self._radio.step(linked, self.heard_at, port.quiet(), now)
        if do == radio.RESET:
            port.reset(port.DIED, "net")
        if do == radio.CYCLE:
            port.tell("net cycle")
            nic.cycle()
        if do in (radio.CYCLE, radio.JOIN):
            port.tell("net join=%d" % self._radio.network)
            nic.join(self._radio.network)

    # Asks once for the time as soon as there is a network, and hourly. The collector's sealed word counts for more
    # (box/clock.py), but TLS, which comes before it, looks at dates.
    async def _time(self, alive):
        port = self._port
        now = port.up_ms()
        if self._up_at is None or now < self._ntp_at:
            return
        self._ntp_at = now + AGAIN_MS
        for host in self._ident.get("ntp") or (self._ident["host"],):
            try:
                address = await port.names.find(host, alive.mark)
                alive.mark()
                nonce = port.random(8)
                sent = port.up_ms()
                unix_ms = await udp.ask(
                    address, self._ident.get("ntp_port", ntp.PORT), ntp.question(nonce),
                    lambda p: ntp.answer(nonce, p), port.up_ms, ASK_MS,  # noqa: B023
                )  # fmt: skip
            except (OSError, ValueError):
                continue
            self.heard()
            port.claim(sent, port.up_ms(), unix_ms, NTP)
            self._ntp_at = now + HOUR_MS
            return

    async def _serve(self, alive):
        gc.collect()
        port, nic = self._port, self._nic
        self._up_at = None
        self.hotspot = True
        port.tell("hotspot open")
        try:
            from ports.esp32 import hotspot  # noqa: PLC0415  8 KB of heap that few boxes ever need

            nic.open("manyi-" + self._ident["box"][-6:], self._ident["pin"])
            spot = hotspot.Hotspot(self._ident["pin"], port.tell)
            chosen = await spot.serve(port.up_ms, alive.mark, self._ident.get("hotspot_port", 80))
        finally:
            self.hotspot = False
            forget("ports.esp32", "hotspot")
            forget("box", "page")
            nic.shut()
        port.tell("hotspot shut changed=%d wrong=%d" % (chosen is not None, spot.wrong))
        if chosen:
            nic.networks = hotspot.page.preferred(chosen, nic.networks)
            port.save("wifi", json.dumps(nic.networks).encode())
        self._radio.renew(nic.count(), port.up_ms())


# The networks to try: what the hotspot's page has left, if it can still be read, or those of the identity.
def networks(kept, given):
    try:
        found = json.loads(kept)
        for one in found:
            if type(one["ssid"]) is not str or type(one.get("key", "")) is not str:
                raise ValueError("wifi")
        return found
    except (ValueError, TypeError, KeyError, AttributeError):
        return given
