"""The cloud on this machine: moto for AWS, real PostgreSQL servers, Kubernetes by its schemas.

Everything it keeps is below one directory, `.patchworks/` in the checkout, closed to others:
`moto/`, `postgresql/<cluster>/`, `poolers/<cell>/<tenant>/`, `kubernetes.sqlite`, `stacks/`, and
the key of the secrets in them. Servers outlive the command that started them, and commands share
them.
"""

from __future__ import annotations

import contextlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from rehearsal.provider_cloud import ProviderCloud
from rehearsal.secrets_store import SecretsStore
from rehearsal.servers import process
from rehearsal.servers.moto import MotoServer
from rehearsal.servers.poolers import Poolers
from rehearsal.servers.postgresql import PostgresqlServer, PostgresqlServers
from rehearsal.state import StackState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

DIRECTORY = ".patchworks"


@dataclass(frozen=True)
class ServerStatus:
    """What one server of the local cloud is doing."""

    server: str
    """`aws`, or the database cluster's name."""
    version: str
    address: str
    """Host and port, empty while it does not run."""
    pid: int | None
    state: Literal["running", "stopped"]
    note: str | None = None
    """Where it differs from what the catalog declares."""


class LocalCloud:
    """Starts, shares and stops the servers, and hands out what a provider sees of them."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self.moto = MotoServer(self._root / "moto")
        self.postgresql = PostgresqlServers(self._root / "postgresql")
        self.poolers = Poolers(self._root / "poolers")
        self.known_accounts: set[tuple[str, str]] = set()
        """Accounts and regions that AWS providers have named so far."""
        self._outputs: dict[str, tuple[tuple[int, int, int], Mapping[str, Any]]] = {}
        """What stacks exported, each with the state of the file that says so."""

    @classmethod
    def at(cls, root: Path | None) -> LocalCloud:
        """The local cloud of a directory, by default of the checkout that this runs from.

        Raises `CatalogNotFoundError` where there is no checkout.
        """
        from catalog.load import find_root

        return cls(root if root is not None else find_root(None) / DIRECTORY)

    @property
    def root(self) -> Path:
        """The directory that holds everything."""
        return self._root

    @property
    def secrets(self) -> SecretsStore:
        """What encrypts secrets that are kept."""
        self._make_root()
        return SecretsStore(self._root / "secrets.key")

    @property
    def kubernetes_file(self) -> Path:
        """Where the clusters' objects are noted."""
        return self._root / "kubernetes.sqlite"

    @property
    def generation(self) -> str:
        """Changes when all of AWS was lost; raises `RuntimeError` while moto does not run."""
        generation = self.moto.generation
        if generation is None:
            raise RuntimeError("the local cloud does not run; `patchworks local start` starts it")
        return generation

    @contextlib.contextmanager
    def exclusively(self, timeout: float = 300.0) -> Iterator[None]:
        """Keep other commands from changing the cloud meanwhile.

        Raises `process.Locked` when others are busy with it for longer than that many seconds.
        """
        self._make_root()
        with process.locked(self._root / "rehearsal.lock", timeout=timeout):
            yield

    def start(
        self,
        declared: Mapping[str, str] | None = None,
        progress: Callable[[ServerStatus], None] = lambda _: None,
    ) -> None:
        """Start what does not run: moto, every server there was before, and the declared ones.

        `declared` maps names of database clusters to engine versions. Other clusters' servers are
        started when their declaration is applied. Raises `process.ServerFailed`.
        """
        self._make_root()
        clusters = self.postgresql.recorded() | dict(declared or {})
        with ThreadPoolExecutor(max_workers=1) as pool:
            aws = pool.submit(self.moto.start)
            self.postgresql.ensure_all(clusters, lambda server: progress(self._status_of(server)))
            aws.result()
        self.poolers.start()
        progress(self._aws_status())

    def stop(self) -> int:
        """Stop every server; how many were running. Databases keep their data, moto has none."""
        return self.poolers.stop() + int(self.moto.stop()) + self.postgresql.stop()

    def reset(self) -> int:
        """Stop every server and delete all that the local cloud has; how many were running."""
        stopped = self.stop()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._root)
        return stopped

    def status(self) -> list[ServerStatus]:
        """What each server is doing, AWS first."""
        servers = [
            ServerStatus(s.cluster, s.version, s.address, s.pid, s.state, s.note)
            for s in self.postgresql.status()
        ]
        return [self._aws_status(), *servers]

    def aws(self, service: str, account: str, region: str) -> Any:
        """A boto3 client for one service in one account and region."""
        return self.moto.client(service, account, region)

    def for_provider(self, type: str, settings: Mapping[str, Any]) -> ProviderCloud:
        """The local cloud as a provider of a type such as `pulumi:providers:aws` sees it."""
        return ProviderCloud(self, type, settings)

    def stack_state(self, stack: str) -> Path:
        """The file that keeps what was applied of a stack."""
        return self._root / "stacks" / f"{stack}.jsonl"

    def applied_stacks(self) -> list[str]:
        """The stacks of which something is kept."""
        return sorted(path.stem for path in (self._root / "stacks").glob("*.jsonl"))

    def stack_outputs(self, stack: str) -> Mapping[str, Any]:
        """What a stack exported when it was applied last; `LookupError` before that."""
        try:
            found = self.stack_state(stack).stat()
        except FileNotFoundError:
            raise LookupError(f"the stack {stack} has not been rehearsed") from None
        seen = (found.st_ino, found.st_size, found.st_mtime_ns)
        known = self._outputs.get(stack)
        if known is None or known[0] != seen:
            state = StackState.read(self.stack_state(stack), self.secrets)
            known = self._outputs[stack] = (seen, state.exports)
        return known[1]

    def _make_root(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root.chmod(0o700)

    def _aws_status(self) -> ServerStatus:
        running = self.moto.status()
        return ServerStatus(
            server="aws",
            version=f"moto {version('moto')}",
            address=f"127.0.0.1:{running.port}" if running else "",
            pid=running.pid if running else None,
            state="running" if running else "stopped",
        )

    def _status_of(self, server: PostgresqlServer) -> ServerStatus:
        return next(status for status in self.status() if status.server == server.cluster)
