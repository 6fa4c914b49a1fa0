"""What is wrong with a broker's files, in plain words. Pure: text or bytes in, findings out.

The access list is judged by what it allows, not by how it is written, because people edit it.
Refuses to repair anything.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from manyi.broker import acl, certificates, mosquitto, passwords
from manyi.broker.names import COLLECTOR, SERVICES, VISITS, WINDOW, is_account
from manyi.words import both, many

SAMPLE, OTHER = "box-under-test", "another-box"
"""Two boxes that the access list is asked about."""
OTHER_SYSTEM = "queue_another"
FROM_BOX = ("record", "state", "beat", "reply", "fetch")
TO_BOX = ("ack", "config", "cmd", "chunk", "prompt")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change. `where`: file, or file:line."""

    where: str
    what: str


def finding(where: str, zh: str, en: str) -> Finding:
    return Finding(where, both(zh, en))


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file: the general options, and one dictionary per listener. The last one wins, as in
    Mosquitto. `port`: a listener in the old style, on which nothing below it would count."""

    general: dict[str, str]
    listeners: tuple[dict[str, str], ...]
    repeated: frozenset[str]


_OF_LISTENER = frozenset(
    {
        "bind_interface",
        "cafile",
        "capath",
        "certfile",
        "ciphers",
        "ciphers_tls1.3",
        "crlfile",
        "dhparamfile",
        "http_dir",
        "keyfile",
        "listener_allow_anonymous",
        "max_connections",
        "max_qos",
        "max_topic_alias",
        "mount_point",
        "protocol",
        "psk_hint",
        "require_certificate",
        "socket_domain",
        "tls_version",
        "use_identity_as_username",
        "use_subject_as_username",
        "use_username_as_clientid",
    }
)
"""Options that belong to the listener above them; all others are general, wherever they stand."""


def parse_config(text: str) -> Config:
    """What Mosquitto would read."""
    general: dict[str, str] = {}
    listeners: list[dict[str, str]] = []
    names: list[str] = []
    for raw in text.splitlines():
        if raw.startswith("#") or not raw.split():
            continue
        name, _, value = raw.strip().partition(" ")
        names.append(name)
        if name == "listener":
            listeners.append({"listener": value.strip()})
        elif listeners and name in _OF_LISTENER:
            listeners[-1][name] = value.strip()
        else:
            general[name] = value.strip()
    return Config(general, tuple(listeners), frozenset(names))


def _number(config: Config, name: str) -> int:
    with contextlib.suppress(ValueError):
        return int(config.general.get(name, "0"))
    return 0


def judge_config(where: str, text: str) -> Iterator[Finding]:
    """Doors left open, and limits that would lose messages or memory."""
    config = parse_config(text)
    general = config.general
    if general.get("allow_anonymous") == "true":
        yield finding(where, "允许匿名连接", "allow_anonymous lets in clients without a name")
    if general.get("per_listener_settings") == "true":
        yield finding(
            where, "per_listener_settings 使口令与权限文件失效", "per_listener_settings: take it out"
        )
    for option, zh in (("password_file", "没有口令文件"), ("acl_file", "没有权限文件")):
        if option not in general and f"plugin_opt_{option}" not in general:
            yield finding(
                where, zh, f"no {option}: anybody with a password may do anything, or nobody comes in"
            )
    for option, zh, en in (
        ("include_dir", "引用了其他配置文件，未检查", "other files are included, and were not looked at"),
        ("connection", "桥接不受权限文件约束", "a bridge is not bound by the access list"),
        ("port", "旧式监听端口", "a listener in the old style: use listener, with TLS"),
        ("psk_file", "使用预共享密钥", "pre-shared keys are a second way in"),
    ):
        if option in config.repeated:
            yield finding(where, zh, en)
    if general.get("user") == "root":
        yield finding(where, "以 root 身份运行", "the broker keeps running as root")
    if _number(config, "max_queued_messages") < mosquitto.QUEUE_MESSAGES:
        yield finding(
            where, "max_queued_messages 过小或为 0", "max_queued_messages: Mosquitto drops silently"
        )
    for option, least in (
        ("max_queued_bytes", mosquitto.MESSAGE_MAX),
        ("message_size_limit", mosquitto.MESSAGE_MAX),
        ("max_packet_size", mosquitto.PACKET_MAX),
    ):
        if _number(config, option) < least:
            yield finding(where, f"{option} 未设或小于 {least}", f"{option} is not set, or below {least}")
    if not config.listeners:
        yield finding(where, "没有监听端口", "no listener: Mosquitto serves this machine only, in plain text")
    for listener in config.listeners:
        yield from _judge_listener(where, listener)


def _judge_listener(where: str, listener: dict[str, str]) -> Iterator[Finding]:
    port = listener["listener"]
    if "certfile" not in listener or "keyfile" not in listener:
        yield finding(where, f"监听 {port} 未加密", f"listener {port} is not encrypted")
    if listener.get("tls_version") == "tlsv1.1":
        yield finding(where, f"监听 {port} 接受 TLS 1.1", f"listener {port} takes TLS 1.1")
    if listener.get("listener_allow_anonymous") == "true":
        yield finding(where, f"监听 {port} 允许匿名", f"listener {port} lets in clients without a name")
    if listener.get("use_username_as_clientid") != "true":
        zh = f"监听 {port} 未将会话绑定到账户"
        yield finding(where, zh, f"listener {port}: a box can throw out another (use_username_as_clientid)")


def judge_acl(where: str, text: str) -> Iterator[Finding]:
    """Judged by what it allows. A box must be able to work, and nobody may reach what is not his."""
    rules = acl.parse(text)
    for number in rules.bad_lines:
        yield finding(f"{where}:{number}", "无法识别的一行", "Mosquitto does not take this line")

    def may(user: str, box: str, writes: tuple[str, ...], reads: tuple[str, ...]) -> Iterator[Finding]:
        for name in FROM_BOX + TO_BOX:
            topic = f"{mosquitto.TOPIC}/{box}/{name}"
            for access, wanted in (("write", name in writes), ("read", name in reads)):
                verb = ("发布", "publish") if access == "write" else ("接收", "receive")
                does = rules.allows(user, "write" if access == "write" else "read", topic)
                who = user or "（匿名 anonymous）"
                if does and not wanted:
                    yield finding(where, f"{who} 可{verb[0]} {topic}", f"and must not {verb[1]} it")
                if wanted and not does:
                    yield finding(where, f"{who} 不能{verb[0]} {topic}", f"and must be able to {verb[1]} it")

    yield from may("", OTHER, (), ())
    yield from may(SAMPLE, SAMPLE, FROM_BOX, TO_BOX)
    yield from may(SAMPLE, OTHER, (), ())
    yield from may(COLLECTOR, OTHER, ("ack", "config", "cmd", "chunk"), FROM_BOX)
    yield from may(WINDOW, OTHER, ("prompt",), ())
    if (
        VISITS in rules.users()
    ):  # a list of an earlier release does not name it, and visits come over HTTP alone
        yield from may(VISITS, OTHER, ("prompt",), ())
    for user in ("", SAMPLE, COLLECTOR, WINDOW):
        for topic in (f"{mosquitto.TOPIC}/{what}/{OTHER_SYSTEM}" for what in ("visits", "duty")):
            if rules.allows(user, "write", topic) or rules.allows(user, "read", topic):
                who = user or "（匿名 anonymous）"
                yield finding(
                    where,
                    f"{who} 可收发 {topic}",
                    "and must not: that system alone tells its visits and sign-ins",
                )
    for user in sorted(rules.users() - set(SERVICES)):
        yield from may(user, OTHER, (), ())
    for user in sorted({"", SAMPLE, WINDOW, VISITS} | rules.users() - {COLLECTOR}):
        if rules.allows(user, "read", "$SYS/broker/uptime"):
            yield finding(where, f"{user or '匿名'} 可读取 $SYS", "reads the broker's figures")


_FLAWS = {
    "twice": ("账户重复", "the account is there twice; 2.1 will not start"),
    "plain": ("口令未加密", "the password is in plain text"),
    "weak": ("旧式口令格式", "$6$ is a weak format: remove and add it again"),
    "format": ("口令格式错误", "Mosquitto cannot read this password, and drops the account"),
    "salt": ("盐长度不是 12 字节", "Mosquitto 2.0 drops an account whose salt is not 12 bytes"),
}


def judge_passwords(where: str, text: str) -> Iterator[Finding]:
    """Lines that Mosquitto would drop, and accounts that belong to nobody."""
    entries = passwords.parse(text)
    for entry in entries:
        at = f"{where}:{entry.line}"
        if entry.flaw:
            zh, en = _FLAWS[entry.flaw]
            yield finding(at, f"{entry.user}:{zh}", en)
        if not is_account(entry.user):
            yield finding(at, f"“{entry.user}”不是评价器编号，也不是服务账户", "neither a box nor a service")
    if COLLECTOR not in {entry.user for entry in entries}:
        yield finding(where, f"缺少账户 {COLLECTOR}", "the collector has no account")


def _judge_end(where: str, cert: x509.Certificate, now: datetime) -> Iterator[Finding]:
    days = certificates.days_left(cert.not_valid_after_utc, now)
    if days < 0:
        yield finding(where, "证书已过期", f"expired {many(-days, 'day')} ago: no box connects any more")
    elif days < certificates.SOON_DAYS:
        yield finding(where, f"证书 {days} 天后过期", f"expires in {many(days, 'day')}: manyi ca renew")
    if cert.not_valid_before_utc > now:
        yield finding(where, "证书尚未生效", "not valid yet")


def judge_certificate(
    where: str, server_pem: bytes, root_pem: bytes, crl_pem: bytes | None, now: datetime
) -> Iterator[Finding]:
    """Whether a box that has this root would accept this server, today and for some time."""
    try:
        cert, root = x509.load_pem_x509_certificate(server_pem), x509.load_pem_x509_certificate(root_pem)
        key = load_pem_private_key(server_pem, None)
    except (ValueError, TypeError):
        yield finding(where, "证书或密钥无法识别", "server.pem or ca.crt cannot be read")
        return
    if key.public_key() != cert.public_key():
        yield finding(where, "密钥与证书不符", "the key is not that of the certificate")
    try:
        cert.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        yield finding(where, "不是 ca.crt 签发的", "was not signed by the root in ca.crt: boxes refuse it")
    if not certificates.names_of(cert):
        yield finding(where, "证书没有主机名", "is for no host name: boxes refuse it")
    yield from _judge_end(where, cert, now)
    yield from _judge_end(mosquitto.CA_PEM, root, now)
    if crl_pem is not None:
        with contextlib.suppress(ValueError):
            crl = x509.load_pem_x509_crl(crl_pem)
            if crl.get_revoked_certificate_by_serial_number(cert.serial_number):
                yield finding(where, "证书已被吊销", "is on the revocation list: issue another")
