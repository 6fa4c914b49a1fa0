# Takes settings. tasks/orders.py loads it for that and drops it again: 1 KB of an ESP32's heap for what comes once a month.
#
# Refuses: what is not sealed for this box, and a setting that this firmware cannot obey: all stay as they were.

from hashlib import sha256

from box import settings, wire
from box.name import is_name


# kept: from before the boot -> the reply's body, or None: taken, and the beat says so
def take(orders, payload, kept):
    o = wire.opened(orders.k_link, wire.topic(orders.box, "config"), payload)
    core = orders.core
    try:
        new = settings.config(o)
    except wire.Unreadable as e:
        if kept:
            return None  # of another firmware
        id = o.get("id")
        core.config = "!" + (id if is_name(id) else "")
        core.port.tell("refused config=%s why=%s" % (core.config, e))
        return wire.reply(id, 0, "%s is wrong or out of range" % e) if is_name(id) else None
    if not kept:
        if new != core.settings:
            core.port.save("config", payload)
        core.port.tell("config id=%s" % new["id"])
    core.use(new)
    orders.known = sha256(payload).digest()  # last: what no heap was left for is taken the next time
    return None
