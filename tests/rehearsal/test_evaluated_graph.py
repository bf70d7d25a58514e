"""A program's graph keeps what the engine would know of it."""

from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random
import pytest

from catalog.load import find_root, load
from rehearsal import engine
from rehearsal.evaluation import Evaluation, evaluate_program
from rehearsal.graph import Graph, Resource
from rehearsal.monitor import Monitor
from rehearsal.offline import OfflineAnswers
from rehearsal.values import UNKNOWN, Secret
from stacks.programs import program, stack_names

PASSWORD = "a!b@c$d()e*_,/:;=?"


class Pair(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("patchworks:test:Pair", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.first = random.RandomId(f"{name}-first", byte_length=4, opts=child)
        self.second = random.RandomId(
            f"{name}-second",
            byte_length=8,
            prefix=self.first.hex,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=True,
                retain_on_delete=True,
                delete_before_replace=True,
                ignore_changes=["prefix"],
                replace_on_changes=["byteLength"],
                aliases=[pulumi.Alias(name=f"{name}-two")],
            ),
        )
        self.register_outputs({"first": self.first.hex})


def pair() -> dict[str, Any]:
    provider = random.Provider("random")
    component = Pair("pair", pulumi.ResourceOptions(providers={"random": provider}))
    random.RandomPet(
        "after",
        keepers={"of": component.second.hex},
        opts=pulumi.ResourceOptions(provider=provider, depends_on=[component.first]),
    )
    return {"hex": component.second.hex}


STACK = "urn:pulumi:cell.test::patchworks::"


def test_urns_are_the_engines() -> None:
    assert list(evaluate_program(pair).resources) == [
        f"{STACK}pulumi:providers:random::random",
        f"{STACK}patchworks:test:Pair::pair",
        f"{STACK}patchworks:test:Pair$random:index/randomId:RandomId::pair-first",
        f"{STACK}patchworks:test:Pair$random:index/randomId:RandomId::pair-second",
        f"{STACK}random:index/randomPet:RandomPet::after",
    ]


def test_parents_providers_and_sources_are_kept() -> None:
    graph = evaluate_program(pair)
    component, second = graph.named("pair"), graph.named("pair-second")
    assert second.parent == component.urn
    assert [child.name for child in graph.children(component.urn)] == ["pair-first", "pair-second"]
    assert second.provider == graph.named("random").urn
    assert component.outputs.keys() == {"first"}
    assert second.source is not None
    assert second.source.file.endswith("test_evaluated_graph.py")


def test_dependencies_are_kept_as_a_whole_and_per_property() -> None:
    graph = evaluate_program(pair)
    first, second = graph.named("pair-first"), graph.named("pair-second")
    assert second.dependencies == (first.urn,)
    assert second.property_dependencies == {"prefix": (first.urn,)}
    after = graph.named("after")
    assert set(after.dependencies) == {first.urn, second.urn}
    assert after.property_dependencies == {"keepers": (second.urn,)}


def test_options_are_kept() -> None:
    graph = evaluate_program(pair)
    first, second = graph.named("pair-first"), graph.named("pair-second")
    assert (second.protect, second.retain_on_delete, second.delete_before_replace) == (True,) * 3
    assert (first.protect, first.retain_on_delete, first.delete_before_replace) == (False,) * 3
    assert (second.ignore_changes, second.replace_on_changes) == (("prefix",), ("byteLength",))
    assert second.aliases == (second.urn.replace("pair-second", "pair-two"),)


def test_what_only_a_cloud_can_tell_is_a_placeholder_or_unknown() -> None:
    known = evaluate_program(pair)
    first = known.named("pair-first")
    assert first.outputs["hex"] == "<RandomId pair-first.hex>"
    assert known.named("pair-second").inputs["prefix"] == first.outputs["hex"]
    assert known.placeholders["<RandomId pair-first.hex>"] == (first.urn, "hex")

    unknown = evaluate_program(pair, known=False)
    assert unknown.named("pair-second").inputs["prefix"] is UNKNOWN
    assert unknown.named("pair-first").id is None
    assert list(unknown.resources) == list(known.resources)
    assert unknown.named("pair-second").dependencies == known.named("pair-second").dependencies


def test_secrets_are_marked_and_never_shown() -> None:
    def holder() -> dict[str, Any]:
        provider = random.Provider("random")
        opts = pulumi.ResourceOptions(provider=provider)
        plain = random.RandomPet(
            "pet", keepers={"password": pulumi.Output.secret(PASSWORD), "other": "x"}, opts=opts
        )
        made = random.RandomPassword("made", length=12, opts=opts)
        second = random.RandomPet("second", prefix=made.result, opts=opts)
        combined = pulumi.Output.concat("postgresql://", made.result)
        return {
            "password": pulumi.Output.secret(PASSWORD),
            "id": plain.id,
            "url": combined,
            "second": second.prefix,
        }

    for known in (True, False):
        graph = evaluate_program(holder, known=known)
        assert graph.named("pet").secrets == ("keepers",) or graph.named("pet").secrets == (
            "keepers.password",
        )
        assert graph.named("second").secrets == ("prefix",)
        assert isinstance(graph.named("made").outputs["result"], Secret)
        assert graph.exports["password"] == Secret(PASSWORD)
        assert isinstance(graph.exports["url"], Secret)
        shown = f"{graph.to_json()} {graph!r} {graph.resources!r} {graph.exports!r}"
        assert PASSWORD not in shown
        assert "[secret]" in shown


def test_transforms_reach_the_children_of_components() -> None:
    seen: list[str] = []

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        seen.append(args.name)
        if args.type_ != "random:index/randomId:RandomId":
            return None
        return pulumi.ResourceTransformResult(
            props={**args.props, "byteLength": 16},
            opts=pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True)),
        )

    def transformed() -> None:
        provider = random.Provider("random")
        Pair("pair", pulumi.ResourceOptions(providers=[provider], transforms=[transform]))
        random.RandomId("apart", byte_length=4, opts=pulumi.ResourceOptions(provider=provider))

    graph = evaluate_program(transformed)
    assert seen == ["pair", "pair-first", "pair-second"]
    assert graph.named("pair-first").inputs["byteLength"] == 16
    assert graph.named("pair-first").protect
    assert graph.named("apart").inputs["byteLength"] == 4
    assert not graph.named("apart").protect


