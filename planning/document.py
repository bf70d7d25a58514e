"""What a plan says, apart from how it is shown: every output is made from this and nothing else.

No value in it is secret: a secret is `[secret]`, and what only the cloud can give `[unknown]`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from planning.severity import Severity

VERSION: Literal[1] = 1
Action = Literal["create", "update", "replace", "delete", "rename", "forget"]
Status = Literal["created", "changed", "removed", "unchanged"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Part):
    """Where something is declared, below the repository's root."""

    file: str
    line: Annotated[int, Field(ge=1)]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class PropertyChange(_Part):
    """One input that differs, at the deepest path where it does."""

    path: str
    """Such as `ingress[].cidrBlocks[]` or `policy.Statement[Sid=Read].Action[]`: `[]` stands for
    any item of a list whose order means nothing."""
    kind: Literal["added", "removed", "changed"]
    before: JsonValue = None
    after: JsonValue = None
    secret: bool = False
    """Whether the value is secret: that it changes is said, and nothing else."""
    known: bool = True
    """Whether it is known if the value changes, and to what, before an apply."""
    replaces: str = ""
    """Why this change makes the resource anew; empty where it is updated in place."""


class Mark(_Part):
    """A consequence that a reviewer must not miss."""

    kind: str
    """One of `planning.marks.registry.KINDS`, such as `loses-data`."""
    severity: Severity
    text: str
    """One line for people: what happens to what."""
    path: str = ""
    """The property that brings it about; empty where the whole resource does."""


