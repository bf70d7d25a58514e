"""The Automation API's calls, held against a record of what the CLI is given and answers.

No CLI is installed here: `recorded_pulumi` replays what its documentation and the SDK's own parsers
have as its JSON.
"""

import json

import pytest

from catalog.load import find_root, load
from delivery.engine import EngineError
from delivery.pulumi_engine import PulumiEngine
from stacks.looking import LOOKS_AT
from tests.recorded_pulumi import HISTORY, VERSION, on_path

STACK = "cell.dev-eu-west-1"
OUTPUTS = {"endpoint": "https://a.example", "password": 'p\'w "x" %41@:/$;ü'}
MASKED = {**OUTPUTS, "password": "[secret]"}
ANSWERS = [
    {"to": ["version"], "says": VERSION},
    {"to": ["stack", "select"]},
    {"to": ["up"], "says": "Updating\n +  aws:ec2:Vpc vpc created\n"},
    {"to": ["stack", "output", "--json", "--show-secrets"], "says": json.dumps(OUTPUTS)},
    {"to": ["stack", "output", "--json"], "says": json.dumps(MASKED)},
    {"to": ["stack", "history"], "says": json.dumps(HISTORY)},
]


@pytest.fixture
def cli(tmp_path, monkeypatch):
    return on_path(tmp_path, ANSWERS, monkeypatch)


@pytest.fixture
def told():
    return []


@pytest.fixture
def engine(told):
    root = find_root()
    return PulumiEngine(load(root), root, observe=lambda stack, line: told.append((stack, line)))


def test_an_update_is_asked_for_as_the_cli_takes_it(cli, engine):
    engine.up(STACK)
    (select,) = cli.asked("stack", "select")
    assert select.arguments == ["stack", "select", "--stack", STACK]
    update = cli.asked("up")[0].arguments
    assert update[:3] == ["up", "--yes", "--skip-preview"]
    assert update[update.index("--stack") + 1] == STACK
    assert update[update.index("--exec-kind") + 1] == "auto.local"
    assert "--suppress-outputs" in update
    assert update[update.index("--color") + 1] == "never"
    assert {call.directory for call in cli.calls[1:]} == {str(find_root())}


def test_what_the_update_changed_is_read_from_the_history_without_secrets(cli, engine):
    brought = engine.up(STACK)
    assert brought.changes == {"create": 2, "same": 200, "update": 1}
    history = cli.asked("stack", "history")[-1].arguments
    assert "--show-secrets" not in history
    assert history[history.index("--page-size") + 1] == "1"


def test_the_exports_digest_follows_what_is_plain_and_holds_no_secret(cli, engine):
    first = engine.up(STACK).exports
    cli.answers(
        {
            "to": ["stack", "output", "--json", "--show-secrets"],
            "says": json.dumps({**OUTPUTS, "password": "another"}),
        }
    )
    assert engine.up(STACK).exports == first
    changed = {"endpoint": "https://b.example", "password": "[secret]"}
    cli.answers(
        {"to": ["stack", "output", "--json", "--show-secrets"], "says": json.dumps(changed)},
        {"to": ["stack", "output", "--json"], "says": json.dumps(changed)},
    )
    assert engine.up(STACK).exports != first


def test_each_line_is_passed_on_with_its_stack(cli, engine, told):
    engine.up(STACK)
    assert (STACK, " +  aws:ec2:Vpc vpc created") in told


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            {"to": ["stack", "select"], "fails": f"error: no stack named '{STACK}' found\n"},
            f"the backend has no stack {STACK}; make it once",
        ),
        (
            {
                "to": ["up"],
                "fails": "error: [409] Conflict: Another update is currently in progress.\n",
            },
            f"pulumi cancel --stack {STACK}",
        ),
        (
            {
                "to": ["up"],
                "fails": "Updating\nerror: creating VPC: VpcLimitExceeded\nDuration: 3s\n",
            },
            "error: creating VPC: VpcLimitExceeded",
        ),
    ],
)
def test_what_the_cli_refuses_is_explained(cli, engine, answer, says):
    cli.answers(answer)
    with pytest.raises(EngineError) as refused:
        engine.up(STACK)
    assert says in str(refused.value)


def test_drift_is_asked_of_the_cloud_as_well(cli, engine):
    event = {
        "sequence": 1,
        "timestamp": 1,
        "summaryEvent": {
            "maybeCorrupt": False,
            "durationSeconds": 1,
            "resourceChanges": {"same": 200, "update": 1, "delete": 2},
            "policyPacks": {},
        },
    }
    cli.answers({"to": ["preview"], "says": "Previewing\n", "events": [event]})
    assert engine.differences(STACK) == {"update": 1, "delete": 2}
    (preview,) = (call.arguments for call in cli.asked("preview"))
    assert "--refresh" in preview
    assert preview[preview.index("--stack") + 1] == STACK


def step(op, type, name, *, custom=True, old=None, **more):
    """An event of one resource, as the engine writes it into its log."""
    urn = f"urn:pulumi:{STACK}::patchworks::{type}::{name}"
    state = {"type": type, "urn": urn, "id": "i", "parent": "", "provider": "", "custom": custom}
    metadata = {"op": op, "urn": urn, "type": type, "provider": ""}
    metadata |= {"old": state | old} if old is not None else {"new": state}
    return {"resourcePreEvent": {"metadata": metadata | more, "planning": True}}


