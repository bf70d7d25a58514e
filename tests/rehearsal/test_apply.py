"""Programs applied through a driver of the test's own: what is done, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_random as random
import pytest

import rehearsal.apply
import rehearsal.operations
from rehearsal import attempts
from rehearsal.apply import LocalCloudAnswers, apply_program
from rehearsal.deletion import plan_deletions
from rehearsal.errors import DriverFailedError, ProtectedResourceError
from rehearsal.interrupts import Interrupted
from rehearsal.outcome import Outcome
from rehearsal.secrets_store import SecretsStore
from rehearsal.state import Applied, Begun, StackState

ID, PET = "random:index/randomId:RandomId", "random:index/randomPet:RandomPet"


@dataclass
class Recorder:
    """A driver that notes what it is told to do, or fails; `during` is called in between."""

    replaced_by = frozenset({"byteLength"})
    done: list[tuple[str, str]] = field(default_factory=list)
    fails: Exception | None = None
    during: Callable[[], None] = lambda: None
    drawn: list[str] = field(default_factory=list)

    def create(self, name: str, inputs: Any, cloud: Any) -> tuple[str, dict[str, Any]]:
        self.drawn.append(attempts.digits(8))
        self.during()
        if self.fails is not None:
            raise self.fails
        self.done.append(("create", name))
        return f"{name}-{len(self.done)}", {"hex": f"hex of {name}"}

    def update(self, id: str, old: Any, new: Any, outputs: Any, cloud: Any) -> dict[str, Any]:
        if self.fails is not None:
            raise self.fails
        self.done.append(("update", id))
        return {**outputs}

    def delete(self, id: str, inputs: Any, outputs: Any, cloud: Any) -> None:
        self.done.append(("delete", id))


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    for module in (rehearsal.apply, rehearsal.operations):
        monkeypatch.setattr(module, "drivers", lambda: {ID: recorder})
    return recorder


class Stack:
    """One stack's journal, and what is applied to it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "stack.jsonl"
        self.store = SecretsStore(directory / "secrets.key")

    def state(self) -> StackState:
        return StackState.open(self.path, self.store)

    def apply(
        self,
        program: Callable[[pulumi.ResourceOptions], Any] | None,
        check_interrupt: Callable[[], None] = lambda: None,
    ) -> Outcome:
        def with_provider() -> None:
            assert program is not None
            program(pulumi.ResourceOptions(provider=random.Provider("random")))

        return apply_program(
            None if program is None else with_provider,
            LocalCloudAnswers(
                stack="cell.test",
                state=self.state(),
                cloud_for=lambda _type, _settings: None,
                generation="g",
                outputs_of=lambda _: None,
                observe=lambda _: None,
                check_interrupt=check_interrupt,
            ),
        )


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def chain(*names: str, **given: Any) -> Callable[[pulumi.ResourceOptions], None]:
    """Resources of which each depends on the one before."""

    def program(opts: pulumi.ResourceOptions) -> None:
        previous: list[pulumi.Resource] = []
        for name in names:
            after = pulumi.ResourceOptions(depends_on=previous, **given)
            previous = [
                random.RandomId(name, byte_length=4, opts=pulumi.ResourceOptions.merge(opts, after))
            ]

    return program


def one(**given: Any) -> Callable[[pulumi.ResourceOptions], None]:
    options = given.pop("options", {})

    def program(opts: pulumi.ResourceOptions) -> None:
        merged = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(**options))
        random.RandomId("x", **{"byte_length": 4, **given}, opts=merged)

    return program


def test_creation_follows_dependencies_and_deletion_goes_back(
    stack: Stack, driver: Recorder
) -> None:
    stack.apply(chain("a", "b", "c"))
    assert driver.done == [("create", "a"), ("create", "b"), ("create", "c")]
    driver.done.clear()
    assert stack.apply(None).counts() == {"delete": 3}
    assert driver.done == [("delete", "c-3"), ("delete", "b-2"), ("delete", "a-1")]
    assert stack.state().resources == {}


def test_an_unchanged_resource_is_left_alone_and_a_changed_one_updated(
    stack: Stack, driver: Recorder
) -> None:
    stack.apply(one(prefix="p"))
    assert stack.apply(one(prefix="p")).counts() == {"same": 1}
    outcome = stack.apply(one(prefix="q"))
    assert [(e.operation, e.changed) for e in outcome.events] == [("update", ("prefix",))]
    assert driver.done == [("create", "x"), ("update", "x-1")]
    assert stack.apply(one(prefix="r", options={"ignore_changes": ["prefix"]})).counts() == {
        "same": 1
    }


def test_a_replacement_is_made_before_the_former_one_goes(stack: Stack, driver: Recorder) -> None:
    stack.apply(one())
    assert stack.apply(one(byte_length=8)).counts() == {"replace": 1, "delete": 1}
    assert driver.done == [("create", "x"), ("create", "x"), ("delete", "x-1")]
    (kept,) = [a for a in stack.state().resources.values() if a.type == ID]
    assert kept.id == "x-2"


def test_a_replacement_may_delete_first(stack: Stack, driver: Recorder) -> None:
    stack.apply(one())
    stack.apply(one(byte_length=8, options={"delete_before_replace": True}))
    assert driver.done == [("create", "x"), ("delete", "x-1"), ("create", "x")]


def test_a_program_may_force_a_replacement(stack: Stack, driver: Recorder) -> None:
    stack.apply(one(prefix="p"))
    outcome = stack.apply(one(prefix="q", options={"replace_on_changes": ["prefix"]}))
    assert outcome.counts() == {"replace": 1, "delete": 1}


