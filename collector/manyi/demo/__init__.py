"""A small city on one machine: real box firmware, a broker, the collector and its wall, with somebody at the keys.

It is a user of the product like any other: it starts programs, presses keys, reads the wall over HTTP, and looks
into no database. It is no place for anything that production needs.
"""
