"""The organization's stack: identities, audit, watchers, public DNS, registry and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from components.aws.audit_archive import archive_bucket
from components.aws.boundaries import Boundaries
from components.aws.ci_roles import (
    DeployRole,
    DriftRole,
    MoverRole,
    PreviewRole,
    deploy_role,
    drift_role,
    mover_role,
    preview_role,
)
from components.aws.deliveries import DeliveriesTable
from components.aws.dns import PublicZone
from components.aws.github_oidc import GithubOidc
from components.aws.keys import Key, alarms_publish, logs_encrypt
from components.aws.ledger import LedgerTable
from components.aws.ledger_access import LedgerAccess, opens_ledger_key
from components.aws.people import People
from components.aws.preview_rights import LOOK_AT_DNS
from components.aws.registry import Registry
from components.aws.shared_role import SharedRole, read_records, shared_role_arn, write_records
from stacks.deliveries import deliveries_table_name
from stacks.ledger import table_name
from stacks.organization_accounts import ENVIRONMENTS, declare_accounts
from stacks.organization_regions import environment_regions
from stacks.organization_reviews import declare_reviews
from stacks.organization_watchers import declare_audit, declare_watchers

if TYPE_CHECKING:
    from collections.abc import Callable

    import pulumi

    from catalog.base import Environment
    from catalog.catalog import Catalog, Ledger
    from stacks.organization_accounts import Accounts


_Kind = Literal["preview", "deploy", "mover"]
_KINDS: tuple[_Kind, ...] = get_args(_Kind)


@dataclass(frozen=True)
class _Records:
    """What the platform's own records are kept in."""

    key: Key
    ledger_key: Key
    ledger: LedgerTable
    deliveries: DeliveriesTable
    zone: PublicZone


def deploy(catalog: Catalog, name: str, ledger: Ledger) -> dict[str, pulumi.Input[object]]:
    """Declare the organization; returns what cells and tenants need of it.

    It is applied by a person in the management account, who takes the role `OrganizationDeploy` in
    the other accounts: what guards CI is out of CI's reach.
    """
    del name, ledger  # There is one organization, and it is the same wherever tenants are served.
    accounts = declare_accounts(catalog)
    records = _records(catalog, accounts)
    archive, topics = declare_audit(catalog, accounts, records.key, records.ledger.table_arn)
    configuration_key = declare_watchers(catalog, accounts, archive, topics["audit"])
    exports = _access(catalog, accounts, records)
    declare_reviews(catalog)
    return {
        **exports,
        "archive_bucket_name": archive.bucket_name,
        "archive_bucket_arn": archive.bucket_arn,
        "deliveries_table_arn": records.deliveries.table_arn,
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


def _records(catalog: Catalog, accounts: Accounts) -> _Records:
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
        statements=[
            opens_ledger_key(
                [
                    *(role for kind in _KINDS for role in _roles(catalog, kind)),
                    _drift_role(catalog),
                ],
                organization.home_region,
            )
        ],
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
        # Under the same key: who deploys an environment opens both.
        deliveries=DeliveriesTable(
            "deliveries",
            table_name=deliveries_table_name(organization.name),
            key_arn=ledger_key.key_arn,
            recorders=_roles(catalog, "deploy"),
            opts=accounts.into("management"),
        ),
        zone=PublicZone("zone", domain=organization.domain, opts=accounts.into("management")),
    )


def _ledger_alias(catalog: Catalog) -> str:
    return f"{catalog.organization.name}-ledger"


def _access(
    catalog: Catalog, accounts: Accounts, records: _Records
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
        environment: PreviewRole(
            f"{environment}-preview",
            organization=organization,
            ledger_table_arn=records.ledger.table_arn,
            ledger_key_alias=f"alias/{_ledger_alias(catalog)}",
            oidc_provider_arn=oidc[environment].provider_arn,
            boundary_arn=boundaries[environment].ci_boundary_arn,
            opts=accounts.into(environment),
        ).role_arn
        for environment in ENVIRONMENTS
    }
    deploys = {
        environment: DeployRole(
            f"{environment}-deploy",
            organization=organization,
            environment=environment,
            regions=environment_regions(catalog, environment),
            shared_roles=[shared_role_arn(organization, "dns")],
            ledger_table_arn=records.ledger.table_arn,
            deliveries_table_arn=records.deliveries.table_arn,
            ledger_key_alias=f"alias/{_ledger_alias(catalog)}",
            oidc_provider_arn=oidc[environment].provider_arn,
            boundary_arn=boundaries[environment].ci_boundary_arn,
            opts=accounts.into(environment),
        ).role_arn
        for environment in ENVIRONMENTS
    }
    drift = DriftRole(
        "prod-drift",
        organization=organization,
        ledger_table_arn=records.ledger.table_arn,
        ledger_key_alias=f"alias/{_ledger_alias(catalog)}",
        oidc_provider_arn=oidc["prod"].provider_arn,
        boundary_arn=boundaries["prod"].ci_boundary_arn,
        opts=accounts.into("prod"),
    )
    movers = {
        environment: MoverRole(
            f"{environment}-mover",
            organization=organization,
            environment=environment,
            regions=environment_regions(catalog, environment),
            shared_roles=[shared_role_arn(organization, "dns")],
            ledger_table_arn=records.ledger.table_arn,
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
        "drift_role_arn": drift.role_arn,
        "mover_role_arns": movers,
        "permission_set_arns": people.permission_set_arns,
        "boundary_arns": {label: each.ci_boundary_arn for label, each in boundaries.items()},
        **_shared(catalog, accounts, records),
    }


def _shared(
    catalog: Catalog, accounts: Accounts, records: _Records
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
    LedgerAccess(
        "ledger-access",
        table_arn=records.ledger.table_arn,
        readers=[*_roles(catalog, "preview"), _drift_role(catalog)],
        writers=[*_roles(catalog, "deploy"), *_roles(catalog, "mover")],
        opts=accounts.into("management"),
    )
    dns = SharedRole(
        "shared-dns",
        organization=organization,
        purpose="dns",
        description="Records in the public zone",
        takers={
            account: (deploy_role(organization, environment), mover_role(organization, environment))
            for environment, account in environments.items()
        },
        statements=write_records(records.zone.zone_id),
        opts=accounts.into("management"),
    )
    SharedRole(
        "shared-dns-look",
        organization=organization,
        purpose=LOOK_AT_DNS,
        description="A look at records in the public zone",
        takers={account: (preview_role(organization),) for account in environments.values()},
        statements=read_records(records.zone.zone_id),
        opts=accounts.into("management"),
    )
    return {"dns_role_arn": dns.role_arn}


def _roles(catalog: Catalog, kind: _Kind) -> list[str]:
    """The ARNs of CI's roles in the environments' accounts, which others must name early."""
    organization = catalog.organization
    named: dict[str, Callable[[Environment], str]] = {
        "preview": lambda _: preview_role(organization),
        "deploy": lambda environment: deploy_role(organization, environment),
        "mover": lambda environment: mover_role(organization, environment),
    }
    return [
        f"arn:aws:iam::{organization.account(environment)}:role/{named[kind](environment)}"
        for environment in ENVIRONMENTS
    ]


def _drift_role(catalog: Catalog) -> str:
    organization = catalog.organization
    return f"arn:aws:iam::{organization.account('prod')}:role/{drift_role(organization)}"
