"""The command as a whole: help for everything, a quick start, and honest exit codes."""

import importlib.util
import os
import signal
import subprocess
import sys

import pytest

from rehearsal.servers.process import ServerFailed
from scripts.exits import ExitCode
from scripts.main import COMMANDS, explain, load_command
from tests.terminals import on_terminal

WRITTEN = [name for name, command in COMMANDS.items() if importlib.util.find_spec(command.module)]


def commands(command, path):
    """A command and all below it, with the words that lead there."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


@pytest.fixture(scope="module")
def registry():
    return [pair for name in WRITTEN for pair in commands(load_command(name), name)]


def test_every_command_has_help(registry):
    assert {"check", "tenant new", "cell show"} <= {path for path, _ in registry}
    assert [path for path, command in registry if not (command.help or "").strip()] == []


def test_every_option_and_argument_has_help(registry):
    found = [
        f"{path} {parameter.name}"
        for path, command in registry
        for parameter in command.params
        if not (getattr(parameter, "help", None) or "").strip()
    ]
    assert found == []


def test_no_command_carries_options_for_shell_completion(registry):
    names = {path: {p.name for p in command.params} for path, command in registry}
    assert [path for path, found in names.items() if "install_completion" in found] == []


def test_the_help_line_in_the_registry_is_a_sentence():
    assert [name for name, c in COMMANDS.items() if not c.help.endswith(".")] == []


def test_help_lists_every_command_and_imports_none(patchworks):
    ran = patchworks("--help", PYTHONPROFILEIMPORTTIME="1")
    assert ran.returncode == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in ran.stdout] == []
    imported = {line.rsplit("|", 1)[-1].strip() for line in ran.stderr.split("\n")}
    assert "scripts.exits" in imported
    heavy = {"pulumi", "boto3", "pydantic", "yaml", "rich", "scripts.check", "catalog"}
    assert imported & heavy == set()


def test_help_starts_with_little_more_work_than_an_interpreter_with_its_own_library(patchworks):
    def cost(command):
        before = os.times()
        assert command().returncode == 0
        after = os.times()
        return (
            after.children_user
            + after.children_system
            - before.children_user
            - (before.children_system)
        )

    library = "import argparse, dataclasses, json, pathlib, subprocess, typing"
    bare = [sys.executable, "-c", library]
    # Both by turns: whatever slows the machine down slows both down.
    pairs = [
        (cost(lambda: patchworks("--help")), cost(lambda: subprocess.run(bare))) for _ in range(8)
    ]
    of_help, of_library = map(sum, zip(*pairs, strict=True))
    assert of_help < 4 * of_library


def test_a_wrong_command_and_a_wrong_option_are_wrong_usage(patchworks):
    wrong = patchworks("tenat", "list")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "tenant" in wrong.stderr
    assert patchworks("check", "--jsn").returncode == 2
    assert patchworks().returncode == 2


def test_the_version_is_shown(patchworks):
    assert patchworks("--version").stdout.startswith("patchworks 0.")


def test_an_unforeseen_error_is_one_line_and_a_traceback_on_demand(patchworks, tmp_path):
    (tmp_path / "organization.yaml").write_text("")
    code = "import catalog.load; catalog.load.read = lambda *_: 1 / 0; import scripts.main as m; "
    code += f"m.main(['check', '--catalog', {str(tmp_path)!r}])"
    for debug, lines in ((None, 2), ("1", 5)):
        environment = {k: v for k, v in os.environ.items() if k != "PATCHWORKS_DEBUG"}
        environment |= {"PATCHWORKS_DEBUG": debug} if debug else {}
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        assert ran.returncode == 1
        assert "ZeroDivisionError: division by zero" in ran.stderr
        assert ("Traceback" in ran.stderr) == bool(debug)
        assert (len(ran.stderr.strip().split("\n")) == lines) or debug


def test_an_interrupted_command_says_so_in_one_line(tmp_path):
    (tmp_path / "organization.yaml").write_text("")
    code = "import catalog.load, time; catalog.load.read = lambda *_: (print('at work', flush=True)"
    code += ", time.sleep(600)); import scripts.main as m; "
    code += f"m.main(['check', '--catalog', {str(tmp_path)!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors.strip()) == (130, "patchworks: interrupted")


def test_a_reader_that_leaves_early_causes_no_traceback(patchworks):
    command = f"{sys.executable} -m scripts.main tenant list | true"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert ran.stderr == ""


def test_a_name_that_the_encoding_lacks_is_shown_escaped():
    command = [sys.executable, "-m", "scripts.main", "tenant", "show", "\u0141\u00f3d\u017a"]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    ran = subprocess.run(command, env=environment, capture_output=True)
    assert ran.returncode == 2
    assert b"\\u0141\xf3d\\u017a" in ran.stderr


def test_a_name_that_is_no_text_is_wrong_usage():
    command = [sys.executable, "-m", "scripts.main", "tenant", "show", b"\xff\x1b[2J"]
    ran = subprocess.run(command, capture_output=True)
    assert ran.returncode == 2
    assert b"there is no tenant" in ran.stderr
    assert b"\x1b" not in ran.stderr


def on_a_terminal(*arguments, columns):
    """What a command prints on a real terminal of a width."""
    settings = os.environ | {"COLUMNS": str(columns), "TERM": "dumb", "NO_COLOR": "1"}
    shown = on_terminal([sys.executable, "-m", "scripts.main", *arguments], settings=settings)
    assert shown.code == 0, shown.text
    return shown.text


@pytest.mark.parametrize(
    "arguments",
    [("tenant", "list"), ("cell", "list"), ("cell", "show", "prod-ap-southeast-2")],
    ids=" ".join,
)
def test_tables_keep_to_a_terminal_of_80_columns(arguments):
    lines = on_a_terminal(*arguments, columns=80).split("\n")
    assert [line for line in lines if len(line) > 80] == []
    assert not any("\u2026" in line for line in lines)


def test_names_are_whole_on_a_terminal_of_80_columns():
    text = on_a_terminal("tenant", "list", columns=80)
    assert "cobalt-logistics-staging  enterprise  staging-eu-west-1" in text


def test_a_server_that_does_not_start_is_explained_by_its_own_log(tmp_path, capsys):
    log = tmp_path / "postgres.log"
    log.write_text("LOG:  starting\nFATAL:  data directory is of another version\n")
    code = explain(ServerFailed("PostgreSQL did not start", log))
    assert code == ExitCode.FAULTS
    assert "FATAL:  data directory is of another version" in capsys.readouterr().err
