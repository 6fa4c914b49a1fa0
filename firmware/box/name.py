# docs/WIRE.md: an id that somebody gave settings or a command. It is said again, to a log and in a reply, so it is looked at.


def is_name(v):
    return type(v) is str and 1 <= len(v) <= 16 and not v.strip("abcdefghijklmnopqrstuvwxyz0123456789-")
