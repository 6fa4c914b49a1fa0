"""When certificates end: read from the files that the configuration names, before they end.

A file is named as the configuration names it (`broker`, `collector`, `ca`). A folder is searched, with the `issued` of
`manyi ca` in it: its root is `<name>` itself, every other certificate `<name>:<its first name>`; of several for one name
the last to end counts (the others were renewed), and a revoked one does not. Only the certificates are read: of a
server.pem the key beside it is left alone. Refuses to call a file well that it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from manyi.core.days import DAY_MS

BROKER: Final = "broker"
SUFFIXES: Final = (".crt", ".pem")
ISSUED, CRL = "issued", "root.crl"  # in the folder of `manyi ca`
FILES_MAX: Final = 10_000  # of one folder: more are no certificates of ours


class Certificate(NamedTuple):
    """`expires_ms` None: it cannot be read, and `why` says so."""

    name: str
    expires_ms: int | None
    why: str = ""

    def days_left(self, now_ms: int) -> int:
        """Whole days; negative once it has ended."""
        return ((self.expires_ms or 0) - now_ms) // DAY_MS


def with_brokers(found: list[Certificate], ends_ms: int) -> list[Certificate]:
    """And the one that the broker has shown on the link, where no file of that name is watched."""
    if not ends_ms or any(one.name == BROKER for one in found):
        return found
    return sorted([*found, Certificate(BROKER, ends_ms)], key=_order)


def read(named: Iterable[tuple[str, Path]]) -> list[Certificate]:
    """Every certificate of these files and folders, the one that ends first in front, the unreadable before all."""
    found: dict[str, Certificate] = {}
    for name, path in named:
        for one in _of(name, path):
            had = found.get(one.name)
            if had is None or had.expires_ms is None or (one.expires_ms or 0) > had.expires_ms:
                found[one.name] = one
    return sorted(found.values(), key=_order)


def _order(one: Certificate) -> tuple[int, str]:
    return (one.expires_ms or 0, one.name)


def _of(name: str, path: Path) -> Iterator[Certificate]:
    try:
        if not path.is_dir():
            first = _load(path)[0]  # what follows in a chain is its issuer's
            yield Certificate(name, _expires_ms(first))
            return
        files = [
            file for folder in (path, path / ISSUED) if folder.is_dir() for file in sorted(folder.iterdir())
        ]
        gone = _revoked(path / CRL)
    except (OSError, ValueError) as error:
        yield Certificate(name, None, str(error))
        return
    for file in [f for f in files if f.suffix in SUFFIXES][:FILES_MAX]:
        try:
            certificate = _load(file)[0]
        except (OSError, ValueError) as error:
            yield Certificate(f"{name}:{file.stem}", None, str(error))
            continue
        if certificate.serial_number not in gone:
            yield Certificate(
                name if _is_ca(certificate) else f"{name}:{_subject(certificate) or file.stem}",
                _expires_ms(certificate),
            )


def _load(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def _revoked(path: Path) -> set[int]:
    if not path.exists():
        return set()
    return {entry.serial_number for entry in x509.load_pem_x509_crl(path.read_bytes())}


def _expires_ms(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp() * 1000)


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        value = certificate.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS).value
    except x509.ExtensionNotFound:
        return False
    return isinstance(value, x509.BasicConstraints) and value.ca


def _subject(certificate: x509.Certificate) -> str:
    """Its first alternative name, else its common name."""
    try:
        value = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        value = None
    if isinstance(value, x509.SubjectAlternativeName):
        for each in value:
            return str(each.value)
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else ""
