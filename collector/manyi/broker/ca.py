"""A small private certificate authority in a directory, behind `manyi ca`.

The directory is the whole state: root.key (0600), root.crt, root.der (for boxes), root.crl, and
issued/<serial>.crt. There is no index that could disagree with the certificates.

Refuses: to overwrite a root, to keep a server's key, to use a root key that others can read.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from manyi.broker import certificates, files
from manyi.broker.names import BrokerError
from manyi.words import both

KEY_FILE, CERT_FILE, DER_FILE, CRL_FILE, ISSUED = "root.key", "root.crt", "root.der", "root.crl", "issued"

SERVER_PEM = "server.pem"
"""Certificate and key in one file, so that a renewal is one rename and never a pair that does not match."""
CA_PEM, CA_DER, CA_CRL = "ca.crt", "ca.der", "ca.crl"
"""The root as it is handed out: for the collector, for boxes, and who is no longer to be trusted."""
KEPT_DIGITS = 12
"""Of the serial in the name of a replaced server.pem: enough to tell them apart."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A server certificate that this root has signed."""

    serial: str
    names: tuple[str, ...]
    not_after: datetime
    revoked: bool


def _key_pem(key: certificates.Key, passphrase: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def passphrase_from(path: Path | None) -> bytes | None:
    """The first line of a 0600 file. Raises BrokerError; None if no file is given."""
    if path is None:
        return None
    first = files.read_secret(path).split(b"\n", 1)[0].rstrip(b"\r")
    if not first:
        raise BrokerError(both(f"{path} 是空的", f"{path} is empty"))
    return first


def create(directory: Path, name: str, permit: list[str], passphrase: bytes | None, now: datetime) -> None:
    """A new root, in a directory that did not exist. Raises BrokerError."""
    key = ec.generate_private_key(certificates.CURVE)
    root = certificates.make_root(name, permit, key, now)
    crl = certificates.make_crl(None, root, key, now)
    with files.new_dir(directory) as stage:
        (stage / ISSUED).mkdir(files.SECRET_DIR)
        files.write_new(stage / KEY_FILE, _key_pem(key, passphrase))
        files.write_new(stage / CERT_FILE, root.public_bytes(Encoding.PEM), files.PUBLIC)
        files.write_new(stage / DER_FILE, root.public_bytes(Encoding.DER), files.PUBLIC)
        files.write_new(stage / CRL_FILE, crl.public_bytes(Encoding.PEM), files.PUBLIC)


def root_certificate(directory: Path) -> x509.Certificate:
    """The root's certificate. Raises BrokerError."""
    try:
        return x509.load_pem_x509_certificate((directory / CERT_FILE).read_bytes())
    except (OSError, ValueError):
        hint = f"manyi ca init --dir {directory}"
        raise BrokerError(both(f"{directory} 中没有 CA，先执行 {hint}", f"no CA in it: {hint}")) from None


def _opened(directory: Path, passphrase: bytes | None) -> tuple[x509.Certificate, certificates.Key]:
    root = root_certificate(directory)
    try:
        key = load_pem_private_key(files.read_secret(directory / KEY_FILE), passphrase)
    except (TypeError, ValueError):
        raise BrokerError(both("根密钥打不开：口令不对", "the root key stays shut: passphrase")) from None
    if not isinstance(key, certificates.Key) or key.public_key() != root.public_key():
        raise BrokerError(both("根密钥与根证书不符", "the root key is not that of the root certificate"))
    return root, key


def issue(
    directory: Path,
    names: list[str],
    out: Path,
    passphrase: bytes | None,
    now: datetime,
    *,
    replacing: str = "",
) -> str:
    """A new key and certificate for a server, put into `out` with the root for whoever has to check it.

    The certificate is on record before anybody has it; the key is in `out` only. With `replacing`, a
    server.pem of that serial gives way in one step and is kept as server-<serial>.pem, so that there is a way
    back.

    Returns the serial. Raises BrokerError, and then nothing has been signed.
    """
    root, root_key = _opened(directory, passphrase)
    if root.not_valid_after_utc <= now:
        raise BrokerError(both("根证书已过期", "the root certificate has expired"))
    good = certificates.checked_names(root, names)
    _check_room(root, out, replacing)
    key = ec.generate_private_key(certificates.CURVE)
    cert = certificates.make_server(root, root_key, good, key, now)
    serial, pem = certificates.serial_of(cert), cert.public_bytes(Encoding.PEM)
    files.write_new(directory / ISSUED / f"{serial}.crt", pem, files.PUBLIC)

    out.mkdir(mode=files.SECRET_DIR, parents=True, exist_ok=True)
    target = out / SERVER_PEM
    if target.exists():
        files.write_new(out / f"server-{replacing[:KEPT_DIGITS]}.pem", target.read_bytes())
        files.replace(target, pem + _key_pem(key))
    else:
        files.write_new(target, pem + _key_pem(key))
    for name, source in ((CA_PEM, CERT_FILE), (CA_DER, DER_FILE), (CA_CRL, CRL_FILE)):
        files.replace(out / name, (directory / source).read_bytes(), files.PUBLIC)
    return serial


def _check_room(root: x509.Certificate, out: Path, replacing: str) -> None:
    """Raises BrokerError if `out` has another root, or a server.pem that is not the one to be replaced."""
    problems = []
    target, there = out / SERVER_PEM, out / CA_PEM
    if target.exists():
        if not replacing:
            problems.append(both(f"{target} 已存在，不会覆盖", "exists and is not overwritten"))
        elif certificates.serial_of(x509.load_pem_x509_certificate(target.read_bytes())) != replacing:
            problems.append(both(f"{target} 不是要续期的证书", "is not the certificate to be renewed"))
    if there.exists() and there.read_bytes() != root.public_bytes(Encoding.PEM):
        problems.append(both(f"{there} 是另一个根证书", "is another root"))
    if problems:
        raise BrokerError(*problems)


def revocations(directory: Path) -> x509.CertificateRevocationList:
    """The revocation list. Raises BrokerError."""
    path = directory / CRL_FILE
    try:
        return x509.load_pem_x509_crl(path.read_bytes())
    except (OSError, ValueError):
        raise BrokerError(both(f"无法读取 {path}", f"cannot read {path}")) from None


def listing(directory: Path) -> list[Issued]:
    """Every server certificate of this root, the one that ends first in front. Raises BrokerError."""
    crl = revocations(directory)
    found = []
    for path in (directory / ISSUED).glob("*.crt"):
        cert = x509.load_pem_x509_certificate(path.read_bytes())
        gone = crl.get_revoked_certificate_by_serial_number(cert.serial_number) is not None
        names = certificates.names_of(cert)
        found.append(Issued(certificates.serial_of(cert), names, cert.not_valid_after_utc, gone))
    return sorted(found, key=lambda item: (item.not_after, item.serial))


def find(directory: Path, serial: str) -> Issued:
    """The certificate whose serial begins so. Raises BrokerError unless there is exactly one."""
    found = [item for item in listing(directory) if serial and item.serial.startswith(serial.lower())]
    if len(found) != 1:
        zh = f"序列号“{serial}”对应 {len(found)} 张证书，见 manyi ca list"
        raise BrokerError(both(zh, f"{len(found)} certificates begin so, see manyi ca list"))
    return found[0]


def revoke(directory: Path, serial: str, passphrase: bytes | None, now: datetime) -> Issued:
    """Put it on the revocation list. Raises BrokerError, also if it is there already."""
    with files.locked(directory):
        item = find(directory, serial)
        if item.revoked:
            raise BrokerError(both(f"{item.serial} 已被吊销", f"{item.serial} is revoked already"))
        root, key = _opened(directory, passphrase)
        crl = certificates.make_crl(revocations(directory), root, key, now, add=int(item.serial, 16))
        files.replace(directory / CRL_FILE, crl.public_bytes(Encoding.PEM), files.PUBLIC)
    return item


def renew(directory: Path, serial: str, out: Path, passphrase: bytes | None, now: datetime) -> str:
    """A new key and certificate for the same names; see `issue`. Raises BrokerError."""
    old = find(directory, serial)
    if old.revoked:
        raise BrokerError(both(f"{old.serial} 已被吊销，请重新签发", "is revoked: issue anew"))
    return issue(directory, list(old.names), out, passphrase, now, replacing=old.serial)
