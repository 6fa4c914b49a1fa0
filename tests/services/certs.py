"""Certificates for one test run, made with the openssl program: an authority, and a server for 127.0.0.1.

For tests only: keys are unprotected and live in the test's folder. A box takes DER, everybody else PEM.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.processes import find, missing

DAYS = "2"  # a test's life, over midnight


@dataclass(frozen=True, slots=True)
class Certs:
    ca: Path  # PEM
    ca_der: Path
    server_cert: Path
    server_key: Path


def make_certs(folder: Path, name: str = "localhost", address: str = "127.0.0.1") -> Certs:
    openssl = find("openssl")
    if openssl is None:
        missing("openssl", "sudo apt install openssl")
    assert openssl is not None
    folder.mkdir(parents=True, exist_ok=True)

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=folder)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run(
        "req",
        "-x509",
        *key,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        DAYS,
        "-subj",
        "/CN=manyi test authority",
    )
    run("x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der")
    run("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={name}")
    (folder / "names").write_text(f"subjectAltName=DNS:{name},IP:{address}\n")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", DAYS, "-extfile", "names")
    run("x509", "-req", "-in", "server.csr", *sign, "-out", "server.pem")
    return Certs(folder / "ca.pem", folder / "ca.der", folder / "server.pem", folder / "server.key")


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certs:
    """An authority and a server certificate for 127.0.0.1 and localhost."""
    return make_certs(tmp_path_factory.mktemp("certs"))
