"""Compiles in `.venv` what programs, plans and moves import, which uv leaves to the first import.

A plan's processes run a commit's code and may write nothing, so that each would compile the SDKs
anew, for some four seconds. Which of their modules are imported shows when a stack of each kind is
evaluated: once as ever, and once with the SDKs rewritten, as plans load them. It writes into
`.venv` alone, and there also where PYTHONDONTWRITEBYTECODE is set.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ("scripts.main", "scripts.plan", "planning.run", "planning.outputs")
MOVES = ("scripts.database", "scripts.database_running", "database_moves.commands")
CHECKS = ("planning.policies", "planning.access.compare", "planning.access.deploy")


def main() -> int:
    """Import what plans and moves do; a stack that can't be evaluated is no fault of setup."""
    sys.path.insert(0, str(ROOT))
    write_below(Path(sys.prefix))
    # What is imported stays so: the SDKs as ever and rewritten need a process each.
    process = os.fork()
    try:
        if process == 0:
            rewrite_sdks()
        else:
            for module in (*COMMAND, *MOVES, *CHECKS):
                import_module(module)
        evaluate_each_kind()
    except Exception as error:
        sys.stderr.write(f"setup: not all of it is compiled ahead: {type(error).__name__}\n")
    if process:
        os.waitpid(process, 0)
    return 0


def rewrite_sdks() -> None:
    """Have the SDKs' modules rewritten as they are imported, and what is made of them kept."""
    from planning import lazy_sdks, lazy_source

    lazy_sdks.install(lazy_source.rewrite)


def write_below(directory: Path) -> None:
    """Have compiled modules written, but only below a directory."""
    sys.dont_write_bytecode = False
    write = SourceFileLoader.set_data

    def set_data(self: SourceFileLoader, path: str, data: bytes, **settings: Any) -> None:
        if Path(path).is_relative_to(directory):
            write(self, path, data, **settings)

    SourceFileLoader.set_data = set_data  # type: ignore[assignment,method-assign]  # writes them


def evaluate_each_kind() -> None:
    """Evaluate one stack of each kind, and those that it refers to."""
    from catalog.load import load
    from rehearsal.evaluation import Evaluation

    catalog = load(ROOT)
    evaluation = Evaluation(catalog)
    for kind, names in (("cell", catalog.cells), ("tenant", catalog.tenants)):
        for name in sorted(names)[:1]:
            evaluation.evaluate(f"{kind}.{name}")


if __name__ == "__main__":
    sys.exit(main())
