"""People's access to the accounts: groups, a permission set per duty, and who has which where."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pulumi
import pulumi_aws as aws

from catalog.organization import Duty
from components.aws.boundaries import people_boundary
from components.aws.duties import DUTY_RIGHTS, permission_set_statements
from components.aws.policy_document import policy_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.cell import Cell
    from catalog.organization import Organization
    from components.aws.boundaries import Boundaries
    from components.aws.policy_document import Statement

DUTIES: tuple[Duty, ...] = get_args(Duty)


class People(pulumi.ComponentResource):
    """IAM Identity Center as the only door for people: no IAM users and no access keys.

    The groups' members come from Google. `boundaries` are those of every account where somebody is
    assigned: Identity Center provisions no permission set where its boundary is missing. `cells`
    are those whose duty roles people may take.
    Auditors are assigned to the audit account as well.
    """

    group_ids: dict[str, pulumi.Output[str]]
    permission_set_arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        boundaries: Sequence[Boundaries],
        cells: Sequence[Cell],
        archive_bucket: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:People", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._organization = organization
        self._instance = organization.identity_provider.identity_center_arn
        self._complete: dict[Duty, list[pulumi.Resource]] = {}
        attributes = self._attributes()
        self.group_ids = {slug: self._group(slug) for slug in sorted(organization.groups)}
        self.permission_set_arns = {
            duty: self._permission_set(
                duty,
                boundaries,
                permission_set_statements(
                    organization, duty, cells=cells, archive_bucket=archive_bucket
                ),
                attributes,
            )
            for duty in DUTIES
        }
        for group, duty, environment, account in assignments(organization):
            self._assign(group, duty, environment, account)
        self.register_outputs(
            {"group_ids": self.group_ids, "permission_set_arns": self.permission_set_arns}
        )

    def _attributes(self) -> pulumi.Resource:
        # Without attributes for access control Identity Center drops the session tags that Google
        # sends, the one that vouches for MFA among them.
        return aws.ssoadmin.InstanceAccessControlAttributes(
            f"{self._name}-attributes",
            instance_arn=self._instance,
            attributes=[
                {
                    "key": "email",
                    "values": [{"sources": ["${path:emails[primary eq true].value}"]}],
                }
            ],
            opts=self._child,
        )

    def _group(self, slug: str) -> pulumi.Output[str]:
        group = aws.identitystore.Group(
            f"{self._name}-group-{slug}",
            display_name=slug,
            description=self._organization.groups[slug].email,
            identity_store_id=self._organization.identity_provider.identity_store_id,
            opts=self._child,
        )
        return group.group_id

    def _permission_set(
        self,
        duty: Duty,
        boundaries: Sequence[Boundaries],
        policy: Sequence[Statement],
        attributes: pulumi.Resource,
    ) -> pulumi.Output[str]:
        rights = DUTY_RIGHTS[duty]
        permission_set = aws.ssoadmin.PermissionSet(
            f"{self._name}-{duty}",
            name=duty,
            description=rights.description,
            instance_arn=self._instance,
            session_duration=rights.session,
            opts=self._child,
        )
        boundary = aws.ssoadmin.PermissionsBoundaryAttachment(
            f"{self._name}-{duty}-boundary",
            instance_arn=self._instance,
            permission_set_arn=permission_set.arn,
            permissions_boundary={
                "customer_managed_policy_reference": {
                    "name": people_boundary(self._organization),
                }
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(boundaries)),
        )
        # Identity Center provisions one change of a permission set at a time and refuses a second
        # one meanwhile, so they follow each other; nobody is assigned before the denials are in.
        inline = aws.ssoadmin.PermissionSetInlinePolicy(
            f"{self._name}-{duty}-policy",
            instance_arn=self._instance,
            permission_set_arn=permission_set.arn,
            inline_policy=policy_document(policy),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[boundary]),
        )
        last: pulumi.Resource = inline
        for managed in rights.managed_policies:
            last = aws.ssoadmin.ManagedPolicyAttachment(
                f"{self._name}-{duty}-{managed.rsplit('/', 1)[1]}",
                instance_arn=self._instance,
                permission_set_arn=permission_set.arn,
                managed_policy_arn=managed,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[last]),
            )
        self._complete[duty] = [last, attributes]
        return permission_set.arn

    def _assign(self, group: str, duty: Duty, place: str, account: str) -> None:
        aws.ssoadmin.AccountAssignment(
            f"{self._name}-{group}-{duty}-{place}",
            instance_arn=self._instance,
            permission_set_arn=self.permission_set_arns[duty],
            principal_id=self.group_ids[group],
            principal_type="GROUP",
            target_id=account,
            target_type="AWS_ACCOUNT",
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._complete[duty]),
        )


def assignments(organization: Organization) -> list[tuple[str, Duty, str, str]]:
    """Who does what where: group, duty, the account's name and the account's id, in order."""
    found: list[tuple[str, Duty, str, str]] = []
    for slug, group in sorted(organization.groups.items()):
        for duty in sorted(set(group.duties)):
            found += [
                (slug, duty, environment, organization.account(environment))
                for environment in sorted(set(group.environments))
            ]
            if duty == "auditor":
                found.append((slug, duty, "audit", organization.accounts.audit))
    return found
