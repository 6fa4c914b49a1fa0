# docs/WIRE.md, cmd: what others ask a box to do, read. Loaded for as long as that takes (tasks/command.py).
#
# Refuses: half a message, like wire.py.

from box.name import is_name
from box.wire import Unreadable, integer


# -> (id, boot, do, arg)
def cmd(o):
    id, do, arg = o.get("id"), o.get("do"), o.get("arg")
    if type(do) is not str or type(arg) is not str:
        raise Unreadable("do" if type(do) is not str else "arg")
    if not is_name(id):
        raise Unreadable("id")
    return id, integer(o, "boot", 0, 0xFFFF), do, arg
