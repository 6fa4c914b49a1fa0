"""The broker, as the collector meets it: there, TLS, certificate, strangers kept out, our own login, the access list.

One account is for one connection, so logging in as the collector ends the collector's own for a moment: that is tried
only while no service is connected, or if asked for.
"""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from manyi.core.config import Broker, secret
from manyi.core.errors import ManyiError
from manyi.doctor import books, mqtt_probe, servers
from manyi.doctor.finding import BROKER_CHECK, Finding, Place, bad, good, skipped, warn, why
from manyi.words import many

WARN_DAYS, BAD_DAYS = 60, 7
PROBE_BOX: Final = "doctor-probe"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
RENEW: Final = "manyi ca renew SERIAL --dir /srv/manyi-ca --out /etc/manyi/broker; systemctl reload mosquitto"


def broker(place: Place) -> Iterator[Finding]:
    if place.config.follows:
        yield skipped("broker", "内区不连消息服务器", "An inner zone has no broker.")
        return
    to = place.config.broker
    where = f"{to.host}:{to.port}"
    try:
        sock = dial(to, place.timeout_s)
    except ssl.SSLCertVerificationError as error:
        yield bad(
            "broker",
            f"{where} 的证书不可信（{error.verify_message}）",
            f"The certificate of {where} is not accepted ({error.verify_message})",
            f"核对 [broker] ca_file 是不是签发它的根证书、host 是不是证书上的名称；{BROKER_CHECK}",
            f"check that [broker] ca_file is the root that signed it, and host its name; {BROKER_CHECK}",
        )
        return
    except ssl.SSLError as error:
        yield bad(
            "broker",
            f"{where} 的 TLS 握手失败（{error.reason}）",
            f"TLS fails at {where} ({error.reason})",
            "核对 [broker] port 是不是 TLS 端口（8883），对方是不是 TLS 1.2 以上",
            "check that [broker] port is the one with TLS (8883), and that it speaks 1.2 or newer",
        )
        return
    except (OSError, ManyiError) as error:
        zh, en = why(error)
        yield bad(
            "broker",
            f"连不上 {where}（{zh}）",
            f"{where} cannot be reached ({en})",
            f"systemctl status mosquitto；在运行就查防火墙是否放行 {to.port}",
            f"systemctl status mosquitto; if it runs, does a firewall let {to.port} through?",
        )
        return
    with sock:
        yield from _certificate(place, sock)
        yield from _strangers(sock)
    yield from _ourselves(place)


