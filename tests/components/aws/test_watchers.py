"""GuardDuty, Security Hub, Config, Access Analyzer and the guardrails, read off the graph."""

import json

import pulumi
import pytest
from foundations import TOPIC, document, provider, statements
from identities import AUDIT, DEV, MANAGEMENT, ORGANIZATION, PROD, STAGING

from components.aws.access_analyzers import AccessAnalyzers
from components.aws.account_baseline import AccountBaseline
from components.aws.configuration_archive import ConfigurationArchive
from components.aws.guardduty import GuardDuty
from components.aws.guardrails import Guardrails
from components.aws.security_hub import SecurityHub
from rehearsal.evaluation import evaluate_program

REGIONS = ("eu-central-1", "eu-west-1")
ACCOUNTS = {
    "audit": AUDIT,
    "dev": DEV,
    "management": MANAGEMENT,
    "prod": PROD,
    "staging": STAGING,
}


def program():
    management = provider("management", account=MANAGEMENT)
    audit = provider("audit", account=AUDIT)
    prod = provider("prod", account=PROD)

    def into(chosen):
        return pulumi.ResourceOptions(providers={"aws": chosen})

    administrator = {"administrator": AUDIT, "administrator_provider": audit}
    configuration = ConfigurationArchive(
        "configuration",
        organization=ORGANIZATION,
        accounts=list(ACCOUNTS.values()),
        management_provider=management,
        log_bucket="acme-audit-access-logs",
        opts=into(audit),
    )
    AccountBaseline(
        "prod",
        organization=ORGANIZATION,
        account=PROD,
        regions=("eu-central-1",),
        configuration=configuration,
        opts=into(prod),
    )
    GuardDuty("guardduty", **administrator, regions=REGIONS, opts=into(management))
    SecurityHub(
        "hub",
        **administrator,
        home_region="eu-west-1",
        accounts=ACCOUNTS,
        topic_arn=TOPIC,
        opts=into(management),
    )
    AccessAnalyzers("analyzers", **administrator, regions=REGIONS, opts=into(management))
    Guardrails("guardrails", accounts={"prod": PROD}, regions=REGIONS, opts=into(management))
    return {}


@pytest.fixture(scope="module")
def graph():
    return evaluate_program(program)


@pytest.mark.parametrize("region", REGIONS)
def test_guardduty_watches_every_member_in_every_region_in_use(graph, region):
    detector = graph.named(f"guardduty-{region}-detector")
    assert detector.inputs["enable"] is True
    assert detector.inputs["region"] == region
    members = graph.named(f"guardduty-{region}-members").inputs
    assert members["autoEnableOrganizationMembers"] == "ALL"
    assert members["detectorId"] == detector.id
    assert graph.named(f"guardduty-{region}-administrator").inputs["adminAccountId"] == AUDIT


@pytest.mark.parametrize(
    "feature", ["EKS_AUDIT_LOGS", "RUNTIME_MONITORING", "S3_DATA_EVENTS", "RDS_LOGIN_EVENTS"]
)
def test_guardduty_looks_at_clusters_objects_and_logins(graph, feature):
    for region in REGIONS:
        found = graph.named(f"guardduty-{region}-{feature}").inputs
        assert (found["name"], found["autoEnable"], found["region"]) == (feature, "ALL", region)


def test_guardduty_makes_no_endpoint_of_its_own_in_our_networks(graph):
    agents = graph.named("guardduty-eu-west-1-RUNTIME_MONITORING").inputs
    # A list: in another order than AWS answers it, the provider replaces the feature each time.
    assert agents["additionalConfigurations"] == [
        {"name": agent, "autoEnable": "NONE"}
        for agent in (
            "EKS_ADDON_MANAGEMENT",
            "ECS_FARGATE_AGENT_MANAGEMENT",
            "EC2_AGENT_MANAGEMENT",
        )
    ]


def test_the_audit_account_administers_and_the_management_account_only_delegates(graph):
    for name in ("guardduty-eu-west-1-members", "hub-hub", "hub-policy", "analyzers-unused"):
        assert "::audit" in graph.named(name).provider, name
    for name in (
        "guardduty-eu-west-1-administrator",
        "hub-administrator",
        "analyzers-administrator",
        "configuration-administrator",
        "guardrails-watchers",
    ):
        assert "::management" in graph.named(name).provider, name


def test_security_hub_measures_every_account_against_the_same_standards(graph):
    central = graph.named("hub-members").inputs
    assert central["organizationConfiguration"] == {"configurationType": "CENTRAL"}
    assert central["autoEnable"] is False
    assert central["autoEnableStandards"] == "NONE"
    policy = graph.named("hub-policy").inputs["configurationPolicy"]
    assert policy["serviceEnabled"] is True
    assert policy["securityControlsConfiguration"] == {"disabledControlIdentifiers": []}
    assert [arn.split("/")[1] for arn in policy["enabledStandardArns"]] == [
        "aws-foundational-security-best-practices",
        "cis-aws-foundations-benchmark",
    ]
    targets = {
        found.inputs["targetId"]
        for found in graph.of_type(
            "aws:securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation"
        )
    }
    assert targets == set(ACCOUNTS.values())


