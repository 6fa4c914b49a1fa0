# Lines of the serial console, docs/CONSOLE.md: what a technician's computer asks a box, and what it answers.
#
#   @<number> <words> *<crc32 of what stands before " *", 8 hex digits>
#
# Refuses: to understand half a line. A cable picks up noise, and a chip prints its own words while it starts: what is
# not whole is nobody's.

from binascii import crc32

from box.chain import hmac_sha256

MOST = 240  # bytes; an ESP32 keeps 260 of standard input while the VM is busy (MicroPython's stdin_ringbuf)
CODE_BYTES = 6  # of an unlock code: 12 hex digits can be told over the phone


def line(text):
    return "%s *%08x" % (text, crc32(text.encode()))


# A line without its end, as bytes -> (number, words), or None if nobody is meant, or (0, []) if it came to harm.
def opened(raw):
    at = raw.rfind(b"@")
    if at < 0:
        return None
    text, star, crc = raw[at:].rpartition(b" *")
    try:
        if not star or len(crc) != 8 or int(crc, 16) != crc32(text):
            return 0, []
        number, words = text[1:].split(b" ", 1)
        return int(number), [word.decode() for word in words.split(b" ")]
    except ValueError:
        return 0, []


# What opens the console of this box, for as long as it shows this nonce.
def code(k_link, box, nonce):
    return hmac_sha256(k_link, b"manyi/1/console\0", box.encode(), b"\0", nonce)[:CODE_BYTES].hex()
