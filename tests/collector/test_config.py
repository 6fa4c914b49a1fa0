"""The configuration: the example is right, and everything that is wrong is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from manyi.core import config
from manyi.core.errors import SetupError

EXAMPLE = Path(__file__).resolve().parents[2] / "collector" / "deploy" / "manyi.example.toml"
SMALL = '[city]\nname = "x"\n[data]\ndir = "d"\n[broker]\nhost = "h"\n[keys]\nlink_file = "k"\n'


# Comments of the example that show a form: nothing fits everybody.
NOT_DEFAULTS = tuple(
    f"# {name}"
    for name in (
        *("allowed_hosts", "dir", "out", "in ", "key_file", "sources", "password_file", "cert_file"),
        *("public_port", "metrics_token_file", "second_factor", "syslog", "name", "server_url"),
        *("client_id", "client_secret_file"),
    )
)


def problems(text: str) -> list[str]:
    with pytest.raises(SetupError) as caught:
        config.parse(text, Path("/etc/manyi"), "manyi.toml")
    return list(caught.value.problems)


def test_the_example_is_a_configuration() -> None:
    found = config.load(EXAMPLE)
    assert found.broker.plain is False
    assert found.influx is not None


def test_the_defaults_in_the_examples_comments_are_the_defaults() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    uncommented = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in lines
        if not line.startswith(NOT_DEFAULTS)
    )
    assert config.parse(uncommented, EXAMPLE.parent) == config.load(EXAMPLE)


def test_little_is_needed_and_paths_count_from_the_files_folder() -> None:
    found = config.parse(SMALL, Path("/etc/manyi"))
    assert found.data.ledger == Path("/etc/manyi/d/ledger.db")
    assert (found.broker.port, found.web.port, found.policy.visit_ms) == (8883, 8080, 5000)
    assert config.parse(SMALL.replace('"d"', '"/var/lib/manyi"'), Path("/etc/manyi")).data.dir == Path(
        "/var/lib/manyi"
    )


def test_all_errors_are_told_at_once() -> None:
    found = problems(
        'colour = 1\n[city]\nname = ""\n[data]\n[broker]\nhost = 7\nport = 70000\nplain = "yes"\nusername = "u"\n'
        '[keys]\nlink_file = "k"\nfile = "x"\n[web]\nport = true\n[policy]\nvisit_ms = 1\n[grafana]\n[influx]\nurl = "ftp://x"\n'
    )
    said = "\n".join(found)
    for part in ("colour", "name = ''", "dir is missing", "host = 7", "70000", "'yes'", "password_file together",
                 "[keys] file is not a setting", "[web] port = True", "visit_ms = 1", "[grafana]", "ftp://x",
                 "org is missing", "token_file is missing"):  # fmt: skip
        assert part in said, part
    assert all(p.startswith("manyi.toml: ") for p in found)


def test_plain_and_a_certificate_authority_contradict_each_other() -> None:
    text = SMALL.replace('host = "h"', 'host = "h"\nplain = true\nca_file = "ca.pem"')
    assert "take one out" in problems(text)[0]


def test_not_toml_and_not_there(tmp_path: Path) -> None:
    assert "not TOML" in problems("[city")[0]
    with pytest.raises(SetupError, match=r"manyi\.example\.toml"):
        config.load(tmp_path / "none.toml")


@pytest.mark.parametrize(("mode", "text", "said"), [(0o644, "s\n", "chmod 600"), (0o600, "\n", "is empty")])
def test_secrets_that_are_refused(tmp_path: Path, mode: int, text: str, said: str) -> None:
    file = tmp_path / "s"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(SetupError, match=said):
        config.secret(file, "password")


def test_a_secret_is_its_one_line(tmp_path: Path) -> None:
    file = tmp_path / "s"
    file.touch(mode=0o600)
    file.write_text("hush\n")
    assert config.secret(file, "password") == "hush"


def test_an_inner_zone_has_a_feed_and_nothing_to_collect(tmp_path: Path) -> None:
    text = '[city]\nname = "x"\n[data]\ndir = "d"\n[feed]\nin = "files"\n'
    found = config.parse(text, tmp_path)
    assert (found.follows, found.feed.in_dir) == (True, tmp_path / "files")
    with pytest.raises(SetupError, match=r"\[broker\] and \[feed\] in exclude each other"):
        config.parse(text + '[broker]\nhost = "b"\n', tmp_path)


def test_without_a_feed_the_broker_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"\[broker\] host is missing"):
        config.parse('[city]\nname = "x"\n[data]\ndir = "d"\n[keys]\nlink_file = "k"\n', tmp_path)


def test_no_login_is_for_this_machine_alone() -> None:
    assert problems(SMALL + "[web]\nlogin = false\n" + 'host = "0.0.0.0"\n') == [
        "manyi.toml: [web] login = false 只限本机，而 host = '0.0.0.0' 别的机器也能打开：两者去掉一个 / "
        "[web] login = false is for this machine alone, and host = '0.0.0.0' is seen from others: "
        "take one of the two out."
    ]
    assert config.parse(SMALL + "[web]\nlogin = false\n", Path("/")).web.login is False
    assert config.parse(SMALL, Path("/")).web.login is True


def test_single_sign_on_is_whole_or_not_there() -> None:
    found = problems(SMALL + '[web.oidc]\nserver_url = "http://id.example"\n')
    assert [p for p in found if "[web.oidc] server_url" in p]
    assert [p for p in found if "client_id is missing" in p]
    assert [p for p in found if "client_secret_file is missing" in p]
    assert problems(SMALL + "[web]\noidc = 1\n") == [
        "manyi.toml: [web] oidc = 1：应为一节 [web.oidc] / [web] oidc = 1 must be a section [web.oidc]."
    ]
