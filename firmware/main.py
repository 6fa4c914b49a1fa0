# The box. Read this first: every task is made here, and there are no others but a listener for each connection.
#
#   hand    keys → journal → light            tasks/hand.py
#   link    journal → broker → collector's ack tasks/link.py
#   glow    the lamp's time                   tasks/glow.py
#   chores  what can wait                     tasks/chores.py
#   cable   a technician at the serial line   tasks/cable.py
#   and the supervisor, which is this one     tasks/supervisor.py; and the port's own errands
#
# Decisions are made in box/ (pure); a port (ports/) touches the world. A port has
#   .ident      box, k_link, k_chain, host, port, user, password, and for tests ack_ms, backoff_ms, beat_s
#   .flash      .size .block .read .program .erase: the journal's own
#   .leaving    a tasks/bell.py: stop cleanly
#   keys() -> bit 0 to 2: down now, bit 3 to 5: had a down edge since the last call; .ago: ms since the first one, of each
#   lamp(light %, sound %, only): only: the one key whose lamp it is for, 0 all three
#   say(1 请评价 or 2 谢谢, volume %), .reader: there is one for badges
#   badge() -> the number of a badge just touched, or None; signed_in(yes): the clerk's lamp
#   up_ms() heap() rssi() chance() -> 32 random bits, random(n) -> bytes      feed() the watchdog
#   connect() -> stream, a coroutine that closes its socket if it is cancelled; the stream's close() closes it at once
#   fresh() -> True once when a network has come: dial now
#   errands: pairs of a name and a function of supervisor.Alive -> coroutine, watched like every other task
#   time() -> None or (sent, got, Unix ms, source): what somebody said the time was, for box/clock.py
#   wall(Unix ms, sure): what time it is by the collector, for what looks at dates; sure: False, once at the start: it is later
#   load(name) -> bytes or None, save(name, bytes), which tells if it could not   settings, not records
#   disk() -> ports/disk.py's, for updates
#   boot_reason() reset(reason, why) stop(): the last two do not return
#   parts() -> what a technician may have plugged in and answers: "reader,clock", "-"
#   .cable None or (source, sink) of a serial line, .root where box.json lies, .board .mac    for tasks/cable.py
#   tell(line) for a technician's console; lit(level, seq) when a press has its light

import gc

gc.threshold(2048)  # while modules load: what they leave behind must not lie between what stays

import asyncio  # noqa: E402

import boot_slot  # noqa: E402, F401  as delivered, whatever runs

BATCH_BYTES = 2048  # 11 records; the law allows 4096, which a small heap would rather keep for TLS
BATCH = bytearray(BATCH_BYTES)  # the one large block of memory, taken before the heap is in pieces

from tasks import cable, chores, glow, hand, line, supervisor  # noqa: E402
from tasks.borrowed import forget  # noqa: E402
from tasks.core import Core  # noqa: E402, F401  in here, for tasks/opening.py
from tasks.link import Link  # noqa: E402
from tasks.orders import Orders  # noqa: E402, F401

FW = (1, 0, 0)
MADE_MS = 1_795_219_200_000  # 2026-11-21, with FW: it cannot be earlier than this
POWER, COMMANDED = 1, 3  # boot reasons


async def run(port):
    from tasks import opening  # noqa: PLC0415

    core, orders = opening.opened(port, FW, MADE_MS)
    opening = None  # or this coroutine, which never ends, would keep it
    forget("tasks", "opening")
    alive = [supervisor.Alive(name) for name in ("hand", "glow", "chores")]
    alive.append(supervisor.Alive("link", supervisor.LINK_PATIENCE))
    link = Link(core, orders, port.ident, alive[3], BATCH)
    tasks = [hand.run(core, alive[0]), glow.run(core, alive[1]), chores.run(core, alive[2]), link.run()]
    for name, errand in port.errands:
        alive.append(supervisor.Alive(name))
        tasks.append(errand(alive[-1]))
    down = port.keys() & 7
    core.keys.sample(down, 0, port.ago, core.now())  # what is down before this is no press
    if down and core.reason == POWER:  # how a hall without badges asks for the key test
        orders.staff().want(core.now())
    book = core.journal
    port.tell(
        "ready box=%s life=%s boot=%d newest=%d n=%d,%d,%d"
        % (port.ident["box"], book.life.hex(), book.boot, book.newest, book.n[0], book.n[1], book.n[2])
    )
    gc.collect()
    gc.threshold(-1)  # from here on tasks/chores.py
    for a, task in zip(alive, tasks):  # noqa: B905  MicroPython's zip has no strict
        asyncio.create_task(supervisor.guard(port, a, task))  # noqa: RUF006  the loop keeps it

    if port.cable:  # it waits for a person, so nobody asks it for progress
        waiter = cable.run(port, core, orders)
        asyncio.create_task(supervisor.guard(port, supervisor.Alive("cable"), waiter))  # noqa: RUF006

    await supervisor.run(port, alive)
    try:
        await link.goodbye()
    except line.ERRORS:
        pass  # the will says it
    if orders.reboot:
        port.reset(COMMANDED, "")
    port.stop()