def test_what_is_protected_is_not_replaced(stack: Stack, driver: Recorder) -> None:
    stack.apply(one(options={"protect": True}))
    with pytest.raises(ProtectedResourceError, match="'x', which is protected") as caught:
        stack.apply(one(byte_length=8, options={"protect": True}))
    assert caught.value.source is not None
    assert driver.done == [("create", "x")]
    assert stack.apply(one(options={"protect": True})).counts() == {"same": 1}


def test_what_is_protected_is_kept_with_all_that_it_needs(stack: Stack, driver: Recorder) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        needed = random.RandomId("needed", byte_length=4, opts=opts)
        kept = random.RandomId(
            "kept",
            byte_length=4,
            opts=pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(protect=True, depends_on=[needed])
            ),
        )
        random.RandomId(
            "user",
            byte_length=4,
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[kept])),
        )

    stack.apply(program)
    outcome = stack.apply(None)
    assert {(e.name, e.operation, e.reason) for e in outcome.events} == {
        ("user", "delete", ""),
        ("kept", "keep", "protected"),
        ("needed", "keep", "needed by kept, which is protected"),
    }
    assert driver.done[3:] == [("delete", "user-3")]
    assert stack.apply(None).counts() == {"keep": 2}
    assert stack.apply(program).counts() == {"same": 2, "create": 1}


def test_what_is_retained_is_let_go_without_being_deleted(stack: Stack, driver: Recorder) -> None:
    stack.apply(one(options={"retain_on_delete": True}))
    assert stack.apply(None).counts() == {"retain": 1}
    assert driver.done == [("create", "x")]


def test_what_no_driver_makes_is_counted_as_simulated(stack: Stack, driver: Recorder) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        pet = random.RandomPet("pet", opts=opts)
        random.RandomId("x", byte_length=4, prefix=pet.id, opts=opts)

    outcome = stack.apply(program)
    assert outcome.simulated() == 1
    assert {event.name: event.fidelity for event in outcome.events} == {
        "pet": "simulated",
        "x": "real",
    }
    assert stack.apply(program).counts() == {"same": 2}


def test_a_renamed_resource_with_an_alias_is_not_made_again(stack: Stack, driver: Recorder) -> None:
    stack.apply(chain("old"))
    alias = [pulumi.Alias(name="old")]
    assert stack.apply(chain("new", aliases=alias)).counts() == {"same": 1}
    assert driver.done == [("create", "old")]
    assert stack.apply(chain("new")).counts() == {"same": 1}
    assert stack.apply(chain("other")).counts() == {"create": 1, "delete": 1}


def test_a_refusal_names_the_line_and_leaves_nothing_begun(stack: Stack, driver: Recorder) -> None:
    driver.fails = ValueError("quota exceeded")
    with pytest.raises(DriverFailedError, match=r"cannot create .*'x': quota exceeded") as caught:
        stack.apply(one())
    assert caught.value.source is not None
    assert caught.value.source.file.endswith("test_apply.py")
    assert stack.state().begun == {}
    driver.fails = None
    assert stack.apply(one()).counts() == {"create": 1}


def test_what_a_kill_cut_short_is_ended_by_the_same_attempt(stack: Stack, driver: Recorder) -> None:
    journal: list[bytes] = []
    driver.during = lambda: journal.append(stack.path.read_bytes())
    stack.apply(one())
    stack.path.write_bytes(journal[0])
    (begun,) = stack.state().begun.values()
    assert begun.operation == "create"
    assert stack.apply(one()).counts() == {"create": 1}
    assert driver.done == [("create", "x"), ("create", "x")]
    assert driver.drawn[0] == driver.drawn[1]
    assert stack.state().begun == {}


def test_what_a_kill_cut_short_is_ended_even_if_it_is_no_longer_wanted(
    stack: Stack, driver: Recorder
) -> None:
    stack.apply(one())
    known = stack.state()
    (made,) = [a for a in known.resources.values() if a.type == ID]
    known.begin(Begun("update", "attempt", made))
    assert stack.apply(None).counts() == {"delete": 1}
    assert driver.done == [("create", "x"), ("update", "x-1"), ("delete", "x-1")]


def test_an_interrupt_ends_the_run_between_two_resources(stack: Stack, driver: Recorder) -> None:
    def after_two() -> None:
        if len(driver.done) == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        stack.apply(chain("a", "b", "c", "d"), after_two)
    assert driver.done == [("create", "a"), ("create", "b")]
    assert stack.apply(chain("a", "b", "c", "d")).counts() == {"same": 2, "create": 2}


def test_calls_of_one_attempt_have_tokens_of_their_own() -> None:
    def tokens(id: str) -> list[str | None]:
        with attempts.attempting(id):
            return [attempts.call_token("CreateVpc"), attempts.call_token("CreateVpc")]

    first = tokens("one")
    assert first == tokens("one")
    assert len({*first, *tokens("two")}) == 4
    assert attempts.call_token("CreateVpc") is None
    assert attempts.digits(8) != attempts.digits(8)


def test_deletions_reach_through_parents_and_providers() -> None:
    def applied(name: str, **given: Any) -> Applied:
        return Applied(urn=name, type="t", name=name, id=name, inputs={}, outputs={}, **given)

    resources = {
        a.urn: a
        for a in (
            applied("provider"),
            applied("parent", provider="provider"),
            applied("child", parent="parent", protect=True),
            applied("loose", dependencies=("child", "not there any more")),
        )
    }
    steps = plan_deletions(resources, {"provider"})
    assert [(step.resource.urn, bool(step.kept_because)) for step in steps] == [
        ("loose", False),
        ("child", True),
        ("parent", True),
    ]