def test_severe_findings_of_all_regions_reach_the_contact(graph):
    assert graph.named("hub-aggregator").inputs["linkingMode"] == "ALL_REGIONS"
    pattern = json.loads(graph.named("hub-severe").inputs["eventPattern"])
    assert pattern["detail"]["findings"]["Severity"] == {"Label": ["CRITICAL", "HIGH"]}
    assert graph.named("hub-severe-target").inputs["arn"] == TOPIC


def test_access_analyzer_looks_at_sharing_everywhere_and_at_unused_rights_once(graph):
    found = graph.of_type("aws:accessanalyzer/analyzer:Analyzer")
    sharing = [each.inputs for each in found if each.inputs["type"] == "ORGANIZATION"]
    assert [each["region"] for each in sharing] == list(REGIONS)
    (unused,) = (
        each.inputs for each in found if each.inputs["type"] == "ORGANIZATION_UNUSED_ACCESS"
    )
    assert unused["configuration"] == {"unusedAccess": {"unusedAccessAge": 90}}


def test_an_account_can_make_nothing_public(graph):
    block = graph.named("prod-public-access").inputs
    assert block["accountId"] == PROD
    for setting in (
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    ):
        assert block[setting] is True
    for region in REGIONS:
        assert graph.named(f"prod-{region}-snapshots").inputs["state"] == "block-all-sharing"
        assert graph.named(f"prod-{region}-images").inputs["state"] == "block-new-sharing"


@pytest.mark.parametrize("region", REGIONS)
def test_new_volumes_are_encrypted_and_new_instances_demand_tokens(graph, region):
    encryption = graph.named(f"prod-{region}-ebs-encryption").inputs
    assert (encryption["enabled"], encryption["region"]) == (True, region)
    metadata = graph.named(f"prod-{region}-metadata").inputs
    assert metadata["httpTokens"] == "required"
    assert metadata["httpPutResponseHopLimit"] == 1
    assert metadata["region"] == region


@pytest.mark.parametrize("region", REGIONS)
def test_config_records_everything_and_global_resources_once(graph, region):
    recorder = graph.named(f"prod-{region}-recorder").inputs
    assert recorder["recordingGroup"] == {
        "allSupported": True,
        "includeGlobalResourceTypes": region == ORGANIZATION.home_region,
    }
    assert graph.named(f"prod-{region}-recording").inputs["isEnabled"] is True
    delivery = graph.named(f"prod-{region}-delivery").inputs
    assert delivery["s3BucketName"] == "acme-audit-configuration"
    assert delivery["s3KmsKeyArn"] == graph.named("configuration-key-key").outputs["arn"]
    for gate in ("configuration-bucket-policy", "prod-recorder-delivering"):
        assert graph.named(gate).urn in graph.named(f"prod-{region}-delivery").dependencies


def test_config_rules_wait_for_the_recording_and_name_aws_rules(graph):
    rules = graph.of_type("aws:cfg/rule:Rule")
    assert {rule.inputs["region"] for rule in rules} == set(REGIONS)
    for rule in rules:
        assert rule.inputs["source"]["owner"] == "AWS"
        assert rule.inputs["description"]
        recording = graph.named(f"prod-{rule.inputs['region']}-recording")
        assert recording.urn in rule.dependencies


def test_recorders_write_below_their_own_account_only(graph):
    found = statements(graph.named("configuration-bucket-policy"))
    writing = found["RecordersWriteBelowTheirAccount"]
    assert writing["Resource"].endswith("/AWSLogs/${aws:PrincipalAccount}/Config/*")
    assert writing["Condition"]["ArnLike"] == {
        "aws:PrincipalArn": "arn:aws:iam::*:role/acme-config-recorder"
    }
    own = statements(graph.named("prod-recorder-delivering"))["WriteBelowItsAccount"]
    assert own["Resource"].endswith(f"/AWSLogs/{PROD}/Config/*")


def test_the_configuration_bucket_has_no_lock_as_config_would_refuse_it(graph):
    assert graph.named("configuration-bucket-bucket").inputs["objectLockEnabled"] is False
    assert not graph.of_type("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")


def test_guardrails_bind_every_role_but_the_one_that_keeps_them(graph):
    found = statements(graph.named("guardrails-watchers"), "content")
    assert "organizations:LeaveOrganization" in found["StayInTheOrganization"]["Action"]
    assert found["NoRootUser"]["Condition"] == {
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}
    }
    assert "Condition" not in found["NoLongLivedCredentials"]
    assert found["NoTamperingWithTheTrail"]["Condition"] == {
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/OrganizationDeploy"}
    }
    regions = statements(graph.named("guardrails-regions"), "content")["OnlyRegionsInUse"]
    assert regions["Condition"]["StringNotEquals"] == {"aws:RequestedRegion": list(REGIONS)}


def test_guardrails_only_deny_and_fit_into_a_service_control_policy(graph):
    for policy in graph.of_type("aws:organizations/policy:Policy"):
        assert policy.inputs["type"] == "SERVICE_CONTROL_POLICY"
        assert len(policy.inputs["content"]) <= 5120
        assert {s["Effect"] for s in document(policy, "content")["Statement"]} == {"Deny"}
    attached = graph.of_type("aws:organizations/policyAttachment:PolicyAttachment")
    assert {each.inputs["targetId"] for each in attached} == {PROD}


def test_the_resources_are_the_same_before_anything_is_known(graph):
    assert set(evaluate_program(program, known=False).resources) == set(graph.resources)
