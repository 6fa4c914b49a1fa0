# docs/WIRE.md, config: settings, read. Loaded for as long as that takes (tasks/settings.py).
#
# Refuses: half a message, like wire.py: one value out of range and it raises Unreadable with the field's name.

from box.name import is_name
from box.wire import Unreadable, integer

MODES = ("always", "invite")
SECONDS = ("correct", "reason")
RANGES = (("beat_s", 10, 600), ("bright", 0, 100), ("volume", 0, 100), ("visit_ms", 2000, 15000))


# -> a whole set of settings like DEFAULTS
def config(o):
    if not is_name(o.get("id")):
        raise Unreadable("id")
    new = {"id": o["id"]}
    for field, low, high in RANGES:
        new[field] = integer(o, field, low, high)
    for field, words in (("mode", MODES), ("second", SECONDS)):
        if o.get(field) not in words:
            raise Unreadable(field)
        new[field] = o[field]
    hours = o.get("open")
    if hours != "" and not _hours(hours):
        raise Unreadable("open")
    new["open"] = hours
    return new


# "hh:mm-hh:mm", opening before closing
def _hours(v):
    if type(v) is not str or len(v) != 11 or v[2] != ":" or v[5] != "-" or v[8] != ":":
        return False
    digits = v[0:2] + v[3:5] + v[6:8] + v[9:11]
    if digits.strip("0123456789"):
        return False
    return int(v[0:2]) < 24 and int(v[3:5]) < 60 and int(v[6:8]) < 24 and int(v[9:11]) < 60 and v[:5] < v[6:]
