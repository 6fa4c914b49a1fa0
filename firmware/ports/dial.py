# A stream to the broker: TCP to an address, then TLS with the server's certificate and name verified. There is no way to
# switch the verification off.
#
# Opener and stream are our own: MicroPython's opener leaves the socket open when it is cancelled, its streams' close()
# closes nothing (only wait_closed() does), which on a board would keep a dead connection's TLS buffers until a collection,
# and they copy what a stalled network does not take, just when there is no heap for it.

import asyncio
import errno
import socket
import ssl


class Stream:
    heard = None  # called whenever something came

    def __init__(self, sock):
        self.s = sock

    # As much as goes at once -> bytes
    def write(self, data):
        return self.s.write(data) or 0

    # The rest, as a memoryview that nobody changes meanwhile.
    def drain(self, rest):
        while rest:
            yield asyncio.core._io_queue.queue_write(self.s)
            rest = rest[self.write(rest) :]

    def readinto(self, buf):
        yield asyncio.core._io_queue.queue_read(self.s)
        n = self.s.readinto(buf)
        if n and self.heard:
            self.heard()
        return n

    def close(self):
        self.s.close()


# tls: None, or {"ca": path of the DER certificate to trust, "name": the server's name in its certificate}. -> what
# `connect` takes. Made once: it keeps the certificate in one place of the heap.
def trust(tls):
    if not tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    with open(tls["ca"], "rb") as f:
        context.load_verify_locations(cadata=f.read())
    return context, tls["name"]


# address: numbers and dots on a board, so that nothing is looked up here.
async def connect(address, port, trusted):
    found = socket.getaddrinfo(address, port, socket.AF_INET, socket.SOCK_STREAM)[0]
    sock = socket.socket(found[0], found[1], found[2])
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
        return Stream(sock)
    except BaseException:
        sock.close()
        raise


# As asyncio's own streams wait; there is no public call for it.
def writable(sock):
    yield asyncio.core._io_queue.queue_write(sock)


def readable(sock):
    yield asyncio.core._io_queue.queue_read(sock)
