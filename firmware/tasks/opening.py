# What is done once, when the box starts, and by main.py alone: the journal opened, the time it must be at the least, the
# settings that were in force. Loaded for that and dropped again.
#
# Refuses: to wait. Nobody samples the keys yet.

import struct

import boot_slot
from box import record
from box.clock import ACK
from box.journal import Journal
from tasks.borrowed import forget
from tasks.core import Core
from tasks.orders import Orders

GIVEN_UP = 7  # boot reason: an update was tried before, in vain
LOOK_BACK = 300  # records; a day at a busy window
REASON_AT, DATA_AT = 29, 33  # docs/WIRE.md: where they lie in a packed record


# fw: (major, minor, patch). made_ms: Unix ms; it is later than that. -> core, orders
def opened(port, fw, made_ms):
    ident = port.ident
    reason = port.boot_reason()
    if boot_slot.failed:
        reason = GIVEN_UP
        port.tell("update given up slot=%s" % boot_slot.failed)
        try:
            boot_slot.keep()  # what runs is good, and the next start need not say it again
        except OSError:
            pass
    book = Journal(port.flash, ident["k_chain"], ident["box"], lambda: port.random(8))
    forget("box", "survey")
    book.begin(reason, fw)
    port.wall(max(made_ms, journalled(book)), False)
    core = Core(port, book, fw, reason)
    if port.reader:
        from tasks.staff import Staff  # noqa: PLC0415

        core.staff = Staff(core)
    orders = Orders(core, ident["k_link"], ident["box"])
    orders.remember()
    return core, orders


# -> Unix ms of the newest clock record near the journal's end that the collector vouches for, or 0: now it is later than
# that. What NTP said may have been a lie, and would keep a box off the line for ever (box/wall.py).
def journalled(book):
    slot = bytearray(64)
    for seq in range(book.newest, max(book.base, book.newest - LOOK_BACK) - 1, -1):
        if book.read(seq, slot) and slot[1] == record.CLOCK and slot[REASON_AT] == ACK:
            return struct.unpack_from("<Q", slot, DATA_AT)[0]
    return 0
