# Files written over the serial line, each whole or not at all: pieces go into NAME.new, which takes NAME's place only
# when its SHA-256, read back from flash, is the one that was announced. littlefs renames in one step, so a power cut
# leaves the old or the new.
#
# Refuses: any name but those of an identity, and to write over an identity.

import hashlib
import os

IDENTITY = "box.json"
RENEWAL = "renew.json"  # what is to change in it: tasks/renew.py
NEW = ".new"
FILE_MAX = 4096  # bytes; an identity has 700, a certificate 600 to 2,000
PIECE = 256  # bytes read back at once


class Refused(Exception):
    pass


class Shelf:
    # root: "" for the root of a board, or a folder. own: what may be written beside certificates
    def __init__(self, root, own=IDENTITY):
        self._root, self._own = root, own
        self._name = None

    def has(self, name):
        try:
            os.stat(self.path(name))
            return True
        except OSError:
            return False

    def take(self, name, size, digest):
        if not (name == self._own or (name.startswith("ca-") and name.endswith(".der") and "/" not in name)):
            raise Refused("name")
        if self._own == IDENTITY and self.has(IDENTITY):
            raise Refused("identity")
        if not 0 < size <= FILE_MAX:
            raise Refused("size")
        self.leave()
        self._name, self._size, self._digest, self._at = name, size, digest, 0
        self._file = open(self.path(name) + NEW, "wb")

    def more(self, at, data):
        if self._name is None or at != self._at or at + len(data) > self._size:
            raise Refused("order")
        self._file.write(data)
        self._at += len(data)

    # The commit. -> (size, digest) as read back
    def keep(self):
        if self._name is None or self._at != self._size:
            raise Refused("order")
        name, self._name = self._name, None
        self._file.close()
        found = self.sum(name + NEW)
        if found != (self._size, self._digest):
            raise Refused("digest")
        os.rename(self.path(name) + NEW, self.path(name))
        return self.sum(name)

    def leave(self):
        if self._name is not None:
            self._file.close()
            self._name = None

    # -> (size, SHA-256 as hex) of what is in flash
    def sum(self, name):
        size, digest, buf = 0, hashlib.sha256(), bytearray(PIECE)
        with open(self.path(name), "rb") as f:
            while True:
                n = f.readinto(buf)
                if not n:
                    return size, digest.digest().hex()
                digest.update(memoryview(buf)[:n])
                size += n

    # The identity first: a box without one is blank, whatever else is left.
    def clear(self):
        self.leave()
        for name in [IDENTITY] + [
            n for n in os.listdir(self._root or "/") if n.startswith("ca-") or n.endswith(NEW) or n == RENEWAL
        ]:
            try:
                os.remove(self.path(name))
            except OSError:
                pass

    def path(self, name):
        return "%s/%s" % (self._root, name)
