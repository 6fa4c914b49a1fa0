"""Mosquitto's configuration and access list, as text. Pure: no files, no clock.

Every directive stands under the reason for it, because the next administrator will ask. Two forms: 2.0,
and 2.1, where password_file and acl_file have become plugins; tested with 2.0.11 and 2.1.2.

Refuses to write a plain-text listener, an anonymous one, or one below TLS 1.2.
"""

from dataclasses import dataclass

from manyi.broker.names import COLLECTOR, VISITS, WINDOW

CONF, CONF_21 = "mosquitto.conf", "mosquitto-2.1.conf"
ACL, PASSWORDS, SERVER_PEM, CA_PEM = "acl", "passwords", "server.pem", "ca.crt"
TOPIC = "manyi/1"

MESSAGE_MAX = 4096
"""Bytes of payload: docs/WIRE.md's own limit."""
PACKET_MAX = MESSAGE_MAX + 512
"""Bytes: the payload, the longest topic of docs/WIRE.md (39) and MQTT's header, with room."""
QUEUE_MESSAGES = 1_000_000
"""For one client. 0 is said to mean no limit, but is faulty before 2.0.22; the bytes are what counts."""
QUEUE_BYTES = 256 << 20
"""For one client, in practice the collector: 64,000 full batches, one from every box of nine cities."""
INFLIGHT = 1000
"""Sent to the collector, not yet confirmed. With Mosquitto's 20 a backlog waits a round trip every 20
batches."""
KEEPALIVE_MAX_S = 600
SYS_INTERVAL_S = 10
SPARE_CONNECTIONS = 100
"""Services, technicians, monitoring."""
PORT = 8883
BOXES = 7000
"""A city with its village stations (domain.md), unless told otherwise."""
CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"
SYSLOG, STDERR = "syslog", "stderr"
METRICS = "topic read $SYS/broker/#"


@dataclass(frozen=True, slots=True)
class Setup:
    """What differs between installations. `directory`: where the broker reads its files, absolute.
    `log`: "syslog", "stderr" or a file's path. `plugins`: where 2.1 has its plugins."""

    directory: str
    port: int = PORT
    bind: str = ""
    account: str = "mosquitto"
    boxes: int = BOXES
    log: str = SYSLOG
    metrics: bool = False
    plugins: str = "/usr/lib"


HEAD_20 = "# Mosquitto 2.0 (tested with 2.0.11 and 2.1.2). For 2.1 rather take mosquitto-2.1.conf."
HEAD_21 = """\
# Mosquitto 2.1 (tested with 2.1.2): password and access list as plugins. 2.1 takes mosquitto.conf too, and says that
# it is the old way; 3.0 will not. Its remark about message_size_limit may be passed over: the limit of the packet
# stands beside it."""


def _identity(setup: Setup, *, plugins: bool) -> str:
    """The only lines in which 2.0 and 2.1 differ."""
    at = setup.directory
    if plugins:
        return f"""\
# Who may connect: a box, the collector, the window system, each with 192 random bits.
global_plugin {setup.plugins}/mosquitto_password_file.so
# Read again on reload.
plugin_opt_password_file {at}/{PASSWORDS}
# Who may say and hear what: see the file.
global_plugin {setup.plugins}/mosquitto_acl_file.so
# Read again on reload.
plugin_opt_acl_file {at}/{ACL}"""
    return f"""\
# Who may connect: a box, the collector, the window system, each with 192 random bits. Read again on reload.
password_file {at}/{PASSWORDS}
# Who may say and hear what: see the file. Read again on reload.
acl_file {at}/{ACL}"""


def _log(setup: Setup) -> str:
    match setup.log:
        case "syslog":
            return """\
# syslog or the journal rotates by itself. The law wants network logs for six months: set
# MaxRetentionSec=180day and a SystemMaxUse that can hold it in journald.conf, or send them on.
log_dest syslog"""
        case "stderr":
            return """\
# For whoever starts the broker to keep: a container, a supervisor, a test.
log_dest stderr"""
        case path:
            return f"""\
# Opened again on reload. Rotated daily and kept 180 days, since the law wants six months:
# collector/deploy/mosquitto/logrotate.
log_dest file {path}"""


