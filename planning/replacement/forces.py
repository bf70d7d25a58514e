"""Asks whoever knows whether a change makes a resource anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planning.replacement import aws, kubernetes, others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planning.replacement.verdict import Verdict

AUTONAMED = ("name", "bucket", "clusterIdentifier", "identifier", "analyzerName")
"""Inputs that the AWS provider makes names up for where a program gives none."""


def verdict(type: str, path: str, provider: Mapping[str, Any]) -> Verdict:
    """What a change at a path of a resource's inputs does."""
    if type.startswith("aws:"):
        return aws.verdict(type, path)
    if type.startswith("kubernetes:"):
        return kubernetes.verdict(type, path, provider)
    return others.verdict(type, path)


def keeps_its_name(type: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether old and new could not be there together, as they bear the same given name.

    Both the bridge of AWS's provider and the Kubernetes provider then delete the old one first.
    Source: `nameRequiresDeleteBeforeReplace` in
    https://github.com/pulumi/pulumi-terraform-bridge/blob/main/pkg/tfbridge/provider.go
    """
    if type.startswith("kubernetes:"):
        return _name(before) is not None and _name(before) == _name(after)
    if not type.startswith("aws:"):
        return False
    return any(name in before and before[name] == after.get(name) for name in AUTONAMED)


def _name(inputs: Mapping[str, Any]) -> Any:
    metadata = inputs.get("metadata")
    if isinstance(metadata, dict) and "name" in metadata:
        return metadata.get("namespace"), metadata["name"]
    return inputs.get("name")
