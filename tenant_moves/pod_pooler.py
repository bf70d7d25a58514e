"""One pod of a tenant's pooler: paused, led to the other side, and let go on."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from components.kubernetes.pooler import NAME
from components.kubernetes.pooler_config import DIRECTORY
from database_moves.errors import MoveError
from database_moves.poolers import configuration
from database_moves.poolers.pgbouncer import PgBouncer
from tenant_moves.pod_console import PodConsole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from database_moves.poolers.console import Console
    from database_moves.poolers.pgbouncer import Way
    from tenant_moves.cluster import Cluster

FILE = "pgbouncer.ini"


@dataclass(frozen=True)
class Pod:
    """A pod of a tenant's pooler in one cell."""

    cluster: Cluster
    cell: str
    namespace: str
    name: str


class PodPgBouncer(PgBouncer):
    """The PgBouncer of one pod.

    A pod runs from a copy of the Secret that all pods of the pooler have; the Secret follows, so
    that a pod which starts later leads where the others do.
    """

    def __init__(self, pod: Pod, ways: Sequence[Way]) -> None:
        """`ways` are the writers of the two sides, and their readers."""
        self._pod = pod
        self._file = Path(DIRECTORY, FILE)
        self._ways = [*ways]
        self._held = None

    @cached_property
    def described(self) -> str:
        """Which pod it is, for people."""
        return f"PgBouncer in the pod {self._pod.name} of {self._pod.cell}"

    def _console(self) -> Console:
        return PodConsole(self._pod.cluster, self._pod.namespace, self._pod.name, self.described)

    def _entries(self) -> Sequence[configuration.Entry]:
        with tempfile.TemporaryDirectory(prefix="patchworks-") as directory:
            return configuration.entries(self._copy(directory))

    def _rewrite(self, aliases: Mapping[str, Mapping[str, str]]) -> None:
        with tempfile.TemporaryDirectory(prefix="patchworks-") as directory:
            file = self._copy(directory)
            changed = configuration.rewrite(file, aliases)
            text = _read(file)
        if changed:
            self._ask(lambda console: cast("PodConsole", console).write(str(self._file), text))
        # Also where nothing was to be changed: a mover may have died in between.
        self._pod.cluster.change_secret(self._pod.namespace, NAME, {FILE: text})

    def _copy(self, directory: str) -> Path:
        text = self._ask(lambda console: cast("PodConsole", console).read(str(self._file)))
        file = Path(directory, FILE)
        with file.open("w", encoding="utf-8", errors="surrogateescape", newline="") as opened:
            opened.write(text)
        return file


def _read(file: Path) -> str:
    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as opened:
        return opened.read()


def poolers(
    cluster: Cluster, cell: str, namespace: str, ways: Sequence[Way]
) -> tuple[PodPgBouncer, ...]:
    """The pods of a tenant's pooler in one cell; raises `MoveError` where none runs.

    A move without them would leave clients at the database that no longer serves.
    """
    found = cluster.pods(namespace, {"app.kubernetes.io/name": NAME})
    if not found:
        raise MoveError(
            f"no pod of the pooler runs in {namespace} of {cell}",
            remedy="see why, such as by `kubectl describe deployment pooler`, and run this again",
        )
    return tuple(PodPgBouncer(Pod(cluster, cell, namespace, name), ways) for name in found)
