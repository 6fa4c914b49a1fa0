# A bell that one task waits for, or for time, whichever comes first. It stays rung until somebody has waited for it: who
# was woken looks at the world again.
#
# asyncio's own Event and wait_for would make a task for every wait; they cost 2 KB of an ESP32's heap and leave garbage
# behind each time. Here the waiter only sleeps, and ringing moves its alarm to now.
#
# Refuses: nobody, so mind that only one task waits: a second one would take the first one's alarm.

import asyncio


class Bell:
    def __init__(self):
        self.rung = False
        self._sleeper = None

    def ring(self):
        self.rung = True
        sleeper, self._sleeper = self._sleeper, None
        if sleeper and not sleeper.data:  # not cancelled this very moment
            asyncio.core._task_queue.remove(sleeper)
            asyncio.core._task_queue.push(sleeper)

    # -> was it rung
    async def wait(self, ms):
        if not self.rung:
            self._sleeper = asyncio.current_task()
            try:
                await asyncio.sleep_ms(ms)
            finally:
                self._sleeper = None
        rung, self.rung = self.rung, False
        return rung
