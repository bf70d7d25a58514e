"""The audit trail, its archive and its alarms, read off the graph."""

import pytest
from foundations import KEY, TOPIC, evaluate, statements
from identities import AUDIT, DEV, MANAGEMENT, ORGANIZATION, PROD, STAGING

from components.aws.audit_alarms import AuditAlarms
from components.aws.audit_archive import AuditArchive
from components.aws.audit_trail import AuditTrail

TRAIL = f"arn:aws:cloudtrail:eu-west-1:{MANAGEMENT}:trail/acme-trail"
LEDGER = f"arn:aws:dynamodb:eu-west-1:{MANAGEMENT}:table/acme-placements"


def audit(opts):
    archive = AuditArchive("archive", organization=ORGANIZATION, opts=opts)
    trail = AuditTrail(
        "trail",
        organization=ORGANIZATION,
        archive=archive,
        log_key_arn=KEY,
        ledger_table_arn=LEDGER,
        opts=opts,
    )
    return AuditAlarms(
        "alarms",
        organization=ORGANIZATION,
        log_group_name=trail.log_group_name,
        topic_arn=TOPIC,
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(audit)


def test_the_trail_covers_every_account_and_region_and_proves_its_files(graph):
    trail = graph.named("trail-trail")
    assert trail.inputs["isOrganizationTrail"] is True
    assert trail.inputs["isMultiRegionTrail"] is True
    assert trail.inputs["includeGlobalServiceEvents"] is True
    assert trail.inputs["enableLogFileValidation"] is True
    assert trail.inputs["enableLogging"] is True
    assert trail.inputs["kmsKeyId"] == graph.named("archive-key-key").outputs["arn"]
    assert trail.inputs["s3BucketName"] == "acme-audit-archive"
    assert trail.protect


def test_the_trail_watches_for_the_unusual(graph):
    kinds = {i["insightType"] for i in graph.named("trail-trail").inputs["insightSelectors"]}
    assert kinds == {"ApiCallRateInsight", "ApiErrorRateInsight"}


def test_the_trail_sees_management_calls_our_objects_and_the_ledger(graph):
    selectors = {
        selector["name"]: {
            field.pop("field"): field for field in map(dict, selector["fieldSelectors"])
        }
        for selector in graph.named("trail-trail").inputs["advancedEventSelectors"]
    }
    assert selectors["Management calls"] == {"eventCategory": {"equals": ["Management"]}}
    objects = selectors["Objects"]["resources.ARN"]
    assert objects["startsWiths"] == ["arn:aws:s3:::acme-"]
    assert objects["notStartsWiths"] == ["arn:aws:s3:::acme-audit-"]
    assert selectors["Placement ledger"]["resources.ARN"] == {"equals": [LEDGER]}


def test_the_trail_reaches_the_alarms_through_encrypted_logs(graph):
    logs = graph.named("trail-logs")
    assert logs.inputs["kmsKeyId"] == KEY
    assert logs.inputs["retentionInDays"] == 30
    assert graph.named("trail-trail").inputs["cloudWatchLogsGroupArn"].endswith(":*")
    assert graph.named("trail-delivery-policy").urn in graph.named("trail-trail").dependencies
    trust = statements(graph.named("trail-delivery"), "assumeRolePolicy")["OurTrail"]
    assert trust["Condition"]["ArnEquals"] == {"aws:SourceArn": TRAIL}


def test_nobody_can_delete_from_the_archive_for_seven_years(graph):
    lock = graph.named("archive-archive-lock").inputs["rule"]["defaultRetention"]
    assert lock == {"mode": "COMPLIANCE", "days": 2557}
    bucket = graph.named("archive-archive-bucket")
    assert bucket.inputs["objectLockEnabled"] is True
    assert bucket.protect
    assert bucket.retain_on_delete


def test_only_our_own_trail_writes_logs_and_uses_the_key(graph):
    bucket = statements(graph.named("archive-archive-policy"))
    key = statements(graph.named("archive-key-key"))
    for statement in (
        bucket["TrailLooks"],
        bucket["TrailWrites"],
        key["TrailEncrypts"],
        key["TrailLooks"],
    ):
        assert statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        assert statement["Condition"]["StringEquals"]["aws:SourceArn"] == TRAIL
    assert bucket["TrailWrites"]["Resource"] == "arn:aws:s3:::acme-audit-archive/AWSLogs/*"


def test_cells_archive_below_their_own_account_through_one_role(graph):
    found = statements(graph.named("archive-archive-policy"))
    writing = found["CellsWriteBelowTheirAccount"]
    assert writing["Resource"].endswith("/cells/${aws:PrincipalAccount}/*")
    assert writing["Principal"]["AWS"] == [
        f"arn:aws:iam::{account}:root" for account in (DEV, STAGING, PROD)
    ]
    assert writing["Condition"]["ArnLike"] == {
        "aws:PrincipalArn": "arn:aws:iam::*:role/acme-*-log-archive"
    }
    assert not {"s3:DeleteObject", "s3:GetObject"} & set(writing["Action"])


def test_reading_the_archive_is_logged_beside_it(graph):
    logging = graph.named("archive-archive-logging").inputs
    assert logging["targetBucket"] == "acme-audit-access-logs"
    writing = statements(graph.named("archive-access-logs-policy"))["S3WritesItsAccessLogs"]
    assert writing["Condition"] == {"StringEquals": {"aws:SourceAccount": AUDIT}}


EXPECTED_SIGNALS = {
    "break-glass": "AWSReservedSSO_break-glass_*",
    "denied-calls": "AccessDenied*",
    "iam-policy-changes": "PutRolePolicy",
    "key-deletion": "ScheduleKeyDeletion",
    "logging-disabled": "StopLogging",
    "login-without-mfa": "MFAUsed",
    "long-lived-credentials": "CreateAccessKey",
    "network-changes": "CreateRoute",
    "organization-changes": "organizations.amazonaws.com",
    "root-use": '"Root"',
    "security-group-changes": "AuthorizeSecurityGroupIngress",
}


def test_there_is_an_alarm_for_every_signal_and_no_other(graph):
    alarms = graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {alarm.inputs["metricName"] for alarm in alarms} == set(EXPECTED_SIGNALS)


@pytest.mark.parametrize(("signal", "marker"), EXPECTED_SIGNALS.items())
def test_a_signal_in_the_trail_reaches_the_topic(graph, signal, marker):
    found = graph.named(f"alarms-{signal}-filter").inputs
    alarm = graph.named(f"alarms-{signal}").inputs
    assert marker in found["pattern"]
    assert found["logGroupName"] == "/organization/acme-trail"
    transformation = found["metricTransformation"]
    assert (transformation["namespace"], transformation["name"]) == (
        alarm["namespace"],
        alarm["metricName"],
    )
    assert alarm["alarmActions"] == [TOPIC]
    assert alarm["alarmDescription"]
    assert alarm["treatMissingData"] == "notBreaching"


@pytest.mark.parametrize("event", ["StopLogging", "StopConfigurationRecorder", "DeleteDetector"])
def test_switching_off_a_watcher_raises_the_alarm(graph, event):
    assert f'"{event}"' in graph.named("alarms-logging-disabled-filter").inputs["pattern"]


def test_metric_filters_fit_into_what_cloudwatch_takes(graph):
    for found in graph.of_type("aws:cloudwatch/logMetricFilter:LogMetricFilter"):
        pattern = found.inputs["pattern"]
        assert len(pattern) <= 1024, found.name
        assert pattern.count("(") == pattern.count(")"), found.name
        assert pattern.startswith("{ ")
        assert pattern.endswith(" }")


def test_the_resources_are_the_same_before_anything_is_known(graph):
    assert set(evaluate(audit, known=False).resources) == set(graph.resources)
