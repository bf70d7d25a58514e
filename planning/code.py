"""Which of a commit's files a kind of stack runs: the imports that its program reaches."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from planning.commits import Blob

KINDS = ("organization", "cell", "tenant")
MACHINERY = ("rehearsal.parallel", "rehearsal.evaluation", "catalog.load", "stacks.programs")
"""What evaluates any stack; `stacks.programs` imports a kind's module by name."""
PACKAGES = ("catalog", "components", "stacks", "rehearsal")
CATALOG = ("organization.yaml", "cells", "tenants")
_PROGRAM = ("components", "stacks")
_DYNAMIC = frozenset({"__import__", "import_module", "exec", "eval", "spec_from_file_location"})
_FINDS_PROGRAMS = "stacks/programs.py"


@dataclass(frozen=True)
class Code:
    """A commit's programs, read as text: nothing of it runs."""

    blobs: Mapping[str, Blob]

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """What an evaluation needs and the commit lacks, as paths."""
        needed = [*MACHINERY, *(f"stacks.{kind}" for kind in KINDS)]
        paths = [f"{module.replace('.', '/')}.py" for module in needed]
        return tuple(
            path for path in (*paths, "organization.yaml", "Pulumi.yaml") if path not in self.blobs
        )

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files that any evaluation may read; no others need to be there."""
        modules = {path for kind in KINDS for path in self.closure(kind)}
        rest = {path for path in self.blobs if _is_data(path) or _is_catalog(path)}
        return tuple(sorted(modules | rest))

    @cached_property
    def programs(self) -> Mapping[str, Blob]:
        """The files that programs consist of, and those that they may read."""
        return {path: self.blobs[path] for path in self.files if not _is_only_catalog(path)}

    @cached_property
    def catalog(self) -> Mapping[str, Blob]:
        """The files that the catalog consists of."""
        return {path: blob for path, blob in self.blobs.items() if _is_only_catalog(path)}

    def closure(self, kind: str) -> frozenset[str]:
        """The modules that a kind's program reaches, and the machinery's; all where one imports
        by a name that is made up while it runs.
        """
        waiting = [*MACHINERY, f"stacks.{kind}"]
        found: set[str] = set()
        while waiting:
            path = self._path(waiting.pop())
            if path is None or path in found:
                continue
            found.add(path)
            imports, dynamic = _imported(self.blobs[path].content, path)
            if dynamic and path.split("/")[0] in _PROGRAM and path != _FINDS_PROGRAMS:
                return self._modules
            waiting.extend(imports)
        return frozenset(found)

    def digest(self, kind: str) -> str:
        """A digest of all the code and data, catalog aside, that a kind's graph may depend on."""
        hashed = hashlib.sha256()
        data = (path for path in self.blobs if _is_data(path))
        for path in sorted({*self.closure(kind), *data}):
            hashed.update(
                f"{path}\0{hashlib.sha256(self.blobs[path].content).hexdigest()}\0".encode()
            )
        return hashed.hexdigest()

    def is_same_as(self, other: Code) -> bool:
        """Whether two commits have the same programs, so that only their catalogs may differ."""
        return self._beside_catalog == other._beside_catalog or self.programs == other.programs

    @property
    def _beside_catalog(self) -> Mapping[str, Blob]:
        return {path: blob for path, blob in self.blobs.items() if not _is_only_catalog(path)}

    @cached_property
    def _modules(self) -> frozenset[str]:
        return frozenset(
            path
            for path, blob in self.blobs.items()
            if path.endswith(".py") and path.split("/")[0] in PACKAGES and not blob.is_link
        )

    def _path(self, module: str) -> str | None:
        base = module.replace(".", "/")
        return next(
            (path for path in (f"{base}.py", f"{base}/__init__.py") if path in self._modules), None
        )


@lru_cache(maxsize=4096)
def _imported(source: bytes, path: str) -> tuple[tuple[str, ...], bool]:
    """The modules that a file imports, parents included, and whether it imports by other means.

    Remembered, since two commits have most files in common.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return (), False
    found: dict[str, None] = {}
    dynamic = False
    # An identifier that is spelled in other letters than ASCII's may mean one of those names.
    plain = source.isascii() and not any(name.encode() in source for name in _DYNAMIC)
    for node in _running(tree, statements_only=plain):
        match node:
            case ast.Import(names=names):
                modules = [name.name for name in names]
            case ast.ImportFrom(names=names, module=module, level=level):
                package = ".".join(path.split("/")[:-level]) if level else ""
                base = ".".join(part for part in (package, module) if part)
                modules = [base, *(f"{base}.{name.name}" for name in names)]
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _DYNAMIC:
                dynamic = True
                continue
            case _:
                continue
        for each in modules:
            parts = each.split(".")
            found |= {".".join(parts[:end]): None for end in range(1, len(parts) + 1)}
    return tuple(found), dynamic


def _running(tree: ast.AST, *, statements_only: bool) -> Iterator[ast.AST]:
    """Every node but those below `if TYPE_CHECKING:`, which never run.

    Only statements import, and expressions are nine nodes of ten.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if statements_only and isinstance(node, ast.expr):
            continue
        yield node
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                waiting.extend(node.orelse)
            case _:
                waiting.extend(ast.iter_child_nodes(node))


def _is_data(path: str) -> bool:
    """Whether a file is one that code may read: Pulumi.yaml, and what lies in a package."""
    head = path.split("/")[0]
    return path == "Pulumi.yaml" or (head in PACKAGES and not path.endswith(".py"))


def _is_catalog(path: str) -> bool:
    """Whether a file may be the catalog's; the identity provider's metadata is named by it."""
    head, below, _ = path.partition("/")
    return (
        head in CATALOG or (not below and path.endswith((".yaml", ".yml"))) or path.endswith(".xml")
    )


def _is_only_catalog(path: str) -> bool:
    """Whether a file is the catalog's, and no program's to read."""
    return _is_catalog(path) and not _is_data(path)
