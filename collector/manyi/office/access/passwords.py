"""Django's argon2, two passwords at a time: each takes 100 MB for a moment, and twenty strangers who guess at once would
otherwise take the collector's memory. It refuses to be weaker for that: the others wait a tenth of a second longer.
"""

from __future__ import annotations

from threading import BoundedSemaphore

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2  # 200 MB at the most; a login takes about 0.1 s of it

_room = BoundedSemaphore(AT_ONCE)


class Argon2(Argon2PasswordHasher):
    """The same hashes under the same name."""

    def encode(self, password: str, salt: str) -> str:
        with _room:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _room:
            return super().verify(password, encoded)
