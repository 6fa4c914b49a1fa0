# A stream to the broker: TCP to an address, then TLS with the server's certificate and name verified. There is no way to
# switch the verification off.
#
# The opener is our own: MicroPython's leaves the socket open when it is cancelled, and its streams' close() closes
# nothing (only wait_closed() does), which on a board would keep a dead connection's TLS buffers until a collection.

import asyncio
import errno
import socket
import ssl


class Stream(asyncio.StreamWriter):
    def close(self):
        self.s.close()


# address: numbers and dots, so that nothing is looked up here. tls: None, or {"ca": path of the DER certificate to
# trust, "name": the server's name in its certificate}
async def connect(address, port, tls):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        try:
            sock.connect(socket.getaddrinfo(address, port)[0][-1])
        except OSError as e:
            if e.errno != errno.EINPROGRESS:
                raise
        await writable(sock)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_mode = ssl.CERT_REQUIRED
            with open(tls["ca"], "rb") as f:
                context.load_verify_locations(cadata=f.read())
            sock = context.wrap_socket(sock, server_hostname=tls["name"], do_handshake_on_connect=False)
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
