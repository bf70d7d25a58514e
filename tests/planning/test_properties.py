"""How values differ: paths, lists as sets, documents as what they say, secrets unseen."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planning.properties import LONGEST, differences
from rehearsal.values import UNKNOWN, Reference, Secret

PASSWORD = 'p\'w "x" %41@:/$;ü'


def lines(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    return [(each.path, each.kind, each.before, each.after) for each in differences(before, after)]


def test_a_nested_value_is_named_by_its_path() -> None:
    before = {"spec": {"template": {"replicas": 2, "other": 1}}}
    after = {"spec": {"template": {"replicas": 3, "other": 1}}}
    assert lines(before, after) == [("spec.template.replicas", "changed", 2, 3)]


def test_the_order_of_a_set_means_nothing() -> None:
    before = {"cidrBlocks": ["a", "b"], "ingress": [{"p": 1}, {"p": 2}]}
    after = {"cidrBlocks": ["b", "a"], "ingress": [{"p": 2}, {"p": 1}]}
    assert lines(before, after) == []


def test_an_item_of_a_set_is_added_by_itself() -> None:
    assert lines({"cidrBlocks": ["b", "a"]}, {"cidrBlocks": ["a", "c", "b"]}) == [
        ("cidrBlocks[]", "added", None, "c")
    ]


def test_the_order_of_a_command_means_something() -> None:
    assert len(lines({"command": ["a", "b"]}, {"command": ["b", "a"]})) == 2


def test_items_with_names_are_told_apart_by_them() -> None:
    before = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    after = {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]}
    assert lines(before, after) == [("env[name=B].value", "changed", "2", "3")]


def test_a_policy_is_compared_as_what_it_says() -> None:
    statement = {"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["b", "a"]}
    before = json.dumps({"Version": "x", "Statement": [statement]})
    written_otherwise = json.dumps(
        {
            "Statement": [{**statement, "Action": ["s3:GetObject"], "Resource": ["a", "b"]}],
            "Version": "x",
        },
        indent=2,
    )
    assert lines({"policy": before}, {"policy": written_otherwise}) == []
    wider = json.dumps(
        {"Version": "x", "Statement": [{**statement, "Action": ["s3:GetObject", "s3:*"]}]}
    )
    assert lines({"policy": before}, {"policy": wider}) == [
        ("policy.Statement[Sid=A].Action[]", "added", None, "s3:*")
    ]


def test_a_secret_is_said_to_change_and_nothing_else() -> None:
    (found,) = differences({"password": Secret(PASSWORD)}, {"password": Secret("other")})
    assert found.secret
    assert (found.before, found.after) == ("[secret]", "[secret]")
    assert differences({"password": Secret(PASSWORD)}, {"password": Secret(PASSWORD)}) == []


def test_a_secret_within_what_is_added_is_not_shown() -> None:
    (found,) = differences({}, {"data": {"a": [Secret(PASSWORD)]}})
    assert found.secret
    assert found.after == {"a": ["[secret]"]}


def test_a_secret_that_becomes_plain_shows_only_what_is_plain_now() -> None:
    (found,) = differences({"a": Secret(PASSWORD)}, {"a": "public"})
    assert (found.secret, found.before, found.after) == (True, "[secret]", "public")


def test_what_is_unknown_on_one_side_is_said_to_be() -> None:
    (found,) = differences({"a": 1}, {"a": UNKNOWN})
    assert not found.known
    assert differences({"a": UNKNOWN}, {"a": UNKNOWN}) == []


def test_references_are_the_same_where_they_lead_to_the_same() -> None:
    assert differences({"a": Reference("urn:a", "1")}, {"a": Reference("urn:a", "2")}) == []
    assert len(differences({"a": Reference("urn:a")}, {"a": Reference("urn:b")})) == 1


def test_one_is_not_true() -> None:
    assert len(differences({"a": 1}, {"a": True})) == 1


def test_a_long_value_is_cut_and_says_so() -> None:
    (found,) = differences({}, {"a": "x" * 10 * LONGEST})
    assert isinstance(found.after, str)
    assert len(found.after) < LONGEST + 50
    assert "20,002 characters" in found.after


CALM = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@CALM
@given(st.dictionaries(st.sampled_from(["Statement", "ingress", "a"]), VALUES))
def test_nothing_differs_from_itself(value: dict[str, Any]) -> None:
    assert differences(value, value) == []


@CALM
@given(
    st.dictionaries(st.sampled_from(["Statement", "ingress", "a"]), VALUES),
    st.dictionaries(st.sampled_from(["Statement", "ingress", "a"]), VALUES),
)
def test_every_pair_of_values_can_be_compared(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert bool(differences(before, after)) == bool(differences(after, before))
