"""What is kept of a delivery: the documents in the table, as every engine writes them."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from catalog.base import CatalogModel

Wave = Literal["organization", "dev", "staging", "canary", "rest"]
"""Stacks that are brought up together, in this order; the last two are production."""

WAVES: tuple[Wave, ...] = ("organization", "dev", "staging", "canary", "rest")


class Delivered(CatalogModel):
    """A stack as it was brought up last."""

    stack: str
    commit: str
    inputs: str
    """A digest of the code and of the part of the catalog that its program sees."""
    read: dict[str, str]
    """A digest of the exports of each stack that it refers to, as they were then."""
    exports: str
    """A digest of its own exports."""
    seconds: float
    changes: dict[str, int]
    at: AwareDatetime


class Attempt(CatalogModel):
    """What came of a stack in one delivery."""

    stack: str
    state: Literal["done", "unchanged", "failed"]
    problem: str = ""
    holder: str
    """The run of the delivery that tried."""
    at: AwareDatetime


class CheckResult(CatalogModel):
    """What an automated check said of one commit."""

    name: str
    passed: bool
    exit_code: int
    seconds: float
    said: str
    """The end of what it printed."""
    at: AwareDatetime
    run: str
    """Where it ran: the address of a workflow's run, or a machine."""


class Approval(CatalogModel):
    """What named people said of one commit."""

    name: str
    """The approval that the checklist asks for."""
    decision: Literal["approved", "rejected"]
    by: tuple[str, ...]
    comment: str = ""
    recorded_by: str
    """The identity that wrote this down, as the cloud knows it."""
    run: str
    at: AwareDatetime


class WaveDone(CatalogModel):
    """When all stacks of a wave were as the commit has them."""

    wave: Wave
    at: AwareDatetime


class Progress(CatalogModel):
    """How far a commit has come; whatever is not here has not happened."""

    format: Literal[1] = 1
    commit: str
    waves: dict[str, WaveDone] = {}
    checks: dict[str, CheckResult] = {}
    approvals: dict[str, Approval] = {}


class Reached(CatalogModel):
    """The commit that an environment got last, whole or in part."""

    environment: str
    commit: str
    at: AwareDatetime


class RestoreTested(CatalogModel):
    """What came of restoring a database cluster's newest backup."""

    cell: str
    environment: str
    cluster: str
    tenants: tuple[str, ...]
    """Whose databases were looked at."""
    backup: str
    """The backup, as whoever keeps it names it; empty where there was none."""
    taken: AwareDatetime | None
    seconds: float
    """Until the copy let somebody in."""
    tables: int
    rows: int
    faults: tuple[str, ...]
    run: str
    recorded_by: str
    at: AwareDatetime


class Lease(CatalogModel):
    """Who may change an environment, and until when unless they say that they still do."""

    environment: str
    holder: str
    commit: str
    until: float
    """Seconds since 1970."""
