# From boot.py to main.py: reads who the box is and which board it has, and runs it.

import asyncio
import binascii
import json

import main
from ports.esp32.port import Port


def go(identity, folder):
    with open(identity) as f:
        ident = json.load(f)
    for key in ("k_link", "k_chain"):
        ident[key] = binascii.unhexlify(ident[key])
    facts = __import__("boards." + ident["board"].replace("-", "_"), None, None, ("NAME",))
    asyncio.run(main.run(Port(ident, facts, folder)))
