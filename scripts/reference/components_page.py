"""The page of every component: what it takes, from its source, and makes, from graphs."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.reference.markdown import code, page, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rehearsal.graph import Graph

ROOT = Path(__file__).resolve().parent.parent.parent
BASE = "pulumi.ComponentResource"
INTRODUCTION = (
    "Every component, by package. A component takes its name, mostly a spec from the "
    "[catalog](catalog.md), and keyword-only inputs; `opts` with its providers is left out below. "
    "What it makes was read from the graphs of the catalog in this repository."
)


@dataclass(frozen=True)
class Component:
    """A component as its source declares it."""

    name: str
    file: str
    type: str
    description: str
    inputs: list[tuple[str, str, str]]
    """Name, type and default."""
    outputs: list[tuple[str, str, str]]
    """Name, type and meaning."""


@dataclass
class Makes:
    """What components of one type were seen to make."""

    resources: set[str] = field(default_factory=set)
    stacks: set[str] = field(default_factory=set)


def components_page(graphs: Iterable[Graph]) -> str:
    """The page's text."""
    made = seen_in(graphs)
    sections = []
    package = None
    for component in declared():
        here = str(Path(component.file).parent)
        if here != package:
            package = here
            sections.append(f"## {package}")
        sections.append(section(component, made.get(component.type, Makes())))
    return page("Components", INTRODUCTION, sections)


def seen_in(graphs: Iterable[Graph]) -> dict[str, Makes]:
    """By type of component: the types of its direct children, and the stacks it is part of."""
    made: dict[str, Makes] = {}
    for graph in graphs:
        for resource in graph.resources.values():
            if resource.type.startswith("patchworks:"):
                makes = made.setdefault(resource.type, Makes())
                makes.stacks.add(graph.stack.partition(".")[0])
                makes.resources |= {child.type for child in graph.children(resource.urn)}
    return made


def declared() -> Iterator[Component]:
    """Every component below `components/`, in the order of packages and names."""
    folder = ROOT / "components"
    for path in sorted(folder.rglob("*.py"), key=lambda path: (path.parent, path.name)):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and BASE in map(ast.unparse, node.bases):
                yield component_of(node, path.relative_to(ROOT).as_posix())


def component_of(node: ast.ClassDef, file: str) -> Component:
    """A component's declaration in words."""
    constructor = next(
        item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"
    )
    return Component(
        name=node.name,
        file=file,
        type=type_token(constructor),
        description=ast.get_docstring(node) or "",
        inputs=list(inputs_of(constructor.args)),
        outputs=list(outputs_of(node)),
    )


def type_token(constructor: ast.FunctionDef) -> str:
    """The type that the constructor registers."""
    for node in ast.walk(constructor):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="__init__"), args=[ast.Constant(value=token), *_]
            ):
                return str(token)
    raise LookupError(f"line {constructor.lineno}: no type token where one is expected")


def inputs_of(arguments: ast.arguments) -> Iterator[tuple[str, str, str]]:
    """The inputs but for `self`, the name and the options."""
    for positional in arguments.args[2:]:
        yield positional.arg, written(positional.annotation), "required"
    for keyword, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if keyword.arg != "opts":
            yield (
                keyword.arg,
                written(keyword.annotation),
                "required" if default is None else code(ast.unparse(default)),
            )


def outputs_of(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """The annotated attributes, with the docstrings that follow them."""
    for item, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(meaning))):
                    yield item.target.id, written(item.annotation), meaning
                case _:
                    yield item.target.id, written(item.annotation), ""


def written(annotation: ast.expr | None) -> str:
    """An annotation as the source has it."""
    return "" if annotation is None else ast.unparse(annotation)


def section(component: Component, makes: Makes) -> str:
    """One component."""
    stacks = ", ".join(sorted(makes.stacks)) or "none of the shipped catalog"
    parts = [
        f"### {component.name}",
        component.description,
        f"Type `{component.type}` · declared in [{component.file}](../../{component.file}) · "
        f"part of the stacks: {stacks}",
        table(
            ("Input", "Type", "Default"),
            ((code(name), code(kind), default) for name, kind, default in component.inputs),
        ),
        table(
            ("Output", "Type", "Meaning"),
            ((code(name), code(kind), meaning) for name, kind, meaning in component.outputs),
        ),
        "Makes " + ", ".join(code(type) for type in sorted(makes.resources)) + "."
        if makes.resources
        else "",
    ]
    return "\n\n".join(part for part in parts if part)
