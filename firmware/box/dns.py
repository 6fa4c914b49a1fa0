# DNS, the part a box needs: the question for one name's IPv4 addresses, and the answer to it. Bytes in, bytes out.
#
# Refuses: to believe an answer to another question, to follow a pointer (a name that is skipped need not be read), and
# to raise on any packet: what cannot be read is None.

import struct

PORT = 53
PACKET_MAX = 512  # bytes, without extensions, which are not asked for
ADDRESSES_MAX = 4  # as many are kept; nobody needs a fifth
LABEL_MAX = 63
NAME_MAX = 253
A, IN = 1, 1


# "192.168.1.9" is an address, and needs no look-up.
def is_address(host):
    parts = host.split(".")
    for p in parts:
        if not 0 < len(p) < 4 or p.strip("0123456789") or int(p) > 255:
            return False
    return len(parts) == 4


def _name(host):
    out = b""
    if len(host) > NAME_MAX:
        raise ValueError("name")
    for label in host.encode().split(b"."):
        if not 0 < len(label) <= LABEL_MAX:
            raise ValueError("name")
        out += bytes((len(label),)) + label
    return out + b"\0"


# Raises ValueError for what is no name.
def question(ident, host):
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + _name(host) + struct.pack(">HH", A, IN)


# -> addresses in the server's order, [] if it says that there are none; None: not the answer to this question
def answer(ident, host, packet):
    asked = question(ident, host)
    if len(packet) < len(asked):
        return None
    got, flags, questions, count, _, _ = struct.unpack_from(">HHHHHH", packet, 0)
    # A reply to a standard query; the name comes back as it was asked, but for upper and lower case.
    if got != ident or flags & 0xF800 != 0x8000 or questions != 1:
        return None
    if bytes(packet[12 : len(asked)]).lower() != asked[12:].lower():
        return None
    found, at = [], len(asked)
    if flags & 0x000F:
        return found
    while count and len(found) < ADDRESSES_MAX:
        count -= 1
        at = _skip(packet, at)
        if at + 10 > len(packet):
            break
        kind, space, _, size = struct.unpack_from(">HHIH", packet, at)
        at += 10
        if kind == A and space == IN and size == 4 and at + 4 <= len(packet):
            found.append("%d.%d.%d.%d" % tuple(packet[at : at + 4]))
        at += size
    return found


# -> behind the name at `at`; behind the packet if it does not end in it
def _skip(packet, at):
    while at < len(packet):
        size = packet[at]
        if size == 0:
            return at + 1
        if size & 0xC0:
            return at + 2  # a pointer ends a name
        at += 1 + size
    return len(packet)
