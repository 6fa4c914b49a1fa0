"""The private certificate authority: what it signs, what it refuses, and that it leaves no secret behind."""

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from manyi.broker import ca, certificates, files
from manyi.broker.cli import ca_app
from manyi.broker.names import BrokerError
from typer.testing import CliRunner

from tests.services.processes import find, missing

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    ca.create(tmp_path / "ca", "test root", [], None, NOW)
    return tmp_path / "ca"


def server(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / ca.SERVER_PEM).read_bytes())


def accepted(authority: Path, cert: x509.Certificate, name: str, when: datetime) -> bool:
    """By the cryptography library's own verifier, which is stricter than OpenSSL."""
    policy = PolicyBuilder().store(Store([ca.root_certificate(authority)])).time(when)
    try:
        policy.build_server_verifier(x509.DNSName(name)).verify(cert, [])
    except VerificationError:
        return False
    return True


def test_a_server_is_accepted_under_its_names_and_no_other(authority: Path, tmp_path: Path) -> None:
    ca.issue(authority, ["broker.city.cn", "10.1.2.3"], tmp_path / "out", None, NOW)
    cert = server(tmp_path / "out")
    assert certificates.names_of(cert) == ("broker.city.cn", "10.1.2.3")
    assert accepted(authority, cert, "broker.city.cn", NOW)
    assert not accepted(authority, cert, "other.city.cn", NOW)


def test_a_box_whose_clock_stands_at_an_old_build_time_accepts_a_fresh_certificate(
    authority: Path, tmp_path: Path
) -> None:
    ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)
    cert = server(tmp_path / "out")
    assert accepted(authority, cert, "broker", NOW - timedelta(days=700))
    assert not accepted(authority, cert, "broker", NOW + timedelta(days=certificates.SERVER_DAYS, seconds=1))


def test_keys_are_p256_and_the_server_cannot_sign(authority: Path, tmp_path: Path) -> None:
    ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)
    root, cert = ca.root_certificate(authority), server(tmp_path / "out")
    for one in (root, cert):
        key = one.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(
        True, 0
    )
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert [
        usage._name for usage in cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    ] == ["serverAuth"]


def test_secrets_are_readable_by_their_owner_only_and_the_authority_keeps_no_server_key(
    authority: Path, tmp_path: Path
) -> None:
    ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)
    assert authority.stat().st_mode & 0o777 == 0o700
    assert (authority / ca.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "out" / ca.SERVER_PEM).stat().st_mode & 0o777 == 0o600
    with_keys = [
        path.name for path in authority.rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()
    ]
    assert with_keys == [ca.KEY_FILE]


def test_der_for_boxes_is_the_same_root(authority: Path) -> None:
    der = x509.load_der_x509_certificate((authority / ca.DER_FILE).read_bytes())
    assert der == ca.root_certificate(authority)


def test_a_second_init_changes_nothing(authority: Path) -> None:
    before = (authority / ca.KEY_FILE).read_bytes()
    with pytest.raises(BrokerError, match="not overwritten"):
        ca.create(authority, "another", [], None, NOW)
    assert (authority / ca.KEY_FILE).read_bytes() == before
    assert sorted(path.name for path in authority.parent.iterdir()) == ["ca"]  # nothing half made beside it


def test_an_existing_server_certificate_is_not_overwritten_and_nothing_is_signed(
    authority: Path, tmp_path: Path
) -> None:
    ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)
    before = (tmp_path / "out" / ca.SERVER_PEM).read_bytes()
    with pytest.raises(BrokerError, match="not overwritten"):
        ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)
    assert (tmp_path / "out" / ca.SERVER_PEM).read_bytes() == before
    assert len(ca.listing(authority)) == 1


def test_a_folder_with_another_root_is_left_alone(authority: Path, tmp_path: Path) -> None:
    ca.create(tmp_path / "other", "other root", [], None, NOW)
    ca.issue(tmp_path / "other", ["broker"], tmp_path / "out", None, NOW)
    (tmp_path / "out" / ca.SERVER_PEM).unlink()
    with pytest.raises(BrokerError, match="another root"):
        ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)


