"""What a rehearsal's report says, and that a pipe gets all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.outcome import Event, Outcome
from scripts.rehearsal_report import print_report

if TYPE_CHECKING:
    import pytest


def changed(name: str) -> Outcome:
    event = Event(
        operation="update",
        urn=f"urn:pulumi:tenant.acme::patchworks::aws:wafv2/ipSet:IpSet::{name}",
        type="aws:wafv2/ipSet:IpSet",
        name=name,
        seconds=0.1,
        fidelity="real",
        changed=("addresses",),
    )
    return Outcome(stack="tenant.acme", graph=None, events=(event,), seconds=1.0)


def test_a_long_name_and_what_changed_of_it_are_whole_in_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "acme-prod-ap-southeast-2-firewall-" + "v" * 60
    print_report([changed(name)], verbose=False)
    printed = capsys.readouterr().out
    assert f"~ IpSet {name}  (addresses)\n" in printed
    assert "1 stack, 1 resource in 1.0 s: 1 changed\n" in printed
