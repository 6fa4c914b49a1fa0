# Carries out a command, once. tasks/orders.py loads it for that and drops it again: 1 KB of an ESP32's heap for what comes
# once a day.
#
# Refuses: what is not sealed for this box, a command of another boot or one already done.

import gc

from box import command, lamp, wire

DONE_MAX = 8  # ids of commands remembered; a command is for one boot, and nobody gives many in one


# -> the reply's body or None: a command of another boot, or one already done, is nothing
def obey(orders, payload):
    id, boot, do, arg = command.cmd(wire.opened(orders.k_link, wire.topic(orders.box, "cmd"), payload))
    core = orders.core
    if boot != core.journal.boot or id in orders.done:
        return None
    done = orders.done[1 - DONE_MAX :] + [id]
    try:
        why = _update(orders, id, arg) if do == "update" else carry_out(orders, do)
    except MemoryError:
        why = "no memory"
    body = None  # of an update it follows when it has come, or has not
    if why or do != "update":
        body = wire.reply(id, 0 if why else 1, why)
        core.port.tell("cmd id=%s do=%s" % (id, do if not why else "refused"))
    orders.done = done  # last: what no heap was left to answer is answered the next time
    return body


# -> "" done, or why not
def carry_out(orders, do):
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
