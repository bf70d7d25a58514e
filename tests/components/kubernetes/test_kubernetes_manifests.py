"""Every object the components declare is one that the API server of a cell accepts."""

from __future__ import annotations

from typing import get_args

import kubernetes_validate
import pytest
from kubernetes_programs import cell, objects, tenant_slice

from catalog.cell import Kubernetes
from rehearsal.evaluation import evaluate_program

PROGRAMS = {"tenant": tenant_slice(), "cell": cell}
CUSTOM_GROUPS = ("elbv2.k8s.aws/", "karpenter.sh/", "karpenter.k8s.aws/", "policy.sigstore.dev/")
VERSIONS = get_args(Kubernetes.model_fields["version"].annotation)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_object_fits_the_schema_of_every_version_a_cell_may_run(program, version):
    manifests = objects(evaluate_program(PROGRAMS[program]))
    builtin = {
        name: manifest
        for name, manifest in manifests.items()
        if not manifest["apiVersion"].startswith(CUSTOM_GROUPS)
    }
    faults = {}
    for name, manifest in builtin.items():
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            faults[name] = error.message
    assert faults == {}
    assert len(builtin) >= 12


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_first_preview_shows_the_same_resources_as_a_later_one(program):
    known = evaluate_program(PROGRAMS[program], known=True)
    unknown = evaluate_program(PROGRAMS[program], known=False)
    assert set(known.resources) == set(unknown.resources)


def test_a_password_that_is_not_known_yet_changes_no_urn():
    drawn = evaluate_program(tenant_slice(password=None), known=False)
    given = evaluate_program(tenant_slice())
    assert {urn for urn in drawn.resources if "random" not in urn} == set(given.resources)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_resource_lives_under_a_component_and_in_the_cell_s_cluster(program):
    graph = evaluate_program(PROGRAMS[program])
    strays = [
        resource.name
        for resource in graph.resources.values()
        if resource.custom
        and not resource.is_provider
        and (resource.parent is None or "kubernetes::cluster" not in (resource.provider or ""))
    ]
    assert strays == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_component_waits_for_its_every_child_waits_for(program):
    graph = evaluate_program(PROGRAMS[program])
    awaited = graph.named("awaited-gp3").urn
    hasty = [
        resource.name
        for resource in graph.resources.values()
        if resource.type.startswith("kubernetes:")
        and resource.urn != awaited
        and awaited not in resource.dependencies
    ]
    assert hasty == []


def test_programs_raise_no_warning_about_deprecated_or_unknown_inputs():
    assert evaluate_program(tenant_slice()).warnings == ()
    assert evaluate_program(cell).warnings == ()


def test_no_object_carries_aliases_for_api_versions_that_no_cell_has_served():
    graph = evaluate_program(tenant_slice())
    assert not [r.name for r in graph.resources.values() if r.aliases]
