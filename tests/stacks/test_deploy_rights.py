"""CI's deploy roles against every cell and tenant that the shipped catalog declares."""

import fnmatch
import json

import pytest

from catalog.load import find_root, load
from catalog.tenant import Served
from rehearsal.evaluation import Evaluation
from stacks.programs import stack_names

# Pulumi's modules whose IAM prefix is another word.
SERVICES = {
    "cloudwatch": ("cloudwatch", "events", "logs"),
    "ec2clientvpn": ("ec2",),
    # Only delivery streams are declared, which Pulumi keeps with the data streams.
    "kinesis": ("firehose",),
    "lb": ("elasticloadbalancing",),
    "vpc": ("ec2",),
}

# Types with a name of their own in IAM policies: the property that holds it, and the ARN.
NAMED = {
    "aws:iam/instanceProfile:InstanceProfile": (
        "name",
        "iam:CreateInstanceProfile",
        "arn:aws:iam::{account}:instance-profile/{name}",
    ),
    "aws:iam/policy:Policy": ("name", "iam:CreatePolicy", "arn:aws:iam::{account}:policy/{name}"),
    "aws:iam/role:Role": ("name", "iam:CreateRole", "arn:aws:iam::{account}:role/{name}"),
    "aws:iam/samlProvider:SamlProvider": (
        "name",
        "iam:CreateSAMLProvider",
        "arn:aws:iam::{account}:saml-provider/{name}",
    ),
    "aws:s3/bucket:Bucket": ("bucket", "s3:CreateBucket", "arn:aws:s3:::{name}"),
    "aws:secretsmanager/secret:Secret": (
        "name",
        "secretsmanager:CreateSecret",
        "arn:aws:secretsmanager:eu-west-1:{account}:secret:{name}-AbCdEf",
    ),
}


def listed(value):
    return [value] if isinstance(value, str) else list(value)


def allows(statements, action, resource):
    def matches(statement):
        return any(
            fnmatch.fnmatchcase(action, pattern) for pattern in listed(statement.get("Action", ()))
        ) and any(
            fnmatch.fnmatchcase(resource, pattern)
            for pattern in listed(statement.get("Resource", ()))
        )

    found = [statement["Effect"] for statement in statements if matches(statement)]
    return "Allow" in found and "Deny" not in found


@pytest.fixture(scope="module")
def catalog():
    return load(find_root())


@pytest.fixture(scope="module")
def evaluation(catalog):
    return Evaluation(catalog)


@pytest.fixture(scope="module")
def rights(evaluation):
    graph = evaluation.evaluate("organization")
    return {
        environment: json.loads(graph.named(f"{environment}-deploy-policy").inputs["policy"])[
            "Statement"
        ]
        for environment in ("dev", "staging", "prod")
    }


@pytest.fixture(scope="module")
def declared(catalog, evaluation):
    """Every AWS resource of every cell and tenant, with its environment."""
    found = []
    for stack in stack_names(catalog):
        kind, _, name = stack.partition(".")
        if kind == "organization":
            continue
        holder = catalog.cells[name] if kind == "cell" else catalog.tenants[name]
        found += [
            (holder.environment, stack, resource)
            for resource in evaluation.evaluate(stack).resources.values()
            if resource.type.startswith(("aws:", "pulumi:providers:aws"))
        ]
    one, other, *_ = sorted(
        cell.name for cell in catalog.cells.values() if cell.environment == "prod"
    )
    spans = (f"{one}/pool-a", f"{other}/pool-b")
    ledger = {"any": Served(cell=one, database="pool-a", spans=spans)}
    stack = f"peering.{one}.{other}"
    found += [
        ("prod", stack, resource)
        for resource in Evaluation(catalog, ledger).evaluate(stack).resources.values()
        if resource.type.startswith(("aws:", "pulumi:providers:aws"))
    ]
    return found


def test_there_is_something_to_deploy(declared):
    assert len(declared) > 500
    assert {environment for environment, _, _ in declared} == {"dev", "staging", "prod"}


def test_a_deploy_role_may_use_every_service_that_its_stacks_declare(declared, rights):
    offenders = set()
    for environment, _, resource in declared:
        if resource.is_provider:
            continue
        module = resource.type.split(":")[1].split("/")[0]
        granted = {
            action.split(":")[0]
            for statement in rights[environment]
            if statement["Effect"] == "Allow"
            for action in listed(statement["Action"])
        }
        offenders |= set(SERVICES.get(module, (module,))) - granted
    assert offenders == set()


def test_a_deploy_role_may_make_everything_by_the_name_it_has(declared, rights, catalog):
    offenders = []
    for environment, stack, resource in declared:
        if resource.type not in NAMED:
            continue
        key, action, arn = NAMED[resource.type]
        # The engine puts eight random characters behind the logical name where none is given.
        name = resource.inputs.get(key) or f"{resource.name}-0123456"
        account = catalog.organization.account(environment)
        if not allows(rights[environment], action, arn.format(account=account, name=name)):
            offenders.append((stack, name))
    assert offenders == []


def test_a_deploy_role_may_hand_each_role_to_the_service_that_takes_it(declared, rights):
    offenders = set()
    for environment, stack, resource in declared:
        if resource.type != "aws:iam/role:Role":
            continue
        (passing,) = (s for s in rights[environment] if s["Sid"] == "HandRolesToServices")
        takers = passing["Condition"]["StringEquals"]["iam:PassedToService"]
        for statement in json.loads(resource.inputs["assumeRolePolicy"])["Statement"]:
            services = listed(statement["Principal"].get("Service", ()))
            offenders |= {(stack, service) for service in services if service not in takers}
    assert offenders == set()


def test_a_deploy_role_works_in_every_region_that_its_stacks_name(declared, rights, catalog):
    seen = 0
    for environment, stack, resource in declared:
        if not resource.is_provider:
            continue
        (account,) = json.loads(resource.inputs["allowedAccountIds"])
        if account != catalog.organization.account(environment):
            continue
        (regional,) = (s for s in rights[environment] if s["Sid"] == "DeclareCellsAndTenants")
        regions = regional["Condition"]["StringEquals"]["aws:RequestedRegion"]
        assert resource.inputs["region"] in regions, stack
        seen += 1
    assert seen >= len(catalog.cells)


def test_a_deploy_role_takes_every_role_that_its_providers_take(declared, rights):
    seen = 0
    for environment, stack, resource in declared:
        for role in json.loads(resource.inputs.get("assumeRoles", "[]")):
            assert allows(rights[environment], "sts:AssumeRole", role["roleArn"]), stack
            seen += 1
    assert seen


def test_a_deploy_role_cannot_touch_another_environments_or_cis_own_roles(rights, catalog):
    organization = catalog.organization
    for environment, statements in rights.items():
        for other in {"dev", "staging", "prod"} - {environment}:
            account = organization.account(other)
            for action in ("iam:CreateRole", "iam:PassRole", "iam:PutRolePolicy"):
                role = f"arn:aws:iam::{account}:role/{organization.name}-{other}-nodes"
                assert not allows(statements, action, role)
            bucket = f"arn:aws:s3:::{organization.name}-{other}-eu-west-1-acme"
            assert not allows(statements, "s3:GetObject", bucket)
        own = organization.account(environment)
        ci = f"arn:aws:iam::{own}:role/{organization.name}-ci-deploy-{environment}"
        assert not allows(statements, "iam:PassRole", ci)
