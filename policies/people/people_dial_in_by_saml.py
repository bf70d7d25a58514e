"""People dial in to a cell by SAML, signed in at the identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import VPN
from policies.rule import Rule, Verdict, each
from policies.stack import at, listed, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

SAML = "aws:iam/samlProvider:SamlProvider"


@each(VPN, needed_in=("cell",))
def of_endpoints(endpoint: Resource, stack: Stack) -> Iterator[str]:
    """Endpoints that take anything else."""
    options = listed(at(endpoint.inputs, "authenticationOptions"))
    if [at(option, "type") for option in options] != ["federated-authentication"]:
        yield f"authenticationOptions is {shown(options)}"
    for number, _ in enumerate(options):
        path = f"authenticationOptions.{number}.samlProviderArn"
        if at(endpoint.inputs, path) is not UNKNOWN and not stack.referred(endpoint, path, SAML):
            yield f"{path} is {shown(at(endpoint.inputs, path))}"


@each(SAML, needed_in=("cell",))
def of_providers(provider: Resource, _: Stack) -> Iterator[str]:
    """Providers that are not known by their metadata."""
    metadata = at(provider.inputs, "samlMetadataDocument")
    if metadata is not UNKNOWN and 'entityID="https://' not in str(metadata):
        yield "samlMetadataDocument names no identity provider"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Endpoints, and the provider that they trust."""
    yield from of_endpoints(stack)
    yield from of_providers(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="A certificate on a laptop goes on working when its owner has left.",
    remedy="Set authenticationOptions to federated-authentication with the cell's SAML provider.",
    evaluate=evaluate,
)
