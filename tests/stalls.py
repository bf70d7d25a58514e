"""Reports how long clients of a moving database waited; no test asserts it, for machines differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

PROPERTY = "longest stall of any client in seconds"
"""What a test that audits a workload records by `record_property`."""


def lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """A line for each test that recorded one."""
    for report in reports:
        for name, seconds in report.user_properties:
            if name == PROPERTY:
                yield f"longest stall {seconds:7.3f} s  {report.nodeid}"
