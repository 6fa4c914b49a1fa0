# Which firmware runs: as delivered (app), or one of two slots that updates are written to. Runs before anything else,
# from the delivered firmware, and is itself never updated.
#
# The file `slot` says it: `a` runs a. `app>a?`: a is new, try it once: at once rewritten as `app>a!`, so that whatever
# happens the next start runs app again, unless a has reached the collector and written `a` (tasks/chores.py).
#
# Refuses: to trust the file: what it cannot read, and a slot without a main.mpy, is the delivered firmware.

import os

APP = "app"
SLOTS = ("a", "b")
FILE = "slot"

name, trial, failed = APP, False, ""  # what runs; is it on trial; which slot was tried in vain
place = ""  # the folder of `slot`


# -> (what to run, what to write first or "", which slot was tried in vain or "")
def choose(text):
    good, _, new = text.partition(">")
    if good not in SLOTS:
        good = APP
    slot, phase = new[:-1], new[-1:]
    if slot not in SLOTS or slot == good:
        return good, "", ""
    if phase == "?":
        return slot, "%s>%s!" % (good, slot), ""
    return good, "", slot


# root: the folder of `slot`, a/ and b/; app: the folder of the delivered firmware. -> the folder to load from
def select(root, app):
    global name, trial, failed, place
    place = root
    try:
        with open(root + "/" + FILE) as f:
            text = f.read(16)
    except (OSError, ValueError):
        return app
    name, first, failed = choose(text)
    if name == APP:
        return app
    folder = root + "/" + name
    try:
        os.stat(folder + "/main.mpy")
        if first:
            write(root, first)
    except OSError:
        name = APP
        return app
    trial = bool(first)
    return folder


# What runs is good.
def keep():
    global trial
    write(place, name)
    trial = False


# What runs cannot start, though it once could: flash has forgotten a bit of it. The next start runs what was delivered, and
# says so.
def give_up():
    if name != APP and not trial:
        write(place, "%s>%s!" % (APP, name))


# In one step: a power cut leaves the old or the new.
def write(root, text):
    path = root + "/" + FILE
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)
