"""Loads the SDKs as far as programs use them, from rewritten bytecode where there is some.

A package such as `pulumi_aws.ec2` imports all of its three hundred modules, of which programs use
ten. `make setup` compiles the modules that programs need rewritten (`lazy_source.py`); here they
are found, beside Python's own bytecode. A module that is not there, or whose source is another by
now, is loaded as ever. The evaluator imports this beside itself, so nothing of this project is
imported here before the commit's code can be.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, ModuleType

SDKS = frozenset(
    {"pulumi_aws", "pulumi_eks", "pulumi_github", "pulumi_kubernetes", "pulumi_postgresql"}
)
VERSION = "lazy1"
"""Of the rewriting: another one's files are not found."""


def rewritten_file(source: Path) -> Path:
    """Where a module's rewritten bytecode lies."""
    return Path(importlib.util.cache_from_source(str(source), optimization=VERSION))


def header(source: Path) -> bytes:
    """What a file of bytecode opens with: which Python it is for, and which source it is of."""
    status = source.stat()
    numbers = (0, int(status.st_mtime), status.st_size)
    each = (number.to_bytes(8, "little")[:4] for number in numbers)
    return importlib.util.MAGIC_NUMBER + b"".join(each)


class LazyLoader(SourceFileLoader):
    """Loads a module's rewritten bytecode; its source's own where there is none."""

    rewrite: Callable[[Path], bytes | None] | None = None
    """Makes the file where it is missing."""

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code."""
        source = Path(self.path)
        try:
            content = rewritten_file(source).read_bytes()
        except OSError:
            content = b""
        known = header(source)
        if not content.startswith(known):
            content = (self.rewrite(source) if self.rewrite is not None else None) or b""
        if not content:
            return super().get_code(fullname)
        code: CodeType = marshal.loads(memoryview(content)[len(known) :])  # noqa: S302 - own files
        return code


class LazyFinder:
    """Finds the SDKs' modules."""

    def __init__(self, rewrite: Callable[[Path], bytes | None] | None = None) -> None:
        self._rewrite = rewrite

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's place, with the loader of this module; None for all that is no SDK's."""
        if fullname.partition(".")[0] not in SDKS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            loader = LazyLoader(fullname, spec.loader.path)
            loader.rewrite = self._rewrite
            spec.loader = loader
        return spec


def install(rewrite: Callable[[Path], bytes | None] | None = None) -> None:
    """Have the SDKs loaded so from now on; `rewrite` makes and keeps what is missing."""
    finder: Any = LazyFinder(rewrite)
    sys.meta_path.insert(0, finder)
