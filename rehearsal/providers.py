"""Reads an explicit provider's settings, which the SDK registers as JSON texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rehearsal.graph import PROVIDER_PREFIX
from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping


def provider_settings(type: str, provider_inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A provider's inputs in plain, with lists, objects and booleans as such.

    A Kubernetes provider's `kubeconfig` stays the text it is.
    """
    package = type.removeprefix(PROVIDER_PREFIX)
    inputs: dict[str, Any] = reveal(provider_inputs)
    if package == "kubernetes":
        return inputs
    return {key: _parsed(value) for key, value in inputs.items()}


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and (value[:1] in "[{" or value in ("true", "false")):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def account_of(settings: Mapping[str, Any]) -> str | None:
    """The one account an AWS provider is allowed to touch."""
    accounts = settings.get("allowedAccountIds") or []
    return accounts[0] if len(accounts) == 1 and isinstance(accounts[0], str) else None