def test_a_root_key_with_a_passphrase_opens_with_it_and_only_with_it(tmp_path: Path) -> None:
    ca.create(tmp_path / "ca", "root", [], b"correct horse", NOW)
    assert b"ENCRYPTED" in (tmp_path / "ca" / ca.KEY_FILE).read_bytes()
    for wrong in (None, b"wrong horse"):
        with pytest.raises(BrokerError, match="passphrase"):
            ca.issue(tmp_path / "ca", ["broker"], tmp_path / "out", wrong, NOW)
    ca.issue(tmp_path / "ca", ["broker"], tmp_path / "out", b"correct horse", NOW)


def test_a_passphrase_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "phrase"
    path.write_bytes(b"correct horse\r\nsecond line\n")
    path.chmod(0o644)
    with pytest.raises(BrokerError, match="others can read it"):
        ca.passphrase_from(path)
    path.chmod(0o600)
    assert ca.passphrase_from(path) == b"correct horse"


def test_a_root_key_that_others_can_read_is_not_used(authority: Path, tmp_path: Path) -> None:
    (authority / ca.KEY_FILE).chmod(0o640)
    with pytest.raises(BrokerError, match="others can read it"):
        ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)


def test_all_bad_names_are_told_at_once(authority: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokerError) as told:
        ca.issue(
            authority, ["good.cn", "under_score", "*.city.cn", "10.0.0.256", "a b"], tmp_path / "x", None, NOW
        )
    assert len(told.value.problems) == 4
    assert ca.listing(authority) == []


@pytest.mark.parametrize(
    ("permit", "good", "bad"),
    [
        (["city.cn"], ["city.cn", "mq.city.cn"], ["mq.evil.cn", "evilcity.cn", "10.0.0.1"]),
        (["10.0.0.0/8"], ["10.1.2.3"], ["11.0.0.1", "mq.city.cn", "::1"]),
        (["city.cn", "10.0.0.0/8"], ["mq.city.cn", "10.1.2.3"], ["11.0.0.1", "x.cn"]),
    ],
)
def test_a_limited_root_signs_within_its_limits(
    tmp_path: Path, permit: list[str], good: list[str], bad: list[str]
) -> None:
    ca.create(tmp_path / "ca", "root", permit, None, NOW)
    ca.issue(tmp_path / "ca", good, tmp_path / "out", None, NOW)
    for name in bad:
        with pytest.raises(BrokerError, match="limits"):
            ca.issue(tmp_path / "ca", [name], tmp_path / "no", None, NOW)


