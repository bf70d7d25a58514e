"""A stack's journal: what was made is known again after a kill, and no secret lies in it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.secrets_store import SecretsStore
from rehearsal.state import Applied, Begun, StackState
from rehearsal.values import UNKNOWN, Reference, Secret

HOSTILE = "a!b@c$d()e*_,/:;=?"


def resource(name: str, **given: object) -> Applied:
    return replace(
        Applied(
            urn=f"urn:pulumi:s::p::t:t:T::{name}",
            type="t:t:T",
            name=name,
            id=f"id-{name}",
            inputs={"password": Secret(HOSTILE), "nested": [{"deep": Secret([HOSTILE])}]},
            outputs={"unknown": UNKNOWN, "reference": Reference("urn:x", "i"), "url": Secret("u")},
            dependencies=("urn:a", "urn:b"),
            secret_outputs=("url",),
        ),
        **given,
    )


@pytest.fixture
def store(tmp_path: Path) -> SecretsStore:
    return SecretsStore(tmp_path / "secrets.key")


@pytest.fixture
def state(tmp_path: Path, store: SecretsStore) -> StackState:
    return StackState.open(tmp_path / "stacks" / "tenant.acme.jsonl", store)


def again(state: StackState) -> StackState:
    return StackState.read(state.path, state.cipher)


def test_all_that_is_kept_is_known_again(state: StackState) -> None:
    first, second = resource("first"), resource("second", protect=True, generation="g")
    state.put(first)
    state.put(second)
    state.export({"password": Secret(HOSTILE), "hosts": ["a"]})
    for known in (again(state), StackState.open(state.path, state.cipher), again(state)):
        assert known.resources == {first.urn: first, second.urn: second}
        assert known.exports == {"password": Secret(HOSTILE), "hosts": ["a"]}


def test_no_secret_is_in_its_bytes_and_others_cannot_read_it(state: StackState) -> None:
    state.begin(Begun("create", "0", resource("first")))
    state.put(resource("first"))
    state.export({"password": Secret({"deep": HOSTILE})})
    content = state.path.read_bytes()
    assert HOSTILE.encode() not in content
    assert json.dumps(HOSTILE).encode() not in content
    assert state.path.stat().st_mode & 0o777 == 0o600
    StackState.open(state.path, state.cipher)
    assert HOSTILE.encode() not in state.path.read_bytes()
    assert state.path.stat().st_mode & 0o777 == 0o600


@given(cut=st.integers(1, 2000))
def test_a_torn_last_line_is_dropped(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("torn")
    state = StackState(directory / "s.jsonl", SecretsStore(directory / "secrets.key"))
    state.put(resource("first"))
    whole = state.path.stat().st_size
    state.put(resource("second"))
    content = state.path.read_bytes()
    end = max(whole, len(content) - cut)
    state.path.write_bytes(content[:end])
    known = StackState.open(state.path, state.cipher)
    expected = {"first", "second"} if end >= len(content) - 1 else {"first"}
    assert {applied.name for applied in known.resources.values()} == expected
    known.put(resource("third"))
    assert {a.name for a in again(known).resources.values()} == expected | {"third"}


def test_damage_before_the_last_line_is_no_torn_line(state: StackState) -> None:
    state.put(resource("first"))
    state.put(resource("second"))
    lines = state.path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1][:40] + b"\n"
    state.path.write_bytes(b"".join(lines))
    with pytest.raises(ValueError, match="line 2 is damaged; `patchworks local stop --reset`"):
        again(state)


def test_another_version_is_refused(state: StackState) -> None:
    state.path.parent.mkdir()
    state.path.write_text('{"version": 1}\n')
    with pytest.raises(ValueError, match=r"written by another version \(1\)"):
        StackState.open(state.path, state.cipher)


def test_what_had_begun_is_known_until_it_ends_or_is_given_up(state: StackState) -> None:
    for name, operation in (("a", "create"), ("b", "update"), ("c", "create")):
        state.begin(Begun(operation, f"attempt-{name}", resource(name)))
    state.put(resource("a"))
    state.abandon(resource("c").urn)
    (begun,) = again(state).begun.values()
    assert begun == Begun("update", "attempt-b", resource("b"))
    StackState.open(state.path, state.cipher)
    assert list(again(state).begun.values()) == [begun]


def test_what_is_replaced_is_left_over_until_it_is_deleted(state: StackState) -> None:
    old, new = resource("x"), resource("x", id="newer")
    state.put(old)
    state.put(new, replaces=True)
    assert again(state).leftovers == [old]
    StackState.open(state.path, state.cipher)
    assert (again(state).leftovers, again(state).resources) == ([old], {new.urn: new})
    state.remove_leftover(old)
    assert again(state).leftovers == []


def test_a_renamed_resource_keeps_everything_but_its_urn(state: StackState) -> None:
    state.put(resource("old"))
    state.rename(resource("old").urn, "urn:pulumi:s::p::t:t:T::new")
    (known,) = again(state).resources.values()
    assert known == resource("old", urn="urn:pulumi:s::p::t:t:T::new")


def test_opening_writes_back_only_what_still_holds(state: StackState) -> None:
    for round in range(20):
        state.put(resource("first", id=f"id-{round}"))
    state.put(resource("second"))
    state.remove(resource("second").urn)
    grown = state.path.stat().st_size
    StackState.open(state.path, state.cipher)
    assert state.path.stat().st_size < grown / 10
    assert [applied.id for applied in again(state).resources.values()] == ["id-19"]
