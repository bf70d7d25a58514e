"""The organization's watchers: trail, archive, alarms, findings, recorders and guardrails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.access_analyzers import AccessAnalyzers
from components.aws.account_baseline import AccountBaseline
from components.aws.alarm_topic import AlarmTopic
from components.aws.audit_alarms import AuditAlarms
from components.aws.audit_archive import AuditArchive
from components.aws.audit_trail import AuditTrail
from components.aws.configuration_archive import ConfigurationArchive
from components.aws.guardduty import GuardDuty
from components.aws.guardrails import Guardrails
from components.aws.keys import Key, alarms_publish
from components.aws.security_hub import SecurityHub
from stacks.organization_accounts import ENVIRONMENTS
from stacks.organization_regions import environment_regions, regions_in_use

if TYPE_CHECKING:
    import pulumi

    from catalog.catalog import Catalog
    from stacks.organization_accounts import Accounts


def declare_audit(
    catalog: Catalog,
    accounts: Accounts,
    organization_key: Key,
    ledger_table_arn: pulumi.Output[str],
) -> tuple[AuditArchive, dict[str, pulumi.Output[str]]]:
    """The trail, its locked archive and its alarms; returns archive and topics by account."""
    organization = catalog.organization
    archive = AuditArchive("archive", organization=organization, opts=accounts.into("audit"))
    trail = AuditTrail(
        "trail",
        organization=organization,
        archive=archive,
        log_key_arn=organization_key.key_arn,
        ledger_table_arn=ledger_table_arn,
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
        for account, key in (("audit", audit_key), ("management", organization_key))
    }
    AuditAlarms(
        "alarms",
        organization=organization,
        log_group_name=trail.log_group_name,
        topic_arn=topics["management"],
        opts=accounts.into("management"),
    )
    return archive, topics


def declare_watchers(
    catalog: Catalog,
    accounts: Accounts,
    archive: AuditArchive,
    topic_arn: pulumi.Output[str],
) -> pulumi.Output[str]:
    """What watches every account and region; returns the configuration archive's key."""
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
