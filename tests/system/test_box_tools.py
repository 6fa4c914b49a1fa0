"""A technician's day, simulated: esptool against a mock ROM loader, the console over a pseudo terminal against the real
firmware, and the simulator started from exactly the bytes that were flashed.

Real: esptool, pyserial, littlefs, the firmware, MicroPython, Mosquitto, TLS. Simulated: the chip, its ROM, the official
MicroPython .bin (tests/firmware/synthetic.py lays one out; none is on a package registry), the cable, the fingers.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import image as maker
import pytest
from manyi.box import console as consoles
from manyi.box import doctor, identity, provision, records
from manyi.box.console import Console, Refusal, Unplugged, opened
from manyi.box.flashing import flash, image, journal, tray
from manyi.box.provision import Journal
from manyi.box.site import Site
from manyi.box.words import BoxError

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BOX, K_CHAIN, K_LINK
from tests.firmware.synthetic import micropython_bin
from tests.services.certs import Certs, make_certs
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port
from tests.system.bench_box import HEAP, BenchBox, MockLoader
from tests.system.bench_fixtures import FAST, GIVEN, OTHER, examine, fingers, give, site_of

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

# --- the console ---------------------------------------------------------------------------------------------------


def test_a_blank_box_is_given_its_identity_reads_it_back_and_locks(
    bench: BenchBox, book: records.Records
) -> None:
    started = give(bench, book, site_of(free_port()))
    assert (started["state"], started["box"]) == ("locked", BOX)
    kept = json.loads((bench.folder / "box.json").read_text())
    assert (kept["k_chain"], kept["board"], kept["wifi"]) == (
        K_CHAIN.hex(),
        "sim",
        [{"ssid": "hall", "key": "12345678"}],
    )
    (claim,) = book.claims()
    assert (claim.box, claim.mac, kept["pin"]) == (BOX, started["mac"], claim.pin)
    assert K_CHAIN.hex() not in "".join(p.read_text() for p in book.folder.iterdir())
    assert K_LINK.hex() not in "\n".join(bench.said)


def test_a_certificate_comes_before_the_identity_that_names_it(
    bench: BenchBox, book: records.Records, certs: Certs
) -> None:
    give(bench, book, site_of(free_port(), certs.ca_der.read_bytes()))
    name = json.loads((bench.folder / "box.json").read_text())["tls"]["ca"]
    assert (bench.folder / name[1:]).read_bytes() == certs.ca_der.read_bytes()
    bench.until("it tries the link", lambda: bool(bench.heard("link down")))


def test_a_box_that_has_an_identity_is_refused_without_retire(bench: BenchBox, book: records.Records) -> None:
    give(bench, book, site_of(free_port()))
    before = (bench.folder / "box.json").read_bytes()
    with pytest.raises(BoxError, match="retire"):
        give(bench, book, site_of(free_port()), OTHER)
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        with pytest.raises(Refusal, match="locked"):
            console.ask("take", "box.json", 10, "0" * 64)
        console.unlock(K_LINK)
        with pytest.raises(Refusal, match="no such file"):
            console.ask("take", "box.json", 10, "0" * 64)  # not even an open one takes another
    assert (bench.folder / "box.json").read_bytes() == before


def test_an_identity_is_for_one_chip_and_a_chip_for_one_identity(
    bench: BenchBox, book: records.Records
) -> None:
    book.claim(BOX, "ffffffffffff", 1)
    with pytest.raises(BoxError, match="never used again"):
        give(bench, book, site_of(free_port()))
    assert not (bench.folder / "box.json").exists()


def test_a_wrong_key_does_not_open_and_five_of_them_close_until_the_next_start(
    bench: BenchBox, book: records.Records
) -> None:
    give(bench, book, site_of(free_port()))
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        for _ in range(5):
            with pytest.raises(Refusal) as refused:
                console.unlock(bytes(32))
            assert refused.value.why == "key"
        with pytest.raises(Refusal) as refused:
            console.unlock(K_LINK)
        assert refused.value.why == "later"
        with pytest.raises(Refusal) as refused:
            console.ask("status")
        assert refused.value.why == "locked"


def test_an_old_unlock_code_opens_nothing(bench: BenchBox, book: records.Records) -> None:
    give(bench, book, site_of(free_port()))
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        seen = console.hello()
        code = consoles.talk.code(K_LINK, BOX, bytes.fromhex(seen["nonce"]))
        console.ask("unlock", code)
        console.ask("lock")
        with pytest.raises(Refusal, match="key"):
            console.ask("unlock", code)


def test_the_box_vouches_for_a_record_where_nobody_has_its_key(
    bench: BenchBox, book: records.Records
) -> None:
    give(bench, book, site_of(free_port()))
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        seen = console.hello()
        console.ask("unlock", consoles.talk.code(K_LINK, BOX, bytes.fromhex(seen["nonce"])))
        text = records.vouched({"box": BOX, "ok": False}, lambda digest: console.ask("vouch", digest)["mac"])
    assert records.is_sealed(K_LINK, BOX, text)
    assert not records.is_sealed(K_LINK, BOX, text.replace("false", "true"))
    assert not records.is_sealed(bytes(32), BOX, text)


def test_a_locked_console_says_nothing_of_presses(bench: BenchBox, book: records.Records) -> None:
    give(bench, book, site_of(free_port()))
    heard = []
    bench.line.bend = lambda data, to_box: (heard.append(data) if not to_box else None) or data
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        console.hello()
        bench.tell("tap 3 40")
        bench.until("its light", lambda: bool(bench.heard("light")))
        for verb in (
            "status",
            "newest 1",
            "show",
            "keytest",
            "retire",
            "passed",
            "lock",
            "renew",
            "vouch 00",
        ):
            with pytest.raises(Refusal) as refused:
                console.ask(*verb.split())
            assert refused.value.why == "locked"
        console.unlock(K_LINK)
        with pytest.raises(Refusal):
            console.ask("newest", 1)  # nor does an open one
    assert b"level" not in b"".join(heard)


def test_noise_on_the_line_changes_nothing(bench: BenchBox, book: records.Records) -> None:
    count = 0

    def noisy(data: bytes, to_box: bool) -> bytes:
        nonlocal count
        count += 1
        if count % 4 == 0:
            return data[:-3] + b"\xff\x00@#" + data[-2:]  # a bent line
        if count % 5 == 0:
            return b""  # a lost one
        return (b"ets Jun  8 2016 00:22:57\r\nrst:0x1\xfe\n" + data) if not to_box else b"\x80\x81" + data

    bench.line.bend = noisy
    give(bench, book, site_of(free_port()))
    kept = json.loads((bench.folder / "box.json").read_text())
    assert kept["k_link"] == K_LINK.hex()


def test_a_line_of_garbage_is_named_as_what_it_is(bench: BenchBox) -> None:
    for bent, words in (
        (b"\xf0\x9f garbage \x00\x01\n", "another device"),
        (b">>> \n", "flash our image"),
        (b"waiting for download\n", "download mode"),
    ):
        bench.line.bend = lambda data, to_box, b=bent: data if to_box else b
        with opened(bench.line.port) as line, pytest.raises(BoxError, match=words):
            Console(line, bench.line.port, answer_s=0.1).hello()
    bench.line.bend = lambda _data, _to_box: b""
    with opened(bench.line.port) as line, pytest.raises(BoxError, match="nothing answers"):
        Console(line, bench.line.port, answer_s=0.1).hello()


def test_a_port_that_is_busy_or_missing_is_named(bench: BenchBox) -> None:
    with opened(bench.line.port), pytest.raises(BoxError, match="in use"), opened(bench.line.port):
        pass
    with pytest.raises(BoxError, match="there is no port"), opened("/dev/ttyNONE7"):
        pass


def test_the_cable_is_pulled_at_any_point_and_the_box_is_blank_or_whole(
    bench: BenchBox, book: records.Records, certs: Certs
) -> None:
    site = site_of(free_port(), certs.ca_der.read_bytes())
    cut, plugged = 30, 0
    while True:
        bench.line.carried, bench.line.cut_after = 0, cut
        try:
            give(bench, book, site)
            break
        except Unplugged:
            plugged += 1
        whole = bench.folder / "box.json"
        assert not whole.exists() or json.loads(whole.read_text())["box"] == BOX
        bench.line.plug_in()
        if whole.exists():
            break
        cut += 450
    assert plugged >= 5
    bench.line.cut_after = None
    started = give(bench, book, site) if not bench.heard("ready") else {"state": "locked"}
    assert started["state"] == "locked"


def test_old_records_in_a_chip_are_neither_taken_over_nor_wiped_unasked(
    bench: BenchBox, book: records.Records
) -> None:
    give(bench, book, site_of(free_port()))
    bench.tell("tap 1 40")
    bench.until("its light", lambda: bool(bench.heard("light")))
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        with pytest.raises(Refusal, match="not been delivered"):
            provision.retire(console, K_LINK, BOX, force=False)
        assert (bench.folder / "box.json").exists()
        console.ask("retire", "force")
        console.wait_for("blank", patience_s=20)
    assert (bench.folder / "flash.bin").read_bytes().count(b"MYJ1") > 0
    with pytest.raises(BoxError, match="old records"):
        give(bench, book, site_of(free_port()))
    give(bench, book, site_of(free_port()), journal=Journal.keep)
    bench.until("the press is still there", lambda: any("n=1,0,0" in line for line in bench.heard("ready")))


def test_retiring_a_box_leaves_nothing_of_it(bench: BenchBox, book: records.Records) -> None:
    give(bench, book, site_of(free_port()))
    bench.tell("tap 1 40")
    bench.until("its light", lambda: bool(bench.heard("light")))
    with opened(bench.line.port) as line:
        lost = provision.retire(Console(line, bench.line.port), K_LINK, BOX, force=True)
    assert lost == 2  # the press, and its boot
    left = {p.name for p in bench.folder.iterdir()} - {
        "boot"
    }  # why it reset: an ESP32 keeps that in RTC memory
    assert left == {"flash.bin", "tty"}
    assert set((bench.folder / "flash.bin").read_bytes()) == {0xFF}
    book.retire(BOX)
    with pytest.raises(BoxError, match="never used again"):
        give(bench, book, site_of(free_port()))
    give(bench, book, site_of(free_port()), OTHER)


# --- the guided test -------------------------------------------------------------------------------------------------


def test_the_guided_test_goes_all_the_way_to_the_collector_and_presses_nothing(
    bench: BenchBox, book: records.Records, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    give(bench, book, Site("127.0.0.1", mosquitto.port, "", None, {**FAST, "tell_lamp": True}))
    bench.until("the link", lambda: bool(bench.heard("ack")))
    checks = examine(bench)
    assert {c.name: c.ok for c in checks} == dict.fromkeys(doctor.NAMES, True)
    assert [r["reason"] for r in collector.life.records.values() if r["kind"] == 5] == [1]
    assert collector.presses() == []
    with opened(bench.line.port) as line:
        console = Console(line, bench.line.port)
        console.unlock(K_LINK)
        console.ask("passed")
    bench.until("one green light", lambda: "only=1" in bench.heard("lamp")[-1])


def test_a_key_that_does_not_come_fails_the_test(
    bench: BenchBox, book: records.Records, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    give(bench, book, Site("127.0.0.1", mosquitto.port, "", None, {**FAST, "tell_lamp": True}))
    bench.until("the link", lambda: bool(bench.heard("ack")))
    found = {c.name: c for c in examine(bench, wrong=True)}
    assert found["keys"].ok is False
    assert found["ack"].ok is True  # the failed test is a record too
    assert not doctor.passed(list(found.values()))
    assert collector.wrong == []


def _server(folder: Path, kind: str) -> tuple[Certs, bytes]:
    """A server's certificates that are wrong in one way, and the root that the box is given."""
    good = make_certs(folder / "good")
    root = good.ca_der.read_bytes()
    if kind == "ca":
        return make_certs(folder / "other"), root
    if kind == "name":
        return make_certs(folder / "name", name="elsewhere", address="127.0.0.9"), (
            folder / "name" / "ca.der"
        ).read_bytes()
    begin, end = {
        "expired": ("20240101000000Z", "20240201000000Z"),
        "future": ("20900101000000Z", "20910101000000Z"),
    }[kind]
    (folder / "good" / "index").write_text("")
    (folder / "good" / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nrand_serial=yes\n"
        "copy_extensions=none\n[p]\ncommonName=supplied\n"
    )
    sign = [
        "openssl",
        "ca",
        "-batch",
        "-config",
        "ca.cnf",
        "-cert",
        "ca.pem",
        "-keyfile",
        "ca.key",
        "-in",
        "server.csr",
    ]
    when = ["-startdate", begin, "-enddate", end, "-extfile", "names", "-out", "server.pem", "-notext"]
    subprocess.run([*sign, *when], check=True, capture_output=True, cwd=folder / "good")
    return good, root


