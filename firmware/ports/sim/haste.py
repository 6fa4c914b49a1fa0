# Time that runs `speed` times faster than the wall's, if box.json asks for it: for everything alike, keys, debouncing,
# timeouts, back-off, asyncio itself. So a night of presses takes minutes, and what the host computes in between (a
# handshake, a write to flash) weighs as many times more than it does here, as it would on a board. The watchdog alone
# (port.py) is as patient as before: a host that is busy elsewhere is no box that hangs.
#
# Refuses: to change while the box runs. Loaded only by who is in haste.

import asyncio
import time

SPEED_MAX = 50  # faster, and a sample every 5 ms would be less than a host's shortest sleep


# Before the first task is made. modules: those that look at `time`
def hurry(speed, modules):
    if not 1 < speed <= SPEED_MAX:
        raise ValueError("speed")
    fast = Time(speed)
    for module in modules:
        module.time = fast
    asyncio.core.ticks = fast.ticks_ms
    asyncio.core._io_queue.poller = Poller(asyncio.core._io_queue.poller, speed)


# In place of the module.
class Time:
    ticks_add, ticks_diff = time.ticks_add, time.ticks_diff

    def __init__(self, speed):
        self._speed = speed

    def ticks_us(self):
        return time.ticks_us() * self._speed

    def ticks_ms(self):
        return time.ticks_us() * self._speed // 1000

    def sleep_ms(self, ms):
        time.sleep_us(ms * 1000 // self._speed)


# What asyncio waits with: told in the simulator's milliseconds, it waits the host's.
class Poller:
    def __init__(self, poller, speed):
        self.register, self.modify, self.unregister = poller.register, poller.modify, poller.unregister
        self._ipoll, self._speed = poller.ipoll, speed

    def ipoll(self, ms):
        if ms > 0:
            ms, rest = divmod(ms, self._speed)
            if not ms:
                time.sleep_us(rest * 1000 // self._speed)
        return self._ipoll(ms)
