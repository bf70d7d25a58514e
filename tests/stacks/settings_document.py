"""Writes the list of settings into the documentation, from the table that the tests run.

python tests/stacks/settings_document.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings_platform import Platform, Setting

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "reference" / "settings.md"
COMMAND = "python tests/stacks/settings_document.py"
ORDER = ("Cluster", "Namespaces", "Network", "Database", "Ingress", "People", "CI", "Audit")
TITLES = {name: name for name in ORDER} | {
    "Complaints": "What users of such platforms complain about"
}
"""Paragraphs, in the order of the page, with their titles."""

HEAD = f"""# Settings

What a reviewer looks for, where it is declared, and the [rule](policies.md) that holds it. Each
sentence is a test that reads the graphs of the shipped catalog: every cell, every tenant, the
organization (`test_settings.py`).
Written by `{COMMAND}`.
"""


def document(platform: Platform) -> str:
    """The page, in Markdown."""
    from settings_platform import SETTINGS

    lines = [HEAD]
    for paragraph, title in TITLES.items():
        lines += [
            f"## {title}",
            "",
            "| Setting | Declared in | Rule |",
            "|---|---|---|",
        ]
        lines += [
            f"| {setting.sentence} | {_places(setting, platform)} | `{setting.rule}` |"
            for setting in SETTINGS
            if setting.paragraph == paragraph
        ]
        lines.append("")
    return "\n".join(lines)


def _places(setting: Setting, platform: Platform) -> str:
    files = {
        resource.source.file
        for resource in setting.resources(platform)
        if resource.source is not None
    }
    return ", ".join(f"`{file}`" for file in sorted(files))


def main() -> None:
    """Write the page."""
    # Run as a file, so that the tests' modules and the project's are both found.
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    import test_settings  # noqa: F401  # imports every part of the table
    from settings_platform import evaluate_everything

    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(document(evaluate_everything()), encoding="utf-8")


if __name__ == "__main__":
    main()
