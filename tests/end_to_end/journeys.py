"""A catalog of the test's own, rehearsed on a local cloud of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.catalog import Catalog
from catalog.load import find_root, load
from rehearsal.local_cloud import LocalCloud
from rehearsal.outcome import Event, Outcome
from rehearsal.rehearse import Rehearsal
from stacks.ledger import table_name

ROOT = find_root()


class Silent:
    """An observer that has nothing to say."""

    def stack_begins(self, stack: str, *, removed: bool) -> None: ...

    def resource_done(self, event: Event) -> None: ...

    def stack_ends(self, outcome: Outcome) -> None: ...


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal has done."""

    outcomes: list[Outcome]

    def touched(self, *stacks: str) -> set[tuple[str, str, str]]:
        """Operation, type and name of what did not stay as it was; of all stacks or some."""
        return {
            (event.operation, event.type.rpartition(":")[2], event.name)
            for outcome in self.outcomes
            if not stacks or outcome.stack in stacks
            for event in outcome.events
            if event.operation != "same"
        }

    def stacks_touched(self) -> set[str]:
        return {
            outcome.stack
            for outcome in self.outcomes
            if any(event.operation != "same" for event in outcome.events)
        }

    def operations(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for outcome in self.outcomes:
            for operation, count in outcome.counts().items():
                counts[operation] = counts.get(operation, 0) + count
        return counts

    def of(self, stack: str) -> Outcome:
        return next(outcome for outcome in self.outcomes if outcome.stack == stack)


class Journey:
    """A catalog that may be edited, and the cloud that it is rehearsed on."""

    def __init__(self, directory: Path, keep: Callable[[str], bool] = lambda _: True) -> None:
        self.catalog = directory / "catalog"
        self.state = directory / "state"
        for part in ("cells", "tenants"):
            shutil.copytree(
                ROOT / part,
                self.catalog / part,
                ignore=lambda _, names: [name for name in names if not keep(Path(name).stem)],
            )
        for file in ("organization.yaml", "google-saml-metadata.xml"):
            shutil.copy(ROOT / file, self.catalog / file)

    @property
    def cloud(self) -> LocalCloud:
        return LocalCloud(self.state)

    def load(self) -> Catalog:
        return load(self.catalog)

    def rehearse(self, *stacks: str) -> Rehearsed:
        """Rehearse in this process, which has imported everything already."""
        cloud = self.cloud
        with cloud.exclusively():
            cloud.start()
            return Rehearsed(Rehearsal(self.load(), cloud, Silent()).run(stacks))

    def edit(self, file: str, *replacements: tuple[str, str]) -> None:
        path = self.catalog / file
        text = path.read_text()
        for old, new in replacements:
            assert old in text, f"{file} has no {old!r}"
            text = text.replace(old, new)
        path.write_text(text)

    def arguments(self, *arguments: str) -> list[str]:
        options = ["--catalog", str(self.catalog), "--state", str(self.state)]
        return [sys.executable, "-m", "scripts.main", arguments[0], *options, *arguments[1:]]

    def run(self, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run a command that takes a catalog and a state, as people do."""
        return subprocess.run(
            self.arguments(*arguments),
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=900,
            **settings,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start such a command and do not wait for it."""
        return subprocess.Popen(
            self.arguments(*arguments),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def serve_from(
        self, tenant: str, placement: dict[str, Any], keeps: dict[str, Any] | None = None
    ) -> None:
        """Note in the ledger which placement serves a tenant, and which is kept beside it."""
        organization = self.load().organization
        ledger = self.cloud.aws(
            "dynamodb", organization.accounts.management, organization.home_region
        )
        ledger.put_item(
            TableName=table_name(organization.name),
            Item={
                "tenant": {"S": tenant},
                "version": {"N": "0"},
                "placement": {"S": json.dumps(placement)},
                **({} if keeps is None else {"keeps": {"S": json.dumps(keeps)}}),
            },
        )


def environment() -> dict[str, str]:
    # Compiling the providers' SDKs anew takes longer than a rehearsal.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
