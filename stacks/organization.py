"""The organization's stack: identities, audit, watchers, public DNS, registry and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import pulumi

from catalog.base import Environment
from components.aws.access_analyzers import AccessAnalyzers
from components.aws.account_baseline import AccountBaseline
from components.aws.alarm_topic import AlarmTopic
from components.aws.audit_alarms import AuditAlarms
from components.aws.audit_archive import AuditArchive, archive_bucket
from components.aws.audit_trail import AuditTrail
from components.aws.boundaries import BOOTSTRAP_ROLE, Boundaries
from components.aws.ci_roles import DeployRole, PreviewRole, deploy_role
from components.aws.configuration_archive import ConfigurationArchive
from components.aws.dns import PublicZone
from components.aws.github_oidc import GithubOidc
from components.aws.guardduty import GuardDuty
from components.aws.guardrails import Guardrails
from components.aws.keys import Key, alarms_publish, logs_encrypt
from components.aws.ledger import LedgerTable
from components.aws.people import People
from components.aws.registry import Registry
from components.aws.security_hub import SecurityHub
from components.aws.shared_role import SharedRole, keep_ledger, shared_role_arn, write_records
from stacks.ledger import table_name
from stacks.organization_regions import environment_regions, regions_in_use
from stacks.providers import aws_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi_aws as aws

    from catalog.catalog import Catalog, Ledger

ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)
SHARED_ROLES = ("dns", "ledger")


@dataclass(frozen=True)
class _Accounts:
    """Every account's id and explicit provider, by the account's name in the catalog."""

    ids: Mapping[str, str]
    providers: Mapping[str, aws.Provider]

    def into(self, account: str) -> pulumi.ResourceOptions:
        """Options of a component that lives in an account."""
        return pulumi.ResourceOptions(providers={"aws": self.providers[account]})


@dataclass(frozen=True)
class _Records:
    """What the platform's own records are kept in."""

    key: Key
    ledger_key: Key
    ledger: LedgerTable
    zone: PublicZone


def deploy(catalog: Catalog, name: str, ledger: Ledger) -> dict[str, pulumi.Input[object]]:  # noqa: ARG001 - every stack's program has this signature; the organization knows no placement.
    """Declare the organization; returns what cells and tenants need of it.

    It is applied by a person in the management account, who takes the role `OrganizationDeploy` in
    the other accounts: what guards CI is out of CI's reach.
    """
    accounts = _accounts(catalog)
    records = _records(catalog, accounts)
    archive, topics = _audit(catalog, accounts, records)
    configuration_key = _watchers(catalog, accounts, archive, topics["audit"])
    exports = _access(catalog, accounts, records)
    return {
        **exports,
        "archive_bucket_name": archive.bucket_name,
        "archive_bucket_arn": archive.bucket_arn,
        "domain": catalog.organization.domain,
        "key_arns": {
            "archive": archive.key_arn,
            "configuration": configuration_key,
            "ledger": records.ledger_key.key_arn,
            "organization": records.key.key_arn,
        },
        "ledger_table_arn": records.ledger.table_arn,
        "ledger_table_name": records.ledger.table_name,
        "registry": catalog.organization.registry,
        "topic_arns": topics,
        "zone_id": records.zone.zone_id,
        "zone_name_servers": records.zone.name_servers,
    }


def _accounts(catalog: Catalog) -> _Accounts:
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
    return _Accounts(ids, providers)


def _records(catalog: Catalog, accounts: _Accounts) -> _Records:
    organization = catalog.organization
    management = accounts.ids["management"]
    key = Key(
        "organization-key",
        alias=f"{organization.name}-organization",
        description="Encrypts the organization's logs, topics and images",
        account=management,
        statements=[
            logs_encrypt(management, organization.home_region),
            *alarms_publish(management),
        ],
        opts=accounts.into("management"),
    )
    ledger_key = Key(
        "ledger-key",
        alias=_ledger_alias(catalog),
        description="Encrypts the placement ledger",
        account=management,
        opts=accounts.into("management"),
    )
    return _Records(
        key=key,
        ledger_key=ledger_key,
        ledger=LedgerTable(
            "ledger",
            table_name=table_name(organization.name),
            key_arn=ledger_key.key_arn,
            opts=accounts.into("management"),
        ),
        zone=PublicZone("zone", domain=organization.domain, opts=accounts.into("management")),
    )


def _ledger_alias(catalog: Catalog) -> str:
    return f"{catalog.organization.name}-ledger"


def _audit(
    catalog: Catalog, accounts: _Accounts, records: _Records
) -> tuple[AuditArchive, dict[str, pulumi.Output[str]]]:
    organization = catalog.organization
    archive = AuditArchive("archive", organization=organization, opts=accounts.into("audit"))
    trail = AuditTrail(
        "trail",
        organization=organization,
        archive=archive,
        log_key_arn=records.key.key_arn,
        ledger_table_arn=records.ledger.table_arn,
        opts=accounts.into("management"),
    )
    audit_key = Key(
        "audit-key",
        alias=f"{organization.name}-audit-alerts",
        description="Encrypts alerts on findings",
        account=accounts.ids["audit"],
        statements=alarms_publish(accounts.ids["audit"]),
        opts=accounts.into("audit"),
    )
    topics = {
        account: AlarmTopic(
            f"{account}-alerts",
            topic_name=f"{organization.name}-{account}-alerts",
            account=accounts.ids[account],
            email=organization.security_contact,
            key_arn=key.key_arn,
            opts=accounts.into(account),
        ).topic_arn
        for account, key in (("audit", audit_key), ("management", records.key))
    }
    AuditAlarms(
        "alarms",
        organization=organization,
        log_group_name=trail.log_group_name,
        topic_arn=topics["management"],
        opts=accounts.into("management"),
    )
    return archive, topics


