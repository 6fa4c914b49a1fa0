"""Mosquitto's files as text, the folder they lie in, and what `manyi broker check` says of both."""

import base64
import hashlib
import json
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from manyi.broker import acl, ca, certificates, check, install, judge, mosquitto, passwords
from manyi.broker.cli import broker_app, ca_app
from manyi.broker.names import BOX, COLLECTOR, VISITS, WINDOW, BrokerError, is_account
from manyi.core import keys
from typer.testing import CliRunner

from tests.services.processes import find, missing

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ACCOUNT = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
FROM_BOX = {"record", "state", "beat", "reply", "fetch"}
TO_BOX = {"ack", "config", "cmd", "chunk", "prompt"}


@pytest.fixture
def broker(tmp_path: Path) -> Path:
    """A folder as `init` leaves it, its hand-over folder emptied as an administrator should."""
    ca.create(tmp_path / "ca", "test root", [], None, NOW)
    signing = install.Signing(tmp_path / "ca", ["localhost"], None)
    install.init(tmp_path / "broker", setup_for(tmp_path), signing, NOW)
    for path in (tmp_path / "broker" / install.HANDOVER).iterdir():
        path.unlink()
    return tmp_path / "broker"


def setup_for(tmp_path: Path, log: str = "stderr") -> mosquitto.Setup:
    return mosquitto.Setup(str(tmp_path / "broker"), account=ACCOUNT, log=log)


# --- the text ---


@pytest.mark.parametrize("plugins", [False, True])
def test_every_directive_stands_under_its_reason(plugins: bool) -> None:
    for text in (
        mosquitto.config(mosquitto.Setup("/b"), plugins=plugins),
        mosquitto.acl(mosquitto.Setup("/b")),
    ):
        lines = text.splitlines()
        for number, line in enumerate(lines):
            if line and not line.startswith(("#", "topic ", "user ")):
                assert lines[number - 1].startswith("# "), line


def test_the_newer_form_differs_in_the_plugins_alone() -> None:
    def directives(text: str) -> set[str]:
        return {line for line in text.splitlines() if line and not line.startswith("#")}

    setup = mosquitto.Setup("/etc/manyi/broker")
    old, new = directives(mosquitto.config(setup)), directives(mosquitto.config(setup, plugins=True))
    assert old - new == {"password_file /etc/manyi/broker/passwords", "acl_file /etc/manyi/broker/acl"}
    assert new - old == {
        "global_plugin /usr/lib/mosquitto_password_file.so",
        "plugin_opt_password_file /etc/manyi/broker/passwords",
        "global_plugin /usr/lib/mosquitto_acl_file.so",
        "plugin_opt_acl_file /etc/manyi/broker/acl",
    }


def test_the_longest_message_of_the_wire_fits_and_little_more() -> None:
    topic = f"manyi/1/{'x' * 24}/record"
    longest = 1 + 4 + 2 + len(topic) + 2 + mosquitto.MESSAGE_MAX  # fixed header, length, topic, id, payload
    assert longest <= mosquitto.PACKET_MAX < longest + 512


def test_who_may_do_what_is_the_wire_and_nothing_else() -> None:
    rules = acl.parse(mosquitto.acl(mosquitto.Setup("/b", metrics=True)))
    assert rules.bad_lines == ()
    may: dict[str, tuple[set[str], set[str]]] = {
        "box-a": (set(), set()),
        COLLECTOR: ({"ack", "config", "cmd", "chunk"}, FROM_BOX),
        WINDOW: ({"prompt"}, set()),
        VISITS: ({"prompt"}, set()),
        "": (set(), set()),
    }
    for user, (writes, reads) in may.items():
        for name in FROM_BOX | TO_BOX | {"", "x"}:
            topic = f"manyi/1/box-b/{name}"
            assert rules.allows(user, "write", topic) == (name in writes), (user, topic)
            assert rules.allows(user, "read", topic) == (name in reads), (user, topic)
            own = f"manyi/1/{user}/{name}"
            if user == "box-a":
                assert rules.allows(user, "write", own) == (name in FROM_BOX)
                assert rules.allows(user, "read", own) == (name in TO_BOX)
            elif user:
                assert not rules.allows(user, "write", own), "a service has no topics of its own"
                assert not rules.allows(user, "read", own)
    assert rules.allows(COLLECTOR, "read", "$SYS/broker/uptime")
    assert not any(rules.allows(user, "read", "$SYS/broker/uptime") for user in ("box-a", WINDOW, ""))
    without = acl.parse(mosquitto.acl(mosquitto.Setup("/b")))
    assert not without.allows(COLLECTOR, "read", "$SYS/broker/uptime")


