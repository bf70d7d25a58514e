"""The policy pack as Pulumi starts and asks it: a process of its own, by gRPC."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import grpc
import pytest
from changed_graphs import changed, first
from engine_view import UNKNOWN_TEXT, first_preview, later_update, policy_resources
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from repository import ROOT

from policies import pack as served
from policies.registry import rules
from policies.stack import Stack
from rehearsal.values import Secret, Unknown

START = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]);"
    "runpy.run_path(sys.argv[1], run_name='__main__')"
)


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
    response = pack.AnalyzeStack(request(graph), timeout=600)
    return {each.policyName: each for each in response.diagnostics if each.urn == urn}


def test_the_pack_offers_every_rule(pack):
    info = pack.GetAnalyzerInfo(empty_pb2.Empty(), timeout=600)
    assert info.name == "patchworks"
    names = {each.name for each in info.policies}
    assert names == {served.LISTENER, *(rule.name for rule in rules())}


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


def test_what_the_cloud_answers_beside_is_not_taken_for_what_was_asked(pack, graphs):
    graph = small(graphs["cell.prod-eu-west-1"])
    cluster = first(graph, "aws:rds/cluster:Cluster")
    answered = changed(graph, cluster, lambda inputs: inputs.update(masterPassword="secret"))
    assert "master-passwords-are-managed" in violations(pack, answered, cluster.urn)
    noted = pack.Analyze(
        analyzer_pb2.AnalyzeRequest(
            type=cluster.type,
            urn=cluster.urn,
            name=cluster.name,
            properties=json_format.ParseDict(sent(cluster.inputs), struct_pb2.Struct()),
        ),
        timeout=600,
    )
    assert list(noted.diagnostics) == []
    assert "master-passwords-are-managed" not in violations(pack, answered, cluster.urn)


@pytest.mark.parametrize("view", [first_preview, later_update])
def test_a_shipped_stack_keeps_to_every_rule_as_the_engine_shows_it(graphs, view):
    """The first preview, in which little is known, and an update of what exists."""
    accepted = served.accepted()
    told = []
    for stack, graph in graphs.items():
        seen = view(graph)
        noted = {}
        for each in policy_resources(graph, seen.asked):
            noted[each.urn] = served.plain(each.props)
        resources = policy_resources(graph, seen.answered, seen.exports)
        shown = Stack(served.graph(resources, noted))
        for rule in rules():
            for verdict in rule.problems(shown):
                name = verdict.resource.name if verdict.resource is not None else ""
                if not any(each.covers(rule.name, stack, name) for each in accepted):
                    told.append(f"{stack}: {rule.name}: {name}: {verdict.problem}")
    assert told == []


def test_what_the_catalog_accepts_is_not_reported_until_it_expires(graphs):
    (suppression, *_) = served.accepted()
    assert suppression.covers("rights-are-named", "organization", "prod-deploy-policy")
    assert not suppression.covers("rights-are-named", "tenant.brightwater", "prod-deploy-policy")
    assert not suppression.covers("rights-are-named", "organization", "prod-mover-policy")
    graph = graphs["organization"]
    (rule,) = [each for each in rules() if each.name == "rights-are-named"]
    arguments = SimpleNamespace(resources=policy_resources(graph, later_update(graph).answered))
    judged, reported = served.policy(rule, {}, ()), []
    judged.validate(arguments, lambda *told: reported.append(told))
    assert len(reported) == 6
    judged = served.policy(rule, {}, served.accepted())
    judged.validate(arguments, lambda *told: pytest.fail(str(told)))
    past = suppression.model_copy(update={"expires": "2026-01-01"})
    assert not past.covers("rights-are-named", "organization", "prod-deploy-policy")