def _watchers(
    catalog: Catalog,
    accounts: _Accounts,
    archive: AuditArchive,
    topic_arn: pulumi.Output[str],
) -> pulumi.Output[str]:
    organization = catalog.organization
    regions = regions_in_use(catalog)
    administrator = accounts.ids["audit"]
    administrator_provider = accounts.providers["audit"]
    configuration = ConfigurationArchive(
        "configuration",
        organization=organization,
        accounts=list(accounts.ids.values()),
        management_provider=accounts.providers["management"],
        log_bucket=archive.access_log_bucket_name,
        opts=accounts.into("audit"),
    )
    for label, account in accounts.ids.items():
        AccountBaseline(
            f"{label}-baseline",
            organization=organization,
            account=account,
            regions=environment_regions(catalog, label) if label in ENVIRONMENTS else (),
            configuration=configuration,
            opts=accounts.into(label),
        )
    GuardDuty(
        "guardduty",
        administrator=administrator,
        administrator_provider=administrator_provider,
        regions=regions,
        opts=accounts.into("management"),
    )
    SecurityHub(
        "security-hub",
        home_region=organization.home_region,
        administrator=administrator,
        administrator_provider=administrator_provider,
        accounts=accounts.ids,
        topic_arn=topic_arn,
        opts=accounts.into("management"),
    )
    AccessAnalyzers(
        "access-analyzers",
        administrator=administrator,
        administrator_provider=administrator_provider,
        regions=regions,
        opts=accounts.into("management"),
    )
    Guardrails(
        "guardrails",
        accounts={
            label: account for label, account in accounts.ids.items() if label != "management"
        },
        regions=regions,
        opts=accounts.into("management"),
    )
    return configuration.key_arn


def _access(
    catalog: Catalog, accounts: _Accounts, records: _Records
) -> dict[str, pulumi.Input[object]]:
    organization = catalog.organization
    boundaries = {
        label: Boundaries(
            f"{label}-boundaries",
            organization=organization,
            account=account,
            opts=accounts.into(label),
        )
        for label, account in accounts.ids.items()
    }
    people = People(
        "people",
        organization=organization,
        boundaries=list(boundaries.values()),
        cells=[cell for _, cell in sorted(catalog.cells.items())],
        archive_bucket=archive_bucket(organization),
        opts=accounts.into("management"),
    )
    oidc = {
        label: GithubOidc(f"{label}-github", opts=accounts.into(label))
        for label in ("management", *ENVIRONMENTS)
    }
    previews = {
        label: PreviewRole(
            f"{label}-preview",
            organization=organization,
            ledger_table_arn=records.ledger.table_arn,
            ledger_key_alias=f"alias/{_ledger_alias(catalog)}",
            oidc_provider_arn=provider.provider_arn,
            boundary_arn=boundaries[label].ci_boundary_arn,
            opts=accounts.into(label),
        ).role_arn
        for label, provider in oidc.items()
    }
    deploys = {
        environment: DeployRole(
            f"{environment}-deploy",
            organization=organization,
            environment=environment,
            regions=environment_regions(catalog, environment),
            shared_roles=[shared_role_arn(organization, purpose) for purpose in SHARED_ROLES],
            oidc_provider_arn=oidc[environment].provider_arn,
            boundary_arn=boundaries[environment].ci_boundary_arn,
            opts=accounts.into(environment),
        ).role_arn
        for environment in ENVIRONMENTS
    }
    return {
        "github_oidc_arns": {label: provider.provider_arn for label, provider in oidc.items()},
        "preview_role_arns": previews,
        "deploy_role_arns": deploys,
        "permission_set_arns": people.permission_set_arns,
        "boundary_arns": {label: each.ci_boundary_arn for label, each in boundaries.items()},
        **_shared(catalog, accounts, records),
    }


def _shared(
    catalog: Catalog, accounts: _Accounts, records: _Records
) -> dict[str, pulumi.Input[object]]:
    organization = catalog.organization
    environments = {environment: accounts.ids[environment] for environment in ENVIRONMENTS}
    Registry(
        "registry",
        organization=organization,
        accounts=list(environments.values()),
        key_arn=records.key.key_arn,
        opts=accounts.into("management"),
    )
    purposes = {
        "dns": ("Records in the public zone", write_records(records.zone.zone_id)),
        "ledger": (
            "Placements in the ledger",
            keep_ledger(records.ledger.table_arn, records.ledger_key.key_arn),
        ),
    }
    return {
        f"{purpose}_role_arn": SharedRole(
            f"shared-{purpose}",
            organization=organization,
            purpose=purpose,
            description=description,
            takers={
                account: deploy_role(organization, environment)
                for environment, account in environments.items()
            },
            statements=statements,
            opts=accounts.into("management"),
        ).role_arn
        for purpose, (description, statements) in purposes.items()
    }
