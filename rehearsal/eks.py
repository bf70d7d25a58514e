"""Expands pulumi-eks' components into the children that its provider makes.

The children are those of pulumi-eks 4.4 under the real engine; the recording in
`tests/rehearsal/data/eks_children.json` is what `expand` is held against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rehearsal import eks_cluster, eks_nodes
from rehearsal.children import Child, Derived, Expanded, External
from rehearsal.eks_addons import to_json
from rehearsal.eks_cluster import cluster_urn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.eks_cluster import Lookup

CLUSTER: Final = "eks:index:Cluster"
MANAGED_NODE_GROUP: Final = "eks:index:ManagedNodeGroup"
ADDON: Final = "eks:index:Addon"


def expand(type: str, name: str, inputs: Mapping[str, Any], lookup: Lookup) -> Expanded:
    """The children of one pulumi-eks component, in the order they are registered.

    `inputs` are under Pulumi's names (camelCase), with unknowns, secrets and resource references as
    `rehearsal.values` has them. `lookup` gives a registered resource's type, name, inputs and
    outputs by its URN; an `eks:index:Cluster` must have been expanded before its node groups.

    Raises:
        KeyError: no component of that type is known.
        UnsupportedInputError: the children that an input leads to are not known.
    """
    given = {key: value for key, value in inputs.items() if value is not None}
    return EXPANSIONS[type](name, given, lookup)


def _addon(name: str, inputs: dict[str, Any], lookup: Lookup) -> Expanded:
    passed = {key: value for key, value in inputs.items() if key != "cluster"}
    if "configurationValues" in passed:
        passed["configurationValues"] = Derived((passed["configurationValues"],), to_json)
    addon = Child(
        type="aws:eks/addon:Addon",
        name=name,
        inputs={**passed, "clusterName": External(cluster_urn(inputs, lookup), "name")},
    )
    # The provider parents an add-on to its cluster, whatever the program's options say.
    return Expanded(children=(addon,), outputs={}, parent=inputs["cluster"].urn)


EXPANSIONS: Final[Mapping[str, Callable[[str, dict[str, Any], Lookup], Expanded]]] = {
    CLUSTER: eks_cluster.expand,
    MANAGED_NODE_GROUP: eks_nodes.expand,
    ADDON: _addon,
}
