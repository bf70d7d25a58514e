"""Turns a program's providers into such as only look, for whoever may not take what writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from components.aws.preview_rights import LOOK_AT_DNS
from components.aws.shared_role import shared_role_arn

if TYPE_CHECKING:
    from catalog.organization import Organization

LOOKS_AT = "PATCHWORKS_LOOKS_AT"
"""The variable by which a preview names the directory whose catalog it looks at."""


def looked_at() -> Path | None:
    """The directory of the catalog that this process only looks at; None where it may do more.

    Raises:
        RuntimeError: something else than a preview was told to take its catalog from there.
    """
    directory = os.environ.get(LOOKS_AT)
    if not directory:
        return None
    if not pulumi.runtime.is_dry_run():
        raise RuntimeError(f"{LOOKS_AT} is for previews; an update takes the checkout's catalog")
    return Path(directory)


def only_look(organization: Organization) -> None:
    """Let providers take the zone's role that reads its records, not the one that writes them.

    Programs stay as they are: a provider is configured before its first resource is compared, and
    one whose role the process may not take would fail the whole preview.
    """
    pulumi.runtime.register_stack_transformation(lambda each: _looking(organization, each))


def _looking(
    organization: Organization, registered: pulumi.ResourceTransformationArgs
) -> pulumi.ResourceTransformationResult | None:
    roles = registered.props.get("assume_roles")
    if registered.type_ != "pulumi:providers:aws" or roles is None:
        return None
    writes, looks = (shared_role_arn(organization, each) for each in ("dns", LOOK_AT_DNS))

    def exchanged(text: str) -> str:
        # A provider's settings are JSON, in which the ARN stands as it is.
        return text.replace(f'"{writes}"', f'"{looks}"')

    props: dict[str, Any] = {
        **registered.props,
        "assume_roles": pulumi.Output.from_input(roles).apply(exchanged),
    }
    return pulumi.ResourceTransformationResult(props, registered.opts)
