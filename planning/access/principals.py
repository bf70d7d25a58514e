"""What the identities of a graph are called, so that they compare between two commits."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rehearsal.values import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.graph import Graph, Resource

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
IDENTITIES = {
    ROLE: "role",
    "aws:iam/user:User": "user",
    "aws:iam/group:Group": "group",
    "aws:ssoadmin/permissionSet:PermissionSet": "permission set",
    POLICY: "policy",
}
_PLURAL = {"role": "role/", "user": "user/", "group": "group/", "policy": "policy/"}


class Principals:
    """Finds an identity by any of the texts that a program may know it by."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @cached_property
    def _by_text(self) -> dict[tuple[str, str | None, str], str]:
        """Names by kind, provider and text; the provider None where the text is one of its own."""
        found: dict[tuple[str, str | None, str], str] = {}
        for type_, kind in IDENTITIES.items():
            for resource in self._graph.of_type(type_):
                name = self.name_of(resource)
                found[kind, None, resource.urn] = name
                for value in (resource.id, *_texts(resource.outputs)):
                    if value:
                        key = None if value.startswith(("arn:", "<")) else resource.provider
                        found.setdefault((kind, key, value), name)
                own = resource.inputs.get("name")
                if isinstance(own, str):
                    found[kind, resource.provider, own] = name
        return found

    def name_of(self, resource: Resource) -> str:
        """What an identity's resource is called: kind, name, and account where it is known."""
        kind = IDENTITIES[resource.type]
        name = resource.inputs.get("name")
        text = name if isinstance(name, str) else resource.name
        account = self.account_of(resource)
        return f"{kind} {text}" + (f" ({account})" if account else "")

    def issuer(self, provider: str) -> str:
        """The host that issues the tokens of an identity provider, by the provider's ARN."""
        urn = self._graph.placeholders.get(provider, ("",))[0]
        for each in self._graph.of_type("aws:iam/openIdConnectProvider:OpenIdConnectProvider"):
            url = each.inputs.get("url")
            if isinstance(url, str) and (each.urn == urn or each.outputs.get("arn") == provider):
                return url.removeprefix("https://")
        return provider.partition(":oidc-provider/")[2] or provider

    def account_of(self, resource: Resource) -> str:
        """The account that a resource is in, by its provider; empty where it is not known."""
        provider = self._graph.resources.get(resource.provider or "")
        if provider is None:
            return ""
        accounts = provider.inputs.get("allowedAccountIds")
        if isinstance(accounts, str):
            try:
                accounts = json.loads(accounts)
            except ValueError:
                return ""
        return str(accounts[0]) if isinstance(accounts, list) and len(accounts) == 1 else ""

    def find(self, kind: str, value: Any, beside: Resource) -> str:
        """The name of the identity that a property of `beside` means."""
        if isinstance(value, Reference):
            return self._by_text.get((kind, None, value.urn), f"{kind} {value.urn}")
        text = value if isinstance(value, str) else "of a name that is not known"
        for provider in (None, beside.provider):
            found = self._by_text.get((kind, provider, text))
            if found is not None:
                return found
        plain = text.partition(":" + _PLURAL.get(kind, "\0"))[2] or text
        account = text.split(":")[4] if text.startswith("arn:") else self.account_of(beside)
        return f"{kind} {plain}" + (f" ({account})" if account else "")


def _texts(outputs: Mapping[str, Any]) -> list[str]:
    wanted = (outputs.get(key) for key in ("arn", "name"))
    return [value for value in wanted if isinstance(value, str)]
