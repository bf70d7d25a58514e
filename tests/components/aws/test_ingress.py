"""A tenant's ingress and firewall, as their graph shows them."""

import pytest
from foundations import (
    KEY,
    assert_ec2_takes_every_description,
    assert_the_same_resources_without_known_outputs,
    evaluate,
)

from catalog.allow_lists import MOST_ENTRIES
from catalog.base import AllowedNetwork
from components.aws.allow_list import room, waf_addresses
from components.aws.firewall import Firewall
from components.aws.ingress import TenantIngress
from components.aws.listener_rules import Route

OFFICE = AllowedNetwork(cidr="203.0.113.0/24", description="Office Lisbon")
PARTNER = AllowedNetwork(cidr="2001:db8::/32", description="Partner network")
WORLD = AllowedNetwork(
    cidr="0.0.0.0/0", description="Everyone", reason="Customers of the customer sign up here"
)
ROUTES = (
    Route(service="api", path="/api", port=8080, health_path="/healthz"),
    Route(service="web", path="/", port=3000, health_path="/ready"),
)


def declaration(allow_list=(OFFICE, PARTNER), hostnames=("acme.example.com",), protected=True):
    def declare(opts):
        ingress = TenantIngress(
            "ingress",
            load_balancer_name="prod-acme",
            hostnames=hostnames,
            routes=ROUTES,
            allow_list=allow_list,
            vpc_id="vpc-1",
            public_subnet_ids=["subnet-a", "subnet-b"],
            certificate_arn="arn:aws:acm:eu-west-1:111122223333:certificate/1",
            log_bucket="logs",
            node_security_group_id="sg-nodes",
            load_balancer_security_group_id="sg-balancers",
            deletion_protection=protected,
            opts=opts,
        )
        Firewall(
            "firewall",
            acl_name="prod-acme",
            allow_list=allow_list,
            load_balancer_arn=ingress.load_balancer_arn,
            key_arn=KEY,
            log_retention_days=30,
            opts=opts,
        )

    return declare


@pytest.fixture(scope="module")
def graph():
    return evaluate(declaration())


@pytest.fixture(scope="module")
def balancer(graph):
    (balancer,) = graph.of_type("aws:lb/loadBalancer:LoadBalancer")
    return balancer.inputs


def listener(graph, port):
    found = graph.of_type("aws:lb/listener:Listener")
    (listener,) = [one for one in found if one.inputs["port"] == port]
    return listener


def test_a_plan_without_known_outputs_has_the_same_resources():
    assert_the_same_resources_without_known_outputs(declaration())


def test_the_load_balancer_is_strict_about_what_it_passes_on(balancer):
    assert balancer["dropInvalidHeaderFields"] is True
    assert balancer["desyncMitigationMode"] == "strictest"
    assert balancer["xffHeaderProcessingMode"] == "append"
    assert balancer["enableWafFailOpen"] is False


def test_every_request_is_logged(balancer):
    assert balancer["accessLogs"] == {"enabled": True, "bucket": "logs", "prefix": "prod-acme"}


def test_a_web_socket_may_be_silent_for_an_hour(balancer):
    assert balancer["idleTimeout"] == 3600


