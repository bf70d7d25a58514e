"""Makes a plan: both commits evaluated as far as they differ, compared, and judged by the checks.

The order is that of references: the organization, the cells, the tenants. A stack whose own part
is the same and whose references export the same has the same graph, and is not evaluated.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from planning import document, work
from planning.affected import Affected
from planning.batches import judge_batches
from planning.cache import Cache, Known, digest_of, environment, key_of, own_code
from planning.code import CATALOG, PACKAGES
from planning.document import Fault, Mark, Plan, StackPlan
from planning.moving import moves_of
from planning.states import States
from planning.temporary import remove_abandoned
from planning.workers import ENDED, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from planning.commits import Files, Repository
    from planning.states import State

WANTED = (*PACKAGES, *CATALOG)
"""The directories of a commit that any evaluation may read."""
_WORK_TREE = "work tree"
ORGANIZATION = "organization"
_KINDS = (ORGANIZATION, "cell", "tenant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to compare, and how."""

    base: str
    head: str | None = None
    """None for the work tree."""
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    cache: Cache = field(default_factory=Cache.of_user)
    checkov: bool = False
    """Whether checkov is asked too, which takes some ten seconds more."""
    progress: Callable[[str, int, int], None] = lambda *_: None
    """Told what is under way, how many stacks are done, and of how many."""


def plan(repository: Repository, request: Request) -> Plan:
    """What the change from base to head does.

    Raises:
        CommitError: there is no such commit, or it can't be read.
    """
    base = _files(repository, request.base)
    head = _files(repository, request.head)
    if base.blobs == head.blobs:
        return Plan(
            base=document.Side(name=base.name, commit=base.commit),
            head=document.Side(name=head.name, commit=head.commit),
        )
    key = _key(request, "whole", digest_of(base), digest_of(head))
    known = request.cache.read(key, Plan)
    if known is not None:
        return known
    request.progress("loading", 0, 0)
    remove_abandoned()
    with States(base, head) as states:
        states.start()
        # While both sides import their programs; and before there is a thread, as workers are
        # forked off.
        work.prepare()
        with Workers(request.jobs, keeps_bodies=request.checkov) as workers:
            states.load(environment())
            making = _Making(states, workers, request)
            made = making.plan()
    if making.may_be_kept:
        request.cache.write(key, made)
    request.cache.tidy()
    return made


def _key(request: Request, *parts: str | None) -> str:
    """What a plan depends on; suppressions expire, so the day is part of it."""
    today = datetime.now(UTC).date().isoformat()
    asked = "checkov" if request.checkov else ""
    return key_of(own_code(), environment(), today, asked, *parts)


def _files(repository: Repository, ref: str | None) -> Files:
    if ref is None:
        return repository.work_tree(WANTED)
    return repository.files_of(repository.resolve(ref), ref, WANTED)


