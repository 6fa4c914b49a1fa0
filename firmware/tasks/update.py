# A new firmware, asked for piece by piece over the link (docs/WIRE.md: fetch, chunk) and written to the slot that does
# not run. Loaded only when a command asks for it.
#
# One stream: a manifest (`manyi 1.2.0 40`, forty lines `<SHA-256> <bytes> <path>`, `mac <64 hex>`), then the files one
# after another. The mac is this box's own, so nothing is unpacked before it is right; each file is read back from flash
# and compared. Only then, and only while no record waits, is the slot marked to be tried once (boot_slot.py).
#
# Refuses: a wrong mac before any file is made, a path that is no firmware, to be the reason that a record is lost.

import hashlib
from binascii import unhexlify

import boot_slot
from box import pieces

ASK_MS = 5000  # for the same piece again
GIVE_UP_MS = 120_000  # without one
LINE_MAX = 160
FILES_MAX = 120
SIZE_MAX = 196_608  # of the whole: a slot's share of the partition `data`
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_/"


class Refused(Exception):
    pass


# -> (an Update, "") or (None, why not)
def begin(core, k_link, box, id, arg):
    try:
        return Update(core, k_link, box, id, arg), ""
    except OSError:
        return None, "disk"
    except Refused as e:
        return None, str(e)


class Update:
    # arg: "1.2.0 56789", version and bytes of the stream
    def __init__(self, core, k_link, box, id, arg):
        version, _, size = arg.partition(" ")
        if not size.isdigit() or not 0 < int(size) <= SIZE_MAX:
            raise Refused("size")
        if boot_slot.trial:
            raise Refused("this firmware is on trial itself")
        if core.journal.depth:
            raise Refused("records wait")
        if not core.note_now():
            raise Refused("the time is not known yet")
        self.id, self.why, self.done = id, "", False
        self._core, self._disk, self._version, self._size = core, core.port.disk(), version, int(size)
        self._k_link, self._box = k_link, box
        self._slot = "b" if boot_slot.name == "a" else "a"
        self._at, self._asked, self._heard = 0, None, core.now()
        self._text, self._hash, self._count, self._list = b"", hashlib.sha256(), None, None
        self._file, self._left = None, 0
        self._disk.slot(boot_slot.name)  # nothing may name the slot while it is written
        self._disk.clear(self._slot)
        self._manifest = self._slot + "/manifest"
        self._file = self._disk.create(self._manifest)

    # From time to time -> the body of a fetch, or None. Over when `why` is set or `done`.
    def step(self, now):
        if self.why:
            return None
        if self._at == self._size:
            if self._core.journal.depth == 0:
                try:
                    self._disk.slot("%s>%s?" % (boot_slot.name, self._slot))
                    self.done = True
                except OSError:
                    self.why = "disk"  # and no end of the link: it would come again with every connection
                return None
        elif self._asked is None or now - self._asked >= ASK_MS:
            self._asked = now
            return pieces.fetch(self.id, self._at)
        if now - self._heard >= GIVE_UP_MS:
            self.shut()
            self.why = "no data came" if self._at < self._size else "records wait"
        return None

    # An opened chunk.
    def chunk(self, o):
        id, at, data = pieces.chunk(o)
        if id != self.id or at != self._at or self.why:
            return  # of another update, or twice
        try:
            if self._at + len(data) > self._size:
                raise Refused("size")
            self._take(memoryview(data))
            self._at += len(data)
            if self._at == self._size and (self._file or self._next()):
                raise Refused("size")
        except (Refused, OSError, ValueError) as e:
            self.shut()
            self.why = str(e) if isinstance(e, Refused) else "disk" if isinstance(e, OSError) else "data"
        self._asked, self._heard = None, self._core.now()

    # Nothing stays open of an update that is given up: the next one clears the folder.
    def shut(self):
        for file in (self._file, self._list):
            try:
                if file:
                    file.close()
            except OSError:
                pass  # a full disk says it once more

    def _take(self, data):
        while data:
            if self._list is None:
                data = self._head(data)
                continue
            if self._file is None and not self._next():
                raise Refused("size")
            n = min(len(data), self._left)
            self._disk.write(self._file, data[:n])
            self._left -= n
            data = data[n:]
            if not self._left:
                self._close()

    # ---- the manifest

    def _head(self, data):
        text = bytes(data)
        end = text.find(b"\n") + 1
        self._text += text[:end] if end else text
        if len(self._text) > LINE_MAX:
            raise Refused("manifest")
        if end:
            line, self._text = self._text, b""
            self._line(line)
        return data[end:] if end else data[:0]

    def _line(self, line):
        if self._count == 0:
            if line != pieces.signature(self._k_link, self._box, self._hash.digest()):
                raise Refused("signature")
            self._file.close()
            self._file, self._list = None, self._disk.open(self._manifest)
            self._list.readline()
            return
        self._hash.update(line)
        self._disk.write(self._file, line)
        if self._count is not None:
            self._count -= 1
            return
        words = line.split()
        if len(words) != 3 or words[:2] != [b"manyi", self._version.encode()] or not words[2].isdigit():
            raise Refused("manifest")
        self._count = int(words[2])
        if not 0 < self._count <= FILES_MAX:
            raise Refused("manifest")

    # ---- the files

    # Opens the next file of the manifest -> False: there is none
    def _next(self):
        words = self._list.readline().split()
        if not words:
            return False
        digest, size, path = words
        self._digest, self._left = unhexlify(digest), int(size)
        self._whole = self._left
        name = path.decode()
        if not (name.endswith(".mpy") and not name[:-4].strip(LETTERS) and name[0] != "/" and self._left):
            raise Refused("path")
        self._name = self._slot + "/" + name
        self._file = self._disk.create(self._name)
        return True

    def _close(self):
        self._file.close()
        self._file = None
        if self._disk.sum(self._name) != (self._whole, self._digest):
            raise Refused("digest")
