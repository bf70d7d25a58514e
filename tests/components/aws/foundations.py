"""What the tests of networks, databases and backups have in common."""

import json
import re

import pulumi
import pulumi_aws as aws

from rehearsal.evaluation import evaluate_program

ACCOUNT = "111122223333"
REGION = "eu-west-1"
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-1111-2222-3333-444444444444"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"


def provider(name="aws", region=REGION, account=ACCOUNT):
    return aws.Provider(name, region=region, allowed_account_ids=[account])


def evaluate(declare, *, known=True):
    """The graph of `declare(opts)`, whose children use one provider of the test's account."""

    def program():
        declare(pulumi.ResourceOptions(providers={"aws": provider()}))
        return {}

    return evaluate_program(program, known=known)


def document(resource, key="policy"):
    """A resource's policy document."""
    return json.loads(resource.inputs[key])


def statements(resource, key="policy"):
    """A policy's statements by their Sid."""
    return {statement["Sid"]: statement for statement in document(resource, key)["Statement"]}


def assert_the_same_resources_without_known_outputs(declare):
    known, unknown = evaluate(declare), evaluate(declare, known=False)
    assert set(known.resources) == set(unknown.resources)
    assert known.warnings == unknown.warnings == ()


DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
"""What EC2 takes as description of a security group or of its rules; no apostrophe."""


def assert_ec2_takes_every_description(graph):
    described = [
        resource
        for resource in graph.resources.values()
        if resource.type.startswith(("aws:vpc/securityGroup", "aws:ec2/securityGroup:"))
    ]
    assert described
    for resource in described:
        assert DESCRIPTION.fullmatch(resource.inputs["description"]), resource.urn
