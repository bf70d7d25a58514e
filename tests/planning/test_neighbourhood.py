"""What is drawn of a change: itself, what it uses and what uses it, and never more than fits."""

from __future__ import annotations

from planning import neighbourhood
from planning.document import Change, Mark
from rehearsal.graph import Graph, Resource

STACK = "urn:pulumi:s::p::pulumi:pulumi:Stack::s"


def resource(name: str, *uses: str, parent: str = STACK, custom: bool = True) -> Resource:
    return Resource(
        urn=name, type="aws:sqs/queue:Queue", name=name, custom=custom, parent=parent,
        property_dependencies={"x": tuple(uses)},
    )  # fmt: skip


def graph(*resources: Resource) -> Graph:
    root = Resource(urn=STACK, type="pulumi:pulumi:Stack", name="s", custom=False)
    return Graph(stack="s", resources={each.urn: each for each in (root, *resources)}, exports={})


def change(name: str, **more: object) -> Change:
    given = {"urn": name, "type": "aws:sqs/queue:Queue", "name": name, "action": "update"}
    return Change.model_validate({**given, **more})


def test_a_change_is_drawn_with_what_it_uses_and_what_uses_it() -> None:
    head = graph(
        resource("far"),
        resource("key", "far"),
        resource("queue", "key"),
        resource("reader", "queue", "key"),
        resource("other"),
    )
    nodes = neighbourhood.around([change("queue")], None, head)
    assert [node.name for node in nodes] == ["key", "queue", "reader"]
    assert [node.action for node in nodes] == [None, "update", None]
    assert [node.uses for node in nodes] == [(), (0,), (1,)]


def test_what_is_removed_is_drawn_from_the_base_and_marks_count() -> None:
    gone = change(
        "gone", action="delete", marks=[Mark(kind="loses-data", severity="high", text="lost")]
    )
    nodes = neighbourhood.around([gone], graph(resource("gone")), graph())
    assert [(node.name, node.action, node.severity) for node in nodes] == [
        ("gone", "delete", "high")
    ]


def test_components_name_their_resources_and_are_not_drawn_as_neighbours() -> None:
    outer = resource("network", custom=False)
    inner = resource("nat", custom=False, parent="network")
    head = graph(outer, inner, resource("gateway", "network", parent="nat"))
    (node,) = neighbourhood.around([change("gateway")], None, head)
    assert node.component == "network / nat"


def test_of_many_the_most_important_are_kept() -> None:
    head = graph(*(resource(f"q{number}") for number in range(9)), resource("user", "q0"))
    nodes = neighbourhood.around(
        [change(f"q{number}") for number in range(9)], None, head, largest=4
    )
    assert [node.name for node in nodes] == ["q0", "q1", "q2", "q3"]
