"""What is wrong with a broker's configuration, in plain words. Pure: text in, findings out.

judge_accounts.py judges who may do what, judge_certificate.py the server's certificate. A fault cannot be said without what
to do. Refuses to repair anything.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from manyi.broker import mosquitto
from manyi.words import both

FOLDER, CA = "/etc/manyi/broker", "/srv/manyi-ca"
"""Where the administrator's guide puts the broker's folder and the authority's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change. `where`: file, or file:line. `do_zh`, `do_en`: what to do, beginning with a command or a verb."""

    where: str
    what: str
    do_zh: str
    do_en: str


def finding(where: str, zh: str, en: str, do: str, do_en: str = "") -> Finding:
    """`do` alone: a command, the same in both languages."""
    return Finding(where, both(zh, en), do, do_en or do)


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
        yield finding(
            where,
            "允许匿名连接",
            "allow_anonymous lets in clients without a name",
            "改成 allow_anonymous false",
            "make it allow_anonymous false",
        )
    if general.get("per_listener_settings") == "true":
        yield finding(
            where,
            "per_listener_settings 使口令与权限文件失效",
            "with per_listener_settings neither passwords nor access list count",
            "删掉 per_listener_settings 一行",
            "remove the line per_listener_settings",
        )
    for option, zh in (("password_file", "没有口令文件"), ("acl_file", "没有权限文件")):
        if option not in general and f"plugin_opt_{option}" not in general:
            yield finding(
                where,
                zh,
                f"no {option}: anybody with a password may do anything, or nobody comes in",
                f"补上一行 {option}，后面写文件的完整路径",
                f"add a line {option} with the file's full path",
            )
    yield from _judge_second_ways(where, config)
    if general.get("user") == "root":
        yield finding(
            where,
            "以 root 身份运行",
            "the broker keeps running as root",
            "改成 user mosquitto",
            "make it user mosquitto",
        )
    for option, least in (
        ("max_queued_messages", mosquitto.QUEUE_MESSAGES),
        ("max_queued_bytes", mosquitto.MESSAGE_MAX),
        ("message_size_limit", mosquitto.MESSAGE_MAX),
        ("max_packet_size", mosquitto.PACKET_MAX),
    ):
        if _number(config, option) < least:
            yield finding(
                where,
                f"{option} 未设或小于 {least}，放不下的消息会被悄悄丢掉",
                f"{option} is not set, or below {least}: Mosquitto drops silently what does not fit",
                f"改成 {option} {least}",
                f"make it {option} {least}",
            )
    if not config.listeners:
        yield finding(
            where,
            "没有监听端口，只有本机能连，而且不加密",
            "no listener: Mosquitto serves this machine only, in plain text",
            "补上 listener 8883，下面写 certfile、keyfile",
            "add listener 8883, and below it certfile and keyfile",
        )
    for listener in config.listeners:
        yield from _judge_listener(where, listener)


def _judge_second_ways(where: str, config: Config) -> Iterator[Finding]:
    """Ways past what is judged here."""
    if "include_dir" in config.repeated:
        yield finding(
            where,
            "引用了其他配置文件，未检查",
            "other files are included, and were not looked at",
            "删掉 include_dir 一行，要用的设置写进本文件",
            "remove the line include_dir, and put what is needed into this file",
        )
    if "connection" in config.repeated:
        yield finding(
            where,
            "桥接不受权限文件约束",
            "a bridge is not bound by the access list",
            "删掉 connection 和它下面的桥接设置",
            "remove connection and the settings of the bridge below it",
        )
    if "port" in config.repeated:
        yield finding(
            where,
            "旧式监听端口，不加密",
            "a listener in the old style, not encrypted",
            "删掉 port 一行，改用 listener 8883 和 TLS",
            "remove the line port; use listener 8883 with TLS",
        )
    if "psk_file" in config.repeated:
        yield finding(
            where,
            "预共享密钥是账户之外的另一条进路",
            "pre-shared keys are a second way in",
            "删掉 psk_file 一行",
            "remove the line psk_file",
        )


def _judge_listener(where: str, listener: dict[str, str]) -> Iterator[Finding]:
    port = listener["listener"]
    if "certfile" not in listener or "keyfile" not in listener:
        yield finding(
            where,
            f"监听 {port} 未加密",
            f"listener {port} is not encrypted",
            "补上 certfile 和 keyfile（都是 server.pem），或删掉这个 listener",
            "add certfile and keyfile (both server.pem), or remove this listener",
        )
    if listener.get("tls_version") == "tlsv1.1":
        yield finding(
            where,
            f"监听 {port} 接受 TLS 1.1",
            f"listener {port} takes TLS 1.1",
            "改成 tls_version tlsv1.2",
            "make it tls_version tlsv1.2",
        )
    if listener.get("listener_allow_anonymous") == "true":
        yield finding(
            where,
            f"监听 {port} 允许匿名",
            f"listener {port} lets in clients without a name",
            "改成 listener_allow_anonymous false",
            "make it listener_allow_anonymous false",
        )
    if listener.get("use_username_as_clientid") != "true":
        yield finding(
            where,
            f"监听 {port} 未将会话绑定到账户，一台评价器能顶掉另一台",
            f"listener {port}: a box can throw out another",
            "补上 use_username_as_clientid true",
            "add use_username_as_clientid true",
        )
