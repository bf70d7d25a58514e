"""Changes what pulumi-eks makes where no argument of it can.

Each function gives a transform for the options of a pulumi-eks component. `after` is what the
transformed child must be created after and, what matters more, deleted before: what a component
itself depends on is not recorded with its children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Transform = Callable[[pulumi.ResourceTransformArgs], pulumi.ResourceTransformResult | None]

CLUSTER_TYPE = "aws:eks/cluster:Cluster"
NODE_GROUP_TYPE = "aws:eks/nodeGroup:NodeGroup"


def without_creators_admin(after: Sequence[pulumi.Resource]) -> Transform:
    """Give whoever creates the cluster no rights in it; access entries say who has which.

    pulumi-eks always asks for the creator's admin. It can be withheld only when the cluster is
    created, so this must be there from the first update on.
    """

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != CLUSTER_TYPE:
            return None
        access = {
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": False,
        }
        return _changed(args, {"accessConfig": access}, after)

    return transform


def one_node_at_a_time(after: Sequence[pulumi.Resource]) -> Transform:
    """Replace nodes one by one, and those that are broken without being told.

    pulumi-eks' node groups take neither setting.
    """

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != NODE_GROUP_TYPE:
            return None
        settings = {"updateConfig": {"maxUnavailable": 1}, "nodeRepairConfig": {"enabled": True}}
        return _changed(args, settings, after)

    return transform


def _changed(
    args: pulumi.ResourceTransformArgs,
    props: Mapping[str, Any],
    after: Sequence[pulumi.Resource],
) -> pulumi.ResourceTransformResult:
    return pulumi.ResourceTransformResult(
        props={**args.props, **props},
        opts=pulumi.ResourceOptions.merge(
            args.opts, pulumi.ResourceOptions(depends_on=list(after))
        ),
    )
