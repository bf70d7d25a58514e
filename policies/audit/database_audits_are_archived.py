"""Databases record, by pgAudit, changes of schemas, roles and rights, and archive the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.databases import parameters
from policies.resource_types import DATABASE, DATABASE_PARAMETERS, LOG_SUBSCRIPTION
from policies.rule import Rule, Verdict, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE_PARAMETERS, needed_in=("cell",))
def of_parameters(group: Resource, _: Stack) -> Iterator[str]:
    """Groups that record less."""
    values = parameters(group)
    if "pgaudit" not in str(values.get("shared_preload_libraries")).split(","):
        yield f"shared_preload_libraries is {shown(values.get('shared_preload_libraries'))}"
    if missing := {"ddl", "role"} - set(str(values.get("pgaudit.log")).split(",")):
        yield f"pgaudit.log lacks {', '.join(sorted(missing))}"


@each(DATABASE, needed_in=("cell",))
def of_databases(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Databases whose log nobody archives."""
    identifier = at(cluster.inputs, "clusterIdentifier")
    name = f"/aws/rds/cluster/{identifier}/postgresql"
    archived = [at(each.inputs, "logGroup") for each in stack.of_type(LOG_SUBSCRIPTION)]
    if identifier is not UNKNOWN and name not in archived:
        yield f"{name} is not archived"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Parameters, and databases."""
    yield from of_parameters(stack)
    yield from of_databases(stack)


RULE = Rule(
    __name__,
    severity="medium",
    why="Who gave himself a right in a database is known from nowhere else.",
    remedy="Load pgaudit with ddl and role, and subscribe the database's log group.",
    evaluate=evaluate,
)
