"""Which objects the local cloud's Kubernetes clusters hold: names only, as nothing runs them."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUILT_IN_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    cluster TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    logical_name TEXT NOT NULL,
    uid TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (cluster, kind, namespace, name)
) WITHOUT ROWID
"""


class KubernetesRefusedError(ValueError):
    """A cluster would refuse the request; the text is the API server's."""


@dataclass(frozen=True)
class StoredObject:
    """An object as the cluster knows it."""

    uid: str
    version: int
    """Counts the object's changes; its `resourceVersion` and `generation`."""


@dataclass(frozen=True)
class KubernetesCluster:
    """One cluster's objects, in a database that commands share.

    Bodies are not kept: they are in the stacks' states, where secrets are encrypted.
    """

    file: Path
    name: str
    version: str | None
    """The control plane's minor version, such as `1.34`; None where no cluster tells it."""

    def create(self, kind: str, namespace: str, name: str, logical_name: str) -> StoredObject:
        """Note a new object; `namespace` is empty for what belongs to the cluster.

        An object of the same resource is one whose creation was cut short, and is taken over.
        Raises `KubernetesRefusedError` when the namespace is missing or the name is taken.
        """
        with self._connect() as database:
            if namespace and not self._namespace_exists(database, namespace):
                raise KubernetesRefusedError(f'namespaces "{namespace}" not found')
            row = database.execute(
                "SELECT logical_name FROM objects"
                " WHERE (cluster, kind, namespace, name) = (?, ?, ?, ?)",
                (self.name, kind, namespace, name),
            ).fetchone()
            if row is not None and row[0] != logical_name:
                where = f"{namespace}/{name}" if namespace else name
                raise KubernetesRefusedError(f'{kind} "{where}" already exists, as {row[0]}')
            if kind == "Namespace" and name in _BUILT_IN_NAMESPACES:
                raise KubernetesRefusedError(f'namespaces "{name}" already exists')
            stored = StoredObject(str(uuid.uuid4()), 1)
            database.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self.name, kind, namespace, name, logical_name, stored.uid, stored.version),
            )
            return stored

    def change(self, kind: str, namespace: str, name: str) -> StoredObject:
        """Count a change; `KubernetesRefusedError` for an object that is not there."""
        key = (self.name, kind, namespace, name)
        with self._connect() as database:
            row = database.execute(
                "UPDATE objects SET version = version + 1"
                " WHERE (cluster, kind, namespace, name) = (?, ?, ?, ?) RETURNING uid, version",
                key,
            ).fetchone()
        if row is None:
            raise KubernetesRefusedError(f'{kind} "{name}" not found')
        return StoredObject(*row)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Forget an object, and with a namespace all that is in it; gone already is fine."""
        with self._connect() as database:
            database.execute(
                "DELETE FROM objects WHERE (cluster, kind, namespace, name) = (?, ?, ?, ?)",
                (self.name, kind, namespace, name),
            )
            if kind == "Namespace":
                database.execute(
                    "DELETE FROM objects WHERE (cluster, namespace) = (?, ?)", (self.name, name)
                )

    def count(self) -> int:
        """How many objects the cluster has."""
        with self._connect() as database:
            query = "SELECT count(*) FROM objects WHERE cluster = ?"
            return int(database.execute(query, (self.name,)).fetchone()[0])

    def _namespace_exists(self, database: sqlite3.Connection, namespace: str) -> bool:
        row = database.execute(
            "SELECT 1 FROM objects WHERE (cluster, kind, namespace, name) = (?, ?, ?, ?)",
            (self.name, "Namespace", "", namespace),
        ).fetchone()
        return row is not None or namespace in _BUILT_IN_NAMESPACES

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as database, database:
            # What a lost power supply takes, the next rehearsal makes again.
            database.execute("PRAGMA synchronous = OFF")
            database.execute(_SCHEMA)
            yield database
