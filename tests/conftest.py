"""Fixtures every test may ask for: the real services of tests/services. Nothing starts unless asked for. And what no test
need ask for: errors in both languages."""

pytest_plugins = [
    "tests.both",
    "tests.services.browser",
    "tests.services.certs",
    "tests.services.influx",
    "tests.services.mosquitto",
]
