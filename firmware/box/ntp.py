# NTP, the part a box needs: one question, and the time in its answer. Bytes in, bytes out. No mac guards it, so it says
# what time it is only until the collector's sealed acknowledgement does (box/clock.py).
#
# Refuses: an answer to another question, from a server that says it does not know, or with no time in it.

import struct

PORT = 123
TO_1970 = 2_208_988_800  # s from NTP's epoch
ERA = 1 << 32  # s; the second era begins in February 2036
ERA_SPLIT = 1 << 31  # a smaller number of seconds is of the second era
SIZE = 48  # bytes


# nonce: 8 random bytes, which the answer must repeat
def question(nonce):
    return b"\x23" + b"\0" * 39 + nonce  # version 4, client


# -> Unix ms in the middle between the server's receiving and sending, or None
def answer(nonce, packet):
    if len(packet) < SIZE:
        return None
    leap, mode, stratum = packet[0] >> 6, packet[0] & 7, packet[1]
    if mode != 4 or leap == 3 or not 0 < stratum < 16 or bytes(packet[24:32]) != nonce:
        return None
    got_s, got_f, sent_s, sent_f = struct.unpack_from(">IIII", packet, 32)
    if not (got_s and sent_s):
        return None
    return (_ms(got_s, got_f) + _ms(sent_s, sent_f)) // 2


def _ms(seconds, fraction):
    if seconds < ERA_SPLIT:
        seconds += ERA
    return (seconds - TO_1970) * 1000 + (fraction * 1000 >> 32)
