"""Cases for DNS, certificates, load balancers, the firewall, logs, events and messages."""

from __future__ import annotations

import json
from typing import Any

from aws_case import Case, Subject, Surroundings, allow, visibility

TAGS = {"tags": {"Name": "tested"}}


def _record(s: Subject) -> object:
    records = s.api("route53").list_resource_record_sets(HostedZoneId=s.inputs["zoneId"])
    return {"found": [r for r in records["ResourceRecordSets"] if r["Name"] == "acme.example.com."]}


def _attributes(operation: str, parameter: str) -> Any:
    def read(s: Subject) -> dict[str, Any]:
        answer = getattr(s.api("elbv2"), operation)(**{parameter: s.id})
        return {a["Key"]: a["Value"] for a in answer["Attributes"]}

    return read


def _load_balancer(s: Subject) -> object:
    attributes = _attributes("describe_load_balancer_attributes", "LoadBalancerArn")
    return {
        **s.api("elbv2").describe_load_balancers(LoadBalancerArns=[s.id]),
        "attributes": attributes(s),
    }


def _target_group(s: Subject) -> object:
    attributes = _attributes("describe_target_group_attributes", "TargetGroupArn")
    return {
        **s.api("elbv2").describe_target_groups(TargetGroupArns=[s.id]),
        "attributes": attributes(s),
    }


def _validated(around: Surroundings) -> tuple[str, str]:
    arn, outputs = around.certificate("validated.example.com")
    (option,) = outputs["domainValidationOptions"]
    return arn, option["resourceRecordName"].rstrip(".")


def _acl(s: Subject) -> object:
    name = s.inputs.get("name") or s.outputs["name"]
    return s.api("wafv2").get_web_acl(Name=name, Scope="REGIONAL", Id=s.id)


def _ip_set(around: Surroundings) -> str:
    return str(
        around.make(
            "aws:wafv2/ipSet:IpSet",
            "allowed",
            name="allowed",
            scope="REGIONAL",
            ipAddressVersion="IPV4",
            addresses=["203.0.113.0/24"],
        )[1]["arn"]
    )


def _event_rule(around: Surroundings) -> str:
    return around.make(
        "aws:cloudwatch/eventRule:EventRule",
        "interruptions",
        name="interruptions",
        eventPattern=json.dumps({"source": ["aws.ec2"]}),
    )[0]


def _trail(s: Subject) -> object:
    api = s.api("cloudtrail")
    return {
        **api.get_trail(Name=s.id),
        "logging": api.get_trail_status(Name=s.id)["IsLogging"],
        **api.get_event_selectors(TrailName=s.id),
    }


FORWARD: dict[str, Any] = {"type": "forward"}

