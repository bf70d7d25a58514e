"""How long a plan takes: one tenant changed among many, one component changed, and both again.

    python -m benchmarks.plan [--tenants 100 300 1000] [--baseline N]

Each plan is the command as a person runs it, from process start to its four outputs written, in a
scratch repository whose catalog has that many tenants; the first of all finds no cache, and none of
this repository's modules compiled, as after a fresh clone. PYTHONDONTWRITEBYTECODE is taken out of
its environment, since hardly anybody sets it; the SDKs are compiled by `make setup`. Beside the
seconds stand the milliseconds for each stack that was evaluated, and the peak memory of all
processes together (proportional set size), from a second run: to watch it takes most of a core, and
would double the seconds. The baseline evaluates tenants' stacks at two commits
with the SDK's own test monitor, which is what a script of one's own would do: it compares nothing,
and is measured on a few stacks and computed for all, on as many cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from benchmarks.memory import PeakMemory
from catalog.load import find_root
from catalog.source import schema_line

COMPONENT = Path("components", "aws", "bucket.py")
BEFORE, AFTER = "UPLOAD_DAYS = 7", "UPLOAD_DAYS = 8"


def main() -> None:
    """Measure every size, then the baseline."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tenants", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--baseline", type=int, default=20, help="stacks for the baseline; 0: none")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print("tenants   change              seconds   stacks evaluated   ms a stack   peak MiB   exit")
    for tenants in options.tenants:
        measure(tenants)
    if options.baseline:
        baseline(options.baseline, max(options.tenants))


def measure(tenants: int) -> None:
    """Plan two changes in a repository of that many tenants, twice each."""
    with tempfile.TemporaryDirectory(prefix="patchworks-benchmark-") as directory:
        repository, cache = Path(directory, "repository"), Path(directory, "caches")
        build(repository, tenants)
        one = repository / "tenants" / "tenant-0000.yaml"
        one.write_text(one.read_text().replace("database_connections: ", "database_connections: 1"))
        commit(repository, "one tenant")
        for title in ("one tenant", "the same again"):
            plan(repository, cache, tenants, title)
        component = repository / COMPONENT
        source = component.read_text()
        if BEFORE not in source:
            raise SystemExit(f"{COMPONENT} has no line {BEFORE!r}")
        component.write_text(source.replace(BEFORE, AFTER))
        commit(repository, "a component")
        for title in ("a component", "the same again"):
            plan(repository, cache, tenants, title)


def build(repository: Path, tenants: int) -> None:
    """A repository with this checkout's commit, and that many tenants in place of its own."""
    root = find_root()
    git(root.parent, "clone", "--quiet", "--no-hardlinks", str(root), str(repository))
    cells = {path.stem: yaml.safe_load(path.read_text()) for path in root.glob("cells/prod-*.yaml")}
    places = [(cell, base) for cell, held in sorted(cells.items()) for base in held["databases"]]
    files = sorted((repository / "tenants").glob("*.yaml"))
    models = [yaml.safe_load(path.read_text()) for path in files]
    models = [
        each
        for each in models
        if each["environment"] == "prod" and each["placement"]["database"] != "dedicated"
    ]
    domain = yaml.safe_load((root / "organization.yaml").read_text())["domain"]
    for path in files:
        path.unlink()
    for number in range(tenants):
        name = f"tenant-{number:04}"
        cell, database = places[number % len(places)]
        made = {
            **models[number % len(models)],
            "name": name,
            "placement": {"cell": cell, "database": database},
            "hostnames": [f"{name}.{domain}"],
        }
        text = f"{schema_line('tenant')}\n{yaml.safe_dump(made, sort_keys=False)}"
        (repository / "tenants" / f"{name}.yaml").write_text(text)
    commit(repository, f"{tenants} tenants")


def plan(repository: Path, caches: Path, tenants: int, title: str) -> None:
    """Run the command and print its line; its memory is watched in a run of its own."""
    seconds, _, code = run(repository, caches / "timed")
    document = json.loads((repository / "plan.json").read_text())
    _, memory, _ = run(repository, caches / "watched", watched=True)
    evaluated = len(document["stacks"]) + document["unchanged"]
    print(
        f"{tenants:7}   {title:17}   {seconds:7.2f}   {evaluated:16,}   "
        f"{seconds / max(evaluated, 1) * 1000:10.1f}   {memory:8.0f}   {code:4}",
        flush=True,
    )
    git(repository, "clean", "--quiet", "--force")


def run(repository: Path, cache: Path, *, watched: bool = False) -> tuple[float, float, int]:
    """The seconds that the command takes, the most MiB where they are watched, and its code."""
    outputs = [f"plan.{suffix}" for suffix in ("md", "html", "json", "sarif")]
    command = [sys.executable, "-m", "scripts.main", "plan", "--base", "HEAD~1"]
    for each in outputs:
        command += ["--output", each]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began, peak = time.perf_counter(), PeakMemory() if watched else None
    ended = subprocess.run(
        command, cwd=repository, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    took = time.perf_counter() - began
    return took, peak.stop() if peak is not None else 0.0, ended.returncode


def baseline(stacks: int, tenants: int) -> None:
    """Evaluate a few stacks with the SDK's test monitor, and compute what all would take."""
    from benchmarks.generated import generated_catalog
    from benchmarks.plain_sdk import evaluate_plainly
    from rehearsal.evaluation import Evaluation

    catalog = generated_catalog(stacks)
    names = [f"tenant.{name}" for name in catalog.tenants]
    exports = Evaluation(catalog).exports_of
    evaluate_plainly(catalog, names[0], exports)
    began = time.perf_counter()
    for name in names:
        evaluate_plainly(catalog, name, exports)
    each = (time.perf_counter() - began) / stacks
    print(
        f"the SDK's test monitor: {each * 1000:.0f} ms a stack ({stacks} measured), so "
        f"{each * 2 * tenants / (os.cpu_count() or 1):.0f} s for {tenants:,} tenants at two commits"
    )


def commit(repository: Path, message: str) -> None:
    """Commit the work tree as it is."""
    git(repository, "add", "--all")
    git(
        repository,
        *("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com"),
        *("-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "--message", message),
    )


def git(directory: Path, *arguments: str) -> None:
    """Run git, or end with what it said."""
    subprocess.run(["git", *arguments], cwd=directory, check=True)


if __name__ == "__main__":
    main()
