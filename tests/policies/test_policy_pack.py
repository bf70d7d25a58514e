"""The policy pack as Pulumi starts and asks it: a process of its own, by gRPC."""

import subprocess
import sys
from dataclasses import replace

import grpc
import pytest
from changed_graphs import changed, first
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from repository import ROOT

from policies.registry import rules
from rehearsal.values import Secret, Unknown

START = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]);"
    "runpy.run_path(sys.argv[1], run_name='__main__')"
)
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine sends a text that it does not know yet."""


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """The pack's process, started elsewhere and with its directory first, as Pulumi does."""
    with subprocess.Popen(
        [sys.executable, "-c", START, str(ROOT / "policies")],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        stdout=subprocess.PIPE,
    ) as process:
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.terminate()


def sent(value):
    """A property as the engine sends it."""
    match value:
        case Secret():
            return sent(value.value)
        case Unknown():
            return UNKNOWN_TEXT
        case dict():
            return {key: sent(item) for key, item in value.items()}
        case list():
            return [sent(item) for item in value]
        case _:
            return value


def request(graph):
    resources = []
    for each in graph.resources.values():
        properties = json_format.ParseDict(
            sent({**each.outputs, **each.inputs}), struct_pb2.Struct()
        )
        resource = analyzer_pb2.AnalyzerResource(
            type=each.type,
            urn=each.urn,
            name=each.name,
            properties=properties,
            parent=each.parent or "",
            dependencies=each.dependencies,
            options=analyzer_pb2.AnalyzerResourceOptions(protect=each.protect),
        )
        if each.provider in graph.resources:
            provider = graph.resources[each.provider]
            resource.provider.type, resource.provider.urn = provider.type, provider.urn
        for key, urns in each.property_dependencies.items():
            resource.propertyDependencies[key].urns.extend(urns)
        resources.append(resource)
    return analyzer_pb2.AnalyzeStackRequest(resources=resources)


def small(graph):
    """The database cluster of a graph, with what it names; asking takes a time for each rule."""
    cluster = first(graph, "aws:rds/cluster:Cluster")
    urns = {cluster.urn, cluster.provider, *cluster.dependencies}
    return replace(graph, resources={u: r for u, r in graph.resources.items() if u in urns})


def violations(pack, graph, urn):
    response = pack.AnalyzeStack(request(graph), timeout=120)
    return {each.policyName: each for each in response.diagnostics if each.urn == urn}


def test_the_pack_offers_every_rule(pack):
    info = pack.GetAnalyzerInfo(empty_pb2.Empty(), timeout=120)
    assert info.name == "patchworks"
    assert {each.name for each in info.policies} == {rule.name for rule in rules()}


def test_pulumi_is_told_what_is_wrong_and_what_to_do(pack, graphs):
    graph = small(graphs["cell.prod-eu-west-1"])
    cluster = first(graph, "aws:rds/cluster:Cluster")
    assert "databases-are-protected" not in violations(pack, graph, cluster.urn)
    bare = changed(graph, cluster, lambda inputs: inputs.update(deletionProtection=False))
    told = violations(pack, bare, cluster.urn)["databases-are-protected"]
    assert "deletionProtection is false, not true" in told.message
    assert "protect and retain_on_delete" in told.message
    assert told.enforcementLevel == analyzer_pb2.MANDATORY


def test_what_pulumi_does_not_know_yet_is_let_pass(pack, graphs):
    graph = small(graphs["cell.prod-eu-west-1"])
    cluster = first(graph, "aws:rds/cluster:Cluster")
    unknown = changed(graph, cluster, lambda inputs: inputs.update(kmsKeyId=UNKNOWN_TEXT))
    assert "storage-is-encrypted" not in violations(pack, unknown, cluster.urn)
