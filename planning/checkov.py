"""What checkov says of stacks: their graphs exported, and its findings led back to resources."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from planning import checkov_environment
from planning.checkov_environment import CheckovError
from planning.export.manifests import manifests
from planning.export.terraform import terraform_plan
from planning.findings import Finding
from planning.suppressions import applied
from policies.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rehearsal.graph import Graph

SKIPS = Path(__file__).with_name("checkov_skips.yaml")
BATCH = 8
"""Stacks that one process reads: each costs it the same, but what it prints grows by their square.
"""
LONGEST_RUN = 900
"""Seconds for a batch; 3 stacks of 1,000 resources take about 25 on two cores."""
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is none: checkov must reach nobody."""


@dataclass(frozen=True)
class Exported:
    """What checkov reads of one stack, and what its names stand for."""

    graph: Graph
    files: Mapping[str, str]
    urns: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What the findings depend on, checkov itself and the skips aside."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Skip:
    """A check that is not asked of some resources, and why."""

    check: str
    resource: str
    """The resource's name; `*` stands for anything."""
    reason: str
    moving: bool = False
    """Whether it holds only on the side of a moving tenant that does not serve."""

    def covers(self, finding: Finding, graph: Graph) -> bool:
        """Whether it is about a finding in a stack."""
        name = finding.urn.rpartition("::")[2]
        if self.check != finding.rule or not fnmatchcase(name, self.resource):
            return False
        return not self.moving or Stack(graph).idle(graph.resources[finding.urn])


def findings(graphs: Sequence[Graph]) -> list[Finding]:
    """checkov's findings in all of the stacks, asked once for those it has not seen before.

    Raises:
        CheckovError: checkov can't be installed or run.
    """
    wanted = [exported(graph) for graph in graphs]
    known = {each.digest: _read(each.digest) for each in wanted}
    missing = [each for each in wanted if known[each.digest] is None]
    if missing:
        for each, failed in zip(missing, _ask(missing), strict=True):
            known[each.digest] = failed
            _keep(each.digest, failed)
    found = []
    skipped = skips()
    for each in wanted:
        mine = [_finding(each, one) for one in known[each.digest] or ()]
        kept = [one for one in mine if not any(skip.covers(one, each.graph) for skip in skipped)]
        found += applied(kept, each.graph, "checkov")
    return found


def exported(graph: Graph) -> Exported:
    """A stack as checkov reads it."""
    plan, objects = terraform_plan(graph), manifests(graph)
    files = {}
    if plan.urns:
        files["tfplan.json"] = json.dumps(plan.document)
    if objects.objects:
        files["manifests.yaml"] = "---\n".join(json.dumps(each) + "\n" for each in objects.objects)
    return Exported(graph, files, {**plan.urns, **objects.urns})


def skips() -> tuple[Skip, ...]:
    """What is not asked, as the one file of skips says."""
    return tuple(Skip(**each) for each in yaml.safe_load(SKIPS.read_text(encoding="utf-8")))


def _ask(wanted: Sequence[Exported]) -> list[list[dict[str, str]]]:
    """What failed in each stack."""
    program = checkov_environment.executable()
    batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        asked = pool.map(partial(_ask_batch, program), batches)
        return [failed for batch in asked for failed in batch]


def _ask_batch(program: Path, wanted: Sequence[Exported]) -> list[list[dict[str, str]]]:
    """What failed in each stack of a batch, which one process reads."""
    with tempfile.TemporaryDirectory(prefix="patchworks-checkov-") as directory:
        homes = [Path(directory, str(number)) for number in range(len(wanted))]
        for home, each in zip(homes, wanted, strict=True):
            home.mkdir()
            for name, text in each.files.items():
                (home / name).write_text(text, encoding="utf-8")
        reports = _run(program, homes, Path(directory))
    # Keyed, since a directory's report tells those of the directories before it again.
    failed: list[dict[tuple[str, ...], dict[str, str]]] = [{} for _ in wanted]
    for report in reports:
        for each in report.get("results", {}).get("failed_checks", ()):
            number = int(Path(each["file_abs_path"]).parent.name)
            told = {key: str(each[key]) for key in ("check_id", "check_name", "resource")}
            failed[number][*told.values()] = told
    return [list(each.values()) for each in failed]


def _run(program: Path, stacks: Iterable[Path], home: Path) -> list[dict[str, Any]]:
    command = [
        str(program),
        # Each a directory of its own: within one, what bears the same name belongs together.
        *(word for each in stacks for word in ("--directory", str(each))),
        *("--framework", "terraform_plan", "kubernetes"),
        *("--output", "json", "--soft-fail", "--skip-download", "--quiet", "--compact"),
    ]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LOG_LEVEL": "ERROR",
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
        "PYTHONDONTWRITEBYTECODE": "",
    }
    try:
        done = subprocess.run(  # noqa: S603 - the program of our own lock
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_RUN,
            cwd=home,
        )
        return _reports(done.stdout)
    except subprocess.TimeoutExpired:
        raise CheckovError(f"checkov had not ended after {LONGEST_RUN} s") from None
    except ValueError:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise CheckovError(f"checkov gave no report, and said: {said[-1][:300]}") from None


def _reports(text: str) -> list[dict[str, Any]]:
    """What it printed: of each directory one report, or a list where several kinds were read."""
    decoder = json.JSONDecoder()
    reports: list[dict[str, Any]] = []
    text = text.strip()
    while text or not reports:
        document, end = decoder.raw_decode(text)
        reports += document if isinstance(document, list) else [document]
        text = text[end:].lstrip()
    return reports


def _finding(of: Exported, failed: Mapping[str, str]) -> Finding:
    urn = of.urns.get(failed["resource"], "") or _maker(of, failed["resource"])
    resource = of.graph.resources.get(urn)
    return Finding(
        origin="checkov",
        rule=failed["check_id"],
        severity="medium",
        stack=of.graph.stack,
        urn=urn,
        message=f"{failed['resource']}: {failed['check_name']}",
        why="A check of checkov's. Where it is right here, skip it with a reason in "
        "planning/checkov_skips.yaml, or for a while in organization.yaml.",
        source=resource.source if resource is not None else None,
    )


def _maker(of: Exported, resource: str) -> str:
    """The object whose template a pod of `Pod.namespace.name.labels` is made from."""
    for name, urn in of.urns.items():
        kind, _, rest = name.partition(".")
        if resource.startswith(f"Pod.{rest}.") and kind in ("Deployment", "Job", "StatefulSet"):
            return urn
    return ""


def _place(digest: str) -> Path:
    return checkov_environment.cache() / "found" / f"{checkov_environment.digest()}-{digest}.json"


def _read(digest: str) -> list[dict[str, str]] | None:
    with suppress(OSError, ValueError):
        found: list[dict[str, str]] = json.loads(_place(digest).read_text(encoding="utf-8"))
        return found
    return None


def _keep(digest: str, failed: list[dict[str, str]]) -> None:
    # Without a cache it is only slower.
    with suppress(OSError):
        place = _place(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        half = place.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(failed), encoding="utf-8")
        half.replace(place)
