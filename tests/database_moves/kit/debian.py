"""PostgreSQL as Debian builds it: with TLS and ICU, and of versions that the wheel lacks."""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rehearsal.servers import process
from rehearsal.servers.postgresql import Login, PostgresqlServer
from rehearsal.servers.postgresql_installation import Account, Installation
from rehearsal.servers.postgresql_server import SUPERUSER
from rehearsal.servers.postgresql_settings import authentication, configuration

from . import ports

DIRECTORY = Path("/usr/lib/postgresql")
OLDEST = 15
"""The oldest version that moves are for; Ubuntu 22.04 has 14."""

START_SECONDS = 120.0
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def installations() -> dict[int, Installation]:
    """The server programs of Debian's packages, by major version; those too old are left out."""
    found = (re.fullmatch(r"\d+", path.name) for path in DIRECTORY.glob("*"))
    majors = sorted(int(match[0]) for match in found if match)
    return {
        major: Installation(major, DIRECTORY / str(major) / "bin")
        for major in majors
        if major >= OLDEST and (DIRECTORY / str(major) / "bin" / "initdb").exists()
    }


class DebianPostgres:
    """One server of Debian's newest version, or of `major`.

    It takes connections with TLS and without; `authority` is the certificate to verify it by, as
    `127.0.0.1` or `localhost`. Its databases are collated by ICU.
    """

    def __init__(self, directory: Path, major: int | None = None) -> None:
        there = installations()
        if not there or (major is not None and major not in there):
            raise LookupError(
                f"Debian's PostgreSQL {major or OLDEST} is missing, there is {sorted(there)}: "
                "apt-get install postgresql"
            )
        self.programs = there[major or max(there)]
        self.directory = directory
        self.authority = directory / "authority.pem"
        self.log = directory / "server.log"
        self._data = directory / "data"
        self._pidfile = directory / "server.pid"
        self._sockets = Path(tempfile.mkdtemp(prefix="debian-"))
        self._kept = ports.reserved()
        self._port = ports.number(self._kept)

    def start(self, **settings: str | int) -> PostgresqlServer:
        """Start the server, making its data at first; `settings` add to those of the tests."""
        account = Account.current()
        account.own(self._sockets)
        if not self._data.exists():
            self._initialize()
        (self._data / "postgresql.conf").write_text(
            configuration(self.programs.major, self._port, self._sockets)
            + "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n"
            + "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        )
        process.start(
            self.programs.command("postgres", "-D", self._data),
            pidfile=self._pidfile,
            log=self.log,
            environment=_ENVIRONMENT,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.server.superuser_dsn, connect_timeout=5).close()
            except psycopg.OperationalError:
                if process.find(self._pidfile) is None or time.monotonic() > deadline:
                    raise process.ServerFailed("PostgreSQL did not start", self.log) from None
                time.sleep(0.05)
            else:
                return self.server

    def stop(self) -> None:
        """End it after a checkpoint, and remove its socket's directory."""
        process.stop(self._pidfile, sign=signal.SIGINT, timeout=30)
        self._kept.close()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def crash(self) -> None:
        """End it as a power cut would; `start` then recovers it."""
        process.stop(self._pidfile, sign=signal.SIGQUIT, timeout=10)

    @property
    def server(self) -> PostgresqlServer:
        """The server as tests know one."""
        version = self.programs.version
        return PostgresqlServer(
            cluster=f"debian-{self.programs.major}",
            host="127.0.0.1",
            port=self._port,
            version=version,
            engine_version=version,
            deployer=Login("nobody", ""),
            mover=Login("nobody", ""),
            socket_directory=self._sockets,
        )

    def _initialize(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        account = Account.current()
        self._data.mkdir()
        account.own(self._data)
        subprocess.run(
            self.programs.command(
                "initdb",
                *("--pgdata", self._data, "--username", SUPERUSER),
                *("--encoding", "UTF8", "--locale", "C.UTF-8"),
                *("--locale-provider", "icu", "--icu-locale", "en-US"),
                *("--auth", "reject", "--no-instructions", "--no-sync"),
            ),
            env=_ENVIRONMENT,
            cwd="/",
            check=True,
            capture_output=True,
        )
        (self._data / "pg_hba.conf").write_text(authentication())
        certificate, key, authority = _certificates()
        self.authority.write_bytes(authority)
        for name, content in (("server.pem", certificate), ("server.key", key)):
            file = self._data / name
            file.write_bytes(content)
            file.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(file, account.user, account.group)


def _certificates() -> tuple[bytes, bytes, bytes]:
    """A server's certificate and key, and the certificate of the authority that signed it."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    now = datetime.datetime.now(datetime.UTC)

    def builder() -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(authority_name)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    authority = (
        builder()
        .subject_name(authority_name)
        .public_key(authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        builder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .public_key(key.public_key())
        .add_extension(names, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return (
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        authority.public_bytes(pem),
    )
