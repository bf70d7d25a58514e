"""What is wrong with the catalog, in a form that people and programs can both use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Rule = Literal[
    "alias",
    "ambiguous-number",
    "backup-region",
    "dedicated-settings",
    "duplicate-hostname",
    "duplicate-item",
    "duplicate-key",
    "duplicate-name",
    "duplicate-path",
    "empty-file",
    "encoding",
    "foreign-hostname",
    "invisible-character",
    "malformed",
    "minimum-over-maximum",
    "misplaced-file",
    "missing-file",
    "missing-key",
    "multiple-documents",
    "name-collision",
    "name-differs",
    "name-too-long",
    "network-size",
    "no-path",
    "not-a-file",
    "not-allowed",
    "open-to-world",
    "out-of-range",
    "outside-vpn",
    "overlap",
    "public-range",
    "quota-too-small",
    "reserved-hostname",
    "reserved-name",
    "reserved-tag",
    "saml-metadata",
    "schema-line",
    "shared-account",
    "syntax",
    "tag",
    "too-deep",
    "too-few",
    "too-large",
    "unknown-cell",
    "unknown-database",
    "unknown-group",
    "unknown-key",
    "unknown-signer",
    "unreadable",
    "unsupported-cloud",
    "wrong-account",
    "wrong-cell-name",
    "wrong-environment",
    "wrong-length",
    "wrong-type",
    "wrong-zone",
]
"""Every kind of fault; stable, for programs."""

SHOWN_FAULTS = 20
LONGEST_VALUE = 120


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to correct in the catalog."""

    file: str
    """Path below the catalog's directory, with slashes."""
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    rule: Rule
    """The kind of fault."""
    problem: str
    """What is wrong, in one sentence without a final full stop."""
    given: str
    """The value that was found; empty where there is none."""
    allowed: str
    """What would be right."""
    remedy: str
    """What to do."""

    def __str__(self) -> str:
        """A block of lines: where and what, then the value, what is allowed and what to do."""
        lines = [f"{self.file}:{self.line}:{self.column}: {self.problem} [{self.rule}]"]
        if self.given:
            lines.append(f"    given:   {self.given}")
        lines += [f"    allowed: {self.allowed}", f"    remedy:  {self.remedy}"]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str | int]:
        """The fault as plain values, for JSON."""
        return asdict(self)


class CatalogFaults(Exception):  # noqa: N818 - it is the list of faults, raised
    """The catalog cannot be used; `faults` has every reason, in the order of the files."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        shown = "\n".join(map(str, faults[:SHOWN_FAULTS]))
        more = len(faults) - SHOWN_FAULTS
        rest = f"\n... and {more} more; run `patchworks check` for all of them" if more > 0 else ""
        super().__init__(f"the catalog has {len(faults)} fault(s)\n{shown}{rest}")


def shown(value: object) -> str:
    """A value as a person may safely read it: one line, printable, not too long."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, dict):
        text = f"a mapping with the keys {', '.join(map(str, value))}" if value else "{}"
    elif isinstance(value, tuple | list):
        text = f"[{', '.join(shown(item) for item in value)}]"
    elif value is None:
        text = "nothing"
    else:
        text = str(value)
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if not text:
        return '""'
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
