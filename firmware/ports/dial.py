# A stream to the broker: TCP to an address, then TLS with the server's certificate and name verified. There is no way to
# switch the verification off.
#
# Opener and stream are our own: MicroPython's opener leaves the socket open when it is cancelled, its streams' close()
# closes nothing (only wait_closed() does), which on a board would keep a dead connection's TLS buffers until a collection,
# and they copy what a stalled network does not take, just when there is no heap for it. `tls` is what MicroPython's `ssl`
# is made of: the wrapper costs a kilobyte of heap.

import asyncio
import errno
import socket


class Stream:
    heard = None  # called whenever something came

    # raw: what lies under `sock`; the same without TLS. A TLS that has met an error leaves it open.
    def __init__(self, sock, raw):
        self.s, self._raw = sock, raw

    # As much as goes at once -> bytes
    def write(self, data):
        return self.s.write(data) or 0

    def readinto(self, buf):
        yield asyncio.core._io_queue.queue_read(self.s)
        n = self.s.readinto(buf)
        if n and self.heard:
            self.heard()
        return n

    def close(self):
        self.s.close()
        self._raw.close()


# facts: None, or {"ca": path of the DER certificate to trust, "name": the server's name in its certificate}. -> what
# `connect` takes. Made once: it keeps the certificate in one place of the heap.
def trust(facts):
    if not facts:
        return None
    import tls  # noqa: PLC0415  not every box has it

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    with open(facts["ca"], "rb") as f:
        context.load_verify_locations(f.read())
    return context, facts["name"]


# address: numbers and dots on a board, so that nothing is looked up here.
async def connect(address, port, trusted):
    found = socket.getaddrinfo(address, port, socket.AF_INET, socket.SOCK_STREAM)[0]
    sock = raw = socket.socket(found[0], found[1], found[2])
    try:
        sock.setblocking(False)
        try:
            sock.connect(found[-1])
        except OSError as e:
            if e.errno != errno.EINPROGRESS:
                raise
        await writable(sock)
        if trusted:
            context, name = trusted
            sock = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
            sock.setblocking(False)
        return Stream(sock, raw)
    except BaseException:
        raw.close()
        raise


# As asyncio's own streams wait; there is no public call for it.
def writable(sock):
    yield asyncio.core._io_queue.queue_write(sock)


def readable(sock):
    yield asyncio.core._io_queue.queue_read(sock)
