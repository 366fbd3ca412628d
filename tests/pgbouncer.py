"""A real PgBouncer with a certificate: the embedded PostgreSQL is built without TLS, so this one ends it before that."""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers import free_port

# Debian keeps it where only an administrator's shell looks.
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
USER = "careway"
PASSWORD = "made-up"


class Authority:
    """A certificate authority made for a test; `file` is what clients trust. It and what it signs end after some days."""

    def __init__(self, folder: Path, name: str, *, days: int = 90) -> None:
        self._days = days
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def certify(self, folder: Path, *hosts: str) -> tuple[Path, Path]:
        """A server's certificate for these hosts, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(host) for host in hosts]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        builder = self._builder(subject, key).add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        certificate, secret = folder / "server.pem", folder / "server.key"
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        secret.write_bytes(key.private_bytes(*form))
        return certificate, secret

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=self._days))
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class PgBouncer:
    """Use as a context: it takes connections with TLS alone, and passes them on to `port`.

    In transaction mode, unless `sessions`: then it is PostgreSQL with TLS, but for start-up options, which it drops.

    `users` are those it lets in, with the passwords that the server behind it has for them too.
    """

    def __init__(
        self,
        *,
        port: int,
        certificate: Path,
        key: Path,
        address: str = "127.0.0.1",
        users: Mapping[str, str] = MappingProxyType({USER: PASSWORD}),
        sessions: bool = False,
    ) -> None:
        assert PROGRAM
        # It will not be root, and must read what lies here.
        self.folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))
        self.folder.chmod(0o777)
        self.port = free_port()
        for file, name in ((certificate, "server.pem"), (key, "server.key")):
            shutil.copy(file, self.folder / name)
        self._users = dict(users)
        self._write_users()
        settings = {
            "listen_addr": ",".join({"127.0.0.1", address}),
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self.folder / "users.txt",
            "pool_mode": "session" if sessions else "transaction",
            "logfile": self.folder / "log",
            "client_tls_sslmode": "require",
            "client_tls_cert_file": self.folder / "server.pem",
            "client_tls_key_file": self.folder / "server.key",
        }
        if sessions:
            settings |= {"default_pool_size": 100, "ignore_startup_parameters": "options"}
        lines = [f"{name} = {value}" for name, value in settings.items()]
        head = ["[databases]", f"* = host=127.0.0.1 port={port}", "[pgbouncer]"]
        (self.folder / "pgbouncer.ini").write_text("\n".join([*head, *lines, ""]))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        assert PROGRAM
        identity = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to be root
        self._process = subprocess.Popen([PROGRAM, "-q", *identity, str(self.folder / "pgbouncer.ini")])
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError(f"PgBouncer does not answer: {self.log}")

    def change(self, user: str, password: str) -> None:
        """From now on; connections that are there go on."""
        assert self._process
        self._users[user] = password
        self._write_users()
        self._process.send_signal(signal.SIGHUP)

    def _write_users(self) -> None:
        lines = [f'"{user}" "{password}"\n' for user, password in self._users.items()]
        (self.folder / "users.txt").write_text("".join(lines))

    def stop(self) -> None:
        """At once, with all its connections."""
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=10)

    @property
    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def url(self, database: str, options: str, *, host: str = "localhost") -> str:
        return f"postgresql://{USER}:{PASSWORD}@{host}:{self.port}/{database}?{options}"