def test_no_box_id_is_the_name_of_a_service() -> None:
    for service in (COLLECTOR, WINDOW, VISITS):
        assert is_account(service)
        assert not keys.BOX_ID.fullmatch(service)
    assert keys.BOX_ID.pattern == BOX.pattern, "broker and collector mean the same by a box id"
    for name in ("+", "#", "a/b", "box:1", "box 1", "Box-1", "ab", "x" * 25, "", "box-1\n", "visits", "duty"):
        assert not is_account(name), name
    assert is_account("visits-1"), "only the topics of other systems themselves"


# --- passwords ---


def opens(line: str, password: str) -> bool:
    """Whether a broker lets this password in by this line: Mosquitto's own arithmetic, written anew."""
    _, _, iterations, salt, digest = line.partition(":")[2].split("$")
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(iterations), 64)
    return made == base64.b64decode(digest)


def test_our_hash_is_the_one_that_mosquitto_passwd_writes(tmp_path: Path) -> None:
    program = find("mosquitto_passwd")
    if program is None:
        missing("mosquitto_passwd", "sudo apt install mosquitto (or: make services)")
    assert program is not None
    path = tmp_path / "theirs"
    subprocess.run([program, "-c", "-b", str(path), "box-1", "a password"], check=True, capture_output=True)
    theirs = path.read_text().strip()
    assert opens(theirs, "a password")
    assert not opens(theirs, "another")
    assert [entry.flaw for entry in passwords.parse(theirs)] == [""]


def test_a_password_line_can_be_checked_and_holds_no_password() -> None:
    secret = passwords.mint("box-1", keys=True)
    line = passwords.line("box-1", secret.password)
    assert opens(line, secret.password)
    assert not opens(line, secret.password + "x")
    assert secret.password not in line
    assert line != passwords.line("box-1", secret.password), "salted"
    assert secret.password not in repr(secret)
    assert secret.k_chain not in repr(secret)
    assert len(secret.password) >= 32
    assert secret.k_link != secret.k_chain


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("box-1:secret", "plain"),
        ("box-1:$6$c2FsdA==$aGFzaA==", "weak"),
        ("box-1:$7$101$c2FsdA==$aGFzaA==", "format"),
        ("box-1:$7$0$AAAAAAAAAAAAAAAA$" + "A" * 86 + "==", "format"),
        ("box-1:$7$101$AAAAAAAAAAAA$" + "A" * 86 + "==", "salt"),
        ("box-1:$7$101$AAAAAAAAAAAAAAAA$" + "A" * 86 + "==", ""),
        ("box-1:$7$101$not base64$" + "A" * 86 + "==", "format"),
        ("box-1:", "plain"),
    ],
)
def test_lines_that_mosquitto_would_drop_are_recognised(line: str, flaw: str) -> None:
    assert [entry.flaw for entry in passwords.parse(f"# box-0:comment\n\n{line}\n")] == [flaw]


# --- init, add, remove ---


def test_init_leaves_nothing_that_others_can_read_but_certificates(broker: Path) -> None:
    open_to_others = {path.name for path in broker.rglob("*") if path.stat().st_mode & 0o007}
    assert open_to_others == {"ca.crt", "ca.der", "ca.crl"}


def test_init_over_an_existing_folder_changes_nothing(broker: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in broker.rglob("*") if path.is_file()}
    with pytest.raises(BrokerError, match="not overwritten"):
        install.init(broker, setup_for(tmp_path), None, NOW)
    assert {path: path.read_bytes() for path in broker.rglob("*") if path.is_file()} == before