def test_a_stack_reference_gets_the_other_stacks_exports_and_keeps_them_secret() -> None:
    def referring() -> dict[str, Any]:
        cell = pulumi.StackReference("organization/patchworks/cell.eu")
        return {"vpc": cell.require_output("vpc"), "password": cell.require_output("password")}

    exports = {"vpc": "vpc-1", "password": Secret(PASSWORD)}
    graph = evaluate_program(referring, stack_outputs={"cell.eu": exports}.get)
    assert graph.exports == exports


def test_a_resource_is_found_by_name_unless_several_bear_it() -> None:
    def twins() -> None:
        opts = pulumi.ResourceOptions(provider=random.Provider("twin"))
        random.RandomPet("twin", opts=opts)

    graph = evaluate_program(twins)
    assert graph.named("twin", "random:index/randomPet:RandomPet").short_type == "RandomPet"
    with pytest.raises(LookupError, match="one resource named 'twin' expected, found urn:"):
        graph.named("twin")
    with pytest.raises(LookupError, match="found none"):
        graph.named("triplet")


def test_arns_that_follow_from_names_are_told() -> None:
    def bucket() -> None:
        provider = aws.Provider("aws", region="eu-west-1", allowed_account_ids=["111122223333"])
        opts = pulumi.ResourceOptions(provider=provider)
        aws.s3.Bucket("objects", bucket="halyard-objects", opts=opts)
        aws.dynamodb.Table("table", name="t", hash_key="id", attributes=[], opts=opts)
        aws.s3.Bucket("unnamed", opts=opts)

    graph = evaluate_program(bucket)
    assert graph.named("objects").id == "halyard-objects"
    assert graph.named("objects").outputs["arn"] == "arn:aws:s3:::halyard-objects"
    table = graph.named("table").outputs["arn"]
    assert table == "arn:aws:dynamodb:eu-west-1:111122223333:table/t"
    assert graph.named("unnamed").outputs["arn"] == "<Bucket unnamed.arn>"


def test_the_quick_runtime_and_the_sdks_own_give_the_same_graphs() -> None:
    catalog = load(find_root())
    quick = Evaluation(catalog)
    exports: dict[str, Any] = {}

    def plain(stack: str) -> Graph:
        monitor = Monitor("patchworks", stack, OfflineAnswers(exports.get))
        warnings = engine.run(program(catalog, stack, {}), monitor, preview=True, quick=False)
        return monitor.graph(warnings)

    for stack in stack_names(catalog):
        slow, fast = plain(stack), quick.evaluate(stack)
        exports[stack] = slow.exports
        assert _elsewhere(fast) == _elsewhere(slow), stack
        assert fast.exports == slow.exports, stack
        assert fast.warnings == slow.warnings == (), stack


def _elsewhere(graph: Graph) -> dict[str, Resource]:
    """The resources without their lines: the SDK names the inside of a component's own class."""
    return {urn: replace(item, source=None) for urn, item in graph.resources.items()}
