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
    found = list(setting.check(platform))
    assert found, f"nothing has this setting: {setting.sentence}"


@pytest.mark.parametrize("setting", SETTINGS, ids=[s.sentence.replace(" ", "_") for s in SETTINGS])
def test_the_check_notices_when_a_resource_loses_its_settings(platform, setting):
    found = next(iter(setting.check(platform)))
    with pytest.raises((AssertionError, LookupError, TypeError, ValueError, AttributeError)):
        list(setting.check(without_inputs(platform, found)))


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
        for setting in SETTINGS:
            if setting.check.__module__ == module.__name__:
                assert setting.paragraph in paragraphs, setting.sentence


def test_the_list_of_settings_in_the_documentation_is_up_to_date(platform):
    written = Path(settings_document.FILE).read_text(encoding="utf-8")
    assert written == settings_document.document(platform), f"run {settings_document.COMMAND}"
