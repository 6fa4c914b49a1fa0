"""What our certificates look like: the root, a server's, the revocation list. Pure: no files, no clock.

Refuses: client certificates (boxes prove themselves by password and mac), names outside the root's own
limits, a certificate that outlives its root.
"""

import ipaddress
import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from manyi.broker.names import BrokerError
from manyi.words import both

ROOT_DAYS = 7305
"""20 years: a box carries the root in flash and must not outlive it; a new root is a visit to every hall."""
SERVER_DAYS = 398
"""13 months: renewed once a year, with a month to spare. A box cannot read a revocation list, so for boxes
this is the only limit on a stolen server key."""
NOT_BEFORE = datetime(2024, 1, 1, tzinfo=UTC)
"""Every certificate is valid from here, not from today. A box without a clock believes the day its firmware
was built, or its last record; a certificate renewed after that would be "not yet valid" to it, and without
TLS it never learns the time. docs/WIRE.md takes no clock before 2024 seriously, so no box believes an earlier
day."""
SOON_DAYS = 60
"""From then on `list` and `check` warn: time to get a date with whoever has the root key."""
CURVE = ec.SECP256R1()
"""P-256: the curve that an ESP32's Mbed TLS, OpenSSL and everybody else verify, and quickly."""
NOTHING = "invalid"
"""The top-level name that nobody can have (RFC 6761): a limit to it permits no DNS name."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DNS = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", re.IGNORECASE)
_NUMERIC = re.compile(r"[0-9.]+")

Key = ec.EllipticCurvePrivateKey
Name = x509.DNSName | x509.IPAddress


def serial_of(cert: x509.Certificate) -> str:
    """The serial in hex, as file names and lists have it."""
    return f"{cert.serial_number:040x}"


def names_of(cert: x509.Certificate) -> tuple[str, ...]:
    """The names a certificate is for, DNS names first; empty if it has none."""
    try:
        san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (*san.get_values_for_type(x509.DNSName), *map(str, san.get_values_for_type(x509.IPAddress)))


def days_left(not_after: datetime, now: datetime) -> int:
    """Whole days until then; negative once it has passed."""
    return (not_after - now) // timedelta(days=1)


def _is_dns(text: str) -> bool:
    return bool(_DNS.fullmatch(text)) and not _NUMERIC.fullmatch(text)


def host_name(text: str) -> Name | None:
    """A host name or an IP address; None if it is neither."""
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text.lower()) if _is_dns(text) else None


def limits(permit: list[str]) -> x509.NameConstraints | None:
    """Only these DNS domains and IP networks; a kind not mentioned is shut. None if there is no limit."""
    dns: list[x509.GeneralName] = []
    nets: list[x509.GeneralName] = []
    problems = []
    for item in permit:
        try:
            nets.append(x509.IPAddress(ipaddress.ip_network(item)))
        except ValueError:
            if _is_dns(item):
                dns.append(x509.DNSName(item.lower()))
            else:
                problems.append(both(f"“{item}” 不是域名或网段", f"{item!r}: neither a domain nor a network"))
    if problems:
        raise BrokerError(*problems)
    if not permit:
        return None
    shut = [] if nets else [x509.IPAddress(ipaddress.ip_network(net)) for net in ("0.0.0.0/0", "::/0")]
    return x509.NameConstraints([*(dns or [x509.DNSName(NOTHING)]), *nets], shut or None)


def permitted(root: x509.Certificate, name: Name) -> bool:
    """Whether the root's limits allow this name."""
    try:
        allowed = root.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return True
    if isinstance(name, x509.DNSName):
        domains = [tree.value for tree in allowed if isinstance(tree, x509.DNSName)]
        return any(name.value == domain or name.value.endswith(f".{domain}") for domain in domains)
    nets = [tree.value for tree in allowed if isinstance(tree, x509.IPAddress)]
    return any(name.value in net for net in nets)  # type: ignore[operator]  # subtrees are networks


def checked_names(root: x509.Certificate, names: list[str]) -> list[x509.GeneralName]:
    """The names of a server certificate. Raises BrokerError, with all that is wrong."""
    problems = [] if names else [both("至少要一个主机名", "at least one host name is needed")]
    good: list[x509.GeneralName] = []
    for text in dict.fromkeys(names):
        match host_name(text):
            case None:
                problems.append(both(f"“{text}” 不是主机名或 IP", f"{text!r}: neither a host name nor an IP"))
            case name if not permitted(root, name):
                problems.append(both(f"{text} 超出根证书允许的范围", f"{text} is outside the root's limits"))
            case name:
                good.append(name)
    if problems:
        raise BrokerError(*problems)
    return good


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _draft(subject: str, key: ec.EllipticCurvePublicKey, not_after: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def make_root(name: str, permit: list[str], key: Key, now: datetime) -> x509.Certificate:
    """A self-signed root. Its limits are not marked critical: Mbed TLS refuses a critical extension that it
    does not know, and a box checks one fixed name anyway. OpenSSL and browsers enforce them all the same."""
    draft = (
        _draft(name, key.public_key(), now + timedelta(days=ROOT_DAYS))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
    )
    if limit := limits(permit):
        draft = draft.add_extension(limit, critical=False)
    return draft.sign(key, hashes.SHA256())


def make_server(
    root: x509.Certificate, root_key: Key, names: list[x509.GeneralName], key: Key, now: datetime
) -> x509.Certificate:
    """A server's certificate. The names are in the SAN only; the subject is for people."""
    end = min(now + timedelta(days=SERVER_DAYS), root.not_valid_after_utc)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    return (
        _draft("manyi broker", key.public_key(), end)
        .issuer_name(root.subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(root_key, hashes.SHA256())
    )


def make_crl(
    old: x509.CertificateRevocationList | None,
    root: x509.Certificate,
    key: Key,
    now: datetime,
    add: int | None = None,
) -> x509.CertificateRevocationList:
    """The next revocation list: the old one's entries and, if given, one serial more."""
    number = (
        old.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1 if old is not None else 1
    )
    draft = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now)
        # Nobody fetches a newer one by himself, so an early end would only lock the collector out.
        .next_update(root.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for entry in old or ():
        draft = draft.add_revoked_certificate(entry)
    if add is not None:
        gone = x509.RevokedCertificateBuilder().serial_number(add).revocation_date(now).build()
        draft = draft.add_revoked_certificate(gone)
    return draft.sign(key, hashes.SHA256())
