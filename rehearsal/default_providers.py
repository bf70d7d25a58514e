"""Which packages have no default provider, so that each of their resources must name one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import yaml

from rehearsal.source_position import ROOT

if TYPE_CHECKING:
    from rehearsal.graph import Resource

_SETTING = "pulumi:disable-default-providers"


def disabled_package(resource: Resource) -> str | None:
    """The package whose provider a resource lacks, if the project disables its default one.

    The engine asks it of custom resources and of remote components; providers themselves and its
    own resources, such as stack references, need none.
    """
    if resource.provider is not None or not (resource.custom or resource.remote):
        return None
    package = resource.type.partition(":")[0]
    disabled = _disabled()
    if package == "pulumi" or not (package in disabled or "*" in disabled):
        return None
    return package


@cache
def _disabled() -> frozenset[str]:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return frozenset((project.get("config") or {}).get(_SETTING, ()))
