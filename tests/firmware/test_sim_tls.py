"""The link over TLS: the broker's certificate and name are checked, and nothing goes to one that fails."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.dialled import dialled
from tests.firmware.simbox import SimBox, lit_at_once
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
    lit_at_once([box.press(2) for _ in range(3)])


def test_a_broker_of_another_authority_is_not(make_tls_box: Callable[..., SimBox], tmp_path: Path) -> None:
    box = make_tls_box(make_certs(tmp_path / "others").ca_der)
    refused(box)


def test_a_broker_of_another_name_is_not(make_tls_box: Callable[..., SimBox], certs: Certs) -> None:
    box = make_tls_box(certs.ca_der, name="broker.example")
    refused(box)


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[tuple[int, list[float]]]:
    """A server of another authority, and when it was dialled."""
    other = make_certs(tmp_path / "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(other.server_cert, other.server_key)

    def shake_hands(sock: socket.socket) -> None:
        sock.settimeout(5)
        with contextlib.suppress(OSError):  # the box hangs up, as it should
            context.wrap_socket(sock, server_side=True)

    with dialled(("127.0.0.1", 0), shake_hands) as found:
        yield found


def test_a_server_that_is_not_to_be_trusted_is_asked_ever_less_often(
    make_box: Callable[..., SimBox], stranger: tuple[int, list[float]], certs: Certs, tmp_path: Path
) -> None:
    port, times = stranger
    ca = str(shutil.copy(certs.ca_der, tmp_path / "trusted.der"))
    box = make_box(port, tls={"ca": ca, "name": "localhost"}, backoff_ms=200, backoff_max_ms=1600)
    refused(box)
    box.until("six tries", lambda: len(times) >= 6)
    assert times[5] - times[0] > 1.5, "five pauses that do not grow are over in a second"


def refused(box: SimBox) -> None:
    box.wait("link down")
    assert "cert" in box.said("link down")[0].lower()
    box.press(3)  # and the keys do not mind
    box.wait("link down", 2)
    assert not box.said("link up")