def test_a_preview_tells_what_would_be_done_to_each_resource_and_no_value(cli, told, tmp_path):
    detailed = {
        "tags.owner": {"diffKind": "update", "inputDiff": True},
        "cidrBlock": {"diffKind": "update-replace", "inputDiff": True},
    }
    steps = [
        step("same", "aws:ec2/vpc:Vpc", "same"),
        step("update", "pulumi:providers:aws", "dns"),
        step("update", "patchworks:aws:Network", "component", custom=False),
        step("create", "aws:s3/bucket:Bucket", "new"),
        step("update", "aws:rds/cluster:Cluster", "db", diffs=["tags"]),
        step("delete-replaced", "aws:ec2/vpc:Vpc", "net", old={}),
        step("replace", "aws:ec2/vpc:Vpc", "net", detailedDiff=detailed, keys=["cidrBlock"]),
        step("create-replacement", "aws:ec2/vpc:Vpc", "net"),
        step("delete", "aws:kms/key:Key", "gone", old={}),
        step("delete", "aws:s3/bucket:Bucket", "kept", old={"retainOnDelete": True}),
        step("import", "aws:s3/bucket:Bucket", "taken"),
    ]
    events = [{"sequence": n, "timestamp": 1, **each} for n, each in enumerate(steps)]
    summary = {"maybeCorrupt": False, "durationSeconds": 1, "resourceChanges": {"update": 1},
               "policyPacks": {}}  # fmt: skip
    events.append({"sequence": 99, "timestamp": 1, "summaryEvent": summary})
    cli.answers({"to": ["preview"], "says": "a: [secret] => hunter2\n", "events": events})
    root = find_root()
    looking = PulumiEngine(
        load(root), root, looks_at=tmp_path, observe=lambda *line: told.append(line)
    )
    found = looking.preview(STACK)
    assert [(each.operation, each.name) for each in found] == [
        ("create", "new"), ("update", "db"), ("replace", "net"), ("delete", "gone"),
        ("let go", "kept"), ("import", "taken"),
    ]  # fmt: skip
    assert found[1].properties == ("tags",)
    assert found[2].properties == ("cidrBlock", "tags.owner")
    assert found[2].forced_by == ("cidrBlock",)
    assert told == []
    (preview,) = (call.arguments for call in cli.asked("preview"))
    assert preview[preview.index("--stack") + 1] == STACK
    # It writes no lock and asks the cloud nothing, which a refresh would.
    assert "--refresh" not in preview
    looked_at = {call.environment[LOOKS_AT] for call in cli.asked("preview")}
    assert looked_at == {str(tmp_path)}
    assert {call.directory for call in cli.calls[1:]} == {str(root)}


def test_an_update_is_never_told_to_look_at_another_catalog(cli, engine):
    engine.up(STACK)
    assert {call.environment[LOOKS_AT] for call in cli.calls} == {None}


def test_settings_alone_are_asked_by_a_refresh_of_what_aws_itself_holds(cli, engine):
    urn = "urn:pulumi:cell.dev-eu-west-1::patchworks::{}::{}".format
    resources = [
        {"urn": urn("aws:ec2/vpc:Vpc", "net"), "type": "aws:ec2/vpc:Vpc", "custom": True},
        {"urn": urn("patchworks:aws:Network", "n"), "type": "patchworks:aws:Network"},
        {"urn": urn("kubernetes:core/v1:Secret", "s"), "type": "kubernetes:core/v1:Secret",
         "custom": True},
        {"urn": urn("postgresql:index/role:Role", "r"), "type": "postgresql:index/role:Role",
         "custom": True},
        {"urn": urn("aws:secretsmanager/secretVersion:SecretVersion", "v"), "custom": True,
         "type": "aws:secretsmanager/secretVersion:SecretVersion"},
        {"urn": urn("pulumi:providers:aws", "p"), "type": "pulumi:providers:aws", "custom": True,
         "id": "1", "inputs": {"region": "eu-west-1"}},
        {"urn": urn("pulumi:providers:aws", "dns"), "type": "pulumi:providers:aws", "custom": True,
         "id": "2", "inputs": {"assumeRoles": '[{"roleArn":"arn:aws:iam::1:role/dns"}]'}},
        {"urn": urn("aws:route53/record:Record", "r"), "type": "aws:route53/record:Record",
         "custom": True, "provider": urn("pulumi:providers:aws", "dns") + "::2"},
    ]  # fmt: skip
    resources[0]["provider"] = urn("pulumi:providers:aws", "p") + "::1"
    exported = {"version": 3, "deployment": {"resources": resources}}
    event = {
        "sequence": 1,
        "timestamp": 1,
        "summaryEvent": {
            "maybeCorrupt": False,
            "durationSeconds": 1,
            "resourceChanges": {"same": 1, "update": 1},
            "policyPacks": {},
        },
    }
    cli.answers(
        {"to": ["stack", "export"], "says": json.dumps(exported)},
        {"to": ["refresh"], "says": "Previewing refresh\n", "events": [event]},
    )
    assert engine.differences(STACK, settings=True) == {"update": 1}
    (exporting,) = (call.arguments for call in cli.asked("stack", "export"))
    assert "--show-secrets" not in exporting
    (refresh,) = (call.arguments for call in cli.asked("refresh"))
    assert "--preview-only" in refresh
    targets = [refresh[n + 1] for n, word in enumerate(refresh) if word == "--target"]
    assert targets == [resources[0]["urn"]]


def test_a_missing_cli_says_what_else_there_is(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="--engine local"):
        engine.up(STACK)


def test_the_organization_is_brought_up_by_nobody_but_the_management_account(engine, monkeypatch):
    organization = load(find_root()).organization
    for account, refused in (
        (organization.accounts.dev, True),
        (organization.accounts.management, False),
    ):
        arn = f"arn:aws:sts::{account}:assumed-role/someone/session"
        monkeypatch.setattr(engine, "whoami", lambda arn=arn: arn)
        assert bool(engine.refuses("organization")) is refused
        assert engine.refuses(STACK) == ""
