# The journal: what the box must not lose. The public face of the flash ring.
#
# Refuses: to know time, network or lamps, and to say "kept" of anything it has not read back.
#
# Journal(flash, k_chain, box, mint)   opens and scans; writes only if flash holds no life yet (one header)
#   .life .boot                        8 bytes; this boot's number (journalled lazily)
#   .base .newest .acked .depth .room  oldest seq held; newest record, 0 none; freed up to; records; records
#   .n .lost .unknown                  presses of this life per level; admitted losses per level, and "at most"
#   .erases .faults                    blocks erased since first use; slots found bad or rotten since boot
# begin(reason, fw)                    what the boot record will say; fw is (major, minor, patch)
# append(kind, up_ms, level, reason, held, flags, data) -> seq; durable when it returns; JournalFault if the flash is dead
# read(seq, buf64) -> bool             False: not held or rotten. buf is written either way
# run(seq) -> (base, prev)             oldest seq from which an unbroken run reaches seq, and the tag seq's own was made over;
#                                      seq = newest + 1 is allowed: what an empty batch says
# ack(seq, tag) -> next seq to send, or None: not ours. Never raises for strange input
# tidy(up_ms) -> bool                  one piece of idle work (an erase ahead, or one admission); True: there may be more


class JournalFault(Exception):
    pass
