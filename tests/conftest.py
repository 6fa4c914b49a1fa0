"""Fixtures every test may ask for: the real services of tests/services. Nothing starts unless asked for. And what no test
need ask for: errors in both languages."""

import os

from hypothesis import HealthCheck, settings

# On a loaded machine an example takes as long as it takes. All else is hypothesis' own: with CI=true the same ones each time.
settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

for name in ("no_proxy", "NO_PROXY"):  # every server of a test is on loopback, whatever the shell says
    os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))

pytest_plugins = [
    "tests.both",
    "tests.services.browser",
    "tests.services.certs",
    "tests.services.influx",
    "tests.services.mosquitto",
]
