"""Another password, server, certificate or Wi-Fi for a box that stays who it is, and keeps what it holds."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from manyi.box import identity, records, renew
from manyi.box.console import Console, Refusal, Unplugged, opened
from manyi.box.identity import Account
from manyi.box.site import Site
from manyi.box.words import BoxError, Unfit

from tests.firmware.conftest import micropython
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK
from tests.services.certs import make_certs
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port
from tests.system.bench_box import BenchBox
from tests.system.bench_fixtures import examine, give, site_of

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")


def by_key(console: Console) -> Callable[[dict[str, str]], bytes]:
    def unlock(_seen: dict[str, str]) -> bytes:
        console.unlock(K_LINK)
        return K_LINK

    return unlock


def renewed(bench: BenchBox, account: Account, site: Site) -> dict[str, str]:
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        return renew.renew(console, BOX, renew.files(account, site), by_key(console))


def new_site(port: int, ca: bytes | None = None) -> Site:
    """Without what only tests tell a box."""
    return Site("127.0.0.1", port, "localhost", ca, {"wifi": [{"ssid": "hall", "key": "12345678"}]})


def refused_by(port: int, ca: bytes | None = None) -> Site:
    """A server that will not have the box: it asks every few seconds, as a real one does, and has time for its cable."""
    site = site_of(port, ca)
    return Site(
        site.host, site.port, site.name, ca, {**site.extra, "backoff_ms": 3000, "backoff_max_ms": 5000}
    )


def who(bench: BenchBox) -> dict[str, object]:
    return dict(json.loads((bench.folder / "box.json").read_text()))


def test_a_password_that_was_revoked_is_named_and_renewed_and_what_waited_arrives(
    bench: BenchBox, book: records.Records, make_mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    broker = make_mosquitto(users={BOX: "fresh", "c": "c"})
    give(bench, book, refused_by(broker.port))  # with the password of before: "secret"
    bench.tell("tap 3 40")
    bench.until("its light", lambda: bool(bench.heard("light")))
    bench.until("it is not let in", lambda: bool(bench.heard("link down")))
    found = {c.name: c for c in examine(bench, link_s=1, somebody=False)}
    assert (found["link"].ok, found["link"].key) == (False, "credential")
    assert "manyi box renew" in found["link"].words
    before = who(bench)
    renewed(
        bench, Account(BOX, "fresh"), Site("127.0.0.1", broker.port, "", None, {"beat_s": 10, "wifi": []})
    )
    after = who(bench)
    assert {k for k in before if before[k] != after[k]} == {"password"}  # networks that no file names stay
    bench.until("the link", lambda: any("link up" in line for line in bench.said))
    assert any("n=0,0,1" in line for line in bench.heard("ready"))  # the press waits still


def test_a_box_at_work_whose_account_is_taken_away_is_cut_off_named_and_comes_back(
    bench: BenchBox, book: records.Records, make_mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    broker = make_mosquitto(users={BOX: "secret", "c": "c"})
    give(bench, book, site_of(broker.port))
    bench.until("the link", lambda: bool(bench.heard("link up")))
    passwords = tmp_path / "mosquitto-0" / "passwords"
    with_it = passwords.read_text()
    passwords.write_text("".join(x for x in with_it.splitlines(True) if not x.startswith(BOX)))
    os.kill(broker.pid, signal.SIGHUP)  # what `systemctl reload mosquitto` does
    bench.until("it is cut off, and not let in again", lambda: len(bench.heard("link down")) > 1)
    found = {c.name: c for c in examine(bench, link_s=1, somebody=False)}
    assert (found["link"].ok, found["link"].key) == (False, "credential"), bench.heard("link down")
    tried = len(bench.heard("link down"))
    bench.until("it goes on trying", lambda: len(bench.heard("link down")) > tried)
    up = len(bench.heard("link up"))
    passwords.write_text(with_it)
    os.kill(broker.pid, signal.SIGHUP)
    bench.until("the link by itself", lambda: len(bench.heard("link up")) > up)


def test_another_server_with_another_root(
    bench: BenchBox, book: records.Records, make_mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    old, new = make_certs(tmp_path / "old"), make_certs(tmp_path / "new")
    broker = make_mosquitto(tls=new)
    give(bench, book, refused_by(broker.port, old.ca_der.read_bytes()))
    bench.until("it refuses", lambda: bool(bench.heard("link down")))
    renewed(bench, Account(BOX, "x"), new_site(broker.port, new.ca_der.read_bytes()))
    bench.until("the link", lambda: any("link up" in line for line in bench.said))
    assert len(list(bench.folder.glob("ca-*.der"))) == 1  # the old root is gone
    assert not (bench.folder / "renew.json").exists()
    assert (who(bench)["k_chain"], who(bench)["pin"]) == (K_CHAIN.hex(), book.claims()[0].pin)


def test_who_it_is_cannot_be_renewed(bench: BenchBox, book: records.Records) -> None:
    give(bench, book, site_of(free_port()))
    before = (bench.folder / "box.json").read_bytes()
    for name in ("box", "k_link", "k_chain", "pin", "board"):
        with opened(bench.line.port) as line:
            console = Console(line, bench.line.port)
            with pytest.raises(Refusal, match="these settings") as refused:
                renew.renew(console, BOX, {"renew.json": json.dumps({name: "x"}).encode()}, by_key(console))
            assert refused.value.why == f"field-{name}"
            with pytest.raises(Refusal, match="a step is missing"):
                console.ask("start")
            with pytest.raises(Refusal) as refused:
                console.ask("take", "box.json", 10, "0" * 64)
            assert refused.value.why == "name"
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        lost = {"renew.json": json.dumps({"tls": {"ca": "/ca-00000000.der", "name": "x"}}).encode()}
        with pytest.raises(Refusal, match="not in the box"):
            renew.renew(console, BOX, lost, by_key(console))
        with pytest.raises(BoxError, match=f"this is {BOX}"):
            renew.renew(console, "hall-9", lost, by_key(console))
    assert (bench.folder / "box.json").read_bytes() == before


def test_a_locked_console_renews_nothing_and_a_blank_box_has_nothing_to_renew(
    bench: BenchBox, book: records.Records
) -> None:
    def shut(_seen: dict[str, str]) -> bytes:
        return b""

    with opened(bench.line.port) as line, pytest.raises(BoxError, match="manyi box provision"):
        renew.renew(Console(line, bench.line.port), BOX, {}, shut)
    give(bench, book, site_of(free_port()))
    with opened(bench.line.port) as line, pytest.raises(Refusal, match="locked"):
        renew.renew(Console(line, bench.line.port), BOX, {"renew.json": b"{}"}, shut)


def test_the_cable_is_pulled_at_any_point_and_the_box_is_the_old_or_the_new(
    bench: BenchBox, book: records.Records
) -> None:
    give(bench, book, site_of(free_port()))
    old, cut, plugged = who(bench), 30, 0
    while True:
        bench.line.carried, bench.line.cut_after = 0, cut
        try:
            renewed(bench, Account(BOX, "fresh"), new_site(1))
            break
        except Unplugged:
            plugged += 1
        assert who(bench) in (old, old | {"password": "fresh", "port": 1})
        bench.line.plug_in()
        cut += 230
    assert plugged >= 3
    assert who(bench)["password"] == "fresh"


def test_an_account_given_anew_has_no_keys_and_needs_none() -> None:
    line = json.dumps({"box": BOX, "user": BOX, "password": "fresh"})
    assert identity.accounts(line + "\n\n") == {BOX: Account(BOX, "fresh")}
    with pytest.raises(Unfit, match=r"2: .*no line of a hand-over"):
        identity.accounts(line + "\nnonsense\n")
    made = renew.files(Account(BOX, "fresh"), Site("h", 1, "h", b"\x30\x82\0\0", {"wifi": [], "ntp": ["n"]}))
    assert [n[:3] for n in made] == ["ca-", "ren"]  # what names a file comes after it
    assert "wifi" not in json.loads(made["renew.json"])
