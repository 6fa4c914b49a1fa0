# The broker's name as an address, without the keys ever waiting for it: getaddrinfo blocks the VM for as long as a
# server is silent (micropython #18797, #3666), so the question is our own (box/dns.py, udp.py).
#
# An address that once led to the broker outlives the server that told it: it is kept in RAM and, when it changes, in the
# box's folder, and is tried when nobody answers. "Led to" is a word through TLS, so a page that catches every connection
# before one has paid does not count. An address that was dialled without such a word gives way to the next one.

from box import dns
from ports.esp32 import udp

ASK_MS = 2000  # a server; twice, as one packet may be lost
TRIES = 2
FIND_MS = 9000  # all of it: the address that is kept must have its turn before tasks/line.py loses patience
FRESH_MS = 600_000  # a move of the broker is noticed within this


class Names:
    # port: ident, up_ms, chance, load, save. servers() -> addresses of DNS servers. heard(): called when one answers
    def __init__(self, port, servers, heard):
        self._port, self._servers, self._heard = port, servers, heard
        self._known = {}  # name -> [addresses, best first; up_ms at which they are stale]
        self._dialled = None  # the address of a connection that has not said a word yet
        try:
            kept = port.load("address").decode()
        except (AttributeError, ValueError):  # there is none, or it has rotted
            kept = ""
        self._last = kept if dns.is_address(kept) else None

    # -> an address to find the broker at. Raises OSError.
    async def dial(self):
        host = self._port.ident["host"]
        known = self._known.get(host)
        if known and self._dialled:
            known[0] = known[0][1:]
        self._dialled = None
        self._dialled = await self.find(host)
        return self._dialled

    # It is the broker's.
    def worked(self):
        address, self._dialled = self._dialled, None
        if address and address != self._last and not dns.is_address(self._port.ident["host"]):
            self._last = address
            self._port.save("address", address.encode())

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

    async def _ask(self, host, mark):
        up_ms = self._port.up_ms
        end = up_ms() + FIND_MS - ASK_MS
        at_a_loss = []  # they know that there is none; another server may know better
        for server in self._servers() * TRIES:
            if up_ms() > end:
                break
            if server in at_a_loss:
                continue
            if mark:
                mark()
            ident = self._port.chance() & 0xFFFF
            try:
                found = await udp.ask(
                    server,
                    self._port.ident.get("dns_port", dns.PORT),
                    dns.question(ident, host),
                    lambda p: dns.answer(ident, host, p),  # noqa: B023
                    up_ms,
                    ASK_MS,
                )
            except OSError:
                continue
            self._heard()
            if found:
                return found
            at_a_loss.append(server)
        return []
