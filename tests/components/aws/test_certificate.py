"""Certificates and the records that prove them, read off the graph."""

import pulumi
import pulumi_aws as aws
import pytest
from foundations import (
    assert_the_same_resources_without_known_outputs,
    evaluate,
    provider,
)
from hypothesis import given
from hypothesis import strategies as st

from components.aws.certificate import Certificate, _proof_of, proved_hostnames

HOSTNAMES = ("globex.acme.example", "*.globex.acme.example", "flows.globex.example")
LABELS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


def certificate(hostnames=HOSTNAMES):
    def declare(opts: pulumi.ResourceOptions):
        return Certificate(
            "globex",
            hostnames=hostnames,
            zone_id="Z0PUBLIC",
            zone_provider=provider("dns", account="444455556666"),
            opts=opts,
        )

    return declare


@pytest.fixture(scope="module")
def graph():
    return evaluate(certificate())


def records(graph):
    return graph.of_type("aws:route53/record:Record")


def test_the_certificate_names_every_hostname_and_is_proved_by_dns(graph):
    found = graph.named("globex-certificate").inputs
    assert found["domainName"] == "globex.acme.example"
    assert found["subjectAlternativeNames"] == ["*.globex.acme.example", "flows.globex.example"]
    assert found["validationMethod"] == "DNS"
    assert found["keyAlgorithm"] == "RSA_2048"


def test_a_wildcard_shares_the_proof_of_its_parent(graph):
    assert [record.name for record in records(graph)] == [
        "globex-proof-globex.acme.example",
        "globex-proof-flows.globex.example",
    ]


def test_proofs_are_written_by_the_zones_provider_and_the_rest_is_not(graph):
    zone = graph.named("dns").urn
    assert {record.provider for record in records(graph)} == {zone}
    assert graph.named("globex-certificate").provider != zone
    assert graph.named("globex-validation").provider != zone


def test_the_validation_waits_for_every_proof(graph):
    proofs = graph.named("globex-validation").property_dependencies["validationRecordFqdns"]
    assert {record.urn for record in records(graph)} <= set(proofs)


def test_whoever_uses_the_certificate_waits_until_it_is_validated():
    def declare(opts):
        made = certificate()(opts)
        aws.ssm.Parameter("user", type="String", value=made.certificate_arn, opts=opts)

    graph = evaluate(declare)
    validation = graph.named("globex-validation").urn
    assert graph.named("user").property_dependencies["value"] == (validation,)


def test_another_order_of_hostnames_declares_the_same_records():
    reordered = evaluate(certificate((HOSTNAMES[2], HOSTNAMES[0], HOSTNAMES[1])))
    assert {r.urn for r in records(reordered)} == {r.urn for r in records(evaluate(certificate()))}


def test_each_record_takes_its_own_proof_out_of_acms_unordered_answer():
    options = [
        aws.acm.outputs.CertificateDomainValidationOption(
            domain_name=name, resource_record_name=f"_proof.{name}"
        )
        for name in reversed(HOSTNAMES)
    ]
    found = _proof_of("flows.globex.example", options)
    assert found["name"] == "_proof.flows.globex.example"
    with pytest.raises(ValueError, match=r"no proof of other\.example"):
        _proof_of("other.example", options)


@given(st.lists(st.tuples(st.booleans(), LABELS), min_size=1, max_size=8))
def test_every_hostname_has_exactly_one_proof(labels):
    hostnames = tuple(f"{'*.' if wild else ''}{label}.example" for wild, label in labels)
    proved = proved_hostnames(hostnames)
    assert len(set(proved)) == len(proved)
    assert {hostname.removeprefix("*.") for hostname in hostnames} == set(proved)


@pytest.mark.parametrize(
    ("hostnames", "message"),
    [
        ((), "at least one hostname"),
        (("a.example", "b.example", "a.example"), r"more than once: a\.example"),
        ((f"{'a' * 60}.example",), "68 characters; .* at most 64"),
    ],
)
def test_hostnames_that_acm_would_refuse_are_refused_before(hostnames, message):
    with pytest.raises(Exception, match=message):
        evaluate(certificate(hostnames))


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(certificate())


def test_a_proof_stays_for_the_certificate_of_another_region(graph):
    # Without it, the account's other certificates for the hostname would silently stop renewing.
    for record in records(graph):
        assert record.inputs["allowOverwrite"] is True
        assert record.retain_on_delete
