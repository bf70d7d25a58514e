"""Rewrites the SDKs' generated modules so that importing one makes no more than somebody uses.

What is left out serves type checkers and readers: texts, overloads, the annotations of arguments,
the members of typed dictionaries. What properties are annotated with stays, since the SDK goes by
it: of inputs and nested outputs as text, which it resolves where it looks. A package's modules are
imported when the first of their names is asked for.
"""

from __future__ import annotations

import ast
import marshal
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from planning.lazy_sdks import header, rewritten_file

_PACKAGE = """
class _Package(__import__("types").ModuleType):
    def __getattr__(self, name):
        module = _LAZY_NAMES.get(name)
        if module is not None:
            __import__(f"{self.__name__}.{module}")
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name in _LAZY_MODULES and isinstance(value, __import__("types").ModuleType):
            self.__dict__.update({each: getattr(value, each) for each in _LAZY_MODULES[name]})

__import__("sys").modules[__name__].__class__ = _Package
"""
"""Imports a module with the first of its names, and hands on all of them, as a star does."""
_TYPES = ("pulumi.input_type", "pulumi.output_type")


def rewrite(source: Path) -> bytes:
    """Compile a module rewritten, keep that beside Python's own bytecode, and return it.

    Raises OSError where the source can't be read; what can't be written is left.
    """
    tree = ast.parse(source.read_bytes())
    if source.name == "__init__.py":
        _defer_modules(tree, source.parent)
    code = compile(_Leaner().visit(tree), str(source), "exec", dont_inherit=True)
    content = header(source) + marshal.dumps(code)
    target = rewritten_file(source)
    with suppress(OSError):
        target.parent.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as made:
            made.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    return content


def _defer_modules(tree: ast.Module, package: Path) -> None:
    """Put off `from .module import *` for modules that say what they export."""
    names: dict[str, str] = {}
    modules: dict[str, tuple[str, ...]] = {}
    kept: list[ast.stmt] = []
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(level=1, module=str(module), names=[ast.alias(name="*")]):
                exported = _exported(package / f"{module}.py")
                if exported is None:
                    kept.append(statement)
                else:
                    modules[module] = exported
                    names |= {module: module} | dict.fromkeys(exported, module)
            case ast.ImportFrom(level=1, module=None, names=[ast.alias(name="outputs")]):
                names["outputs"] = "outputs"
            case _:
                kept.append(statement)
    if not names:
        return
    known = f"_LAZY_NAMES = {names!r}\n_LAZY_MODULES = {modules!r}\n"
    tree.body = [*ast.parse(known + _PACKAGE).body, *kept]


def _exported(module: Path) -> tuple[str, ...] | None:
    """What a module's `__all__` says; None where it has none."""
    try:
        _, found, rest = module.read_text(encoding="utf-8").partition("\n__all__ = ")
    except OSError:
        return None
    return tuple(ast.literal_eval(rest[: rest.index("]") + 1])) if found else None


class _Leaner(ast.NodeTransformer):
    """Leaves out of classes and functions what nobody looks at when programs run."""

    def __init__(self) -> None:
        self._quotes = False
        """Whether the class is one whose properties' annotations are resolved when needed."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        if any(_named(base) == "TypedDict" for base in node.bases):
            node.body = [ast.copy_location(ast.Pass(), node)]
            return node
        outer = self._quotes
        self._quotes = any(_named(each) in _TYPES for each in node.decorator_list)
        node.body = _without_text([each for each in map(self.visit, node.body) if each])
        self._quotes = outer
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | None:
        decorators = list(map(_named, node.decorator_list))
        if "overload" in decorators:
            return None
        arguments = node.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            each.annotation = None
        if "pulumi.getter" not in decorators:
            node.returns = None
        elif self._quotes and node.returns is not None:
            text = ast.Constant(ast.unparse(node.returns))
            node.returns = ast.copy_location(text, node.returns)
        node.body = _without_text(node.body)
        return node


def _named(node: ast.expr) -> str:
    """The dotted name that a decorator or a base is, or calls; empty where it is no such."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return f"{module}.{name}"
        case ast.Call(func=function):
            return _named(function)
        case _:
            return ""


def _without_text(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements without texts that are nobody's value; all that is left must be a body still."""
    kept = [
        each
        for each in body
        if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        or each.value.value is ...
    ]
    return kept or [ast.copy_location(ast.Pass(), body[0])]
