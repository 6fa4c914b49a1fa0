# What others may ask of the box: settings (config), one action (cmd), an update's pieces (chunk), an invitation to rate
# (prompt). Settings and actions are rare: tasks/settings.py and command.py do them, and are on the heap only meanwhile.
#
# What no heap is left for waits for a quieter round of the link (`late`): the newest settings and the newest action, TRIES
# rounds. A box with TLS and a badge reader has hardly room for them while a press is on its way.
#
# Refuses: what is not sealed for this box and topic. A refusal is answered or shown in the beat, never silent.

import gc
from hashlib import sha256

from box import wire
from tasks.borrowed import forget

TRIES = 8  # in a row without heap; then one is given up


class Orders:
    def __init__(self, core, k_link, box):
        self.core, self.k_link, self.box = core, k_link, box
        self.reboot = False
        self.update = None  # tasks/update.py, while one comes
        self.done = []  # ids of commands
        self.late = {}  # name -> payload
        self.tries = 0
        self.known = b""  # SHA-256 of the settings in force, as they came

    # Settings kept from before the boot, so that an offline box is the same box.
    def remember(self):
        kept = self.core.port.load("config")
        if kept:
            try:
                self.obey("kept", kept)
            except (wire.Unreadable, MemoryError):
                pass  # written by another firmware, or torn: the retained one comes with the connection

    # name: config, cmd, kept, or a technician's `do` -> the reply's body or None; of `do` "" or why not
    # A MemoryError of what is in `late` afterwards is not the last word.
    def obey(self, name, payload):
        if name == "config":
            self.late.pop(name, None)  # older ones
            if sha256(payload).digest() == self.known:
                self.core.use(self.core.settings)  # the broker says them again at every connection
                return None
        gc.collect()
        try:
            if name in ("cmd", "do"):
                from tasks import command  # noqa: PLC0415

                body = (command.obey if name == "cmd" else command.carry_out)(self, payload)
            else:
                from tasks import settings  # noqa: PLC0415

                body = settings.take(self, payload, name == "kept")
            self.tries = 0
            return body
        except MemoryError:
            if name in ("config", "cmd"):
                self.tries += 1
                if self.tries % TRIES:
                    gc.collect()
                    self.late[name] = bytes(payload)  # it lies where the next message comes
            raise
        finally:
            forget("tasks", "command")
            forget("tasks", "settings")
            forget("box", "name")

    # A box without a badge reader has it only from the first key test on.
    def staff(self):
        if not self.core.staff:
            from tasks.staff import Staff  # noqa: PLC0415

            self.core.staff = Staff(self.core)
        return self.core.staff

    def prompt(self, payload):
        self.core.prompt(wire.prompt(payload))

    # ---- updates

    def chunk(self, payload):
        if self.update:
            gc.collect()
            try:
                self.update.chunk(wire.opened(self.k_link, wire.topic(self.box, "chunk"), payload))
            except MemoryError:
                return  # it is asked for again
            self.core.link.ring()

    # -> (a fetch's body or None, a reply's body or None)
    def look(self, now):
        update = self.update
        if not update:
            return None, None
        fetch = update.step(now)
        if not (update.why or update.done):
            return fetch, None
        self.update, self.reboot = None, update.done
        forget("tasks", "update")
        self.core.port.tell("update id=%s why=%s" % (update.id, update.why))
        return None, wire.reply(update.id, 1 if update.done else 0, update.why)
