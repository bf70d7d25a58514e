"""The organization's accounts, and the one provider that each of them is reached through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import pulumi

from catalog.base import Environment
from components.aws.boundaries import BOOTSTRAP_ROLE
from stacks.providers import aws_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi_aws as aws

    from catalog.catalog import Catalog

ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)


@dataclass(frozen=True)
class Accounts:
    """Every account's id and explicit provider, by the account's name in the catalog."""

    ids: Mapping[str, str]
    providers: Mapping[str, aws.Provider]

    def into(self, account: str) -> pulumi.ResourceOptions:
        """Options of a component that lives in an account."""
        return pulumi.ResourceOptions(providers={"aws": self.providers[account]})


def declare_accounts(catalog: Catalog) -> Accounts:
    """A provider per account, in the home region; all but the management one take a role."""
    organization = catalog.organization
    ids: dict[str, str] = organization.accounts.model_dump()
    providers = {}
    for label, account in ids.items():
        tags = catalog.tags()
        if label in ENVIRONMENTS:
            tags["environment"] = label
        providers[label] = aws_provider(
            label,
            account=account,
            region=organization.home_region,
            tags=tags,
            role_arn=None
            if label == "management"
            else f"arn:aws:iam::{account}:role/{BOOTSTRAP_ROLE}",
        )
    return Accounts(ids, providers)
