"""The broker's side of an installation: a small private CA, Mosquitto's files, and what is wrong with them.

It makes and judges files. It does not start, stop or signal a broker, does not speak MQTT, and knows
neither ledger nor web application.
"""
