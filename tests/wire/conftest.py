"""The golden vectors are made by the box's own interpreter too."""

from tests.firmware.conftest import compiled, run_micropython

__all__ = ["compiled", "run_micropython"]
