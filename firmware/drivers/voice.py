# A voice module of the YX5200 family (DFPlayer mini), over a UART object: write. It plays numbered files of its card,
# and is told, never asked: a module that is missing or dumb costs the box nothing.
#
# Refuses: to know which key was pressed. Every key is thanked with the same words.

INVITE, THANKS = 1, 2  # mp3/0001.mp3 请评价, mp3/0002.mp3 谢谢
PLAY, VOLUME = 0x12, 0x06
LOUDEST = 30


# 7E FF 06 command 00 high low checksum-high checksum-low EF
def frame(command, value=0):
    body = bytes((0xFF, 6, command, 0, value >> 8, value & 0xFF))
    check = -sum(body) & 0xFFFF
    return b"\x7e" + body + bytes((check >> 8, check & 0xFF)) + b"\xef"


class Voice:
    def __init__(self, uart):
        self._uart = uart
        self._volume = None

    # volume: percent; 0 says nothing
    def say(self, track, volume):
        if not volume:
            return
        if volume != self._volume:
            self._volume = volume
            self._uart.write(frame(VOLUME, (volume * LOUDEST + 99) // 100))
        self._uart.write(frame(PLAY, track))