def config(setup: Setup, *, plugins: bool = False) -> str:
    """The configuration, for Mosquitto 2.0 or, with `plugins`, 2.1."""
    at = setup.directory
    return f"""\
{HEAD_21 if plugins else HEAD_20}
# Made by `manyi broker init`, looked over by `manyi broker check`. This is all of it: nothing is included,
# and per_listener_settings is left alone, because it would cut the listener off from the two files below.
# After a change of passwords, acl or server.pem: systemctl reload mosquitto, or kill -HUP.

# --- who ---

# Not root: whoever breaks into the broker gets this account's files and no more.
user {setup.account}
# Nobody without a name. Mosquitto's default, but not one to rely on.
allow_anonymous false
# A client without an id is none of ours.
allow_zero_length_clientid false
{_identity(setup, plugins=plugins)}

# --- what is kept ---

# Nothing on disk. A box frees a record only on the collector's own acknowledgement, which is sent after the
# ledger's commit, so the broker holds nothing that matters. With a file, a crash would still lose what came
# since the last save (30 minutes), and a broker that promises half is worse than one that promises nothing.
# Retained settings come again from the collector when it connects, retained states from the boxes.
persistence false
# Nor anything for a client that is away: it comes with a clean session and asks again.
queue_qos0_messages false

# --- how much ---

# Waiting for a slow collector. The default of 1,000 drops the rest without a word; 0 is faulty before 2.0.22.
max_queued_messages {QUEUE_MESSAGES}
# The limit that counts, so that a reader who is stuck cannot eat the machine (bytes, for one client).
max_queued_bytes {QUEUE_BYTES}
# Sent to the collector and not yet confirmed; the default of 20 would throttle a backlog.
max_inflight_messages {INFLIGHT}
# The wire's own limit of a payload. Mosquitto confirms a longer message and drops it, which does no harm,
# because a box waits for the collector's word and not for the broker's.
message_size_limit {MESSAGE_MAX}
# Whoever sends a packet beyond payload, topic and header is cut off before it has been read.
max_packet_size {PACKET_MAX}
# A silent client is dropped after one and a half times this (seconds). Only MQTT 5 clients are held to it.
max_keepalive {KEEPALIVE_MAX_S}
# Messages are small, and the wall wants them within a second.
set_tcp_nodelay true
# The broker's own figures (seconds); nobody reads them unless the access list says so.
sys_interval {SYS_INTERVAL_S}

# --- what is written down ---

{_log(setup)}
# Failures.
log_type error
# Files and users that were not taken.
log_type warning
# Who came, from where, and who was turned away.
log_type notice
# The same, a line for each.
connection_messages true
# Sorts as text, and says its zone.
log_timestamp_format %Y-%m-%dT%H:%M:%S%z

# --- where ---

# TLS only. There is no other listener, not even on loopback.
{f"listener {setup.port} {setup.bind}".rstrip()}
# Twice the boxes: after a power cut in a county the dead half of the connections is still counted until its
# keep-alive ends. The process must be allowed as many open files (LimitNOFILE).
max_connections {2 * setup.boxes + SPARE_CONNECTIONS}
# docs/WIRE.md uses 0 and 1.
max_qos 1
# The session is the account's. Otherwise a box could throw out another one, or the collector, by connecting
# with its client id. So an account is for one connection at a time.
use_username_as_clientid true
# Certificate and key in one file, so that a renewal is one rename. Read again on reload.
certfile {at}/{SERVER_PEM}
# As above.
keyfile {at}/{SERVER_PEM}
# The root that signed it.
cafile {at}/{CA_PEM}
# Boxes prove themselves by password and by the mac in every message. Without client certificates there is
# nothing for a crlfile to revoke: a box is shut out by `manyi broker remove`.
require_certificate false
# The oldest that is taken. 1.3 is used wherever the other side knows it.
tls_version tlsv1.2
# For TLS 1.2: forward secrecy and authenticated encryption only. An ESP32 takes the first.
ciphers {CIPHERS}
"""


def acl(setup: Setup) -> str:
    """The access list. Anything not granted is refused."""
    metrics = f"""\
# The broker's own figures.
user {COLLECTOR}
{METRICS}
"""
    return f"""\
# Who may publish (write) and receive (read) what; anything else is refused. Made by `manyi broker init`. Read
# again on SIGHUP. Mosquitto accepts every subscription and checks each message when it is about to deliver
# it: a box that subscribes to "#" is told yes, and hears its own topics only.
# No line may stand before the first "user": it would be for clients without a name.

# The collector hears all boxes and answers all boxes, but cannot speak as one.
user {COLLECTOR}
# What boxes send.
topic read {TOPIC}/+/record
topic read {TOPIC}/+/state
topic read {TOPIC}/+/beat
topic read {TOPIC}/+/reply
topic read {TOPIC}/+/fetch
# What boxes hear, but prompts.
topic write {TOPIC}/+/ack
topic write {TOPIC}/+/config
topic write {TOPIC}/+/cmd
topic write {TOPIC}/+/chunk
# The patterns below would else grant it a box's topics under its own name.
topic deny {TOPIC}/{COLLECTOR}/#
{metrics if setup.metrics else ""}
# The window system may invite a rating at any box. A prompt marks a rating; it cannot make one.
user {WINDOW}
topic write {TOPIC}/+/prompt
# As above.
topic deny {TOPIC}/{WINDOW}/#

# The collector's ear for queue and personnel systems: their visits and sign-ins in, answers and prompts out.
user {VISITS}
topic read {TOPIC}/visits/+
topic read {TOPIC}/duty/+
topic write {TOPIC}/visits/+/answer
topic write {TOPIC}/duty/+/answer
topic write {TOPIC}/+/prompt
# As above.
topic deny {TOPIC}/{VISITS}/#

# A queue or personnel system (%u is its account and its name): its visits. A box may do so under its own
# name too, and is not heard: no box is in the collector's list of such systems.
pattern write {TOPIC}/visits/%u
# Its sign-ins.
pattern write {TOPIC}/duty/%u
# What became of its visits.
pattern read {TOPIC}/visits/%u/answer
# What became of its sign-ins.
pattern read {TOPIC}/duty/%u/answer

# A box (%u is its account and its id): its own topics, each in its own direction.
# Its records, towards the ledger.
pattern write {TOPIC}/%u/record
# Online or offline. Also its last will, which is checked like any other message.
pattern write {TOPIC}/%u/state
# Its health and its counts.
pattern write {TOPIC}/%u/beat
# Its answer to a command.
pattern write {TOPIC}/%u/reply
# Its question for a piece of a new firmware.
pattern write {TOPIC}/%u/fetch
# The collector's acknowledgements of its own records.
pattern read {TOPIC}/%u/ack
# Its settings.
pattern read {TOPIC}/%u/config
# Commands to it.
pattern read {TOPIC}/%u/cmd
# That piece.
pattern read {TOPIC}/%u/chunk
# A visit at its window is finished.
pattern read {TOPIC}/%u/prompt
"""
