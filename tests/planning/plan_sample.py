"""A plan with something of everything, and names that no honest file has."""

from __future__ import annotations

from planning.document import (
    Access,
    AccessLine,
    Change,
    DeployRight,
    DeployRights,
    Fault,
    FindingLine,
    Findings,
    Mark,
    Move,
    Node,
    Place,
    Placement,
    Plan,
    PropertyChange,
    Side,
    StackPlan,
)

HOSTILE = (
    "</script></style><img src=x onerror=\"document.title='run'\">'`@everyone`--><b>&amp;\u202e"
)


def urn(kind: str, name: str, stack: str = "cell.sample") -> str:
    return f"urn:pulumi:{stack}::patchworks::{kind}::{name}"


CLUSTER = urn("aws:rds/cluster:Cluster", "pool-a")
KEY = urn("aws:kms/key:Key", "databases")
GROUP = urn("aws:ec2/securityGroup:SecurityGroup", HOSTILE)
LONE = urn("aws:sqs/queue:Queue", "events")


def changes() -> tuple[Change, ...]:
    return (
        Change(
            urn=CLUSTER,
            type="aws:rds/cluster:Cluster",
            name="pool-a",
            action="replace",
            place=Place(file="components/aws/database.py", line=120),
            properties=(
                PropertyChange(
                    path="kmsKeyId",
                    kind="changed",
                    before="old",
                    after=None,
                    known=False,
                    replaces="can't be changed once made",
                ),
                PropertyChange(path="masterPassword", kind="changed", secret=True),
                PropertyChange(path="tags", kind="added", after={"a": [1, None, True]}),
            ),
            marks=(Mark(kind="loses-data", severity="high", text=f"data of {HOSTILE} is lost"),),
            protected=True,
            refused="it is protected",
        ),
        Change(
            urn=GROUP,
            type="aws:ec2/securityGroup:SecurityGroup",
            name=HOSTILE,
            action="update",
            properties=(
                PropertyChange(
                    path="ingress[].cidrBlocks[]", kind="added", after=HOSTILE + "x" * 10_000
                ),
            ),
        ),
        Change(urn=LONE, type="aws:sqs/queue:Queue", name="events", action="delete", retained=True),
    )


def nodes() -> tuple[Node, ...]:
    return (
        Node(urn=KEY, type="aws:kms/key:Key", name="databases", component="storage"),
        Node(
            urn=GROUP,
            type="aws:ec2/securityGroup:SecurityGroup",
            name=HOSTILE,
            action="update",
        ),
        Node(
            urn=CLUSTER,
            type="aws:rds/cluster:Cluster",
            name="pool-a",
            action="replace",
            severity="high",
            uses=(0, 1),
        ),
        Node(urn=LONE, type="aws:sqs/queue:Queue", name="events", action="delete"),
    )


def finding(rule: str, message: str) -> FindingLine:
    return FindingLine(
        origin="policy", rule=rule, severity="high", urn=GROUP, message=message, why="who knows"
    )


def plan() -> Plan:
    """Two tenants that change alike, and a cell with all that can be said of one."""
    cell = StackPlan(
        stack="cell.sample",
        status="changed",
        changes=changes(),
        graph=nodes(),
        exports=(PropertyChange(path="endpoint", kind="removed", before="a.example"),),
        unchanged=140,
        access=Access(
            gained=(
                AccessLine(
                    urn=GROUP,
                    text=f"{HOSTILE} may s3:*",
                    level="Write",
                    severity="high",
                    why=("w",),
                ),
            ),
            lost=(AccessLine(urn=KEY, text="less", level="Read", severity="low"),),
            not_understood=("a policy that is no JSON",),
        ),
        deploy=DeployRights(
            role="deploy",
            missing=(DeployRight(action="kms:TagResource", needed_by=("aws:kms/key:Key",)),),
            unused=(DeployRight(action="sqs:SendMessage"),),
        ),
        findings=Findings(
            new=(finding("no-open-groups", HOSTILE),),
            old=(finding("old-rule", "an old one"),),
            gone=(finding("gone-rule", "one that is gone"),),
            suppressed=2,
        ),
        not_known=("the address that the cluster gets",),
        faults=(Fault(problem="the deploy role lacks kms:TagResource", stack="cell.sample"),),
    )
    queue = Change(
        urn=urn("aws:sqs/queue:Queue", "jobs", "tenant.a"),
        type="aws:sqs/queue:Queue",
        name="jobs",
        action="create",
    )
    tenants = tuple(
        StackPlan(
            stack=f"tenant.{name}",
            status="changed",
            shape="f00",
            consequences=(Mark(kind="tenant-removed", severity="high", text="it all goes"),),
            changes=(queue,),
        )
        for name in ("a", "b", "zebra")
    )
    return Plan(
        base=Side(name="origin/main", commit="a" * 40, stacks=4),
        head=Side(name=HOSTILE, commit=None, stacks=4),
        stacks=(cell, *tenants),
        skipped=1_000,
        unchanged=3,
        moves=(
            Move(
                tenant="acme",
                before=Placement(cell="one", database="pool-a"),
                after=Placement(cell="two", database=HOSTILE),
                kind="to another cell",
                not_known=("how long it takes",),
                steps=("expand", "copy", "cut over"),
                refused=("the target is full",),
                reviewers=("@org/operators",),
            ),
        ),
        not_known=("what drifted",),
    )
