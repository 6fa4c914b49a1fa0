# esp32.Partition over files, as NOR flash: a program only clears bits; the two-argument write erases first. bench.json:
# `dead`, partitions that take nothing and give nothing back; `gives_up`, every so manieth program of the journal's.

import bench

SIZES = {"journal": 512 * 1024, "data": 1024 * 1024}
BLOCK = 4096


class Partition:
    TYPE_DATA = 1

    def __init__(self, label):
        self.label, self.programs = label, 0
        path = "%s/%s.bin" % (bench.folder, label)
        try:
            self.file = open(path, "r+b")  # noqa: SIM115  for the board's life
        except OSError:
            with open(path, "wb") as f:
                for _ in range(SIZES[label] // BLOCK):
                    f.write(b"\xff" * BLOCK)
            self.file = open(path, "r+b")  # noqa: SIM115

    @staticmethod
    def find(kind, label):
        return [parts[label]] if kind == Partition.TYPE_DATA and label in parts else []

    def info(self):
        return 1, 0x40, 0, SIZES[self.label], self.label, False

    def readblocks(self, block, buf, offset=0):
        self._alive()
        self.file.seek(block * BLOCK + offset)
        self.file.readinto(buf)

    def _alive(self):
        if self.label in bench.facts.get("dead", ()):
            raise OSError(5)

    def writeblocks(self, block, data, offset=None):
        self._alive()
        self.programs += 1
        if self.label == "journal" and self.programs % bench.facts.get("gives_up", 1 << 30) == 0:
            raise OSError(0x101, "ESP_ERR_NO_MEM")
        if offset is None:
            for i in range(len(data) // BLOCK):
                self.ioctl(6, block + i)
        at = block * BLOCK + (offset or 0)
        old = bytearray(len(data))
        self.file.seek(at)
        self.file.readinto(old)
        for i in range(len(data)):
            old[i] &= data[i]
        self.file.seek(at)
        self.file.write(old)
        self.file.flush()

    def ioctl(self, what, arg):
        if what == 6:
            self._alive()
        if what == 4:
            return SIZES[self.label] // BLOCK
        if what == 5:
            return BLOCK
        if what == 6:
            self.file.seek(arg * BLOCK)
            self.file.write(b"\xff" * BLOCK)
            self.file.flush()
        return 0


parts = {label: Partition(label) for label in bench.facts.get("partitions", ("journal", "data"))}
