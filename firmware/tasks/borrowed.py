# A module that was needed for a moment gives its heap back: what still runs of it, or is held, stays; the rest goes with
# the next collection.
#
# Refuses: to unload what main.py has taken in (firmware/making/bundle.py): it has no module of its own any more.

import sys


def forget(package, name):
    sys.modules.pop("%s.%s" % (package, name), None)
    around = sys.modules.get(package)  # None: there was no heap even for that
    if hasattr(around, name):
        delattr(around, name)