CASES = {
    "aws:route53/zone:Zone": Case(
        inputs=lambda a: {"name": "tested.example.com", "comment": "of the test", **TAGS},
        read=lambda s: s.api("route53").get_hosted_zone(Id=s.id),
        shows={"HostedZone.Name": "tested.example.com."},
        change=lambda a: {"comment": "of another"},
        then={"HostedZone.Config.Comment": "of another"},
        outputs={"zoneId": r"^\w+$", "nameServers": r"ns-\d+", "arn": r"hostedzone/\w+"},
    ),
    "aws:route53/record:Record": Case(
        inputs=lambda a: {
            "zoneId": a.zone(),
            "name": "acme.example.com",
            "type": "A",
            "ttl": 60,
            "records": ["192.0.2.1"],
        },
        read=_record,
        shows={"found[0].ResourceRecords[0].Value": "192.0.2.1"},
        change=lambda a: {
            "ttl": None,
            "records": None,
            "aliases": [
                {"name": "lb.example.com", "zoneId": "Z2O1EMRO9K5GLX", "evaluateTargetHealth": True}
            ],
        },
        then={"found[0].AliasTarget.DNSName": "lb.example.com"},
        outputs={"fqdn": "acme.example.com"},
    ),
    "aws:acm/certificate:Certificate": Case(
        inputs=lambda a: {
            "domainName": "acme.example.com",
            "subjectAlternativeNames": ["www.acme.example.com"],
            "validationMethod": "DNS",
            "keyAlgorithm": "EC_prime256v1",
            **TAGS,
        },
        read=lambda s: s.api("acm").describe_certificate(CertificateArn=s.id),
        shows={
            "Certificate.DomainName": "acme.example.com",
            "contains(Certificate.SubjectAlternativeNames, 'www.acme.example.com')": True,
        },
        change=lambda a: {"tags": {"Name": "renamed"}},
        then={"Certificate.DomainName": "acme.example.com"},
        outputs={
            "arn": "arn:aws:acm:eu-west-1:111122223333:certificate/",
            "domainValidationOptions": "'resourceRecordType': 'CNAME'",
        },
    ),
    "aws:acm/certificateValidation:CertificateValidation": Case(
        inputs=lambda a: {
            "certificateArn": _validated(a)[0],
            "validationRecordFqdns": [_validated(a)[1]],
        },
        read=lambda s: s.api("acm").describe_certificate(CertificateArn=s.id),
        shows={"Certificate.Status": "ISSUED"},
        after_delete={"Certificate.Status": "ISSUED"},
    ),
    "aws:lb/loadBalancer:LoadBalancer": Case(
        inputs=lambda a: {
            "name": "tested",
            "subnets": a.subnets[:2],
            "securityGroups": [a.security_group()],
            "idleTimeout": 3600.0,
            "dropInvalidHeaderFields": True,
            "accessLogs": {"bucket": a.bucket("balancer-logs"), "prefix": "tested"},
            **TAGS,
        },
        read=_load_balancer,
        shows={
            "LoadBalancers[0].Scheme": "internet-facing",
            'attributes."idle_timeout.timeout_seconds"': "3600",
            'attributes."routing.http.drop_invalid_header_fields.enabled"': "true",
            'attributes."access_logs.s3.enabled"': "true",
        },
        change=lambda a: {
            "idleTimeout": 60,
            "securityGroups": [a.security_group(), a.security_group("second")],
            "subnets": a.subnets,
        },
        then={
            'attributes."idle_timeout.timeout_seconds"': "60",
            "length(LoadBalancers[0].SecurityGroups)": 2,
            "length(LoadBalancers[0].AvailabilityZones)": 3,
        },
        outputs={"dnsName": "elb.amazonaws.com", "zoneId": "Z", "arnSuffix": "app/tested/"},
    ),
    "aws:lb/listener:Listener": Case(
        inputs=lambda a: {
            "loadBalancerArn": a.load_balancer("listened"),
            "port": 443,
            "protocol": "HTTPS",
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "certificateArn": a.certificate("listened.example.com")[0],
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {
                        "contentType": "text/plain",
                        "statusCode": "404",
                        "messageBody": "no such host",
                    },
                }
            ],
            **TAGS,
        },
        read=lambda s: s.api("elbv2").describe_listeners(ListenerArns=[s.id]),
        shows={
            "Listeners[0].SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "Listeners[0].DefaultActions[0].FixedResponseConfig.StatusCode": "404",
        },
        change=lambda a: {
            "defaultActions": [{"type": "forward", "targetGroupArn": a.target_group("others")}]
        },
        then={"Listeners[0].DefaultActions[0].Type": "forward"},
        outputs={"arn": ":listener/app/listened/"},
    ),
    "aws:lb/listenerRule:ListenerRule": Case(
        inputs=lambda a: {
            "listenerArn": a.listener(),
            "priority": 10,
            "actions": [{"type": "forward", "targetGroupArn": a.target_group()}],
            "conditions": [
                {"hostHeader": {"values": ["acme.example.com"]}},
                {"pathPattern": {"values": ["/api/*"]}},
            ],
            **TAGS,
        },
        read=lambda s: s.api("elbv2").describe_rules(RuleArns=[s.id]),
        shows={
            "Rules[0].Priority": "10",
            "Rules[0].Conditions[?Field=='path-pattern'].PathPatternConfig.Values[] | [0]": (
                "/api/*"
            ),
        },
        change=lambda a: {
            "priority": 20,
            "conditions": [{"hostHeader": {"values": ["other.example.com"]}}],
        },
        then={"Rules[0].Priority": "20", "length(Rules[0].Conditions)": 1},
        outputs={"arn": ":listener-rule/"},
    ),
    "aws:lb/targetGroup:TargetGroup": Case(
        inputs=lambda a: {
            "port": 8080,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": a.vpc,
            "deregistrationDelay": 30,
            "healthCheck": {"path": "/healthz", "matcher": "200", "interval": 15},
            "stickiness": {"type": "lb_cookie", "cookieDuration": 600},
            **TAGS,
        },
        read=_target_group,
        shows={
            "TargetGroups[0].TargetType": "ip",
            "TargetGroups[0].HealthCheckPath": "/healthz",
            "TargetGroups[0].Matcher.HttpCode": "200",
            'attributes."deregistration_delay.timeout_seconds"': "30",
            'attributes."stickiness.enabled"': "true",
        },
        change=lambda a: {"healthCheck": {"path": "/ready"}, "deregistrationDelay": "60"},
        then={
            "TargetGroups[0].HealthCheckPath": "/ready",
            'attributes."deregistration_delay.timeout_seconds"': "60",
        },
        outputs={"arn": ":targetgroup/tested-", "arnSuffix": "^targetgroup/tested-"},
    ),
    "aws:lb/listenerCertificate:ListenerCertificate": Case(
        inputs=lambda a: {
            "listenerArn": a.listener("certified", 81),
            "certificateArn": a.certificate("second.example.com")[0],
        },
        read=lambda s: s.api("elbv2").describe_listener_certificates(
            ListenerArn=s.inputs["listenerArn"]
        ),
        shows={"length(Certificates) || null": 1},
    ),
    "aws:wafv2/ipSet:IpSet": Case(
        inputs=lambda a: {
            "name": "tested",
            "scope": "REGIONAL",
            "ipAddressVersion": "IPV4",
            "addresses": ["203.0.113.0/24"],
            **TAGS,
        },
        read=lambda s: s.api("wafv2").get_ip_set(Name="tested", Scope="REGIONAL", Id=s.id),
        shows={"IPSet.Addresses": ["203.0.113.0/24"]},
        change=lambda a: {"addresses": ["198.51.100.0/24"]},
        then={"IPSet.Addresses": ["198.51.100.0/24"]},
        outputs={"arn": "regional/ipset/tested/"},
    ),
    "aws:wafv2/webAcl:WebAcl": Case(
        inputs=lambda a: {
            "scope": "REGIONAL",
            "defaultAction": {"block": {}},
            "rules": [
                {
                    "name": "common",
                    "priority": 1.0,
                    "overrideAction": {"none": {}},
                    "statement": {
                        "managedRuleGroupStatement": {
                            "name": "AWSManagedRulesCommonRuleSet",
                            "vendorName": "AWS",
                            "ruleActionOverrides": [
                                {"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}
                            ],
                        }
                    },
                    "visibilityConfig": visibility("common"),
                },
                {
                    "name": "allowed",
                    "priority": 2,
                    "action": {"allow": {}},
                    "statement": {
                        "notStatement": {
                            "statement": {"ipSetReferenceStatement": {"arn": _ip_set(a)}}
                        }
                    },
                    "visibilityConfig": visibility("allowed"),
                },
                {
                    "name": "rate",
                    "priority": 3,
                    "action": {"block": {"customResponse": {"responseCode": 429}}},
                    "statement": {"rateBasedStatement": {"limit": 2000, "aggregateKeyType": "IP"}},
                    "visibilityConfig": visibility("rate"),
                },
            ],
            "visibilityConfig": visibility("acl"),
            **TAGS,
        },
        read=_acl,
        shows={
            "WebACL.Rules[0].Statement.ManagedRuleGroupStatement.VendorName": "AWS",
            "starts_with(WebACL.Rules[1].Statement.NotStatement.Statement"
            ".IPSetReferenceStatement.ARN, 'arn:aws:wafv2')": True,
            "WebACL.Rules[2].Statement.RateBasedStatement.Limit": 2000,
        },
        change=lambda a: {
            "defaultAction": {"allow": {}},
            "rules": [
                {
                    "name": "slower",
                    "priority": 1,
                    "action": {"block": {}},
                    "statement": {"rateBasedStatement": {"limit": 500, "aggregateKeyType": "IP"}},
                    "visibilityConfig": visibility("slower"),
                }
            ],
        },
        then={"WebACL.DefaultAction": {"Allow": {}}, "WebACL.Rules[].Name": ["slower"]},
        outputs={"arn": "regional/webacl/tested-"},
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Case(
        inputs=lambda a: {"webAclArn": a.web_acl(), "resourceArn": a.load_balancer()},
        read=lambda s: s.api("wafv2").get_web_acl_for_resource(ResourceArn=s.inputs["resourceArn"]),
        shows={"WebACL.Name": "surroundings"},
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Case(
        inputs=lambda a: {
            "resourceArn": a.web_acl(),
            "logDestinationConfigs": [a.log_group("aws-waf-logs-one")],
        },
        read=lambda s: s.api("wafv2").get_logging_configuration(ResourceArn=s.id),
        shows={"contains(LoggingConfiguration.LogDestinationConfigs[0], 'aws-waf-logs-one')": True},
        change=lambda a: {"logDestinationConfigs": [a.log_group("aws-waf-logs-two")]},
        then={"contains(LoggingConfiguration.LogDestinationConfigs[0], 'aws-waf-logs-two')": True},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Case(
        inputs=lambda a: {
            "name": "/cell/tested",
            "retentionInDays": 30,
            "kmsKeyId": a.key(),
            **TAGS,
        },
        read=lambda s: s.api("logs").describe_log_groups(logGroupNamePrefix=s.id),
        shows={
            "logGroups[0].retentionInDays": 30,
            "contains(logGroups[0].kmsKeyId || '', 'key/') || null": True,
        },
        change=lambda a: {"retentionInDays": 90},
        then={"logGroups[0].retentionInDays": 90},
        outputs={"arn": "arn:aws:logs:eu-west-1:111122223333:log-group:/cell/tested"},
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Case(
        inputs=lambda a: {
            "name": "root-use",
            "logGroupName": a.log_group("/audit").split(":log-group:")[1],
            "pattern": '{ $.userIdentity.type = "Root" }',
            "metricTransformation": {
                "name": "RootUse",
                "namespace": "Audit",
                "value": "1",
                "defaultValue": "0",
            },
        },
        read=lambda s: s.api("logs").describe_metric_filters(logGroupName="/audit"),
        shows={"metricFilters[0].metricTransformations[0].metricName": "RootUse"},
        change=lambda a: {"pattern": "{ $.errorCode = * }"},
        then={"metricFilters[0].filterPattern": "{ $.errorCode = * }"},
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Case(
        inputs=lambda a: {
            "name": "tested",
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 2,
            "metricName": "CPUUtilization",
            "namespace": "AWS/RDS",
            "period": 60,
            "statistic": "Average",
            "threshold": 80,
            "dimensions": {"DBClusterIdentifier": "pool-a"},
            "alarmActions": [a.topic],
            **TAGS,
        },
        read=lambda s: s.api("cloudwatch").describe_alarms(AlarmNames=[s.id]),
        shows={
            "MetricAlarms[0].Threshold": 80.0,
            "MetricAlarms[0].Dimensions[0].Value": "pool-a",
        },
        change=lambda a: {"threshold": 90},
        then={"MetricAlarms[0].Threshold": 90.0, "MetricAlarms[0].EvaluationPeriods": 2},
        outputs={"arn": ":alarm:tested"},
    ),
    "aws:cloudwatch/eventRule:EventRule": Case(
        inputs=lambda a: {
            "description": "of the test",
            "eventPattern": json.dumps({"source": ["aws.rds"]}),
            **TAGS,
        },
        read=lambda s: s.api("events").describe_rule(Name=s.id),
        shows={"Description": "of the test", "State": "ENABLED"},
        change=lambda a: {"state": "DISABLED"},
        then={"State": "DISABLED", "Description": "of the test"},
        outputs={"arn": ":rule/tested-"},
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Case(
        inputs=lambda a: {"rule": _event_rule(a), "arn": a.queue()[1], "targetId": "queue"},
        read=lambda s: s.api("events").list_targets_by_rule(Rule="interruptions"),
        shows={"Targets[0].Id": "queue"},
        change=lambda a: {
            "inputTransformer": {"inputPaths": {"id": "$.id"}, "inputTemplate": '"<id>"'}
        },
        then={"Targets[0].InputTransformer.InputTemplate": '"<id>"'},
    ),
    "aws:cloudtrail/trail:Trail": Case(
        inputs=lambda a: {
            "name": "tested",
            "s3BucketName": a.bucket("trail-logs"),
            "isMultiRegionTrail": True,
            "enableLogFileValidation": True,
            "includeGlobalServiceEvents": True,
            "kmsKeyId": a.key(),
            **TAGS,
        },
        read=_trail,
        shows={
            "Trail.LogFileValidationEnabled": True,
            "Trail.IsMultiRegionTrail": True,
            "logging": True,
        },
        change=lambda a: {"enableLogging": False, "enableLogFileValidation": False},
        then={"logging": False, "Trail.LogFileValidationEnabled": False},
        outputs={"arn": ":trail/tested", "homeRegion": "eu-west-1"},
    ),
    "aws:sns/topic:Topic": Case(
        inputs=lambda a: {"kmsMasterKeyId": a.key(), "displayName": "Alarms", **TAGS},
        read=lambda s: s.api("sns").get_topic_attributes(TopicArn=s.id),
        shows={"Attributes.DisplayName": "Alarms"},
        change=lambda a: {"displayName": "All alarms"},
        then={"Attributes.DisplayName": "All alarms"},
        outputs={"arn": ":tested-"},
    ),
    "aws:sns/topicPolicy:TopicPolicy": Case(
        inputs=lambda a: {"arn": a.topic, "policy": allow("SNS:Publish")},
        read=lambda s: s.api("sns").get_topic_attributes(TopicArn=s.id),
        shows={"contains(to_string(Attributes.Policy), '\"Some\"')": True},
        change=lambda a: {"policy": allow("SNS:Subscribe")},
        then={"contains(to_string(Attributes.Policy), 'SNS:Subscribe')": True},
        after_delete={"contains(to_string(Attributes.Policy), '\"Some\"')": False},
    ),
    "aws:sns/topicSubscription:TopicSubscription": Case(
        inputs=lambda a: {"topic": a.topic, "protocol": "sqs", "endpoint": a.queue()[1]},
        read=lambda s: s.api("sns").get_subscription_attributes(SubscriptionArn=s.id),
        shows={"Attributes.Protocol": "sqs"},
        change=lambda a: {"rawMessageDelivery": True},
        then={"Attributes.RawMessageDelivery": "true"},
        outputs={"arn": ":surroundings:"},
    ),
    "aws:sqs/queue:Queue": Case(
        inputs=lambda a: {
            "messageRetentionSeconds": 300.0,
            "sqsManagedSseEnabled": True,
            **TAGS,
        },
        read=lambda s: s.api("sqs").get_queue_attributes(QueueUrl=s.id, AttributeNames=["All"]),
        shows={
            "Attributes.MessageRetentionPeriod": "300",
            "Attributes.SqsManagedSseEnabled": "true",
        },
        change=lambda a: {"visibilityTimeoutSeconds": 120},
        then={
            "Attributes.VisibilityTimeout": "120",
            "Attributes.MessageRetentionPeriod": "300",
        },
        outputs={"arn": "arn:aws:sqs:eu-west-1:111122223333:tested-", "url": "http"},
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Case(
        inputs=lambda a: {
            "queueUrl": a.queue("guarded")[0],
            "policy": allow("sqs:SendMessage", a.queue("guarded")[1]),
        },
        read=lambda s: s.api("sqs").get_queue_attributes(QueueUrl=s.id, AttributeNames=["All"]),
        shows={"contains(Attributes.Policy || '', 'SendMessage') || null": True},
        change=lambda a: {"policy": allow("sqs:ReceiveMessage", a.queue("guarded")[1])},
        then={"contains(to_string(Attributes.Policy), 'ReceiveMessage')": True},
    ),
}