def test_init_that_fails_leaves_no_half_folder(tmp_path: Path) -> None:
    ca.create(tmp_path / "ca", "root", ["city.cn"], None, NOW)
    signing = install.Signing(tmp_path / "ca", ["elsewhere.cn"], None)
    with pytest.raises(BrokerError, match="limits"):
        install.init(tmp_path / "broker", setup_for(tmp_path), signing, NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["ca"]


@pytest.mark.parametrize(
    "choices",
    [{"log": "mosquitto.log"}, {"bind": "::\nallow_anonymous true"}, {"directory": "/b\nuser root"}],
)
def test_a_choice_that_would_break_out_of_its_line_is_refused(
    tmp_path: Path, choices: dict[str, str]
) -> None:
    setup = mosquitto.Setup(**({"directory": str(tmp_path / "b"), "account": ACCOUNT} | choices))  # type: ignore[arg-type]
    with pytest.raises(BrokerError):
        install.init(tmp_path / "b", setup, None, NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_new_box_is_in_the_password_file_and_in_the_handover_and_nowhere_in_plain(
    broker: Path, tmp_path: Path
) -> None:
    install.add(broker, ["box-1", "box-2"], tmp_path / "out.jsonl", None, None)
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o600
    handed = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [list(one) for one in handed] == [["box", "user", "password"]] * 2
    lines = {line.partition(":")[0]: line for line in (broker / "passwords").read_text().splitlines()}
    assert set(lines) == {COLLECTOR, WINDOW, VISITS, "box-1", "box-2"}
    for one in handed:
        assert one["box"] == one["user"]
        assert opens(lines[one["user"]], one["password"])
        assert one["password"] not in (broker / "passwords").read_text()


def test_keys_go_to_the_collector_and_the_auditor_each_his_own(broker: Path, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    link, auditor = tmp_path / "link", tmp_path / "sealed" / "auditor"
    install.add(broker, ["box-1"], tmp_path / "1.jsonl", link, auditor)
    install.add(broker, ["box-2"], tmp_path / "2.jsonl", link, auditor)
    handed = [json.loads((tmp_path / f"{number}.jsonl").read_text()) for number in (1, 2)]
    assert keys.load(link, "link") == {one["box"]: bytes.fromhex(one["k_link"]) for one in handed}
    assert keys.load(auditor, "auditor") == {one["box"]: bytes.fromhex(one["k_chain"]) for one in handed}
    for one in handed:
        assert one["k_chain"] not in link.read_text()
        for path in broker.rglob("*"):
            assert path.is_dir() or one["k_chain"].encode() not in path.read_bytes()


@pytest.mark.parametrize("place", ["broker/auditor", "auditor", "link"])
def test_the_auditors_keys_may_not_lie_beside_the_collectors(
    broker: Path, tmp_path: Path, place: str
) -> None:
    with pytest.raises(BrokerError, match="auditor's keys"):
        install.add(broker, ["box-1"], tmp_path / "out", tmp_path / "link", tmp_path / place)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / place).exists()


def test_all_that_is_wrong_with_a_list_of_boxes_is_told_at_once_and_none_is_added(
    broker: Path, tmp_path: Path
) -> None:
    install.add(broker, ["box-1"], tmp_path / "1", None, None)
    before = (broker / "passwords").read_bytes()
    with pytest.raises(BrokerError) as told:
        install.add(broker, ["box-1", "Box 2", "#", "box-3", "box-3"], tmp_path / "1", None, None)
    assert len(told.value.problems) == 5  # there already, two bad ids, one twice, the file exists
    assert (broker / "passwords").read_bytes() == before


def test_a_box_with_a_key_elsewhere_is_not_given_a_second_one(broker: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.write_text(f"box-1 {'0' * 64}\n")
    link.chmod(0o600)
    (tmp_path / "sealed").mkdir()
    with pytest.raises(BrokerError, match="box-1 has a key there"):
        install.add(broker, ["box-1"], tmp_path / "out", link, tmp_path / "sealed" / "auditor")
    with pytest.raises(BrokerError, match="go together"):
        install.add(broker, ["box-1"], tmp_path / "out", link, None)


def test_a_removed_box_is_gone_and_others_and_comments_stay(broker: Path, tmp_path: Path) -> None:
    install.add(broker, ["box-1", "box-10"], tmp_path / "out", None, None)
    path = broker / "passwords"
    path.write_text(path.read_text() + "# box-1 was here\n")
    install.remove(broker, ["box-1"])
    kept = [entry.user for entry in passwords.parse(path.read_text())]
    assert kept == [COLLECTOR, WINDOW, VISITS, "box-10"]
    assert "# box-1 was here" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BrokerError, match="box-1 has no account"):
        install.remove(broker, ["box-10", "box-1"])
    assert "box-10" in path.read_text()


# --- check ---


def found(broker: Path, now: datetime = NOW) -> list[str]:
    return [f"{one.where}: {one.what} → {one.do_zh} / {one.do_en}" for one in check.inspect(broker, now)]


def test_a_fresh_installation_has_nothing_wrong(broker: Path, tmp_path: Path) -> None:
    install.add(broker, ["box-1"], tmp_path / "out", None, None)
    assert found(broker) == []


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def spoil(broker: Path) -> None:
        text = (broker / name).read_text()
        assert old in text
        (broker / name).write_text(text.replace(old, new))

    return spoil


def append(name: str, text: str) -> Callable[[Path], None]:
    def spoil(broker: Path) -> None:
        (broker / name).write_text((broker / name).read_text() + text)

    return spoil


CONF = "mosquitto.conf"
TOPIC = "manyi/1/another-box"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (replace(CONF, "allow_anonymous false", "allow_anonymous true"), "clients without a name"),
        (append(CONF, "allow_anonymous true\n"), "clients without a name"),
        (append("mosquitto-2.1.conf", "listener_allow_anonymous true\n"), "clients without a name"),
        (append(CONF, "per_listener_settings true\n"), "per_listener_settings"),
        (append(CONF, "listener 1883\nuse_username_as_clientid true\n"), "listener 1883 is not encrypted"),
        (append(CONF, "port 1883\n"), "old style"),
        (replace(CONF, "tls_version tlsv1.2", "tls_version tlsv1.1"), "TLS 1.1"),
        (replace(CONF, "\nacl_file ", "\n# acl_file "), "no acl_file"),
        (replace(CONF, "\npassword_file ", "\n# password_file "), "no password_file"),
        (replace(CONF, "max_queued_messages 1000000", "max_queued_messages 0"), "drops silently"),
        (replace(CONF, "max_packet_size 4608", "max_packet_size 100"), "max_packet_size"),
        (append(CONF, "include_dir /etc/mosquitto/conf.d\n"), "were not looked at"),
        (append(CONF, "connection province\n"), "a bridge"),
        (replace(CONF, "use_username_as_clientid true", "# nothing"), "throw out another"),
        (replace(CONF, "/acl\n", "/other\n"), "unchecked"),
        (lambda broker: (broker / "acl").unlink(), "acl: 无法读取"),
        (lambda broker: (broker / "acl").chmod(0o666), "others can change it"),
        (lambda broker: (broker / "passwords").chmod(0o644), "others can read it"),
        (lambda broker: (broker / "server.pem").chmod(0o640), "others can read it"),
        (lambda broker: (broker / "handover" / "box.jsonl").touch(), "/handover/box.jsonl"),
        (append("acl", "pattern read #\n"), f"box-under-test 可接收 {TOPIC}/ack"),
        (append("acl", "pattern write manyi/1/+/ack\n"), f"box-under-test 可发布 {TOPIC}/ack"),
        (append("acl", "user nosy\ntopic read manyi/1/+/record\n"), f"nosy 可接收 {TOPIC}/record"),
        (append("acl", f"user {COLLECTOR}\ntopic write manyi/1/+/record\n"), "可发布"),
        (append("acl", "user nosy\ntopic read $SYS/#\n"), "nosy 可读取 $SYS"),
        (
            replace("acl", "pattern read manyi/1/%u/ack", "# nothing"),
            "cannot receive manyi/1/box-under-test/ack, and must be able to",
        ),
        (lambda broker: (broker / "acl").write_text("topic read #\n"), "匿名"),
        (append("acl", "topic sometimes x\n"), "does not take this line"),
        (append("passwords", "box-9:secret\n"), "plain text"),
        (append("passwords", f"{WINDOW}:$7$1$x$x\n"), "twice"),
        (
            append("passwords", "Somebody:$7$101$AAAAAAAAAAAAAAAA$" + "A" * 86 + "==\n"),
            "neither a box nor a service",
        ),
        (replace("passwords", COLLECTOR, "box-1"), "the collector has no account"),
        (lambda broker: (broker / "server.pem").write_text("nothing"), "cannot be read"),
        (lambda broker: (broker / "ca.crt").unlink(), "ca.crt: 无法读取"),
    ],
)
def test_what_somebody_spoiled_is_named(broker: Path, spoil: Callable[[Path], None], says: str) -> None:
    assert not any(says in line for line in found(broker))
    spoil(broker)
    assert any(says in line for line in found(broker)), found(broker)


