"""Cluster: what a reviewer looks for in its nodes and in what makes them."""

from __future__ import annotations

from settings_platform import held, setting


def karpenter(graph):
    return graph.named("services-karpenter-release")


held("Cluster", "The nodes' image is pinned to a release", "node-images-are-pinned")


held("Cluster", "Nodes run Bottlerocket", "nodes-run-bottlerocket")


held(
    "Cluster",
    "Instance metadata answers version 2 only, one hop away at most",
    "instance-metadata-is-guarded",
)


held("Cluster", "No node has SSH or a shell to log in to", "nodes-have-no-shell")


held("Cluster", "There is a system node group in every zone", "system-nodes-are-in-every-zone")


@setting(
    "Cluster",
    "Karpenter fills every other pool of the catalog, up to a ceiling",
    "node-pools-have-ceilings",
)
def pools(platform):
    for cell, graph in platform.cells:
        found = graph.of_type("kubernetes:karpenter.sh/v1:NodePool")
        names = {pool.inputs["metadata"]["name"] for pool in found}
        assert names == set(cell.kubernetes.node_pools), graph.stack
        for pool in found:
            assert int(pool.inputs["spec"]["limits"]["cpu"]) > 0, pool.urn
            yield pool


held("Cluster", "Karpenter's controller runs off Karpenter's nodes", "karpenter-runs-off-its-nodes")


held(
    "Cluster",
    "Karpenter hears of interruptions through a queue",
    "karpenter-hears-of-interruptions",
)
