"""What the exit code of `patchworks` means."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAULTS = 1
    """Faults were found, or something failed."""
    USAGE = 2
    """The command was used in a wrong way."""
    REFUSED = 3
    """Refused before anything changed."""
    ABORTED = 4
    """Aborted, and everything serves as before."""
    INTERRUPTED = 130
    """Ctrl-C."""