class _Making:
    """One plan while it is made."""

    def __init__(self, states: States, workers: Workers, request: Request) -> None:
        self._states = states
        self._workers = workers
        self._request = request
        self._affected = Affected(states.base, states.head)
        self._plans: dict[str, StackPlan] = {}
        self._fresh: set[str] = set()
        self._fresh_rights: set[str] = set()
        self._skipped = 0

    def plan(self) -> Plan:
        base, head = self._states.base, self._states.head
        faults: list[Fault] = []
        if base.loaded is not None and head.loaded is not None:
            for kind in _KINDS:
                self._round(kind)
            if self._request.checkov:
                self._request.progress("checkov", 0, 0)
                judge_batches(self._plans, self._fresh, self._states.keys.marker, self._workers)
        moves, more = moves_of(base, head)
        faults += more
        self._keep()
        for move in moves:
            self._mark(move)
        told = [each for each in self._plans.values() if _tells(each)]
        return Plan(
            base=base.described(),
            head=head.described(),
            stacks=tuple(sorted(map(judged, told), key=lambda each: order(each.stack))),
            skipped=self._skipped,
            unchanged=len(self._plans) - len(told),
            moves=tuple(moves),
            not_known=tuple(_not_known(base, head)),
            faults=tuple(faults),
        )

    def _mark(self, move: document.Move) -> None:
        """Say of a tenant's stack that its placement changes."""
        stack = f"tenant.{move.tenant}"
        plan = self._plans.get(stack)
        if plan is not None:
            text = (
                f"tenant {move.tenant} is placed in {move.after}, no longer in {move.before}: "
                "an apply adds what it needs there, and `patchworks tenant move` then moves it"
            )
            mark = Mark(kind="placement-changed", severity="medium", text=text)
            consequences = (*plan.consequences, mark)
            self._plans[stack] = plan.model_copy(update={"consequences": consequences})

    def _round(self, kind: str) -> None:
        """Plan every affected stack of one kind; those they refer to are planned by now."""
        stacks = sorted(self._affected.of_kind(kind), key=order)
        unchanged = [stack for stack in stacks if self._affected.is_same(stack)]
        if self._roles_change:
            self._look_at_rights(kind, unchanged)
        else:
            self._skipped += len(unchanged)
        wanted = []
        for stack in sorted(set(stacks) - set(unchanged), key=order):
            known = self._request.cache.read(self._key(stack), Known)
            if known is None:
                wanted.append(stack)
            else:
                self._plans[stack] = known.plan
                self._affected.note(stack, same=known.same_exports)
        if not wanted:
            return
        base, head = self._states.base, self._states.head
        if kind != ORGANIZATION:
            self._look_up_roles()
        pairs = self._states.evaluate(
            wanted,
            self._affected.at(base, wanted),
            self._affected.at(head, wanted),
            max(1, self._request.jobs // 2),
        )
        for number, (stack, one, other) in enumerate(pairs, 1):
            self._request.progress(kind, number, len(wanted))
            if stack in base.failed or stack in head.failed:
                self._affected.note(stack, same=False)
                continue
            same = one is not None and other is not None and one.exports == other.exports
            self._affected.note(stack, same=same)
            self._workers.ask(
                stack,
                one.graph if one is not None else None,
                other.graph if other is not None else None,
                self._states.keys.marker,
            )
            self._fresh.add(stack)
        for stack, made in self._workers.answers():
            self._plans[stack] = made

    @property
    def _roles_change(self) -> bool:
        """Whether the organization's roles, by which all stacks are deployed, differ."""
        plan = self._plans.get(ORGANIZATION)
        return plan is not None and any(each.type.startswith("aws:iam/") for each in plan.changes)

    def _look_at_rights(self, kind: str, stacks: Sequence[str]) -> None:
        """Ask of stacks that stay as they are whether the roles still let them be deployed."""
        wanted = []
        for stack in stacks:
            known = self._request.cache.read(self._rights_key(stack), Known)
            if known is None:
                wanted.append(stack)
            else:
                self._plans[stack] = known.plan
        if not wanted:
            return
        self._look_up_roles()
        head = self._affected.at(self._states.head, wanted)
        graphs = self._states.evaluate(wanted, (), head, self._request.jobs)
        for number, (stack, _, found) in enumerate(graphs, 1):
            self._request.progress(f"rights of {kind}", number, len(wanted))
            if found is not None and found.graph is not None:
                self._workers.ask_rights(stack, found.graph, self._states.keys.marker)
                self._fresh_rights.add(stack)
        self._plans |= dict(self._workers.answers())

    def _rights_key(self, stack: str) -> str:
        digests = (*self._affected.digests(stack), *self._affected.digests(ORGANIZATION))
        return _key(self._request, "rights", stack, *digests)

    def _look_up_roles(self) -> None:
        """Have the head's organization at hand, also where it was not looked at, for its roles."""
        if self._workers.knows_organization:
            return
        head = self._states.head
        there = self._affected.at(head, [ORGANIZATION])
        for _, _, found in self._states.evaluate(sorted(there), (), there, 1):
            if found is not None and found.graph is not None:
                self._workers.know_organization(found.graph)

    def _key(self, stack: str) -> str:
        return _key(self._request, stack, *self._affected.digests(stack))

    @property
    def may_be_kept(self) -> bool:
        """Whether all was found out, so that the same would be found out again."""
        broken = self._states.base.errors or self._states.head.errors
        return not broken and all(map(_is_certain, self._plans.values()))

    def _keep(self) -> None:
        if self._states.base.errors or self._states.head.errors:
            return
        keys = {stack: self._key(stack) for stack in self._fresh}
        keys |= {stack: self._rights_key(stack) for stack in self._fresh_rights}
        for stack, key in keys.items():
            plan = self._plans[stack]
            if _is_certain(plan):
                known = Known(plan=plan, same_exports=self._affected.exports_same(stack))
                self._request.cache.write(key, known)


def order(stack: str) -> tuple[int, str]:
    """Sorts stacks: the organization, the cells, the tenants, each by name."""
    kind, _, name = stack.partition(".")
    return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS)), name


def judged(plan: StackPlan) -> StackPlan:
    """A stack's plan with every reason why the whole ends with exit code 1."""
    faults = [*plan.faults]
    faults += [
        Fault(
            problem=f"{each.rule}: {each.message}",
            stack=plan.stack,
            place=each.place,
            remedy=each.why,
        )
        for each in plan.findings.new
        if each.severity in ("high", "medium")
    ]
    faults += [
        Fault(
            problem=f"the deploy role {plan.deploy.role} lacks {each.action} on {each.resource}",
            stack=plan.stack,
            remedy="an apply fails without it; see components/aws/deploy_rights.py",
        )
        for each in plan.deploy.missing
    ]
    return plan.model_copy(update={"faults": tuple(faults)})


def _is_certain(plan: StackPlan) -> bool:
    """Whether a stack's plan would come out the same again: no process and no check failed."""
    found = plan.findings
    crashed = any(each.rule.endswith("-crashed") for each in (*found.new, *found.old, *found.gone))
    return not (crashed or any(fault.problem == ENDED for fault in plan.faults))


def _tells(plan: StackPlan) -> bool:
    """Whether a stack's plan says anything that a reviewer needs."""
    return bool(
        plan.status in ("created", "removed")
        or plan.changes
        or plan.exports
        or plan.marks
        or plan.access.gained
        or plan.access.lost
        or plan.findings.new
        or plan.findings.gone
        or plan.deploy.missing
        or plan.faults
    )


def _not_known(base: State, head: State) -> Iterable[str]:
    yield (
        "What exists: a plan compares what two commits declare. Where somebody changed things by "
        "hand, or an earlier change was never applied, an apply does more or less than this"
    )
    for state in (base, head):
        missing = {"files", "network"} - set(state.side.holds)
        if state.loaded is not None and missing:
            yield (
                f"What the code of {state.side.files.title} did besides: this machine's kernel "
                f"could not keep it from {' and '.join(sorted(missing))}"
            )
