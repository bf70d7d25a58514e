"""The roles that CI takes: those that look, and two per environment that deploy and move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.deploy_rights import deploy_statements
from components.aws.drift_rights import drift_statements
from components.aws.github_oidc import environment_subject, web_identity_statement
from components.aws.mover_rights import mover_statements
from components.aws.policy_document import policy_document
from components.aws.preview_rights import preview_statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.base import Environment
    from catalog.organization import Organization
    from components.aws.policy_document import Statement

SESSION_SECONDS = 3600
"""An hour: IAM's shortest limit, and longer than any single job of ours takes."""

PREVIEW_ENVIRONMENT = "preview"
"""The GitHub environment of previews: merged code's alone, and each waits for a code owner."""


DRIFT_ENVIRONMENT = "drift"
"""The GitHub environment of jobs that look at production unattended: the default branch's alone."""


def preview_role(organization: Organization) -> str:
    """The name of the preview role, the same in every account."""
    return f"{organization.name}-ci-preview"


def deploy_role(organization: Organization, environment: Environment) -> str:
    """The name of an environment's deploy role."""
    return f"{organization.name}-ci-deploy-{environment}"


def mover_role(organization: Organization, environment: Environment) -> str:
    """The name of the role that moves an environment's tenants."""
    return f"{organization.name}-ci-tenant-mover-{environment}"


def drift_role(organization: Organization) -> str:
    """The name of the role that looks at production unattended."""
    return f"{organization.name}-ci-drift-prod"


class PreviewRole(pulumi.ComponentResource):
    """The role of a preview in one account: it reads settings and states, and writes nothing."""

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        ledger_table_arn: pulumi.Input[str],
        ledger_key_alias: str,
        oidc_provider_arn: pulumi.Input[str],
        boundary_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:PreviewRole", name, None, opts)
        self.role_arn = _role(
            self,
            name,
            role_name=preview_role(organization),
            description="Previews by merged code, past a code owner; changes nothing",
            oidc_provider_arn=oidc_provider_arn,
            subjects=[environment_subject(organization.repository, PREVIEW_ENVIRONMENT)],
            boundary_arn=boundary_arn,
            statements=preview_statements(
                organization,
                ledger_table_arn=ledger_table_arn,
                ledger_key_alias=ledger_key_alias,
            ),
        )
        self.register_outputs({"role_arn": self.role_arn})


class DriftRole(pulumi.ComponentResource):
    """The role of a nightly job that compares production's settings with what was brought up."""

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        ledger_table_arn: pulumi.Input[str],
        ledger_key_alias: str,
        oidc_provider_arn: pulumi.Input[str],
        boundary_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DriftRole", name, None, opts)
        self.role_arn = _role(
            self,
            name,
            role_name=drift_role(organization),
            description="Looks at settings in prod every night; changes none",
            oidc_provider_arn=oidc_provider_arn,
            subjects=[environment_subject(organization.repository, DRIFT_ENVIRONMENT)],
            boundary_arn=boundary_arn,
            statements=drift_statements(
                organization,
                ledger_table_arn=ledger_table_arn,
                ledger_key_alias=ledger_key_alias,
            ),
        )
        self.register_outputs({"role_arn": self.role_arn})


class DeployRole(pulumi.ComponentResource):
    """The role of a job that GitHub let into one protected environment, in its account alone.

    `regions` are those the environment's cells and their backups are in; `shared_roles` the ARNs
    of the roles in the management account that it may take.
    """

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        environment: Environment,
        regions: Sequence[str],
        shared_roles: Sequence[str],
        ledger_table_arn: pulumi.Input[str],
        deliveries_table_arn: pulumi.Input[str],
        ledger_key_alias: str,
        oidc_provider_arn: pulumi.Input[str],
        boundary_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DeployRole", name, None, opts)
        self.role_arn = _role(
            self,
            name,
            role_name=deploy_role(organization, environment),
            description=f"Deployments to {environment}, from its protected environment only",
            oidc_provider_arn=oidc_provider_arn,
            subjects=[environment_subject(organization.repository, environment)],
            boundary_arn=boundary_arn,
            statements=deploy_statements(
                organization,
                environment,
                regions=regions,
                shared_roles=shared_roles,
                ledger_table_arn=ledger_table_arn,
                deliveries_table_arn=deliveries_table_arn,
                ledger_key_alias=ledger_key_alias,
            ),
        )
        self.register_outputs({"role_arn": self.role_arn})


class MoverRole(pulumi.ComponentResource):
    """The role `tenant-mover` of one environment, for jobs that GitHub let into it.

    It moves what tenants have between cells, and declares nothing: their stacks are brought up by
    the deploy role. Parameters are those of `DeployRole`.
    """

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        environment: Environment,
        regions: Sequence[str],
        shared_roles: Sequence[str],
        ledger_table_arn: pulumi.Input[str],
        oidc_provider_arn: pulumi.Input[str],
        boundary_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:MoverRole", name, None, opts)
        self.role_arn = _role(
            self,
            name,
            role_name=mover_role(organization, environment),
            description=f"Moves of tenants in {environment}, from its protected environment only",
            oidc_provider_arn=oidc_provider_arn,
            subjects=[environment_subject(organization.repository, environment)],
            boundary_arn=boundary_arn,
            statements=mover_statements(
                organization,
                environment,
                regions=regions,
                shared_roles=shared_roles,
                ledger_table_arn=ledger_table_arn,
            ),
        )
        self.register_outputs({"role_arn": self.role_arn})


def _role(
    parent: pulumi.ComponentResource,
    name: str,
    *,
    role_name: str,
    description: str,
    oidc_provider_arn: pulumi.Input[str],
    subjects: Sequence[str],
    boundary_arn: pulumi.Input[str],
    statements: Sequence[Statement],
) -> pulumi.Output[str]:
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(
        f"{name}-role",
        name=role_name,
        description=description,
        assume_role_policy=policy_document([web_identity_statement(oidc_provider_arn, subjects)]),
        permissions_boundary=boundary_arn,
        max_session_duration=SESSION_SECONDS,
        opts=child,
    )
    aws.iam.RolePolicy(
        f"{name}-policy",
        name="ci",
        role=role.name,
        policy=policy_document(statements),
        opts=child,
    )
    return role.arn
