"""Graphs of the shipped catalog in which one thing is another than it should be."""

import copy
import json
from dataclasses import replace

from policies.registry import rules
from policies.stack import Stack


def changed(graph, resource, change=None, **options):
    """The graph with one resource's inputs changed in place, or its options."""
    inputs = copy.deepcopy(resource.inputs)
    if change is not None:
        change(inputs)
    other = replace(resource, inputs=inputs, **options)
    return replace(graph, resources={**graph.resources, resource.urn: other})


def with_another(graph, type, name, inputs, **options):
    """The graph with a resource more, declared beside the first."""
    (first, *_) = graph.resources.values()
    urn = f"urn:pulumi:{graph.stack}::patchworks::{type}::{name}"
    other = replace(first, urn=urn, type=type, name=name, inputs=inputs, outputs={}, **options)
    return replace(graph, resources={**graph.resources, urn: other})


def statement_changed(key, change):
    """A change of the first statement of a policy document that an input holds."""

    def on_inputs(inputs):
        document = json.loads(inputs[key])
        change(document["Statement"][0])
        inputs[key] = json.dumps(document)

    return on_inputs


def first(graph, type, name=""):
    """The first resource of a type whose name holds a text."""
    return next(each for each in graph.of_type(type) if name in each.name)


def found(graph, rule):
    """What one rule says of a graph, as `resource: problem`."""
    (asked,) = [each for each in rules() if each.name == rule]
    return [
        f"{verdict.resource.name if verdict.resource else ''}: {verdict.problem}"
        for verdict in asked.problems(Stack(graph))
    ]
