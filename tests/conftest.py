"""Fixtures every test may ask for: the real services of tests/services. Nothing starts unless asked for."""

pytest_plugins = [
    "tests.services.browser",
    "tests.services.certs",
    "tests.services.influx",
    "tests.services.mosquitto",
]
