"""What is wrong with a broker's certificate, as a box would see it. Pure: bytes in, findings out.

Refuses to repair anything.
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from manyi.broker import certificates, mosquitto
from manyi.broker.judge import CA, FOLDER, Finding, finding
from manyi.words import many


def _judge_end(where: str, cert: x509.Certificate, now: datetime, do: tuple[str, str]) -> Iterator[Finding]:
    """`do`: what to do in time; once it has ended, the same at once."""
    days = certificates.days_left(cert.not_valid_after_utc, now)
    if days < 0:
        yield finding(
            where,
            f"证书已过期 {-days} 天，评价器都连不上",
            f"expired {many(-days, 'day')} ago: no box connects any more",
            *do,
        )
    elif days < certificates.SOON_DAYS:
        yield finding(where, f"证书 {days} 天后过期", f"expires in {many(days, 'day')}", *do)
    if cert.not_valid_before_utc > now:
        yield finding(
            where,
            "证书尚未生效",
            "not valid yet",
            "核对本机时间：timedatectl；时间对，就换一张已生效的证书",
            "check this machine's time: timedatectl; if it is right, take another certificate",
        )


def judge_certificate(
    where: str,
    server_pem: bytes,
    root_pem: bytes,
    crl_pem: bytes | None,
    now: datetime,
    folder: str = FOLDER,
) -> Iterator[Finding]:
    """Whether a box that has this root would accept this server, today and for some time."""
    old = f"{folder}/{mosquitto.SERVER_PEM}"
    issue = f"mv {old} {old}.old; manyi ca issue NAME --dir {CA} --out {folder}"
    try:
        cert, root = x509.load_pem_x509_certificate(server_pem), x509.load_pem_x509_certificate(root_pem)
        key = load_pem_private_key(server_pem, None)
    except (ValueError, TypeError):
        yield finding(
            where,
            f"{where} 或 {mosquitto.CA_PEM} 无法识别",
            f"{where} or {mosquitto.CA_PEM} cannot be read",
            f"从备份取回，或重签（NAME 是服务器域名）：{issue}",
            f"take them from a copy, or issue again (NAME: the server's): {issue}",
        )
        return
    if key.public_key() != cert.public_key():
        yield finding(
            where,
            "密钥与证书不符",
            "the key is not that of the certificate",
            f"重签（NAME 是服务器域名）：{issue}",
            f"issue it again (NAME: the server's): {issue}",
        )
    try:
        cert.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        yield finding(
            where,
            f"不是 {mosquitto.CA_PEM} 签发的，评价器不认",
            f"was not signed by the root in {mosquitto.CA_PEM}: boxes refuse it",
            f"换回原来的 {mosquitto.CA_PEM}；{mosquitto.CA_PEM} 没换过就重签（NAME 是服务器域名）：{issue}",
            f"put the old {mosquitto.CA_PEM} back; if it is the old one, issue again (NAME: the server's): {issue}",
        )
    if not certificates.names_of(cert):
        yield finding(
            where,
            "证书没有主机名，评价器不认",
            "is for no host name: boxes refuse it",
            f"重签（NAME 是服务器域名）：{issue}",
            f"issue it again (NAME: the server's): {issue}",
        )
    renew = f"manyi ca renew SERIAL --dir {CA} --out {folder}"
    yield from _judge_end(
        where,
        cert,
        now,
        (
            f"续期（SERIAL 见 manyi ca list --dir {CA}）：{renew}",
            f"renew it (SERIAL: manyi ca list --dir {CA}): {renew}",
        ),
    )
    yield from _judge_end(
        mosquitto.CA_PEM,
        root,
        now,
        (
            "换根：建新的 CA，先把新根写进每台评价器（BROKER.md、CONSOLE.md 的 renew），再换服务器证书",
            "make a new authority, put its root into every box (BROKER.md; CONSOLE.md, renew), then change the server's",
        ),
    )
    if crl_pem is not None:
        with contextlib.suppress(ValueError):
            crl = x509.load_pem_x509_crl(crl_pem)
            if crl.get_revoked_certificate_by_serial_number(cert.serial_number):
                yield finding(
                    where,
                    "证书已被吊销",
                    "is on the revocation list",
                    f"重签（NAME 是服务器域名）：{issue}",
                    f"issue another (NAME: the server's): {issue}",
                )