def test_an_access_list_of_an_earlier_release_is_named_and_brought_up(broker: Path) -> None:
    path, new = broker / "acl", (broker / "acl").read_text(encoding="utf-8")
    old = "".join(line for line in new.splitlines(keepends=True) if "/duty/" not in line)
    path.write_text(old, encoding="utf-8")
    path.chmod(0o600)
    assert ["manyi broker acl" in line for line in found(broker)] == [True]
    commands = ["acl", "--dir", str(broker)]
    assert "已更新" in CliRunner().invoke(broker_app, commands).output
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777, found(broker)) == (new, 0o600, [])
    assert "已是本版本" in CliRunner().invoke(broker_app, commands).output


def test_an_access_list_brought_up_leaves_the_brokers_figures_to_the_collector(broker: Path) -> None:
    path = broker / "acl"
    path.write_text(mosquitto.acl(mosquitto.Setup("/b", metrics=True)), encoding="utf-8")
    assert not install.renew_acl(broker)
    assert acl.parse(path.read_text(encoding="utf-8")).allows(COLLECTOR, "read", "$SYS/broker/uptime")


def test_a_certificate_that_ends_soon_is_named_sixty_days_ahead(broker: Path) -> None:
    assert found(broker, NOW + timedelta(days=338)) == []
    assert "expires in 59 days" in found(broker, NOW + timedelta(days=339))[0]
    assert "expired" in found(broker, NOW + timedelta(days=400))[0]


