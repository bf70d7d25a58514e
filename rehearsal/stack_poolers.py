"""Runs the poolers that an applied tenant's stack declares, one real PgBouncer a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.state import StackState
from rehearsal.values import Secret

if TYPE_CHECKING:
    from collections.abc import Collection

    from rehearsal.local_cloud import LocalCloud
    from rehearsal.servers.poolers import RunningPooler

_SUFFIX = "-pooler-config"
_TYPE = "kubernetes:core/v1:Secret"


def start_poolers(
    cloud: LocalCloud, tenant: str, cells: Collection[str] | None = None
) -> dict[str, RunningPooler]:
    """Start the pooler of each slice of a tenant, and stop those of slices that are gone.

    With `cells`, those of other cells are left as they are.
    The answer has them by cell. Raises `LookupError` where PgBouncer is not installed or the tenant
    has not been rehearsed, and `process.ServerFailed`.
    """
    declared = declared_poolers(cloud, tenant)
    for cell in cloud.poolers.cells(tenant):
        if cell not in declared:
            cloud.poolers.remove(cell, tenant)
    return {
        cell: cloud.poolers.ensure(
            cell, tenant, configuration=files["pgbouncer.ini"], users=files["userlist.txt"]
        )
        for cell, files in declared.items()
        if cells is None or cell in cells
    }


def declared_poolers(cloud: LocalCloud, tenant: str) -> dict[str, dict[str, str]]:
    """The files of each slice's pooler by cell, as the stack was applied last, password and all.

    Raises `LookupError` where it has not been rehearsed.
    """
    path = cloud.stack_state(f"tenant.{tenant}")
    if not path.exists():
        raise LookupError(f"the stack tenant.{tenant} has not been rehearsed")
    state = StackState.read(path, cloud.secrets)
    return {
        resource.name.removeprefix(f"{tenant}-").removesuffix(_SUFFIX): {
            name: str(_plain(content)) for name, content in resource.inputs["stringData"].items()
        }
        for resource in state.resources.values()
        if resource.type == _TYPE and resource.name.endswith(_SUFFIX)
    }


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value