@pytest.mark.parametrize("kind", ["expired", "future", "name", "ca"])
def test_a_server_that_is_not_to_be_trusted_is_refused_and_named(
    kind: str,
    bench: BenchBox,
    book: records.Records,
    make_mosquitto: Callable[..., Mosquitto],
    tmp_path: Path,
) -> None:
    certs, root = _server(tmp_path / kind, kind)
    broker = make_mosquitto(tls=certs)
    give(bench, book, site_of(broker.port, root))
    bench.until("it tries the link twice", lambda: len(bench.heard("link down")) > 1)
    found = {c.name: c for c in examine(bench, link_s=1, somebody=False)}
    assert (found["link"].ok, found["link"].key) == (False, kind), bench.heard("link down")
    assert "证书" in found["link"].words
    assert found["ack"].ok is None


def test_a_revoked_credential_is_named(
    bench: BenchBox, book: records.Records, make_mosquitto: Callable[..., Mosquitto]
) -> None:
    broker = make_mosquitto(users={"somebody": "else"})
    give(bench, book, site_of(broker.port))
    bench.until("it tries the link", lambda: bool(bench.heard("link down")))
    found = {c.name: c for c in examine(bench, link_s=1, somebody=False)}
    assert (found["link"].ok, found["link"].key) == (False, "credential")


