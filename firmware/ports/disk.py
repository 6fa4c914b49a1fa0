# The file system that updates are written to: whole files in folders, read back, and the `slot` file of boot_slot.py.
#
# Refuses: paths that leave its folder.

import hashlib
import os

import boot_slot

PIECE = 256


class Disk:
    def __init__(self, root):
        self._root = root
        self.step = _nothing  # before everything that changes the disk; the simulator cuts the power here

    def _path(self, name):
        if name.startswith("/") or ".." in name:
            raise OSError("path")
        return self._root + "/" + name

    # Removes a folder and what is in it, or a file.
    def clear(self, name):
        path = self._path(name)
        try:
            found = list(os.ilistdir(path))
        except OSError:
            self._remove(path)
            return
        for entry in found:
            inside = name + "/" + entry[0]
            if entry[1] & 0x4000:
                self.clear(inside)
            else:
                self.step()
                os.remove(self._path(inside))
        self.step()
        os.rmdir(path)

    def _remove(self, path):
        self.step()
        try:
            os.remove(path)
        except OSError:
            pass  # it is not there

    # A new file, with the folders it lies in.
    def create(self, name):
        path = self._path(name)
        at = path.find("/", len(self._root) + 1)
        while at >= 0:
            try:
                os.mkdir(path[:at])
            except OSError:
                pass  # it is there
            at = path.find("/", at + 1)
        self.step()
        return open(path, "wb")

    def write(self, file, data):
        self.step()
        file.write(data)

    def open(self, name):
        return open(self._path(name), "rb")

    # -> (size, SHA-256) of what is in flash
    def sum(self, name):
        size, digest, buf = 0, hashlib.sha256(), bytearray(PIECE)
        with self.open(name) as f:
            while True:
                n = f.readinto(buf)
                if not n:
                    return size, digest.digest()
                digest.update(memoryview(buf)[:n])
                size += n

    def slot(self, text):
        self.step()
        boot_slot.write(self._root, text)


def _nothing():
    pass