def test_a_server_certificate_of_another_root_is_named(broker: Path, tmp_path: Path) -> None:
    ca.create(tmp_path / "other", "test root", [], None, NOW)  # of the same name, even
    (broker / "ca.crt").write_bytes((tmp_path / "other" / ca.CERT_FILE).read_bytes())
    assert any("not signed by the root" in line for line in found(broker))


def test_a_revoked_server_certificate_is_named(broker: Path, tmp_path: Path) -> None:
    ca.revoke(tmp_path / "ca", ca.listing(tmp_path / "ca")[0].serial, None, NOW)
    shutil.copy(tmp_path / "ca" / ca.CRL_FILE, broker / ca.CA_CRL)
    assert any("revocation list" in line for line in found(broker))


def test_a_folder_that_is_no_brokers_is_an_error_and_not_a_clean_bill(tmp_path: Path) -> None:
    done = CliRunner().invoke(broker_app, ["check", "--dir", str(tmp_path)])
    assert done.exit_code == 2
    assert "manyi broker init" in done.output


def test_the_command_line_from_nothing_to_checked_without_a_secret_on_the_screen(tmp_path: Path) -> None:
    run, folder = CliRunner(), str(tmp_path / "broker")
    (tmp_path / "sealed").mkdir()
    ca.create(tmp_path / "ca", "root", [], None, datetime.now(UTC))
    said = ""

    def do(code: int, *command: str) -> str:
        nonlocal said
        done = run.invoke(broker_app, [*command, "--dir", folder])
        assert done.exit_code == code, done.output
        said += done.output
        return done.output

    account = ["--account", ACCOUNT]
    do(0, "init", "--host", "localhost", "--ca", str(tmp_path / "ca"), "--log", "stderr", *account)
    files = ["--link-file", str(tmp_path / "link"), "--auditor-file", str(tmp_path / "sealed" / "a")]
    assert "HUP" in do(0, "add", "box-1", "box-2", "--out", str(tmp_path / "out"), *files)
    assert "HUP" in do(0, "remove", "box-2")
    assert "3 to be put right" in do(1, "check")
    secrets = [path.read_text().strip() for path in (tmp_path / "broker" / "handover").iterdir()]
    for path in (tmp_path / "broker" / "handover").iterdir():
        path.unlink()
    assert "nothing wrong" in do(0, "check")
    assert "has an account" in do(2, "add", "box-1", "--out", str(tmp_path / "out2"))
    for line in (tmp_path / "out").read_text().splitlines():
        one = json.loads(line)
        secrets += [one["password"], one["k_link"], one["k_chain"]]
    assert len(secrets) == 9
    assert not [secret for secret in secrets if secret in said]