# --- esptool, and a box that starts from what was flashed ----------------------------------------------------------


@pytest.fixture
def blank_image(firmware: Path) -> bytes:
    return maker.assemble(micropython_bin(), "esp32", maker.tree(firmware, "esp32_devkitc"), maker.ours())


def taken_back(loader: MockLoader, tmp_path: Path, chip: str = "esp32") -> bytes:
    out = tmp_path / "back.bin"
    flash.esptool(flash.Board(loader.port, reset=False), chip, "read-flash", "0x0", "0x400000", str(out))
    return out.read_bytes()


def test_flashed_verified_taken_back_and_started_from_exactly_those_bytes(
    blank_image: bytes, make_loader: Callable[..., MockLoader], make_bench: Callable[..., BenchBox], tmp_path: Path,
    firmware: Path, mosquitto: Mosquitto, collector: FakeCollector, book: records.Records,
) -> None:  # fmt: skip
    loader = make_loader()
    board = flash.Board(loader.port, reset=False)
    claim = book.claim(BOX, flash.mac(board, "esp32"), 1)
    who = identity.files(
        GIVEN,
        Site("127.0.0.1", mosquitto.port, "", None, dict(FAST)),
        image.facts(blank_image).board,
        claim.pin,
    )
    whole = image.with_files(blank_image, who)
    steps: list[float] = []
    flash.write(board, whole, progress=steps.append)
    assert steps[-1] == 100
    back = taken_back(loader, tmp_path)
    assert back == whole

    vfs, journal = (maker.named(maker.ours(), name) for name in ("vfs", "journal"))
    (tmp_path / "vfs.bin").write_bytes(back[vfs.at : vfs.at + vfs.size])
    folder = tmp_path / "bench-0"
    folder.mkdir()
    (folder / "flash.bin").write_bytes(back[journal.at : journal.at + journal.size])
    start = Path(__file__).with_name("sim_image.py")
    box = make_bench([str(start), str(tmp_path / "vfs.bin"), str(folder), str(firmware)])
    box.until("its own firmware", lambda: bool(box.heard("firmware /app/main.mpy")))
    box.until("the link", lambda: bool(box.heard("ack")))
    box.tell("tap 2 40")
    collector.until("the press", lambda: collector.presses() == [2])
    assert not list(folder.glob("box.json"))
    with opened(box.line.port) as line:  # its console reads the identity of the image
        seen = Console(line, box.line.port).hello()
    assert (seen["state"], seen["box"]) == ("locked", BOX)


