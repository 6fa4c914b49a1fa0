# What others may ask of the box: settings (config), one action (cmd), an invitation to rate (prompt).
#
# Refuses: what is not sealed for this box and topic, a command of another boot or one already done, a setting that
# this firmware cannot obey. A refusal is answered or shown in the beat, never silent.

import gc

from box import lamp, wire

DONE_MAX = 8  # ids of commands remembered; a command is for one boot, and nobody gives many in one


class Orders:
    def __init__(self, core, k_link, box):
        self.core = core
        self.reboot = False
        self.update = None  # tasks/update.py, while one comes
        self._k_link, self._box = k_link, box
        self._config, self._cmd = wire.topic(box, "config"), wire.topic(box, "cmd")
        self._done = []

    # Settings kept from before the boot, so that an offline box is the same box.
    def remember(self):
        kept = self.core.port.load("config")
        if kept:
            try:
                self.core.use(wire.config(wire.opened(self._k_link, self._config, kept)))
            except wire.Unreadable:
                pass  # written by another firmware, or torn: the retained one comes with the connection

    # -> None, or the reply's body: which setting it will not take
    def config(self, payload):
        o = wire.opened(self._k_link, self._config, payload)
        try:
            new = wire.config(o)
        except wire.Unreadable as e:
            id = o.get("id")
            self.core.config = "!" + (id if wire.is_name(id) else "")
            self.core.port.tell("refused config=%s why=%s" % (self.core.config, e))
            return wire.reply(id, 0, "%s is wrong or out of range" % e) if wire.is_name(id) else None
        if new != self.core.settings:
            self.core.port.save("config", payload)
        self.core.use(new)
        self.core.port.tell("config id=%s" % new["id"])
        return None

    # -> the reply's body, or None: a command of another boot, or one already done, is nothing
    def cmd(self, payload):
        id, boot, do, arg = wire.cmd(wire.opened(self._k_link, self._cmd, payload))
        if boot != self.core.journal.boot or id in self._done:
            return None
        self._done = self._done[1 - DONE_MAX :] + [id]
        if do == "update":
            why = self._begin(id, arg)
            if not why:
                return None  # the reply follows when it has come, or has not
        else:
            why = self.do(do)
        self.core.port.tell("cmd id=%s do=%s" % (id, do if not why else "refused"))
        return wire.reply(id, 0 if why else 1, why)

    # -> "" done, or why not
    def do(self, do):
        if do == "identify":
            self.core.show(lamp.IDENTIFY)
            return ""
        if do == "keytest":
            return self.staff().begin(self.core.now())
        if do == "reboot":
            # The next boot must have another number, or the command played again would reboot it again.
            if not self.core.note_now():
                return "the time is not known yet"
            self.reboot = True
            return ""
        return "not in this firmware"

    # A box without a badge reader has it only from the first key test on.
    def staff(self):
        if not self.core.staff:
            from tasks.staff import Staff  # noqa: PLC0415

            self.core.staff = Staff(self.core)
        return self.core.staff

    # ---- updates

    # -> "" begun, or why not
    def _begin(self, id, arg):
        if self.update:
            return "an update is coming already"
        gc.collect()
        try:
            from tasks import update  # noqa: PLC0415

            self.update, why = update.begin(self.core, self._k_link, self._box, id, arg)
        except MemoryError:
            return "no memory"
        self.core.link.set()
        return why

    def chunk(self, payload):
        if self.update:
            gc.collect()
            try:
                self.update.chunk(wire.opened(self._k_link, wire.topic(self._box, "chunk"), payload))
            except MemoryError:
                return  # it is asked for again
            self.core.link.set()

    # -> (a fetch's body or None, a reply's body or None)
    def look(self, now):
        update = self.update
        if not update:
            return None, None
        fetch = update.step(now)
        if not (update.why or update.done):
            return fetch, None
        self.update, self.reboot = None, update.done
        self.core.port.tell("update id=%s why=%s" % (update.id, update.why))
        return None, wire.reply(update.id, 1 if update.done else 0, update.why)

    def prompt(self, payload):
        self.core.prompt(wire.prompt(payload))
