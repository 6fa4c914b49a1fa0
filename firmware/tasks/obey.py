# Does what is asked of the box, once: takes settings, carries out a command. tasks/orders.py loads it for that and drops
# it again: 3 KB of an ESP32's heap for what comes once a day.
#
# Refuses: what is not sealed for this box and topic, a command of another boot or one already done, a setting that
# this firmware cannot obey.

import gc
from hashlib import sha256

from box import asked, lamp, wire

DONE_MAX = 8  # ids of commands remembered; a command is for one boot, and nobody gives many in one


# -> the reply's body or None; of `do`, which needs none, "" or why not
def obey(orders, name, payload):
    if name == "do":
        return _do(orders, payload)
    topic = wire.topic(orders.box, "cmd" if name == "cmd" else "config")
    o = wire.opened(orders.k_link, topic, payload)
    if name == "cmd":
        return _cmd(orders, o)
    return _config(orders, o, payload, name == "kept")


# -> None, or which setting it will not take
def _config(orders, o, payload, kept):
    core = orders.core
    try:
        new = asked.config(o)
    except wire.Unreadable as e:
        if kept:
            return None  # of another firmware
        id = o.get("id")
        core.config = "!" + (id if asked.is_name(id) else "")
        core.port.tell("refused config=%s why=%s" % (core.config, e))
        return wire.reply(id, 0, "%s is wrong or out of range" % e) if asked.is_name(id) else None
    if not kept:
        if new != core.settings:
            core.port.save("config", payload)
        core.port.tell("config id=%s" % new["id"])
    core.use(new)
    orders.known = sha256(payload).digest()  # last: what no heap was left for is taken the next time
    return None


# -> None: a command of another boot, or one already done, is nothing
def _cmd(orders, o):
    id, boot, do, arg = asked.cmd(o)
    core = orders.core
    if boot != core.journal.boot or id in orders.done:
        return None
    done = orders.done[1 - DONE_MAX :] + [id]
    try:
        why = _update(orders, id, arg) if do == "update" else _do(orders, do)
    except MemoryError:
        why = "no memory"
    body = None  # of an update it follows when it has come, or has not
    if why or do != "update":
        body = wire.reply(id, 0 if why else 1, why)
        core.port.tell("cmd id=%s do=%s" % (id, do if not why else "refused"))
    orders.done = done  # last: what no heap was left to answer is answered the next time
    return body


# -> "" done, or why not
def _do(orders, do):
    core = orders.core
    if do == "identify":
        core.show(lamp.IDENTIFY)
        return ""
    if do == "keytest":
        return orders.staff().begin(core.now())
    if do == "reboot":
        # The next boot must have another number, or the command played again would reboot it again.
        if not core.note_now():
            return "the time is not known yet"
        orders.reboot = True
        return ""
    return "not in this firmware"


# -> "" begun, or why not
def _update(orders, id, arg):
    if orders.update:
        return "an update is coming already"
    gc.collect()
    from tasks import update  # noqa: PLC0415

    orders.update, why = update.begin(orders.core, orders.k_link, orders.box, id, arg)
    orders.core.link.ring()
    return why