def test_another_chip_is_refused_before_anything_is_written(
    blank_image: bytes, make_loader: Callable[..., MockLoader], tmp_path: Path
) -> None:
    loader = make_loader("esp32s3")
    with pytest.raises(BoxError, match=r"型号不符.*another chip"):
        flash.write(flash.Board(loader.port, reset=False), blank_image)
    assert set(taken_back(loader, tmp_path, "esp32s3")) <= {0xFF, 0x00}


def test_unplugged_in_the_middle_of_flashing(
    blank_image: bytes, make_loader: Callable[..., MockLoader]
) -> None:
    loader = make_loader()

    def pull(percent: float) -> None:
        if percent > 30:
            loader.process.kill()

    with pytest.raises(BoxError, match="plug it in and start again"):
        flash.write(flash.Board(loader.port, reset=False), blank_image, progress=pull)
    again = make_loader()
    flash.write(flash.Board(again.port, reset=False), blank_image)


def test_what_is_no_image_of_ours_is_refused(make_loader: Callable[..., MockLoader]) -> None:
    with pytest.raises(BoxError, match="no journal"):
        flash.write(flash.Board("/dev/ttyNONE7"), b"\xff" * 0x1000 + micropython_bin())


def test_a_port_that_is_not_there_is_named(blank_image: bytes) -> None:
    with pytest.raises(BoxError, match="no such port"):
        flash.write(flash.Board("/dev/ttyNONE7"), blank_image)


