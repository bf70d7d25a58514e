"""The local cloud's PostgreSQL: one real server for each declared database cluster."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rehearsal.servers import process
from rehearsal.servers.postgresql_cluster import Cluster
from rehearsal.servers.postgresql_server import Login, PostgresqlServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Login", "PostgresqlServer", "PostgresqlServers", "PostgresqlStatus"]

_CLUSTER = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class PostgresqlStatus:
    """What is known of one cluster's server without asking it."""

    cluster: str
    version: str
    address: str
    pid: int | None
    state: Literal["running", "stopped"]
    note: str | None


class PostgresqlServers:
    """All PostgreSQL servers below one directory, shared by the commands that name it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._known: dict[str, PostgresqlServer] = {}

    def ensure(self, cluster: str, engine_version: str) -> PostgresqlServer:
        """Start the cluster's server, or find it running.

        `engine_version` is the declared one, such as `16.8`; the server is the nearest at hand,
        and its `note` says where it differs. Data of an earlier start are kept, and with them
        their major version.
        """
        if not _CLUSTER.fullmatch(cluster):
            raise ValueError(f"{cluster!r} is no name of a database cluster")
        server = Cluster(self._directory / cluster).start(engine_version)
        self._known[cluster] = server
        return server

    def ensure_all(
        self,
        declared: Mapping[str, str],
        progress: Callable[[PostgresqlServer], None] = lambda _: None,
    ) -> None:
        """Ensure every cluster of a mapping from names to engine versions, two at a time."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            starts = [pool.submit(self.ensure, *item) for item in declared.items()]
            try:
                for start in starts:
                    progress(start.result())
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def find(self, host: str, port: int) -> PostgresqlServer:
        """The running server at an address: its own, or its cluster's name as a host name.

        RDS names hosts `<cluster>.cluster-<id>.<region>.rds.amazonaws.com`; such a name is known
        by its first label, whatever the port. Raises `LookupError` naming the servers there are.
        """
        for server in self._known.values():
            if _serves(server, host, port) and self._cluster(server.cluster).running() == server:
                return server
        for cluster in self.recorded():
            found = self._cluster(cluster).running()
            if found is not None:
                self._known[cluster] = found
                if _serves(found, host, port):
                    return found
        known = ", ".join(f"{s.cluster} at {s.host}:{s.port}" for s in self._known.values())
        raise LookupError(f"no local PostgreSQL server is {host}:{port}; there are: {known or '-'}")

    def recorded(self) -> dict[str, str]:
        """The clusters that were ever started and not removed, with their engine versions."""
        found = {}
        for record in sorted(self._directory.glob("*/server.json")):
            content = self._cluster(record.parent.name).record()
            if content is not None and "engine_version" in content:
                found[record.parent.name] = str(content["engine_version"])
        return found

    def remove(self, cluster: str) -> None:
        """Stop a cluster's server and delete its data; that there is none is no error."""
        if not _CLUSTER.fullmatch(cluster):
            raise ValueError(f"{cluster!r} is no name of a database cluster")
        self._known.pop(cluster, None)
        self._cluster(cluster).remove()

    def stop(self) -> int:
        """Stop every server, keeping the data; how many were running."""
        self._known.clear()
        directories = [path for path in self._directory.glob("*") if path.is_dir()]
        with ThreadPoolExecutor(max_workers=4) as pool:
            return sum(pool.map(lambda path: Cluster(path).stop(), directories))

    def status(self) -> list[PostgresqlStatus]:
        """What each recorded server is doing, by cluster."""
        return [self._status(cluster) for cluster in self.recorded()]

    def _cluster(self, name: str) -> Cluster:
        return Cluster(self._directory / name)

    def _status(self, name: str) -> PostgresqlStatus:
        cluster = self._cluster(name)
        running = cluster.running()
        found = process.find(cluster.pidfile)
        record = cluster.record() or {}
        return PostgresqlStatus(
            cluster=name,
            version=str(record.get("version", "")),
            address=f"{running.host}:{running.port}" if running else "",
            pid=found.pid if found else None,
            state="running" if running else "stopped",
            note=running.note if running else None,
        )


def _serves(server: PostgresqlServer, host: str, port: int) -> bool:
    if host == server.host or host == "localhost":
        return port == server.port
    return host.split(".", 1)[0] == server.cluster
