"""Cluster: what a reviewer looks for in its nodes and in what makes them."""

from __future__ import annotations

import base64
import json
import re

from settings_platform import refers_to, setting

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"


def karpenter(graph):
    return graph.named("services-karpenter-release")


@setting("Cluster", "The nodes' image is pinned to a release")
def image(platform):
    for _, graph, group in platform.in_cells(NODE_GROUP):
        release = group.inputs["releaseVersion"]
        assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{8}", release), group.urn
        for made in graph.of_type(NODE_CLASS):
            (term,) = made.inputs["spec"]["amiSelectorTerms"]
            assert term == {"alias": f"bottlerocket@v{release.partition('-')[0]}"}, made.urn
            yield made
        yield group


@setting("Cluster", "Nodes run Bottlerocket")
def bottlerocket(platform):
    for _, _, group in platform.in_cells(NODE_GROUP):
        assert group.inputs["amiType"].startswith("BOTTLEROCKET_"), group.urn
        yield group
    for _, _, made in platform.in_cells(NODE_CLASS):
        assert made.inputs["spec"]["amiFamily"] == "Bottlerocket", made.urn
        yield made


@setting("Cluster", "Instance metadata answers version 2 only, one hop away at most")
def metadata(platform):
    for _, _, template in platform.in_cells("aws:ec2/launchTemplate:LaunchTemplate"):
        options = template.inputs["metadataOptions"]
        assert options["httpTokens"] == "required", template.urn
        assert options["httpPutResponseHopLimit"] == 1, template.urn
        yield template
    for _, _, made in platform.in_cells(NODE_CLASS):
        options = made.inputs["spec"]["metadataOptions"]
        assert options["httpTokens"] == "required", made.urn
        assert options["httpPutResponseHopLimit"] == 1, made.urn
        yield made


@setting("Cluster", "No node has SSH or a shell to log in to")
def no_shell(platform):
    for _, graph, group in platform.in_cells(NODE_GROUP):
        assert not group.inputs.get("remoteAccess"), group.urn
        for template in graph.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
            assert not template.inputs.get("keyName"), template.urn
            settings = base64.b64decode(template.inputs["userData"]).decode()
            for container in ("admin", "control"):
                off = f"[settings.host-containers.{container}]\nenabled = false"
                assert off in settings, template.urn
            yield template
        yield group


@setting("Cluster", "There is a system node group in every zone")
def system_nodes(platform):
    for cell, graph in platform.cells:
        zones = set()
        for group in graph.of_type(NODE_GROUP):
            (subnet,) = group.inputs["subnetIds"]
            zones.add(refers_to(graph, subnet, "aws:ec2/subnet:Subnet").inputs["availabilityZone"])
            assert group.inputs["scalingConfig"]["minSize"] >= 1, group.urn
            yield group
        assert zones == set(cell.zones), graph.stack


@setting("Cluster", "Karpenter fills every other pool of the catalog, up to a ceiling")
def pools(platform):
    for cell, graph in platform.cells:
        found = graph.of_type("kubernetes:karpenter.sh/v1:NodePool")
        names = {pool.inputs["metadata"]["name"] for pool in found}
        assert names == set(cell.kubernetes.node_pools), graph.stack
        for pool in found:
            assert int(pool.inputs["spec"]["limits"]["cpu"]) > 0, pool.urn
            yield pool


@setting("Cluster", "Karpenter's controller runs off Karpenter's nodes")
def controller(platform):
    for _, graph in platform.cells:
        release = karpenter(graph)
        affinity = release.inputs["values"]["affinity"]["nodeAffinity"]
        (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        absent = {"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}
        assert absent in term["matchExpressions"], release.urn
        yield release


@setting("Cluster", "Karpenter hears of interruptions through a queue")
def interruptions(platform):
    for _, graph, queue in platform.in_cells("aws:sqs/queue:Queue"):
        release = karpenter(graph)
        heard = release.inputs["values"]["settings"]["interruptionQueue"]
        assert heard == queue.inputs["name"], release.urn
        details = {
            detail
            for rule in graph.of_type("aws:cloudwatch/eventRule:EventRule")
            if "services-karpenter" in rule.name
            for detail in json.loads(rule.inputs["eventPattern"])["detail-type"]
        }
        assert "EC2 Spot Instance Interruption Warning" in details, graph.stack
        assert len(details) == 4, graph.stack
        yield from (queue, release)
