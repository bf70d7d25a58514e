"""Positions: every value is found again where the reader says that it stands."""

import string
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.document import Document, Node, walk
from catalog.yaml_reader import MAXIMUM_DEPTH, parse, resolve

KEYS = st.text(string.ascii_lowercase, min_size=1, max_size=8)
# No line breaks and nothing that a YAML writer folds: what is tested here are positions.
STRINGS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc", "Cf", "Zs"]),
    max_size=12,
)
SCALARS = st.one_of(STRINGS, st.integers(-10_000, 10_000), st.booleans(), st.none())
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


def read(text: str) -> Document:
    document = Document("test.yaml")
    parse(document, text)
    return document


def plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def node_at(document: Document, location: tuple[str | int, ...]) -> Node:
    node = document.node(location)
    assert node is not None
    return node


@given(st.dictionaries(KEYS, TREES), st.booleans())
@settings(max_examples=100)
def test_values_are_read_as_pyyaml_reads_them(value, flow):
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow, width=10_000)
    document = read(text)
    ambiguous = {fault.rule for fault in document.faults} == {"ambiguous-number"}
    assert document.faults == [] or ambiguous
    assert document.root is not None
    if not ambiguous:
        assert plain(document.root.value) == yaml.safe_load(text)


@given(st.dictionaries(KEYS, TREES, min_size=1), st.booleans())
@settings(max_examples=100)
def test_every_scalar_stands_where_its_position_says(value, flow):
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow, width=10_000)
    document = read(text)
    lines = text.split("\n")
    assert document.root is not None
    for location, node in walk(document.root):
        if node.text is None:
            continue
        rest = lines[node.line - 1][node.column - 1 :]
        written = rest[1:] if rest[:1] in "'\"" and rest[:1] else rest
        if written.startswith(node.text):
            continue
        # Quoted text has escapes: read from its position, it still is the same value.
        event = next(e for e in yaml.parse(rest.rstrip(",]}")) if isinstance(e, yaml.ScalarEvent))
        assert event.value == node.text, location


@given(st.dictionaries(KEYS, TREES, min_size=1), st.booleans())
@settings(max_examples=100)
def test_every_key_stands_where_its_position_says(value, flow):
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow, width=10_000)
    document = read(text)
    lines = text.split("\n")
    assert document.root is not None
    for _, node in walk(document.root):
        for key, (line, column) in node.keys.items():
            assert lines[line - 1][column - 1 :].lstrip("'\"").startswith(key)


def test_a_missing_key_is_placed_at_what_should_hold_it():
    document = read("a:\n  b:\n    c: 1\n")
    assert document.position(("a", "b", "missing")) == (2, 3)
    assert document.position(("missing",)) == (1, 1)


def test_columns_count_characters_not_bytes():
    document = read("{\u00e9: \u00e9, k: v}")
    assert document.position(("k",), key=True) == (1, 8)
    assert document.position(("k",)) == (1, 11)


def test_quoted_scalars_stay_strings():
    document = read("a: '012'\nb: \"yes\"\nc: |\n  null\n")
    assert document.root is not None
    assert document.root.value == {"a": "012", "b": "yes", "c": "null\n"}


def test_dates_stay_strings():
    assert resolve("2027-03-31") == "2027-03-31"


def test_an_integer_of_thousands_of_digits_is_no_crash():
    document = read(f"a: {'9' * 6000}")
    assert node_at(document, ("a",)).value == "9" * 6000


def test_nesting_up_to_the_limit_is_read():
    text = "[" * MAXIMUM_DEPTH + "]" * MAXIMUM_DEPTH
    assert read(text).faults == []
    assert [fault.rule for fault in read(f"[{text}]").faults] == ["too-deep"]


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_no_text_makes_the_reader_fail(text):
    document = read(text)
    for fault in document.faults:
        assert fault.line >= 1
        assert fault.column >= 1
