# The broker's name as an address, without the keys ever waiting for it: getaddrinfo blocks the VM for as long as a
# server is silent (micropython #18797, #3666), so the question is our own (box/dns.py, udp.py).
#
# An address that once worked outlives the server that told it: it is kept in RAM and, when it changes, in the box's
# folder, and is tried when nobody answers. TLS checks the name all the same, so a wrong address can only fail.

import asyncio

from box import dns
from ports.esp32 import udp

ASK_MS = 2000  # a server; twice, as one packet may be lost
TRIES = 2
FRESH_MS = 600_000  # a move of the broker is noticed within this


class Names:
    # port: ident, up_ms, chance, load, save. servers() -> addresses of DNS servers. heard(): called when one answers
    def __init__(self, port, servers, heard):
        self._port, self._servers, self._heard = port, servers, heard
        self._known = {}  # name -> [addresses, best first; up_ms at which they are stale]
        kept = port.load("address")
        self._last = kept.decode() if kept and dns.is_address(kept.decode()) else None

    # -> an address. Raises OSError. mark(): called while it goes on, every ASK_MS at least
    async def find(self, host, mark=None):
        if dns.is_address(host):
            return host
        known = self._known.get(host)
        if not known or not known[0] or self._port.up_ms() >= known[1]:
            known = [await self._ask(host, mark), self._port.up_ms() + FRESH_MS]
            self._known[host] = known
        if known[0]:
            return known[0][0]
        if self._last and host == self._port.ident["host"]:
            return self._last
        raise OSError("no address")

    # The address led to the broker.
    def worked(self, address):
        if address != self._last and not dns.is_address(self._port.ident["host"]):
            self._last = address
            self._port.save("address", address.encode())

    # It did not: the next one, then ask again.
    def failed(self):
        known = self._known.get(self._port.ident["host"])
        if known:
            known[0] = known[0][1:]

    async def _ask(self, host, mark):
        for server in self._servers():
            for _ in range(TRIES):
                if mark:
                    mark()
                ident = self._port.chance() & 0xFFFF
                try:
                    found = await udp.ask(
                        server,
                        self._port.ident.get("dns_port", dns.PORT),
                        dns.question(ident, host),
                        lambda p: dns.answer(ident, host, p),  # noqa: B023
                        ASK_MS,
                    )
                except (OSError, asyncio.TimeoutError):
                    continue
                self._heard()
                if found:
                    return found
                break  # it knows that there is none; another server may know better
        return []
