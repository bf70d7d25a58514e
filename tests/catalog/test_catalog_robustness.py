"""Whatever a file says, reading the catalog ends in a catalog or in faults, never in an error."""

import copy
from functools import cache

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import find_root, read
from catalog.source import schema_line

ROOT = find_root()
FILES = {
    "organization.yaml": "organization",
    "cells/prod-eu-west-1.yaml": "cell",
    "tenants/aurelia-health.yaml": "tenant",
    "tenants/cobalt-logistics.yaml": "tenant",
}
ODD = st.sampled_from(
    [
        *(None, True, 0, -1, float("inf"), "", "x", "1:30", "\u2028", "9" * 5000),
        *("0.0.0.0/0", "::/0", "10.0.0.0/8", "pool-a", "dedicated"),
        *([], {}, [[]], [{}], {"a": {}}, {"name": "x"}, ["x", ["y"]]),
    ]
)


DAMAGE = [b"", b"\t", b": ", b"- ", b"[", b"{", b"&a ", b"\xff", b"\n"]


@cache
def values(file):
    return yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))


def places(value, location=()):
    yield location
    steps = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for step in steps:
        yield from places(value[step], (*location, step))


@st.composite
def spoiled(draw):
    """A file's values with a few of them replaced, removed or renamed."""
    file = draw(st.sampled_from(sorted(FILES)))
    root = copy.deepcopy(values(file))
    for _ in range(draw(st.integers(1, 4))):
        *path, last = draw(st.sampled_from([p for p in places(root) if p]))
        parent = root
        for step in path:
            parent = parent[step]
        action = draw(st.sampled_from(["replace", "remove", "rename"]))
        if action == "replace":
            parent[last] = copy.deepcopy(draw(ODD))
        elif action == "remove":
            del parent[last]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(["x", "name", "", "a.b", "Ü"]))] = parent.pop(last)
    return file, root


@given(spoiled())
@settings(max_examples=100)
def test_no_value_in_a_file_makes_the_check_fail(case):
    file, root = case
    text = f"{schema_line(FILES[file])}\n{yaml.safe_dump(root, allow_unicode=True)}"
    catalog, faults = read(ROOT, {file: text.encode("utf-8", "replace")})
    assert (catalog is None) == bool(faults)
    for fault in faults:
        assert all(line.isprintable() for line in str(fault).split("\n"))
        assert fault.allowed
        assert fault.remedy


def test_a_cell_without_a_database_is_a_fault_and_nothing_trips_over_it():
    file = "cells/prod-eu-west-1.yaml"
    root = yaml.safe_load((ROOT / file).read_text()) | {"databases": {}}
    text = f"{schema_line(FILES[file])}\n{yaml.safe_dump(root, allow_unicode=True)}"
    catalog, faults = read(ROOT, {file: text.encode()})
    assert catalog is None
    assert any(fault.file == file and "databases" in str(fault) for fault in faults)


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(max_examples=100)
def test_no_damage_to_the_text_makes_the_check_fail(file, data):
    text = bytearray((ROOT / file).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(text) - 1))
        end = position + data.draw(st.integers(0, 30))
        text[position:end] = data.draw(
            st.sampled_from([b"", b"\t", b": ", b"- ", b"[", b"{", b"&a "])
        )
    catalog, faults = read(ROOT, {file: bytes(text)})
    assert (catalog is None) == bool(faults)
