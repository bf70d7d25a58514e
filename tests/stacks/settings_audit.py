"""Audit: what a reviewer looks for."""

from __future__ import annotations

from settings_platform import has, held, setting

from stacks.organization_regions import environment_regions, regions_in_use


def account(graph, resource):
    provider = graph.resources[resource.provider]
    return provider.inputs["allowedAccountIds"].strip('[]"')


def region(graph, resource):
    provider = graph.resources[resource.provider]
    return resource.inputs.get("region") or provider.inputs["region"]


def trail(platform):
    (found,) = platform.organization.of_type("aws:cloudtrail/trail:Trail")
    return found


def archived(platform, graph, log_group):
    subscribed = graph.of_type("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")
    names = {each.inputs["logGroup"] for each in subscribed}
    assert log_group in names, f"{graph.stack}: {log_group} is not archived"


def alarm(platform, name, *events):
    """The alarm on what a metric filter counts, which reaches the security contact."""
    graph = platform.organization
    found = graph.named(f"alarms-{name}-filter")
    assert found.inputs["logGroupName"] == graph.named("trail-logs").inputs["name"]
    for event in events:
        assert event in found.inputs["pattern"], f"{found.urn}: {event} is not counted"
    metric = found.inputs["metricTransformation"]["name"]
    (made,) = [
        each
        for each in graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
        if each.inputs.get("metricName") == metric
    ]
    (topic,) = made.inputs["alarmActions"]
    subscriptions = graph.of_type("aws:sns/topicSubscription:TopicSubscription")
    contact = platform.catalog.organization.security_contact
    assert (topic, contact) in {
        (each.inputs["topic"], each.inputs["endpoint"]) for each in subscriptions
    }, made.urn
    yield from (found, made)


held(
    "Audit",
    "One trail records the whole organization, in every region",
    "the-trail-records-everything",
)


held("Audit", "The trail's files are validated", "the-trail-records-everything")


