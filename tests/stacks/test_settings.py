"""Every setting that a reviewer looks for is in the graphs of the shipped platform.

The graphs are evaluated as the engine would see them; no test reads the source.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import settings_audit
import settings_cluster
import settings_complaints
import settings_database
import settings_document
import settings_ingress
import settings_namespaces
import settings_network
import settings_nodes
import settings_people
from settings_platform import SETTINGS

from policies.registry import rules
from policies.stack import Stack

PARAGRAPHS = {
    settings_cluster: {"Cluster"},
    settings_nodes: {"Cluster"},
    settings_namespaces: {"Namespaces"},
    settings_network: {"Network"},
    settings_database: {"Database"},
    settings_ingress: {"Ingress"},
    settings_people: {"People", "CI"},
    settings_audit: {"Audit"},
    settings_complaints: {"Complaints"},
}


@pytest.mark.parametrize("setting", SETTINGS, ids=[s.sentence.replace(" ", "_") for s in SETTINGS])
def test_the_setting_is_declared(platform, setting):
    assert setting.resources(platform), f"nothing has this setting: {setting.sentence}"


CHECKED = [setting for setting in SETTINGS if setting.check is not None]


@pytest.mark.parametrize("setting", CHECKED, ids=[s.sentence.replace(" ", "_") for s in CHECKED])
def test_the_check_notices_when_a_resource_loses_its_settings(platform, setting):
    found = next(iter(setting.check(platform)))
    with pytest.raises((AssertionError, LookupError, TypeError, ValueError, AttributeError)):
        list(setting.check(without_inputs(platform, found)))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_the_rule_finds_a_resource_that_loses_its_settings(platform, rule):
    found = False
    for graph in platform.graphs.values():
        verdicts = rule.verdicts(Stack(graph))
        compliant = [v.resource for v in verdicts if v.resource is not None and not v.problem]
        before = sum(bool(verdict.problem) for verdict in verdicts)
        for resource in {each.urn: each for each in compliant}.values():
            bare = without_inputs(platform, resource).graphs[graph.stack]
            found = found or len(rule.problems(Stack(bare))) > before
        if found:
            return
    assert rule.name in FINDS_WHAT_IS_THERE


FINDS_WHAT_IS_THERE = {
    "onlookers-only-look",
    "policies-name-principals",
    "workloads-have-roles-of-their-own",
}
"""Rules that find only what must not be there, and so nothing in a resource that says nothing.

What they find stands in `test_bad_changes.py`.
"""


def test_every_setting_is_held_by_a_rule():
    names = {rule.name for rule in rules()}
    assert [s.sentence for s in SETTINGS if s.rule not in names] == []


def without_inputs(platform, resource):
    """The platform with one resource that says nothing of how it is to be."""
    stack = next(name for name, g in platform.graphs.items() if resource.urn in g.resources)
    bare = replace(resource, inputs={}, protect=False, retain_on_delete=False, dependencies=())
    resources = {**platform.graphs[stack].resources, resource.urn: bare}
    graph = replace(platform.graphs[stack], resources=resources)
    return replace(platform, graphs={**platform.graphs, stack: graph})


def test_every_paragraph_has_its_checks():
    assert Counter(setting.paragraph for setting in SETTINGS) == {
        "Cluster": 27,
        "Namespaces": 14,
        "Network": 11,
        "Database": 23,
        "Ingress": 12,
        "People": 11,
        "CI": 5,
        "Audit": 16,
        "Complaints": 8,
    }
    sentences = [setting.sentence for setting in SETTINGS]
    assert len(set(sentences)) == len(sentences)


def test_every_check_stands_in_the_file_of_its_paragraph():
    for module, paragraphs in PARAGRAPHS.items():
        for setting in CHECKED:
            if setting.check.__module__ == module.__name__:
                assert setting.paragraph in paragraphs, setting.sentence


def test_the_list_of_settings_in_the_documentation_is_up_to_date(platform):
    written = Path(settings_document.FILE).read_text(encoding="utf-8")
    assert written == settings_document.document(platform), f"run {settings_document.COMMAND}"
