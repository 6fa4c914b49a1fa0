# Another account, server, certificate or Wi-Fi for a box that stays who it is: same name, keys, PIN and journal. Asked for
# at the bench, over an open console (docs/CONSOLE.md); loaded only then.
#
# The new facts come as a file of their own, are laid over the old identity, and the whole takes its place in one step: a
# power cut leaves the old box or the new one.
#
# Refuses: to change who the box is, an identity whose certificate is not there, and to call written what does not read
# back the same.

import gc
import json
import os
from binascii import unhexlify

from ports.shelf import IDENTITY, NEW, RENEWAL, Refused, Shelf

MAY = ("host", "port", "user", "password", "tls", "wifi", "static", "dns", "ntp", "beat_s")


class Renewal:
    def __init__(self, port):
        self.done = False
        self._port, self._shelf = port, Shelf(port.root, RENEWAL)
        self._renewed = False

    # -> the answer without its number
    def obey(self, words):
        try:
            return ("ok " + self._obey(words)).rstrip()
        except Refused as e:
            return "no %s" % e
        except OSError as e:
            return "no flash-%s" % e.args[0]

    def _obey(self, words):
        verb, shelf = words[0], self._shelf
        if verb == "take":
            shelf.take(words[1], int(words[2]), words[3])
        elif verb == "more":
            shelf.more(int(words[1]), unhexlify(words[2]))
        elif verb == "keep":
            return "size=%d sha256=%s" % shelf.keep()
        elif verb == "sum":
            return "size=%d sha256=%s" % shelf.sum(words[1])
        elif verb == "renew":
            self._renew()
        elif not self._renewed:
            raise Refused("order")
        else:
            self.done = True
        return ""

    # One tree at a time: beside a link that fails, a heap of 56 KiB has not room for two. So the new facts are laid over
    # the old as text: what is left of the old, then the new file as it came.
    def _renew(self):
        shelf = self._shelf
        new = self._read(RENEWAL)
        tls, names = new.get("tls"), tuple(new)
        new = None
        for name in names:
            if name not in MAY:
                raise Refused("field-" + name)
        gc.collect()
        who = self._read(IDENTITY)
        if "tls" not in names:
            tls = who["tls"]
        for name in names:
            who.pop(name, None)
        ca = tls["ca"][1:] if tls else ""
        if ca and not shelf.has(ca):
            raise Refused("ca")
        old = json.dumps(who)[:-1]
        who = None
        gc.collect()
        with open(shelf.path(RENEWAL)) as f:
            added = f.read().strip()[1:]
        fresh = shelf.path(IDENTITY + NEW)
        with open(fresh, "w") as f:
            f.write(old)
            f.write(", " if names else "")
            f.write(added)
        self._is_whole(fresh, old, added)
        os.rename(fresh, shelf.path(IDENTITY))
        self._renewed = True
        self._forget(ca, names)

    def _is_whole(self, fresh, old, added):
        with open(fresh) as f:
            if f.read(len(old)) != old or not f.read().endswith(added):
                raise Refused("digest")

    def _read(self, name):
        with open(self._shelf.path(name)) as f:
            return json.load(f)

    # What the box learned of the old place, and what it no longer needs. Cut short, it is only left lying.
    def _forget(self, ca, new):
        for name in ("address", "wifi") if "wifi" in new else ("address",):
            if self._port.load(name):
                self._port.save(name, b"")
        for name in os.listdir(self._port.root or "/"):
            if name == RENEWAL or (name.startswith("ca-") and name != ca):
                os.remove(self._shelf.path(name))
