"""GitHub's identity provider in one account, so that CI needs no stored credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.organization import Repository
    from components.aws.policy_document import Statement

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


class GithubOidc(pulumi.ComponentResource):
    """The OpenID Connect provider for GitHub Actions; an account has room for exactly one.

    There is no thumbprint: AWS verifies this issuer against its own trust store.
    """

    provider_arn: pulumi.Output[str]

    def __init__(self, name: str, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("patchworks:aws:GithubOidc", name, None, opts)
        provider = aws.iam.OpenIdConnectProvider(
            f"{name}-provider",
            url=f"https://{ISSUER}",
            client_id_lists=[AUDIENCE],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.provider_arn = provider.arn
        self.register_outputs({"provider_arn": self.provider_arn})


def environment_subject(repository: Repository, environment: str) -> str:
    """The subject of a job that GitHub let past the protection of one of its environments."""
    return f"repo:{repository.owner}/{repository.name}:environment:{environment}"


def web_identity_statement(provider_arn: pulumi.Input[str], subjects: Sequence[str]) -> Statement:
    """Trust in GitHub's tokens for exactly these subjects; no wildcard, so no look-alike passes."""
    return {
        "Sid": "GithubJobsOfTheseSubjects",
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{ISSUER}:aud": AUDIENCE,
                f"{ISSUER}:sub": list(subjects),
            }
        },
    }