def test_a_chip_that_still_holds_records_is_not_written_over(
    blank_image: bytes,
    make_loader: Callable[..., MockLoader],
    bench: BenchBox,
    book: records.Records,
    tmp_path: Path,
) -> None:
    give(bench, book, site_of(free_port()))
    for level in (1, 3):
        bench.tell(f"tap {level} 40")
    bench.until("two lights", lambda: len(bench.heard("light")) == 2)
    full = (bench.folder / "flash.bin").read_bytes()
    used = blank_image[: -len(full)] + full
    loader = make_loader()
    board = flash.Board(loader.port, reset=False)
    flash.write(board, used)
    backup = tmp_path / "backup.journal"
    found = flash.held(board, "esp32", backup)
    assert found == image.Held(records=3, waiting=3)
    assert backup.read_bytes() == full
    typed = [
        sys.executable,
        "-m",
        "manyi",
        "box",
        "save",
        "-p",
        loader.port,
        "--no-reset",
        "--records",
        str(tmp_path),
    ]
    saved = subprocess.run(typed, capture_output=True, text=True, check=True)
    assert "3 never delivered" in saved.stdout
    (file,) = sorted(set(tmp_path.glob("*.journal")) - {backup})
    assert file.read_bytes() == full
    said: list[str] = []
    load = tray.Tray(blank_image, [], None, book, lambda: 7, reset=False)
    (refused,) = tray.run(load, [loader.port], said.append)
    assert "3 records in this chip were never delivered" in refused.trouble
    kept = tray.Tray(blank_image, [], None, book, lambda: 7, keep_journal=True, reset=False)
    assert tray.run(kept, [loader.port], said.append)[0].ok
    assert taken_back(loader, tmp_path) == used
    whole = image.with_files(used, identity.files(GIVEN, site_of(1), "esp32-devkitc", "12345678"))
    chip = journal.opened(whole)  # read as a whole, it says whose it is, and proves it
    assert (chip.ring, chip.box, chip.k_chain) == (full, BOX, K_CHAIN)
    (life,) = journal.lives(chip.ring)
    assert life.wrong_tags(K_CHAIN, BOX) == []


