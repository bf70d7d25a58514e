"""The files that belong to the repository: what git tracks, or would if they were added."""

import subprocess
from functools import cache
from pathlib import Path

from catalog.load import find_root

ROOT = find_root()


@cache
def files() -> tuple[Path, ...]:
    """Paths below the root, without what is ignored or deleted."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = {Path(name) for name in listed.split("\0") if name}
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def modules(*packages: str) -> list[Path]:
    """Python files, of these packages only where some are named."""
    return [
        path
        for path in files()
        if path.suffix == ".py" and (not packages or path.parts[0] in packages)
    ]


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
