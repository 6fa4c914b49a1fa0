"""A technician's tools: flash a board, give it its identity, test it, label it, replace it, retire it.

Runs on Linux, macOS and Windows; speaks to boards over a serial port and to esptool as a program of its own. Refuses
to know k_chain longer than it takes to write it into the box, and to give one identity to two chips.
"""
