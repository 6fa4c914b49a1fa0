# A connection to the broker: TCP, or TLS with the server's certificate and name verified. There is no way to switch the
# verification off.
#
# The opener is our own, because MicroPython's leaves the socket open when it is cancelled.

import asyncio
import errno
import socket
import ssl


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


async def connect(host, port, trusted):
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    sock = socket.socket(address[0], address[1], address[2])
    try:
        sock.setblocking(False)
        try:
            sock.connect(address[-1])
        except OSError as e:
            if e.errno != errno.EINPROGRESS:
                raise
        await _writable(sock)
        if trusted:
            context, name = trusted
            sock = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
            sock.setblocking(False)
        return asyncio.StreamWriter(sock)
    except BaseException:
        sock.close()
        raise


# As asyncio's own opener waits; there is no public call for it.
def _writable(sock):
    yield asyncio.core._io_queue.queue_write(sock)