def test_openssl_enforces_the_limits_even_against_a_thief_with_the_root_key(tmp_path: Path) -> None:
    openssl = find("openssl")
    if openssl is None:
        missing("openssl", "sudo apt install openssl (or: make services)")
    assert openssl is not None
    ca.create(tmp_path / "ca", "root", ["city.cn"], None, NOW)
    root = ca.root_certificate(tmp_path / "ca")
    key = load_pem_private_key((tmp_path / "ca" / ca.KEY_FILE).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    verdicts = []
    for name in ("mq.city.cn", "bank.cn"):
        own = ec.generate_private_key(certificates.CURVE)
        leaf = certificates.make_server(root, key, [x509.DNSName(name)], own, NOW)
        (tmp_path / name).write_bytes(leaf.public_bytes(Encoding.PEM))
        when = ["-attime", str(int(NOW.timestamp()))]
        trust = ["-x509_strict", "-CAfile", str(tmp_path / "ca" / ca.CERT_FILE)]
        done = subprocess.run([openssl, "verify", *when, *trust, str(tmp_path / name)], check=False)
        verdicts.append(done.returncode == 0)
    assert verdicts == [True, False]


def test_a_bad_limit_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(BrokerError) as told:
        ca.create(tmp_path / "ca", "root", ["city.cn", "10.0.0.1/8", "*"], None, NOW)
    assert len(told.value.problems) == 2
    assert list(tmp_path.iterdir()) == []


def test_renewal_gives_a_new_key_under_the_same_names_and_keeps_a_way_back(
    authority: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    old_serial = ca.issue(authority, ["broker", "10.0.0.1"], out, None, NOW)
    old_pem, old = (out / ca.SERVER_PEM).read_bytes(), server(out)
    later = NOW + timedelta(days=350)
    new_serial = ca.renew(authority, old_serial[:8], out, None, later)
    new = server(out)
    assert certificates.names_of(new) == certificates.names_of(old)
    assert new.public_key() != old.public_key()
    assert certificates.days_left(new.not_valid_after_utc, later) == certificates.SERVER_DAYS
    assert certificates.serial_of(new) == new_serial
    assert [path.read_bytes() for path in out.glob("server-*.pem")] == [old_pem]
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
        out / ca.SERVER_PEM
    )  # a pair that fits


def test_a_renewal_of_another_certificate_leaves_the_present_one(authority: Path, tmp_path: Path) -> None:
    here = ca.issue(authority, ["here"], tmp_path / "here", None, NOW)
    there = ca.issue(authority, ["there"], tmp_path / "there", None, NOW)
    with pytest.raises(BrokerError, match="not the certificate"):
        ca.renew(authority, there, tmp_path / "here", None, NOW)
    assert certificates.serial_of(server(tmp_path / "here")) == here


def test_a_certificate_never_outlives_its_root(authority: Path, tmp_path: Path) -> None:
    root = ca.root_certificate(authority)
    ca.issue(authority, ["broker"], tmp_path / "out", None, root.not_valid_after_utc - timedelta(days=10))
    assert server(tmp_path / "out").not_valid_after_utc == root.not_valid_after_utc
    with pytest.raises(BrokerError, match="expired"):
        ca.issue(authority, ["broker"], tmp_path / "late", None, root.not_valid_after_utc)


def test_revoking_adds_to_the_list_and_forgets_nobody(authority: Path, tmp_path: Path) -> None:
    serials = [ca.issue(authority, ["broker"], tmp_path / str(number), None, NOW) for number in range(3)]
    ca.revoke(authority, serials[0], None, NOW)
    ca.revoke(authority, serials[2], None, NOW)
    crl = ca.revocations(authority)
    assert {f"{entry.serial_number:040x}" for entry in crl} == {serials[0], serials[2]}
    assert crl.is_signature_valid(ca.root_certificate(authority).public_key())  # type: ignore[arg-type]
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3
    assert {item.serial for item in ca.listing(authority) if item.revoked} == {serials[0], serials[2]}
    with pytest.raises(BrokerError, match="already"):
        ca.revoke(authority, serials[0], None, NOW)
    with pytest.raises(BrokerError, match="issue anew"):
        ca.renew(authority, serials[0], tmp_path / "0", None, NOW)


def test_a_serial_must_name_exactly_one_certificate(authority: Path, tmp_path: Path) -> None:
    ca.issue(authority, ["broker"], tmp_path / "out", None, NOW)
    for serial in ("", "zz"):
        with pytest.raises(BrokerError, match="certificates begin so"):
            ca.revoke(authority, serial, None, NOW)


def test_a_crash_while_the_new_file_is_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    files.write_new(path, b"old")

    def no_power(fd: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(files.os, "fsync", no_power)
    with pytest.raises(OSError, match="power cut"):
        files.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_line_lists_days_and_prints_no_secret(tmp_path: Path) -> None:
    run, folder = CliRunner(), str(tmp_path / "ca")
    (tmp_path / "phrase").write_text("correct horse\n")
    (tmp_path / "phrase").chmod(0o600)
    phrase = ["--passphrase-file", str(tmp_path / "phrase")]
    said = ""
    for command in (
        ["init", "--dir", folder, *phrase],
        ["issue", "mq.city.cn", "--dir", folder, "--out", str(tmp_path / "out"), *phrase],
        ["list", "--dir", folder],
    ):
        done = run.invoke(ca_app, command)
        assert done.exit_code == 0, done.output
        said += done.output
    assert "397 d  mq.city.cn" in said or "398 d  mq.city.cn" in said
    for secret in (tmp_path / "ca" / ca.KEY_FILE, tmp_path / "out" / ca.SERVER_PEM):
        for line in secret.read_text().split("PRIVATE KEY-----")[1].splitlines()[1:-1]:
            assert line not in said
    assert "correct horse" not in said
    again = run.invoke(ca_app, ["init", "--dir", folder])
    assert again.exit_code == 2
    assert "not overwritten" in again.output