class Change(_Part):
    """What happens to one resource."""

    urn: str
    type: str
    name: str
    action: Action
    """`forget` is a deletion that leaves the real thing where it is."""
    place: Place | None = None
    """Where the resource is declared: at the head, or at the base where it is gone."""
    properties: tuple[PropertyChange, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why it is replaced, where that does not follow from one property alone."""
    marks: tuple[Mark, ...] = ()
    former: str = ""
    """The URN that it had at the base, where that was another."""
    protected: bool = False
    """Whether Pulumi refuses to delete it."""
    retained: bool = False
    """Whether deleting it leaves the real thing where it is."""
    deleted_first: bool = False
    """Whether the old one is deleted before the new one is there."""
    refused: str = ""
    """Why an apply fails at this change; empty where it does not."""


class AccessLine(_Part):
    """Something that somebody may do from now on, or no longer."""

    urn: str
    text: str
    level: str
    severity: Severity
    why: tuple[str, ...] = ()
    place: Place | None = None


class Access(_Part):
    """What a stack's identities may do more or less."""

    gained: tuple[AccessLine, ...] = ()
    lost: tuple[AccessLine, ...] = ()
    not_understood: tuple[str, ...] = ()


class DeployRight(_Part):
    """An action that the deploy role lacks, or has and does not need."""

    action: str
    resource: str = "*"
    needed_by: tuple[str, ...] = ()
    """Types of resources whose handlers call it."""


class DeployRights(_Part):
    """What a stack's deploy role has, against what its resource types need."""

    role: str = ""
    missing: tuple[DeployRight, ...] = ()
    unused: tuple[DeployRight, ...] = ()
    not_known: tuple[str, ...] = ()


class FindingLine(_Part):
    """One finding of a check."""

    origin: Literal["policy", "checkov", "access"]
    rule: str
    severity: Severity
    urn: str
    message: str
    why: str
    place: Place | None = None


class Findings(_Part):
    """What checks say of a stack, what the change brings apart from what was there."""

    new: tuple[FindingLine, ...] = ()
    old: tuple[FindingLine, ...] = ()
    gone: tuple[FindingLine, ...] = ()
    suppressed: int = 0
    """Those at the head that the catalog accepts, with a reason and until a day."""


class Placement(_Part):
    """Where a tenant lives."""

    cell: str
    database: str

    def __str__(self) -> str:
        return f"{self.cell}/{self.database}"


class Move(_Part):
    """A tenant whose declared placement changes: nothing moves until the move itself is run."""

    tenant: str
    before: Placement
    after: Placement
    kind: str = ""
    """Such as `to another database of the same cell`."""
    steps: tuple[str, ...] = ()
    """What is done, in order."""
    refused: tuple[str, ...] = ()
    """Why the move can't be made as declared."""
    not_known: tuple[str, ...] = ()
    """What only the move's own preflight can tell."""
    reviewers: tuple[str, ...] = ()
    """Each group that must agree, and why."""


class Fault(_Part):
    """Why a plan ends with exit code 1: an apply would fail, or a check is not content."""

    problem: str
    stack: str = ""
    place: Place | None = None
    remedy: str = ""


class Node(_Part):
    """A resource as it is drawn: one that changes, or one next to it."""

    urn: str
    type: str
    name: str
    component: str = ""
    """Names of the components that it belongs to, the outermost first, such as `network / nat`."""
    action: Action | None = None
    """What happens to it; a neighbour that stays as it is has none."""
    severity: Severity | None = None
    """The gravest of its marks."""
    uses: tuple[int, ...] = ()
    """Places, in the same list, of the resources whose outputs it takes; neighbours' own ties, from
    one to the other, are left out."""


class StackPlan(_Part):
    """What a change does to one stack."""

    stack: str
    """`organization`, `cell.<name>` or `tenant.<name>`."""
    status: Status
    shape: str = ""
    """Stacks with the same shape change alike, their own names aside."""
    consequences: tuple[Mark, ...] = ()
    """Those of what happens to the stack as a whole; see `marks`."""
    changes: tuple[Change, ...] = ()
    """The most important first."""
    graph: tuple[Node, ...] = ()
    """What changes and what stands next to it; given once for each `shape`."""
    exports: tuple[PropertyChange, ...] = ()
    unchanged: int = 0
    """Resources that stay as they are."""
    access: Access = Access()
    deploy: DeployRights = DeployRights()
    findings: Findings = Findings()
    not_known: tuple[str, ...] = ()
    """What offline evaluation can't tell of this stack."""
    faults: tuple[Fault, ...] = ()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Its own consequences, and those of its changes."""
        return (*self.consequences, *(mark for change in self.changes for mark in change.marks))


class Side(_Part):
    """One of the two states that are compared."""

    name: str
    """A ref, or `work tree`."""
    commit: str | None = None
    stacks: int = 0
    errors: tuple[Fault, ...] = ()
    """Why it, or some of its stacks, could not be evaluated."""
    held: tuple[str, ...] = ()
    """What its code was kept from while it ran: `files`, `network`."""

    @property
    def title(self) -> str:
        """The side's name, with the commit's short id where it has one."""
        if self.commit is None:
            return self.name
        short = self.commit[:10]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


class Plan(_Part):
    """What a change does, as far as can be known without a credential."""

    version: Literal[1] = VERSION
    base: Side
    head: Side
    stacks: tuple[StackPlan, ...] = ()
    """Those of which there is something to say, in the order of the catalog."""
    skipped: int = 0
    """Stacks that depend on nothing that changed, and so were not evaluated."""
    unchanged: int = 0
    """Stacks that were evaluated, or known from before, and stay as they are."""
    moves: tuple[Move, ...] = ()
    not_known: tuple[str, ...] = ()
    """What can't be told of the whole, such as how far the programs could be confined."""
    faults: tuple[Fault, ...] = ()
    """Those of the whole; see `all_faults`."""

    @property
    def all_faults(self) -> tuple[Fault, ...]:
        """Every reason for exit code 1, the sides' errors included."""
        return (
            *self.head.errors,
            *self.base.errors,
            *self.faults,
            *(fault for stack in self.stacks for fault in stack.faults),
        )

    def counts(self) -> dict[Action, int]:
        """How many resources each action befalls, over all stacks."""
        found: dict[Action, int] = {}
        for stack in self.stacks:
            for change in stack.changes:
                found[change.action] = found.get(change.action, 0) + 1
        return found
