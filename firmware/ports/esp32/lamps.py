# The lights in the three keys and the buzzer, all by PWM. All three lights always show the
# same, but in a key test, where one key is asked for.

from machine import PWM, Pin

FULL = 65535
LIGHT_HZ = 1000  # no flicker, also to a camera at 1/50 s


# Percent -> duty, by the square: the eye and the ear hear steps that grow, and 15 % must glow, not shine.
def duty(percent, most=FULL):
    return most * percent * percent // 10_000


class Lamps:
    def __init__(self, lamps, on, buzzer, buzzer_hz, duty_lamp):
        self._on = on
        self._was = (0, 0, 0)
        self._lamps = [PWM(Pin(n), freq=LIGHT_HZ, duty_u16=self._level(0)) for n in lamps]
        self._buzzer = PWM(Pin(buzzer), freq=buzzer_hz, duty_u16=0)
        self._duty_lamp = None if duty_lamp is None else Pin(duty_lamp, Pin.OUT, value=1 - on)

    def _level(self, percent):
        return duty(percent) if self._on else FULL - duty(percent)

    # only: the level of the one key whose light it is for, 0 all three
    def show(self, light, sound, only=0):
        if (light, sound, only) == self._was:
            return
        self._was = light, sound, only
        for i, lamp in enumerate(self._lamps):
            lamp.duty_u16(self._level(0 if only and only != i + 1 else light))
        self._buzzer.duty_u16(duty(sound, FULL // 2))  # a passive buzzer is loudest at half

    # The clerk's lamp: somebody is signed in. Who, it cannot say.
    def signed_in(self, yes):
        if self._duty_lamp is not None:
            self._duty_lamp.value(self._on if yes else 1 - self._on)
