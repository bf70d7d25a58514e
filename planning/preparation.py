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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confinement import end_with_parent  # type: ignore[import-not-found]  # it lies beside this file

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("organization", "cell", "tenant")
_PACKAGE = re.compile(r"^import (pulumi_\w+)(?: as (\w+))?$", re.MULTILINE)


class ToldError(Exception):
    """What went wrong in another process, as a reader is told of it."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        super().__init__(str(told.get("problem")))


class Reading:
    """A catalog that another process of the same code reads; a pipe holds what it found."""

    def __init__(self, root: Path, told: Callable[[BaseException], dict[str, Any]]) -> None:
        self._root = root
        self._pipe, writing = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            end_with_parent()
            os.close(self._pipe)
            # Past the interpreter's own end, which would take all it holds apart.
            os._exit(_read(root, writing, told))
        os.close(writing)

    def result(self) -> tuple[Any, list[dict[str, Any]]]:
        """The catalog, or None and its faults.

        Raises:
            ToldError: the commit's code failed to read it.
        """
        with os.fdopen(self._pipe, "rb") as pipe:
            content = pipe.read()
        with suppress(ChildProcessError):
            os.waitpid(self._process, 0)
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


def _read(root: Path, writing: int, told: Callable[[BaseException], dict[str, Any]]) -> int:
    try:
        try:
            from catalog.load import read

            catalog, faults = read(root)
            found: Any = (catalog, [fault.as_dict() for fault in faults])
        except Exception as error:
            found = told(error)
        content = pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(content)
    except BaseException:
        return 1
    return 0


def import_reader() -> None:
    """Import what reads catalogs, before processes are forked that would each import it."""
    with suppress(BaseException):
        import_module("catalog.load")


def import_programs(programs: Path) -> None:
    """Import the programs and the modules of the SDKs that they name, as far as that works."""
    for kind in KINDS:
        with suppress(BaseException):
            import_module(f"stacks.{kind}")
    for name in sorted(_named(programs)):
        with suppress(BaseException):
            import_module(name)


def _named(programs: Path) -> set[str]:
    """The SDKs' modules that programs name, such as `pulumi_aws.ec2`: they load when first used."""
    found: set[str] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if not file.startswith(f"{programs}/"):
            continue
        text = Path(file).read_text(encoding="utf-8", errors="replace")
        for package, alias in _PACKAGE.findall(text):
            used = re.compile(rf"\b{alias or package}\.([a-z]\w*)(?:\.(v\d\w*))?\.")
            for part, version in used.findall(text):
                found.add(f"{package}.{part}" + (f".{version}" if version else ""))
    return {name for name in found if _is_package(name)}


def _is_package(name: str) -> bool:
    top, _, below = name.partition(".")
    file = getattr(sys.modules.get(top), "__file__", None)
    return (
        file is not None and Path(file).parent.joinpath(*below.split("."), "__init__.py").exists()
    )
