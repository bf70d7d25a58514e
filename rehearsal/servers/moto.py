"""The local cloud's AWS: moto's server as a process of its own, on a free loopback port."""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal import attempts
from rehearsal.servers import process

if TYPE_CHECKING:
    import botocore.session

START_LIMIT_SECONDS = 180.0
"""It takes 1 s with warm file caches; ten times that has been seen on a machine under load, and a
process that is still at work would be ended in vain."""

ANSWER_SECONDS = 300.0
"""It answers one request after the other, on a machine that may have much else to do."""

_SETTINGS = {
    # A role that names one of AWS's own policies must find it.
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    # Certificates are validated at once instead of after a minute.
    "MOTO_ACM_VALIDATION_WAIT": "0",
    "PYTHONUNBUFFERED": "1",
}


@functools.cache
def session() -> botocore.session.Session:
    """What this process makes all clients from; it has read AWS's endpoints, and keeps APIs."""
    import botocore.session

    # What the user's own files say must not lead a client anywhere else.
    absent = (None, None, os.devnull, None)
    made = botocore.session.Session({"profile": (None, None, None, None), "config_file": absent})
    made.get_available_partitions()
    return made


_making = threading.Lock()
"""Held while a client is made, for what its session reads then is read for all."""


class MotoNotRunning(RuntimeError):  # noqa: N818 - it tells what happened, as a log line would
    """A client was asked for while no server runs."""


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    pid: int
    port: int
    """TCP port on 127.0.0.1."""
    generation: str
    """Changes with every fresh start."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


class MotoServer:
    """moto's server, shared by all who name the same directory.

    The directory holds `moto.pid`, `moto.json` (port and generation), `moto.lock`, and `moto.log`
    with the requests that failed.

    moto keeps every account in memory: when the server ends, all that was created is lost. It has
    no dump to restore from; its recorder replays requests, which costs as much as creating
    everything again and gives other ids. So each fresh start has a new `generation`, and whoever
    remembers what is in the cloud must forget it when the generation has changed.

    IAM permissions are not enforced.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._clients: dict[tuple[int, str, str, str], Any] = {}

    def start(self) -> Running:
        """Start the server, or adopt the one that runs.

        Raises `process.ServerFailed` with the end of its log when it does not come up.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        log = self._directory / "moto.log"
        with process.locked(self._directory / "moto.lock"):
            server = process.find(self._pidfile)
            if server is None:
                self._address.unlink(missing_ok=True)
                log.unlink(missing_ok=True)
                server = process.start(
                    [sys.executable, "-m", "rehearsal.servers.moto_process", self._address],
                    pidfile=self._pidfile,
                    log=log,
                    environment=environment(),
                    directory=Path(__file__).parents[2],
                )
            deadline = time.monotonic() + START_LIMIT_SECONDS
            while server.running and time.monotonic() < deadline:
                running = self.status()
                if running is not None:
                    return running
                time.sleep(0.02)
            process.stop(self._pidfile)
            raise process.ServerFailed("moto's server did not start", log)

    def stop(self) -> bool:
        """End the server, and with it everything that was created; whether one was running."""
        if not self._directory.exists():
            return False
        with process.locked(self._directory / "moto.lock"):
            was_running = process.stop(self._pidfile)
            self._address.unlink(missing_ok=True)
        with _making:
            self._clients.clear()
        return was_running

    def status(self) -> Running | None:
        """The server that runs and answers, or None."""
        server = process.find(self._pidfile)
        if server is None:
            return None
        try:
            running = Running(**json.loads(self._address.read_text()))
        except FileNotFoundError:
            return None
        return running if running.pid == server.pid else None

    @property
    def generation(self) -> str | None:
        """Changes with every fresh start; None while no server runs."""
        running = self.status()
        return None if running is None else running.generation

    def client(self, service: str, account: str, region: str) -> Any:
        """A boto3 client for one service in one account and region.

        Clients are made once and may be used by several threads. Nothing is retried: a refusal
        of the local cloud is final. Raises `MotoNotRunning` when no server runs.
        """
        running = self.status()
        if running is None:
            raise MotoNotRunning(
                f"no server runs from {self._directory}; start it with `patchworks local start`"
            )
        key = (running.port, service, account, region)
        with _making:
            if key not in self._clients:
                self._clients[key] = self._make(running, service, account, region)
            return self._clients[key]

    @property
    def _pidfile(self) -> Path:
        return self._directory / "moto.pid"

    @property
    def _address(self) -> Path:
        return self._directory / "moto.json"

    def _make(self, running: Running, service: str, account: str, region: str) -> Any:
        from botocore.config import Config

        client = session().create_client(
            service,
            region_name=region,
            endpoint_url=running.url,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - moto takes any
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=ANSWER_SECONDS,
                max_pool_connections=32,
                proxies={},
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
            ),
        )

        def choose_account(request: Any, operation_name: str, **_: Any) -> None:
            # moto derives the account from keys that it handed out itself, unless told so.
            request.headers["x-moto-account-id"] = account
            token = attempts.call_token(operation_name)
            if token is not None:
                request.headers[attempts.TOKEN_HEADER] = token
            # S3 Control puts the account before the host, where no name leads to.
            request.url = request.url.replace(f"//{account}.127.0.0.1:", "//127.0.0.1:")

        client.meta.events.register("before-sign.*", choose_account)
        return client


def environment() -> dict[str, str]:
    """The server's environment: the user's without their AWS and moto settings, and our own."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))
    }
    return inherited | _SETTINGS