def test_a_fresh_chip_holds_nothing(make_loader: Callable[..., MockLoader]) -> None:
    assert flash.held(flash.Board(make_loader().port, reset=False), "esp32") is None


def test_the_bench_heap_is_below_what_an_esp32_can_grow_to() -> None:
    assert int(HEAP.removesuffix("wK")) < 112


def test_one_uninterrupted_path_from_the_supplied_file_to_the_label(
    bench: BenchBox, make_loader: Callable[..., MockLoader], tmp_path: Path, firmware: Path, mosquitto: Mosquitto,
    collector: FakeCollector,
) -> None:  # fmt: skip
    """The commands of the guide, as they are typed: image, flash, provision, doctor, label, list."""
    supplied = tmp_path / "ESP32_GENERIC.bin"
    supplied.write_bytes(micropython_bin())
    (tmp_path / "SHA256SUMS").write_text(
        f"{hashlib.sha256(supplied.read_bytes()).hexdigest()}  {supplied.name}\n"
    )
    line = {"box": BOX, "user": BOX, "password": "x", "k_link": K_LINK.hex(), "k_chain": K_CHAIN.hex()}
    (tmp_path / "boxes.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "site.toml").write_text(
        f'beat_s = 10\n[broker]\nhost = "127.0.0.1"\nport = {mosquitto.port}\nplain = true\n[[wifi]]\nssid = "hall"\nkey = ""\n'
    )
    given = ["--handover", str(tmp_path / "boxes.jsonl")]
    book = ["--records", str(tmp_path / "boxes")]

    def typed(*words: str, answers: str = "") -> str:
        done = subprocess.run(
            [sys.executable, *words], input=answers, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert K_CHAIN.hex() not in done.stdout
        return done.stdout

    made = [maker.__file__, "--board", "esp32_devkitc", "--firmware", str(supplied), "--built", str(firmware)]
    typed(*made, "--sha256", str(tmp_path / "SHA256SUMS"), "--out", str(tmp_path / "image.bin"))
    loader = make_loader()
    flashed = typed(
        "-m", "manyi", "box", "flash", "--image", "image.bin", "-p", loader.port, "--no-reset", *book
    )
    assert "1/1" in flashed
    port = ["-p", bench.line.port]
    typed("-m", "manyi", "box", "provision", *port, *given, "--site", "site.toml", *book)
    who = bench.folder / "box.json"  # so that the fingers see which lamp is lit
    who.write_text(json.dumps(json.loads(who.read_text()) | {"tell_lamp": True}))
    bench.switch_off_and_on()
    fingers(bench)
    said = typed("-m", "manyi", "box", "doctor", *port, *given, *book, answers="y\ny\n")
    assert "PASS" in said
    text = (tmp_path / "boxes" / f"{BOX}.accepted.json").read_text()
    assert records.is_sealed(K_LINK, BOX, text)
    assert json.loads(text)["ok"] is True
    typed("-m", "manyi", "box", "label", "--out", "labels.svg", "--pin", *book)
    assert BOX in (tmp_path / "labels.svg").read_text()
    assert "合格" in typed("-m", "manyi", "box", "list", *given, *book)