def test_the_judge_reads_a_configuration_as_mosquitto_does() -> None:
    config = judge.parse_config(
        "# c\nuser x\n\nlistener 1\ncertfile a\nallow_anonymous true\nlistener 2 ::1\n"
    )
    assert config.general == {"user": "x", "allow_anonymous": "true"}
    assert config.listeners == ({"listener": "1", "certfile": "a"}, {"listener": "2 ::1"})


def test_the_administrators_page_runs_as_it_stands(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "BROKER.md"
    blocks = page.read_text(encoding="utf-8").split("```")[1::2]
    commands = [
        line for block in blocks for line in block.replace("\\\n", " ").splitlines() if "manyi " in line
    ]
    assert [command.split()[1:3] for command in commands] == [
        ["ca", "init"],
        ["broker", "init"],
        ["broker", "check"],
        ["broker", "add"],
    ]
    for folder in ("srv", "etc/manyi/secrets", "media/stick"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "srv" / "phrase").write_text("a long phrase\n")
    (tmp_path / "srv" / "phrase").chmod(0o600)
    run, codes = CliRunner(), []
    for command in commands:
        words = [f"{tmp_path}{word}" if word.startswith("/") else word for word in command.split()[1:]]
        words = [str(tmp_path / word) if word == "boxes.jsonl" else word for word in words]
        account = ["--account", ACCOUNT] if words[:2] == ["broker", "init"] else []
        app = {"ca": ca_app, "broker": broker_app}[words[0]]
        codes.append(run.invoke(app, [*words[1:], *account]).exit_code)
    assert codes == [0, 0, 1, 0]  # the check reminds of the two passwords that wait in handover/


def test_the_pages_figures_are_the_programs_own() -> None:
    page = (Path(__file__).parents[2] / "docs" / "BROKER.md").read_text(encoding="utf-8")
    assert f"lasts {certificates.SERVER_DAYS} days" in page
    assert f"warn {certificates.SOON_DAYS} days ahead" in page
    assert certificates.ROOT_DAYS == 20 * 365 + 5
    assert "Its root lasts 20 years" in page
    assert f"back\nto {certificates.NOT_BEFORE.year}" in page


def test_the_units_limit_of_open_files_is_enough_for_the_listeners() -> None:
    folder = Path(__file__).parents[2] / "collector" / "deploy" / "mosquitto"
    limit = re.search(r"(?m)^LimitNOFILE=(\d+)$", (folder / "override.conf").read_text())
    most = re.search(r"(?m)^max_connections (\d+)$", mosquitto.config(mosquitto.Setup("/b")))
    assert limit
    assert most
    assert int(limit[1]) > int(most[1]) + 1000