@setting(
    "Audit", "The trail is kept in a bucket that nobody can delete from", "the-archive-is-locked"
)
def locked(platform):
    graph = platform.organization
    bucket = graph.named("archive-archive-bucket")
    has(bucket, objectLockEnabled=True)
    has(trail(platform), s3BucketName=bucket.inputs["bucket"])
    (lock,) = graph.of_type("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    retention = lock.inputs["rule"]["defaultRetention"]
    days = platform.catalog.organization.archive_retention_days
    assert retention == {"mode": "COMPLIANCE", "days": days}, lock.urn
    yield from (bucket, lock)


@setting("Audit", "The bucket is in an account of its own", "the-archive-is-locked")
def own_account(platform):
    graph, accounts = platform.organization, platform.catalog.organization.accounts
    bucket = graph.named("archive-archive-bucket")
    assert account(graph, bucket) == accounts.audit, bucket.urn
    assert account(graph, trail(platform)) == accounts.management
    others = {accounts.management, accounts.dev, accounts.staging, accounts.prod}
    assert accounts.audit not in others
    has(trail(platform), s3BucketName=bucket.inputs["bucket"])
    yield bucket


held("Audit", "The Kubernetes API's audit is archived", "control-plane-logs-are-archived")


held(
    "Audit",
    "pgAudit records changes of schemas, roles and rights, and its log is archived",
    "database-audits-are-archived",
)


held("Audit", "Connections to the VPN are archived", "vpn-connections-are-logged")


@setting(
    "Audit", "Load balancers' logs are kept as long as the archive's", "balancers-logs-are-kept"
)
def load_balancers(platform):
    days = platform.catalog.organization.archive_retention_days
    for _, graph in platform.cells:
        lifecycle = graph.named("load-balancer-logs-lifecycle")
        expiries = [
            rule["expiration"]["days"] for rule in lifecycle.inputs["rules"] if "expiration" in rule
        ]
        assert expiries == [days], lifecycle.urn
        yield lifecycle


@setting("Audit", "The root user's every use raises an alarm", "alarms-tell-of-misuse")
def root(platform):
    yield from alarm(platform, "root-use", '"Root"')


@setting("Audit", "A spike of denied calls raises an alarm", "alarms-tell-of-misuse")
def denied(platform):
    yield from alarm(platform, "denied-calls", "AccessDenied*", "UnauthorizedOperation")


@setting(
    "Audit", "Changes of IAM policies and of the organization raise alarms", "alarms-tell-of-misuse"
)
def policies(platform):
    yield from alarm(platform, "iam-policy-changes", "PutRolePolicy", "AttachRolePolicy")
    yield from alarm(platform, "organization-changes", "organizations.amazonaws.com")


@setting("Audit", "Disabled logging raises an alarm", "alarms-tell-of-misuse")
def disabled(platform):
    yield from alarm(platform, "logging-disabled", "StopLogging", "DeleteTrail", "DeleteFlowLogs")


@setting(
    "Audit",
    "GuardDuty watches every account in every region in use, EKS audit logs too",
    "guardduty-watches-every-account",
)
def guardduty(platform):
    graph = platform.organization
    configuration = "aws:guardduty/organizationConfiguration:OrganizationConfiguration"
    found = graph.of_type(configuration)
    assert {region(graph, each) for each in found} == set(regions_in_use(platform.catalog))
    for each in found:
        assert account(graph, each) == platform.catalog.organization.accounts.audit, each.urn
        yield has(each, autoEnableOrganizationMembers="ALL")
    features = graph.of_type(
        f"{configuration}Feature".replace(
            "organizationConfiguration:", "organizationConfigurationFeature:"
        )
    )
    watched = {region(graph, f) for f in features if f.inputs["name"] == "EKS_AUDIT_LOGS"}
    assert watched == set(regions_in_use(platform.catalog))


@setting(
    "Audit",
    "Security Hub gathers every account's findings in the audit account",
    "security-hub-gathers-findings",
)
def security_hub(platform):
    graph, accounts = platform.organization, platform.catalog.organization.accounts
    (administrator,) = graph.of_type(
        "aws:securityhub/organizationAdminAccount:OrganizationAdminAccount"
    )
    yield has(administrator, adminAccountId=accounts.audit)
    (aggregator,) = graph.of_type("aws:securityhub/findingAggregator:FindingAggregator")
    yield has(aggregator, linkingMode="ALL_REGIONS")
    (policy,) = graph.of_type("aws:securityhub/configurationPolicy:ConfigurationPolicy")
    associated = graph.of_type(
        "aws:securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation"
    )
    assert {each.inputs["targetId"] for each in associated} == set(accounts.model_dump().values())
    yield policy


@setting(
    "Audit",
    "Config records everything in every account and region in use",
    "config-records-everything",
)
def config(platform):
    graph, organization = platform.organization, platform.catalog.organization
    found = graph.of_type("aws:cfg/recorder:Recorder")
    expected = {
        (each, organization.home_region) for each in organization.accounts.model_dump().values()
    }
    for environment in ("dev", "staging", "prod"):
        for each in environment_regions(platform.catalog, environment):
            expected.add((organization.account(environment), each))
    assert {(account(graph, each), region(graph, each)) for each in found} == expected
    for each in found:
        assert each.inputs["recordingGroup"]["allSupported"] is True, each.urn
        yield each
    for each in graph.of_type("aws:cfg/recorderStatus:RecorderStatus"):
        yield has(each, isEnabled=True)


@setting(
    "Audit",
    "Access Analyzer looks for what is shared outside and for rights nobody uses",
    "access-analyzers-look-outside",
)
def access_analyzer(platform):
    graph = platform.organization
    found = graph.of_type("aws:accessanalyzer/analyzer:Analyzer")
    sharing = [each for each in found if each.inputs["type"] == "ORGANIZATION"]
    assert {region(graph, each) for each in sharing} == set(regions_in_use(platform.catalog))
    assert {each.inputs["type"] for each in found} == {"ORGANIZATION", "ORGANIZATION_UNUSED_ACCESS"}
    yield from found
