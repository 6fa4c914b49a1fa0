"""A technician's tools: flash a board, give it its identity, test it, label it, replace it, retire it.

cli.py (the commands; desk.py, orders.py: those of the centre), console.py and talk.py (one box at a serial cable),
provision.py, doctor.py, renew.py (what is done to it there), identity.py and site.py (what it is given), records.py (the
bench's own book); flashing/ (boards and their flash), papers/ (what is printed), places/ (which window a box stands at).

Runs on Linux, macOS and Windows; speaks to boards over a serial port and to esptool as a program of its own. Refuses
to know k_chain longer than it takes to write it into the box, and to give one identity to two chips.
"""
