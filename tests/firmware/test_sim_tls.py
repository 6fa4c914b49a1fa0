"""The link over TLS: the broker's certificate and name are checked, and nothing goes to one that fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.simbox import SimBox
from tests.services.certs import Certs, make_certs
from tests.services.mosquitto import Mosquitto

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")


@pytest.fixture
def broker(make_mosquitto: Callable[..., Mosquitto], certs: Certs) -> Mosquitto:
    return make_mosquitto(tls=certs)


@pytest.fixture
def make_tls_box(make_box: Callable[..., SimBox], broker: Mosquitto, tmp_path: Path) -> Callable[..., SimBox]:
    def make(ca: Path, name: str = "localhost") -> SimBox:
        return make_box(broker.port, tls={"ca": str(shutil.copy(ca, tmp_path / "trusted.der")), "name": name})

    return make


def test_a_verified_broker_is_spoken_to(make_tls_box: Callable[..., SimBox], certs: Certs) -> None:
    box = make_tls_box(certs.ca_der)
    box.wait("link up")
    assert float(box.press(2)["ms"]) < 100


def test_a_broker_of_another_authority_is_not(make_tls_box: Callable[..., SimBox], tmp_path: Path) -> None:
    box = make_tls_box(make_certs(tmp_path / "others").ca_der)
    refused(box)


def test_a_broker_of_another_name_is_not(make_tls_box: Callable[..., SimBox], certs: Certs) -> None:
    box = make_tls_box(certs.ca_der, name="broker.example")
    refused(box)


def refused(box: SimBox) -> None:
    box.wait("link down")
    assert "cert" in box.said("link down")[0].lower()
    box.press(3)  # and the keys do not mind
    box.wait("link down", 2)
    assert not box.said("link up")
