"""The office: the one web application. Live wall, hall screens, health.

It reads through manyi.core and refuses to decide any figure.
"""

from manyi.office.runtime import OfficeSettings, configure

__all__ = ["OfficeSettings", "configure"]
