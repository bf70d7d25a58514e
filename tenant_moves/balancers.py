"""Takes AWS's deletion protection off the load balancer of a slice that the next update deletes.

An update of the stack does so once a side serves no more. Where that side was lost before, it never
came to it, and no further update can ask that side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from catalog import names
from tenant_moves import cloud_faults

if TYPE_CHECKING:
    from catalog.cell import Cell
    from tenant_moves.platform import Aws

_PROTECTION = "deletion_protection.enabled"


def unprotect(aws: Aws, cell: Cell, tenant: str) -> None:
    """Let the tenant's load balancer in a cell be deleted; again changes nothing.

    `aws` is whoever brings stacks up. Raises `MoveError` with the command by which a person does it
    where that fails.
    """
    name = names.load_balancer(cell, tenant)
    try:
        _unprotect(aws.client("elbv2", cell.account, cell.region), name)
    except (BotoCoreError, ClientError) as error:
        found = cloud_faults.fault(error)
        raise type(found)(
            f"the deletion protection of the load balancer {name} in {cell.name} can't be switched "
            f"off: {found.message}",
            remedy=f"{found.remedy}; or switch it off yourself, in account {cell.account}: `aws "
            f"elbv2 modify-load-balancer-attributes --region {cell.region} --attributes "
            f"Key={_PROTECTION},Value=false --load-balancer-arn $(aws elbv2 "
            f"describe-load-balancers --region {cell.region} --names {name} --query "
            "'LoadBalancers[0].LoadBalancerArn' --output text)`",
        ) from error


def _unprotect(elbv2: Any, name: str) -> None:
    try:
        (found,) = elbv2.describe_load_balancers(Names=[name])["LoadBalancers"]
    except elbv2.exceptions.LoadBalancerNotFoundException:
        return
    arn = found["LoadBalancerArn"]
    known = elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    if {"Key": _PROTECTION, "Value": "true"} in known:
        elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=arn, Attributes=[{"Key": _PROTECTION, "Value": "false"}]
        )
