"""Imports run one way through the packages, so that each can be read knowing only those below."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import modules, text

LAYERS = (
    ("scripts",),
    ("delivery",),
    ("tenant_moves", "planning"),
    ("policies",),
    ("database_moves", "rehearsal", "bootstrap"),
    ("stacks",),
    ("components",),
    ("catalog",),
)
DEPTH = {package: depth for depth, layer in enumerate(LAYERS) for package in layer}


def imported(tree: ast.AST, path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import, also of those inside functions and for types only."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=module, level=0):
                yield node.lineno, module or ""
            case ast.ImportFrom(level=level, module=module):
                package = path.parts[: len(path.parts) - level]
                yield node.lineno, ".".join([*package, *([module] if module else [])])
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def offenders(path: Path, source: str) -> list[str]:
    """Imports of a package that stands above or beside the module's own, with their places."""
    own = path.parts[0]
    return [
        f"{path}:{line} imports {name}"
        for line, name in imported(ast.parse(source), path)
        if (other := name.split(".")[0]) in DEPTH and other != own and DEPTH[other] <= DEPTH[own]
    ]


def test_no_module_imports_from_a_package_above_or_beside_its_own() -> None:
    found = [line for path in modules(*DEPTH) for line in offenders(path, text(path))]
    assert found == []


def test_every_package_at_the_root_has_its_place_in_the_order() -> None:
    packages = {path.parts[0] for path in modules() if len(path.parts) > 1}
    assert packages - {"tests", "benchmarks", ".github"} <= set(DEPTH)


@pytest.mark.parametrize(
    "source",
    [
        "import rehearsal.graph",
        "from rehearsal import graph",
        "def late():\n    from scripts import main",
        "import typing\nif typing.TYPE_CHECKING:\n    from planning.report import Report",
        "import importlib\nimportlib.import_module('scripts.main')",
        "from importlib import import_module\nimport_module('stacks.cell')",
        "from ..stacks import cell",
    ],
)
def test_an_import_against_the_order_is_found_wherever_it_stands(source: str) -> None:
    assert len(offenders(Path("components/network.py"), source)) == 1


@pytest.mark.parametrize(
    "source",
    ["from catalog.cell import Cell", "from . import keys", "from components.aws import keys"],
)
def test_imports_along_the_order_and_within_a_package_are_let_be(source: str) -> None:
    assert offenders(Path("components/network.py"), source) == []


def test_packages_of_one_layer_do_not_import_each_other() -> None:
    assert offenders(Path("bootstrap/keys.py"), "from rehearsal.graph import Graph") == [
        "bootstrap/keys.py:1 imports rehearsal.graph"
    ]
