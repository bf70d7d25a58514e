"""Stacks that change alike have one shape, whatever their names are and however long."""

import pytest

from planning.document import Change, PropertyChange, StackPlan
from planning.work import shape_of

KIND = "aws:s3/bucket:Bucket"


def plan(tenant: str, cell: str, after: str = "8") -> StackPlan:
    name = f"{tenant}-{cell}-objects"
    change = Change(
        urn=f"urn:pulumi:tenant.{tenant}::patchworks::{KIND}::{name}",
        type=KIND,
        name=name,
        action="update",
        properties=(PropertyChange(path="days", kind="changed", before="7", after=after),),
    )
    return StackPlan(stack=f"tenant.{tenant}", status="changed", changes=(change,))


@pytest.mark.parametrize(
    ("tenant", "cell"),
    [
        ("fernhill", "prod-eu-west-1"),
        ("a-tenant-with-a-long-name", "prod-eu-west-1"),
        ("prod", "prod-us-east-1"),
        ("fernhill", "dev-eu-west-1"),
    ],
)
def test_names_do_not_tell_alike_changes_apart(tenant: str, cell: str) -> None:
    first = shape_of(plan("aurelia-health", "prod-eu-west-1"), {"aurelia-health", "prod-eu-west-1"})
    assert shape_of(plan(tenant, cell), {tenant, cell}) == first


def test_another_value_does() -> None:
    names = {"fernhill", "dev-eu-west-1"}
    one, other = (shape_of(plan("fernhill", "dev-eu-west-1", after), names) for after in "89")
    assert one != other


def test_a_stack_that_does_not_change_has_none() -> None:
    assert shape_of(StackPlan(stack="tenant.a", status="unchanged"), {"a"}) == ""