def dial(to: Broker, timeout_s: float) -> socket.socket:
    plain = socket.create_connection((to.host, to.port), timeout_s)
    if to.plain:
        return plain
    context = ssl.create_default_context(cafile=str(to.ca_file) if to.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        return context.wrap_socket(plain, server_hostname=to.host)
    except BaseException:
        plain.close()
        raise


def _certificate(place: Place, sock: socket.socket) -> Iterator[Finding]:
    to = place.config.broker
    if not isinstance(sock, ssl.SSLSocket):
        if to.host in LOOPBACK:
            yield good("broker", "本机连接，没有 TLS", "On this machine, without TLS.")
        else:
            yield bad(
                "broker",
                "plain = true：口令和按键在网上是明文",
                "plain = true: passwords and presses cross the network in the open",
                "改用 TLS：去掉 [broker] plain，port 写 8883，ca_file 写根证书；再执行 systemctl restart manyi",
                "use TLS: [broker] without plain, port 8883, ca_file the root; then systemctl restart manyi",
            )
        return
    ends = datetime.strptime(str((sock.getpeercert() or {})["notAfter"]), "%b %d %H:%M:%S %Y %Z").replace(
        tzinfo=UTC
    )
    days = (ends - datetime.fromtimestamp(place.now_ms / 1000, UTC)).days
    zh = f"{sock.version()}，消息服务器的证书 {days} 天后到期"
    en = f"{sock.version()}, {many(days, 'day')} left of the broker's certificate"
    if days < BAD_DAYS:
        yield bad(
            "certificate",
            zh,
            en,
            f"马上续期（SERIAL 见 manyi ca list --dir /srv/manyi-ca）：{RENEW}",
            f"renew it now (SERIAL: manyi ca list --dir /srv/manyi-ca): {RENEW}",
        )
    elif days < WARN_DAYS:
        yield warn(
            "certificate",
            zh,
            en,
            f"续期（SERIAL 见 manyi ca list --dir /srv/manyi-ca）：{RENEW}",
            f"renew it (SERIAL: manyi ca list --dir /srv/manyi-ca): {RENEW}",
        )
    else:
        yield good("certificate", zh, en)


def _strangers(sock: socket.socket) -> Iterator[Finding]:
    if mqtt_probe.connect(sock, f"doctor-{secrets.token_hex(4)}") == mqtt_probe.ACCEPTED:
        yield bad(
            "strangers",
            "消息服务器允许匿名登录",
            "The broker lets anybody in without a password",
            f"{BROKER_CHECK}；改 mosquitto.conf 为 allow_anonymous false，再执行 systemctl restart mosquitto",
            f"{BROKER_CHECK}; in mosquitto.conf: allow_anonymous false; then systemctl restart mosquitto",
        )
    else:
        yield good("strangers", "匿名登录被拒绝", "Nobody gets in without a password.")


def _ourselves(place: Place) -> Iterator[Finding]:
    to = place.config.broker
    if to.password_file is None:
        yield skipped("login", "没有配置口令", "No password is configured.")
        return
    connected = servers.metric(place, "manyi_broker_connected")
    if connected == 1 and not place.login:
        yield good(
            "login", "服务已登录（未另行试登录）", "The service is logged in (not tried again: --login does)."
        )
        return
    if connected is None and books.running(place) and not place.login:
        yield skipped(
            "login",
            "服务在运行，问不到它是否已登录（--login 可试）",
            "The service runs and does not say whether it is logged in: --login tries.",
        )
        return
    try:
        password = secret(to.password_file, "broker password")
        with dial(to, place.timeout_s) as sock:
            code = mqtt_probe.connect(sock, f"doctor-{secrets.token_hex(4)}", to.username, password)
            if code != mqtt_probe.ACCEPTED:
                yield bad(
                    "login",
                    f"消息服务器拒绝 {to.username}（返回码 {code}）：口令不对，或没有这个账户",
                    f"The broker refuses {to.username} (code {code}): another password, or no such account",
                    f"{BROKER_CHECK}；账户在，就核对口令文件 {to.password_file}",
                    f"{BROKER_CHECK}; if the account is there, is its password that of {to.password_file}?",
                )
                return
            yield good("login", f"{to.username} 登录成功", f"{to.username} is let in.")
            yield _access(sock)
    except (OSError, ManyiError) as error:
        zh, en = why(error)
        yield bad(
            "login",
            f"试登录失败：{zh}",
            f"The login could not be tried: {en}",
            f"查口令文件 {to.password_file} 和 systemctl status mosquitto，再体检一次",
            f"look at the password file {to.password_file} and systemctl status mosquitto, then try again",
        )


def _access(sock: socket.socket) -> Finding:
    """The collector may read records and never write one; the broker says yes to any request and drops what is shut."""
    topic = f"manyi/1/{PROBE_BOX}/record"
    mqtt_probe.subscribe(sock, topic)
    mqtt_probe.publish(sock, topic, b"{}")
    mqtt_probe.ping(sock)  # answered after what was sent before it
    try:
        while (packet := mqtt_probe.receive(sock)) is not None and packet.kind != 13:
            if packet.kind == mqtt_probe.PUBLISH:
                return bad(
                    "access",
                    "访问控制失效：采集账户能写评价器的主题",
                    "The access list is not in force: the collector's account can write a box's topic",
                    f"{BROKER_CHECK}，照它说的改；再执行 systemctl reload mosquitto",
                    f"{BROKER_CHECK}, do what it says, then systemctl reload mosquitto",
                )
    except TimeoutError:
        pass
    return good(
        "access", "访问控制有效：不能冒充评价器", "The access list is in force: nobody speaks for a box."
    )
