"""Makes `.venv` from the lock files with nothing but the machine's own Python 3.

It runs before anything is installed, so it imports the standard library only. uv, which installs
the rest, comes from whatever pip the machine has, checked against requirements-bootstrap.lock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
BOOTSTRAP = ROOT / "requirements-bootstrap.lock"
LOCK = ROOT / "requirements-dev.lock"
OLDEST = (3, 11)
KNOWN = ("python3.13", "python3.12", "python3.11", "python3.14")
VERSION = "import sys; print(sys.version_info[0], sys.version_info[1])"
DEBIAN_PACKAGE = "python3-venv"


def main() -> int:
    """Make `.venv` hold exactly what the locks say; quick where it does already."""
    if sys.version_info[:2] < OLDEST:
        return run_with_newer_python()
    os.chdir(ROOT)
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    # A virtual environment that happens to be active is not the one meant.
    os.environ.pop("VIRTUAL_ENV", None)
    if version_of(PYTHON) < OLDEST:
        say("making .venv with Python " + ".".join(map(str, sys.version_info[:3])))
        venv.EnvBuilder(symlinks=True, clear=True, with_pip=False).create(ENVIRONMENT)
    uv = ENVIRONMENT / "bin" / "uv"
    if not has_pinned_uv(uv) and not install_uv():
        say(
            f"this Python ({sys.executable}) has no pip to start from; install it once with\n"
            f"    sudo apt-get install {package_name()}\n"
            "and run the same command again"
        )
        return 1
    say("installing what " + LOCK.name + " pins into .venv")
    python: list[str | Path] = ["--python", PYTHON]
    pinned = ["--require-hashes", "--only-binary", ":all:"]
    run(uv, "pip", "sync", *python, "--quiet", *pinned, LOCK)
    # Editable and without isolation: the build tool is pinned by the lock like all else.
    editable: list[str | Path] = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
    run(uv, "pip", "install", *python, "--quiet", "--offline", *editable)
    run(PYTHON, ROOT / "scripts" / "bytecode.py")
    return 0


def install_uv() -> bool:
    """Install the pinned uv into `.venv` by the first way that works; whether one did."""
    wanted: list[str | Path] = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        BOOTSTRAP,
    ]
    pip = ["-m", "pip", "--disable-pip-version-check", "--no-input"]
    own: list[str | Path] = [PYTHON, *pip, "install", "--quiet", *wanted]
    if attempt(PYTHON, "-m", "ensurepip", "--default-pip"):
        return attempt(*own, shown=True)
    # The machine's pip, aimed at `.venv`: allowed also where the machine's Python is managed.
    aimed: list[str | Path] = [sys.executable, *pip, "--python", PYTHON]
    if attempt(*aimed, "--version"):
        return attempt(*aimed, "install", "--quiet", *wanted, shown=True)
    uv = shutil.which("uv")
    if uv:
        return attempt(uv, "pip", "install", "--quiet", "--python", PYTHON, *wanted, shown=True)
    if os.geteuid() == 0 and shutil.which("apt-get") and sys.prefix == "/usr":
        say(f"this Python has no pip to start from; installing Debian's {package_name()}")
        apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=600"]
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        if attempt(*apt, "update", environment=environment) and attempt(
            *apt, "install", package_name(), shown=True, environment=environment
        ):
            attempt(PYTHON, "-m", "ensurepip", "--default-pip", shown=True)
            return attempt(*own, shown=True)
    return False


def has_pinned_uv(uv: Path) -> bool:
    """Whether `.venv` has the uv that the lock names."""
    answer = output_of(uv, "--version").split()
    return bool(answer) and f"\nuv=={answer[1]} " in BOOTSTRAP.read_text(encoding="utf-8")


def version_of(python: str | Path) -> tuple[int, ...]:
    """Major and minor version of an interpreter; nothing where it does not run."""
    return tuple(map(int, output_of(python, "-I", "-c", VERSION).split()))


def run_with_newer_python() -> int:
    """Run this file again with a Python that is new enough, where the machine has one."""
    for name in KNOWN:
        if version_of(name) >= OLDEST:
            return call(name, "-I", __file__).returncode
    say("Python 3.11 or newer is needed; this is " + sys.version.split()[0])
    say("install one, such as python3.11 and python3.11-venv, and run the same command again")
    return 1


def package_name() -> str:
    """Debian's package that completes this Python's venv module."""
    default = version_of("/usr/bin/python3") == sys.version_info[:2]
    return DEBIAN_PACKAGE if default else "python{}.{}-venv".format(*sys.version_info[:2])


def attempt(
    *command: str | Path, shown: bool = False, environment: dict[str, str] | None = None
) -> bool:
    """Run a command that may fail; what it prints is shown where that helps."""
    printed = None if shown else subprocess.DEVNULL
    settings = {**os.environ, **(environment or {})}
    try:
        return call(*command, stdout=printed, stderr=printed, env=settings).returncode == 0
    except OSError:
        return False


def output_of(*command: str | Path) -> str:
    """What a command prints; nothing where it fails or is not there."""
    try:
        answer = call(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return ""
    return answer.stdout.decode() if answer.returncode == 0 else ""


def run(*command: str | Path) -> None:
    """Run a command that must not fail, and leave with its exit code where it does."""
    code = call(*command).returncode
    if code:
        raise SystemExit(code)


def call(*command: str | Path, **settings: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command that asks nobody anything."""
    return subprocess.run(  # noqa: S603 - every command comes from this file
        command, stdin=subprocess.DEVNULL, check=False, **settings
    )


def say(text: str) -> None:
    """Tell what happens, apart from what commands print."""
    sys.stderr.write(f"setup: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
