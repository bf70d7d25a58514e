"""Values go between the SDK's messages, the graph and JSON without losing or showing anything."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.changes import changed_properties, parse_path, top_level, with_ignored
from rehearsal.values import UNKNOWN, Reference, Secret, is_known, redact, reveal, secret_paths
from rehearsal.wire import decode, encode

HOSTILE = "a!b@c$d()e*_,/:;=?"
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
VALUES = st.recursive(
    SCALARS | st.builds(Secret, SCALARS) | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_goes_into_a_message_comes_out_of_it(properties: dict[str, Any]) -> None:
    assert decode(encode(properties)) == properties


def test_references_survive_with_and_without_an_id() -> None:
    properties = {"a": Reference("urn:pulumi:s::p::t::n", "i-1"), "b": Reference("urn:x")}
    assert decode(encode(properties)) == properties


def test_what_is_no_property_value_is_refused() -> None:
    with pytest.raises(TypeError, match="set is no property value"):
        encode({"a": {1, 2}})


@given(VALUES)
def test_nothing_secret_is_in_what_is_redacted(value: Any) -> None:
    shown = repr(redact({"value": value, "mine": Secret({"deep": [HOSTILE]})}))
    assert HOSTILE not in shown
    assert HOSTILE not in repr(Secret(HOSTILE))


def test_secrets_are_found_by_their_paths() -> None:
    value = {"data": {"password": Secret("x")}, "users": [{"token": Secret("y")}, "z"]}
    assert list(secret_paths(value)) == ["data.password", "users[0].token"]
    assert reveal(value) == {"data": {"password": "x"}, "users": [{"token": "y"}, "z"]}


def test_an_unknown_part_makes_the_whole_unknown() -> None:
    assert is_known({"a": [1, Secret("x")]})
    assert not is_known({"a": [1, Secret([UNKNOWN])]})
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN


def test_paths_are_read_as_pulumi_writes_them() -> None:
    assert parse_path("spec.ports[0].name") == ["spec", "ports", 0, "name"]
    assert parse_path('data["a.b"].c') == ["data", "a.b", "c"]
    assert top_level(["spec.x", "data[0]", "*"]) == {"spec", "data", "*"}


def test_ignored_properties_stay_as_they_were() -> None:
    old = {"spec": {"replicas": 3, "image": "a"}, "tags": {"x": "1"}}
    new = {"spec": {"replicas": 1, "image": "b"}, "tags": {"x": "2"}}
    assert with_ignored(old, new, ["spec.replicas"]) == {
        "spec": {"replicas": 3, "image": "b"},
        "tags": {"x": "2"},
    }
    assert with_ignored(old, new, ["tags", "spec"]) == old
    assert with_ignored(old, new, ["missing.path", "spec.image[0]"]) == new
    assert with_ignored({"spec": {}}, new, ["spec.replicas"])["spec"] == {"image": "b"}
    assert with_ignored({"a": [1, 2]}, {"a": [3]}, ["a[0]", "a[1]"]) == {"a": [1]}
    assert new["spec"]["replicas"] == 1


def test_changes_are_told_by_top_level_property_and_see_into_secrets() -> None:
    old = {"a": Secret("x"), "b": 1, "gone": True, "same": [Secret("s")]}
    new = {"a": Secret("y"), "b": 1, "new": None, "same": ["s"]}
    assert changed_properties(old, new) == ("a", "gone", "new")
