"""A cell's client VPN, as its graph shows it."""

import pytest
from foundations import (
    KEY,
    assert_ec2_takes_every_description,
    assert_the_same_resources_without_known_outputs,
    evaluate,
)

from catalog.cell import Vpn
from catalog.organization import Group
from components.aws.vpn import ClientVpn, resolver
from rehearsal.errors import ProgramRaisedError

METADATA = "<EntityDescriptor/>"
GROUPS = {
    slug: Group(email=f"{slug}@acme.example", duties=("operator",), environments=("prod",))
    for slug in ("platform", "support", "sales")
}


def declaration(groups=("support", "platform")):
    def declare(opts):
        ClientVpn(
            "vpn",
            Vpn(clients="10.200.0.0/22", groups=groups),
            vpn_name="acme-prod-eu-west-1",
            server_certificate_arn="arn:aws:acm:eu-west-1:111122223333:certificate/1",
            vpc_id="vpc-1",
            subnet_ids=["subnet-a", "subnet-b"],
            network_cidr="10.16.0.0/16",
            saml_metadata=METADATA,
            groups=GROUPS,
            key_arn=KEY,
            log_retention_days=30,
            opts=opts,
        )

    return declare


@pytest.fixture(scope="module")
def graph():
    return evaluate(declaration())


@pytest.fixture(scope="module")
def endpoint(graph):
    (endpoint,) = graph.of_type("aws:ec2clientvpn/endpoint:Endpoint")
    return endpoint.inputs


def test_a_plan_without_known_outputs_has_the_same_resources():
    assert_the_same_resources_without_known_outputs(declaration())


def test_people_sign_in_by_saml_and_in_no_other_way(graph, endpoint):
    (provider,) = graph.of_type("aws:iam/samlProvider:SamlProvider")
    assert provider.inputs["samlMetadataDocument"] == METADATA
    assert endpoint["authenticationOptions"] == [
        {"type": "federated-authentication", "samlProviderArn": provider.outputs["arn"]}
    ]


def test_only_traffic_to_the_cell_takes_the_tunnel(endpoint):
    assert endpoint["splitTunnel"] is True
    assert endpoint["clientRouteEnforcementOptions"] == {"enforced": True}


def test_every_connection_is_logged_under_the_cells_key(graph, endpoint):
    logs = graph.named("vpn-logs")
    assert logs.inputs["kmsKeyId"] == KEY
    assert logs.inputs["retentionInDays"] == 30
    assert endpoint["connectionLogOptions"] == {
        "enabled": True,
        "cloudwatchLogGroup": logs.inputs["name"],
        "cloudwatchLogStream": "connections",
    }


def test_a_session_ends_after_a_working_day(endpoint):
    assert endpoint["sessionTimeoutHours"] == 8
    assert endpoint["disconnectOnSessionTimeout"] is True


def test_nobody_configures_themselves(endpoint):
    assert endpoint["selfServicePortal"] == "disabled"


def test_names_are_asked_of_the_cells_own_resolver(endpoint):
    assert endpoint["dnsServers"] == ["10.16.0.2"]
    assert resolver("10.16.128.0/20") == "10.16.128.2"


def test_each_group_is_let_in_by_itself_and_never_everyone(graph):
    found = graph.of_type("aws:ec2clientvpn/authorizationRule:AuthorizationRule")
    assert {(rule.inputs["accessGroupId"], rule.inputs["targetNetworkCidr"]) for rule in found} == {
        ("platform@acme.example", "10.16.0.0/16"),
        ("support@acme.example", "10.16.0.0/16"),
    }
    assert not any(rule.inputs.get("authorizeAllGroups") for rule in found)


def test_a_group_that_the_organization_does_not_have_is_refused():
    with pytest.raises(ProgramRaisedError, match="unknown groups cooks; groups are platform"):
        evaluate(declaration(groups=("platform", "cooks")))


def test_clients_reach_the_cells_network_on_https_alone(graph):
    assert graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") == []
    (rule,) = graph.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert (rule.inputs["cidrIpv4"], rule.inputs["fromPort"], rule.inputs["toPort"]) == (
        "10.16.0.0/16",
        443,
        443,
    )


def test_the_endpoint_has_a_foot_in_each_subnet_given(graph):
    found = graph.of_type("aws:ec2clientvpn/networkAssociation:NetworkAssociation")
    assert [one.inputs["subnetId"] for one in found] == ["subnet-a", "subnet-b"]


def test_descriptions_are_in_letters_that_ec2_takes(graph):
    assert_ec2_takes_every_description(graph)
