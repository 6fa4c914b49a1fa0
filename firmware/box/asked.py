# docs/WIRE.md, config and cmd: what others ask of the box, read. Loaded for as long as that takes (tasks/obey.py).
#
# Refuses: half a message, like wire.py: one value out of range and it raises Unreadable with the field's name.

from box.wire import Unreadable, integer

MODES = ("always", "invite")
SECONDS = ("correct", "reason")
RANGES = (("beat_s", 10, 600), ("bright", 0, 100), ("volume", 0, 100), ("visit_ms", 2000, 15000))
NAME = "abcdefghijklmnopqrstuvwxyz0123456789-"


def is_name(v):
    return type(v) is str and 1 <= len(v) <= 16 and not v.strip(NAME)


def _name(o, name):
    v = o.get(name)
    if not is_name(v):
        raise Unreadable(name)
    return v


# -> a whole set of settings like DEFAULTS
def config(o):
    new = {"id": _name(o, "id")}
    for name, low, high in RANGES:
        new[name] = integer(o, name, low, high)
    for name, words in (("mode", MODES), ("second", SECONDS)):
        if o.get(name) not in words:
            raise Unreadable(name)
        new[name] = o[name]
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


# -> (id, boot, do, arg)
def cmd(o):
    do, arg = o.get("do"), o.get("arg")
    if type(do) is not str or type(arg) is not str:
        raise Unreadable("do" if type(do) is not str else "arg")
    return _name(o, "id"), integer(o, "boot", 0, 0xFFFF), do, arg