@pytest.mark.parametrize("protected", [True, False])
def test_the_load_balancer_can_be_kept_from_deletion_and_released(protected):
    found = evaluate(declaration(protected=protected))
    (balancer,) = found.of_type("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["enableDeletionProtection"] is protected


def test_plain_http_is_redirected(graph):
    (action,) = listener(graph, 80).inputs["defaultActions"]
    assert action["type"] == "redirect"
    assert action["redirect"] == {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}


def test_tls_is_1_3_or_1_2_with_forward_secrecy(graph):
    inputs = listener(graph, 443).inputs
    assert inputs["protocol"] == "HTTPS"
    assert inputs["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


def test_what_no_route_matches_is_not_found(graph):
    (action,) = listener(graph, 443).inputs["defaultActions"]
    assert action["fixedResponse"]["statusCode"] == "404"


def test_pods_are_reached_by_their_addresses_on_their_own_port(graph):
    groups = {
        group.name: (
            group.inputs["targetType"],
            group.inputs["port"],
            group.inputs["healthCheck"]["path"],
        )
        for group in graph.of_type("aws:lb/targetGroup:TargetGroup")
    }
    assert groups == {
        "ingress-api": ("ip", 8080, "/healthz"),
        "ingress-web": ("ip", 3000, "/ready"),
    }


def test_target_groups_names_fit_and_change_with_their_port(graph):
    names = [group.inputs["name"] for group in graph.of_type("aws:lb/targetGroup:TargetGroup")]
    assert sorted(names) == ["prod-acme-api-8080", "prod-acme-web-3000"]


def test_every_route_has_a_rule_for_its_hostnames(graph):
    forwarded = {
        tuple(rule.inputs["conditions"][1]["pathPattern"]["values"]): (
            rule.inputs["conditions"][0]["hostHeader"]["values"],
            rule.inputs["actions"][0]["targetGroupArn"],
        )
        for rule in graph.of_type("aws:lb/listenerRule:ListenerRule")
    }
    api = graph.named("ingress-api").outputs["arn"]
    web = graph.named("ingress-web").outputs["arn"]
    assert forwarded == {
        ("/api", "/api/*"): (["acme.example.com"], api),
        ("/*",): (["acme.example.com"], web),
    }


def test_twenty_hostnames_are_spread_over_rules():
    hostnames = tuple(f"h{n}.example.com" for n in range(20))
    found = evaluate(declaration(hostnames=hostnames))
    rules = found.of_type("aws:lb/listenerRule:ListenerRule")
    assert len(rules) == 2 * 7
    covered = [
        name
        for rule in rules
        if "-web-" in rule.name
        for name in rule.inputs["conditions"][0]["hostHeader"]["values"]
    ]
    assert sorted(covered) == sorted(hostnames)


def ingress_rules(graph):
    return graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")


def test_only_the_allow_list_gets_in_and_only_to_web_ports(graph):
    lists = {one.id for one in graph.of_type("aws:ec2/managedPrefixList:ManagedPrefixList")}
    found = {
        (rule.inputs["prefixListId"], rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in ingress_rules(graph)
    }
    assert found == {(one, port, port) for one in lists for port in (80, 443)}
    assert not any("cidrIpv4" in rule.inputs for rule in ingress_rules(graph))


def test_the_load_balancer_sends_only_to_nodes_on_the_services_ports(graph):
    outbound = graph.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert {
        (rule.inputs["referencedSecurityGroupId"], rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in outbound
    } == {("sg-nodes", 8080, 8080), ("sg-nodes", 3000, 3000)}


def test_the_nodes_know_the_load_balancer_by_the_cells_shared_group(graph, balancer):
    assert balancer["securityGroups"] == [graph.named("ingress-group").id, "sg-balancers"]


def test_descriptions_are_in_letters_that_ec2_takes(graph):
    assert_ec2_takes_every_description(graph)


def entries(graph, version):
    return graph.named(f"ingress-allow-list-v{version}").inputs["entries"]


def test_prefix_lists_and_address_sets_hold_the_same_networks(graph):
    for version, network in ((4, OFFICE), (6, PARTNER)):
        assert [entry["cidr"] for entry in entries(graph, version)] == [network.cidr]
        assert graph.named(f"firewall-v{version}").inputs["addresses"] == [network.cidr]


def test_an_allow_list_of_one_family_declares_the_same_resources():
    assert set(evaluate(declaration((OFFICE,))).resources) == set(evaluate(declaration()).resources)


def test_one_more_network_changes_no_list_in_size():
    more = AllowedNetwork(cidr="198.51.100.0/24", description="Office Porto")
    sizes = [
        evaluate(declaration(allowed)).named("ingress-allow-list-v4").inputs["maxEntries"]
        for allowed in ((OFFICE,), (OFFICE, more))
    ]
    assert sizes == [10, 10]


@pytest.mark.parametrize(("entries", "expected"), [(0, 10), (9, 10), (10, 20), (29, 30), (30, 30)])
def test_a_list_has_room_to_grow(entries, expected):
    assert room(entries) == expected


def test_more_networks_than_a_security_group_takes_are_refused():
    with pytest.raises(ValueError, match=f"31 networks.*takes {MOST_ENTRIES}"):
        room(31)


def test_a_network_open_to_the_world_states_its_reason_where_it_is_let_in():
    found = evaluate(declaration((WORLD,)))
    (entry,) = entries(found, 4)
    assert entry["cidr"] == "0.0.0.0/0"
    assert WORLD.reason in entry["description"]


def test_the_world_is_written_as_waf_takes_it():
    assert waf_addresses([WORLD]) == ["0.0.0.0/1", "128.0.0.0/1"]


@pytest.fixture(scope="module")
def acl_rules(graph):
    (acl,) = graph.of_type("aws:wafv2/webAcl:WebAcl")
    return {rule["name"]: rule for rule in acl.inputs["rules"]}


def test_the_firewall_blocks_who_is_in_neither_address_set(graph, acl_rules):
    rule = acl_rules["only-allowed-networks"]
    assert rule["priority"] == 0
    assert rule["action"] == {"block": {}}
    unless = rule["statement"]["notStatement"]["statement"]
    sets = [
        statement["ipSetReferenceStatement"]["arn"]
        for statement in unless["orStatement"]["statements"]
    ]
    assert sets == [graph.named(f"firewall-v{version}").outputs["arn"] for version in (4, 6)]


def test_addresses_in_headers_are_never_believed(acl_rules):
    assert "orwardedIp" not in str(acl_rules)
    rate = acl_rules["rate-limit"]["statement"]["rateBasedStatement"]
    assert rate["aggregateKeyType"] == "IP"


def test_one_address_may_ask_so_much_and_no_more(acl_rules):
    rule = acl_rules["rate-limit"]
    assert rule["action"] == {"block": {}}
    assert rule["statement"]["rateBasedStatement"]["limit"] == 30_000


def test_awss_managed_groups_block_on_their_own(acl_rules):
    managed = {
        name: rule
        for name, rule in acl_rules.items()
        if "managedRuleGroupStatement" in rule["statement"]
    }
    assert set(managed) == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
    }
    assert all(rule["overrideAction"] == {"none": {}} for rule in managed.values())


def test_large_bodies_are_counted_and_let_through(acl_rules):
    statement = acl_rules["AWSManagedRulesCommonRuleSet"]["statement"]
    (override,) = statement["managedRuleGroupStatement"]["ruleActionOverrides"]
    assert override == {"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}


def test_the_firewall_stands_before_the_load_balancer(graph):
    (association,) = graph.of_type("aws:wafv2/webAclAssociation:WebAclAssociation")
    assert association.inputs["resourceArn"] == graph.named("ingress-balancer").outputs["arn"]


def test_the_firewall_logs_without_credentials(graph):
    (logging,) = graph.of_type("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration")
    redacted = {field["singleHeader"]["name"] for field in logging.inputs["redactedFields"]}
    assert redacted == {"authorization", "cookie"}
    logs = graph.named("firewall-logs")
    assert logs.inputs["name"] == "aws-waf-logs-prod-acme"
    assert logs.inputs["kmsKeyId"] == KEY
    assert logging.inputs["logDestinationConfigs"] == [logs.outputs["arn"]]
