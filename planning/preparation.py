"""What an evaluator does before it is asked: catalogs are read apart while programs are imported.

The evaluator imports this beside itself, so nothing of this project is imported here before the
commit's code can be. Whatever fails here is left to fail again where somebody asked for it.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
from contextlib import suppress
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

# They lie beside this file.
from confinement import end_with_parent  # type: ignore[import-not-found]
from lazy_sdks import SDKS  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = ("organization", "cell", "tenant")
_PACKAGE = re.compile(r"^import (pulumi_\w+)(?: as (\w+))?$", re.MULTILINE)
_KUBERNETES = re.compile(r'"(?:([a-z][\w.]*)/)?(v\d\w*)",\s*"([A-Z]\w*)"')
"""An API version and a kind, as programs name Kubernetes' objects."""


class ToldError(Exception):
    """What went wrong in another process, as a reader is told of it."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        super().__init__(str(told.get("problem")))


class Reading:
    """A catalog that another process of the same code reads; a pipe holds what it found."""

    def __init__(self, root: Path, pipe: int) -> None:
        self._root = root
        self._pipe = pipe

    def result(self) -> tuple[Any, list[dict[str, Any]]]:
        """The catalog, or None and its faults.

        Raises:
            ToldError: the commit's code failed to read it.
        """
        with os.fdopen(self._pipe, "rb") as pipe:
            content = pipe.read()
        if not content:
            # It could not be handed over; where the code ends the process, it ends this one too.
            from catalog.load import read

            catalog, faults = read(self._root)
            return catalog, [fault.as_dict() for fault in faults]
        found = pickle.loads(content)  # noqa: S301 - from this very code, in a fork of this process
        if isinstance(found, dict):
            raise ToldError(found)
        catalog, faults = found
        return catalog, faults

    def drop(self) -> None:
        """Close the pipe of a catalog that is another process's to serve."""
        os.close(self._pipe)


def readings(
    roots: Sequence[Path], told: Callable[[BaseException], dict[str, Any]]
) -> list[Reading]:
    """Have catalogs of the same code read by one other process: what they share is parsed once."""
    pipes = [os.pipe() for _ in roots]
    if os.fork() == 0:
        end_with_parent()
        for reading, _ in pipes:
            os.close(reading)
        with suppress(BaseException):
            _read(roots, [writing for _, writing in pipes], told)
        # Past the interpreter's own end, which would take all it holds apart.
        os._exit(0)
    for _, writing in pipes:
        os.close(writing)
    return [Reading(root, reading) for root, (reading, _) in zip(roots, pipes, strict=True)]


def _read(
    roots: Sequence[Path],
    pipes: Sequence[int],
    told: Callable[[BaseException], dict[str, Any]],
) -> None:
    parsed: dict[Any, Any] = {}
    contents = []
    for root in roots:
        try:
            from catalog.load import read

            # An older commit parses every file anew.
            takes = "parsed" in signature(read).parameters
            catalog, faults = read(root, **({"parsed": parsed} if takes else {}))
            found: Any = (catalog, [fault.as_dict() for fault in faults])
        except Exception as error:
            found = told(error)
        contents.append(pickle.dumps(found, pickle.HIGHEST_PROTOCOL))
    # When all is read: a pipe takes no more than somebody reads from it.
    for content, writing in zip(contents, pipes, strict=True):
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(content)


def import_libraries() -> None:
    """Import what any commit's code does of what is installed, before its files are there."""
    for name in ("pydantic", "yaml", "pulumi", *sorted(SDKS)):
        with suppress(BaseException):
            import_module(name)


def import_reader() -> None:
    """Import what reads catalogs, before processes are forked that would each import it."""
    with suppress(BaseException):
        import_module("catalog.load")


def import_programs(programs: Path) -> None:
    """Import the programs, what evaluates them and what they name of the SDKs, as far as it works.

    The SDK resolves the types of properties when it makes the first resource of a type, in each
    process anew; so that is done here as well.
    """
    for name in (*(f"stacks.{kind}" for kind in KINDS), "rehearsal.parallel"):
        with suppress(BaseException):
            import_module(name)
    for name in sorted(_named(programs)):
        with suppress(BaseException):
            _resolve(name)


def _resolve(name: str) -> None:
    """Import what a dotted name of an SDK means, and resolve the types of its properties."""
    from pulumi import Resource, _types

    package, *path = name.split(".")
    found = import_module(package)
    for part in path:
        found = getattr(found, part)
    if not isinstance(found, type):
        return
    if issubclass(found, Resource):
        _types.resource_types(found)
        found = getattr(sys.modules[found.__module__], f"{found.__name__}Args", found)
    if _types.is_input_type(found):
        _types.input_type_types(found)


def _named(programs: Path) -> set[str]:
    """What programs name of the SDKs, such as `pulumi_aws.ec2.Vpc`."""
    found: set[str] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if not file.startswith(f"{programs}/"):
            continue
        text = Path(file).read_text(encoding="utf-8", errors="replace")
        for package, alias in _PACKAGE.findall(text):
            used = re.compile(rf"\b{alias or package}\.([A-Za-z][\w.]*)")
            found |= {f"{package}.{path}" for path in used.findall(text)}
        for group, version, kind in _KUBERNETES.findall(text):
            found.add(f"pulumi_kubernetes.{group.split('.')[0] or 'core'}.{version}.{kind}")
    return found
