"""Runs a workflow's `run` steps as GitHub does, read from its file.

Jobs come in the order of their `needs`, a matrix's entries one after the other. An environment with
reviewers asks the test. Of actions it knows those that check out and those that hand files from job
to job; of the language of expressions what the workflows here use.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
Result = Literal["success", "failure", "skipped"]


@dataclass
class JobRun:
    """What came of a job; of a matrix, of all its entries."""

    result: Result = "success"
    outputs: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "\n".join(self.said)


@dataclass
class Acting:
    """One run of one workflow in a checkout."""

    file: Path
    checkout: Path
    variables: Mapping[str, str]
    github: Mapping[str, Any]
    """The context `github`; what is text in it is also in steps' environment."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    lets_in: Callable[[str], bool] = lambda _environment: True
    """Whether the reviewers of an environment let a job in."""
    actions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Outputs of the actions whose steps others read, by the step's id."""
    jobs: dict[str, JobRun] = field(default_factory=dict)

    def run(self) -> dict[str, JobRun]:
        workflow = yaml.safe_load(self.file.read_text())
        # Without the word GitHub's shell goes on where a command in a pipe has failed.
        assert workflow["defaults"]["run"]["shell"] == "bash"
        waiting = dict(workflow["jobs"])
        while waiting:
            name = next(n for n, job in waiting.items() if set(needs(job)) <= self.jobs.keys())
            self.jobs[name] = self._job(waiting.pop(name), workflow.get("env", {}))
        return self.jobs

    def _job(self, job: dict[str, Any], shared: Mapping[str, str]) -> JobRun:
        ran = JobRun()
        if not self._begins(job):
            ran.result = "skipped"
            return ran
        for entry in self._matrix(job):
            context = {
                "github": self.github,
                "inputs": self.inputs,
                "matrix": entry,
                "needs": self._needs(job),
                "runner": {"temp": str(self.checkout.parent / "temp")},
            }
            ran.environments.append(self._filled(job.get("environment", ""), context))
            if not self.lets_in(ran.environments[-1]):
                ran.result = "failure"
                continue
            given = {**shared, **job.get("env", {})}
            env = {key: self._filled(value, context) for key, value in given.items()}
            self._steps(job, context, env, ran)
        return ran

    def _begins(self, job: dict[str, Any]) -> bool:
        earlier = {name: self.jobs[name].result for name in needs(job)}
        condition = job.get("if")
        if condition is None:
            return all(result == "success" for result in earlier.values())
        terms = EXPRESSION.sub(r"\1", condition).split(" && ")
        # Without one of these words GitHub asks for the success of all that came before.
        asks = not any("cancelled()" in term or "always()" in term for term in terms)
        if asks and any(result != "success" for result in earlier.values()):
            return False
        return all(self._holds(term, job) for term in terms)

    def _holds(self, term: str, job: dict[str, Any]) -> bool:
        if term in ("always()", "!cancelled()"):
            return True
        found = re.fullmatch(r"([\w.-]+) (==|!=) '([^']*)'", term)
        assert found, f"the test does not know the condition {term}"
        context = {"github": self.github, "inputs": self.inputs, "needs": self._needs(job)}
        value = self._look_up(found[1], context)
        return (value == found[3]) == (found[2] == "==")

    def _matrix(self, job: dict[str, Any]) -> list[dict[str, str]]:
        matrix = job.get("strategy", {}).get("matrix")
        if matrix is None:
            return [{}]
        found = re.fullmatch(r"\$\{\{ fromJSON\((.*)\) \}\}", matrix)
        assert found, f"the test does not know the matrix {matrix}"
        text = self._look_up(found[1], {"needs": self._needs(job)})
        entries: list[dict[str, str]] = json.loads(text)["include"]
        return entries

    def _needs(self, job: dict[str, Any]) -> dict[str, Any]:
        return {
            name: {"outputs": self.jobs[name].outputs, "result": self.jobs[name].result}
            for name in needs(job)
        }

    def _steps(
        self, job: dict[str, Any], context: dict[str, Any], env: dict[str, str], ran: JobRun
    ) -> None:
        outputs: dict[str, Mapping[str, str]] = {}
        failed = False
        for step in job["steps"]:
            context["steps"] = {name: {"outputs": each} for name, each in outputs.items()}
            if (
                failed
                and "cancelled()" not in step.get("if", "")
                and "always" not in str(step.get("if", ""))
            ):
                continue
            if "run" not in step:
                given = {k: self._filled(v, context) for k, v in step.get("with", {}).items()}
                self._act(step["uses"].partition("@")[0], given)
                outputs[step.get("id", "")] = self.actions.get(step.get("id", ""), {})
                continue
            own = {k: self._filled(v, context) for k, v in step.get("env", {}).items()}
            said, outputs[step.get("id", "")], code = self._bash(step["run"], env | own)
            ran.said.append(f"# {step['name']}\n{said}")
            failed = failed or code != 0
        if failed:
            ran.result = "failure"
        context["steps"] = {name: {"outputs": each} for name, each in outputs.items()}
        for name, value in job.get("outputs", {}).items():
            ran.outputs[name] = self._filled(value, context)

    def _act(self, action: str, given: Mapping[str, str]) -> None:
        """What an action does to files; those that get identities or install do nothing here."""
        artifacts = self.checkout.parent / "artifacts"
        match action:
            case "actions/checkout":
                # A job begins with nothing of the others'.
                shutil.rmtree(self.checkout.parent / "temp", ignore_errors=True)
                for command in (("clean", "-ffdq"), ("checkout", "-q", given.get("ref") or "HEAD")):
                    subprocess.run(["git", *command], cwd=self.checkout, check=True)
            case "actions/upload-artifact":
                source = self.checkout / given["path"]
                shutil.copytree(source, artifacts / given["name"], dirs_exist_ok=True)
            case "actions/download-artifact":
                wanted, path = given.get("pattern") or given["name"], Path(given["path"])
                for found in sorted(artifacts.glob("*")):
                    if fnmatch.fnmatch(found.name, wanted):
                        inside = path / found.name if "pattern" in given else path
                        shutil.copytree(found, inside, dirs_exist_ok=True)

    def _bash(self, script: str, env: Mapping[str, str]) -> tuple[str, dict[str, str], int]:
        """Run a step as GitHub's own `bash` does, with files for outputs and summary."""
        files = {name: self.checkout.parent / name.lower() for name in FILES}
        for file in files.values():
            file.write_text("")
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env={
                **os.environ,
                **self.variables,
                **{
                    f"GITHUB_{key.upper()}": value
                    for key, value in self.github.items()
                    if isinstance(value, str)
                },
                **{name: str(file) for name, file in files.items()},
                **env,
                "PATCHWORKS_ENGINE": self.variables["PATCHWORKS_ENGINE"],
            },
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        summary = files["GITHUB_STEP_SUMMARY"].read_text()
        return ended.stdout + ended.stderr + summary, outputs, ended.returncode

    def _filled(self, text: Any, context: Mapping[str, Any]) -> str:
        return EXPRESSION.sub(lambda found: self._look_up(found[1], context), str(text))

    @staticmethod
    def _look_up(expression: str, context: Mapping[str, Any]) -> str:
        """The first of some alternatives that is not empty: texts in quotes, or paths."""
        for each in expression.split(" || "):
            value: Any = context
            if each.startswith("'"):
                value = each.strip("'")
            else:
                for part in each.split("."):
                    value = value.get(part, "") if isinstance(value, Mapping) else ""
            if value:
                return str(value)
        return ""


FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")


def needs(job: dict[str, Any]) -> list[str]:
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else list(found)
