"""What every file of the repository keeps to."""

import ast
import re
from collections import Counter

import pytest
from repository import files, modules, text

LONGEST_MODULE = 400
"""Lines; a module that needs more does more than one thing."""

# Put together here, so that this file does not hold what it looks for.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("npmjs", "com"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
]
HOMES = ["/" + name + "/" for name in ("work", "root", "home/runner")]
FORBIDDEN = re.compile(
    "|".join([*(re.escape(host) for host in HOSTS), *(rf"(?<![\w.-]){home}" for home in HOMES)])
)


def first_line_of_docstring(source: str) -> str:
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0]


def test_every_module_opens_with_one_sentence_that_says_what_it_is_for() -> None:
    opening = {path: first_line_of_docstring(text(path)) for path in modules() if text(path)}
    assert [
        f"{path}: {line!r}"
        for path, line in opening.items()
        if path.parts[0] != "tests" and not re.fullmatch(r"[A-Z`].*[^.]\.", line, re.DOTALL)
    ] == []


def test_every_test_file_opens_with_a_sentence() -> None:
    tests = [path for path in modules("tests") if path.name.startswith("test_")]
    assert [str(path) for path in tests if not first_line_of_docstring(text(path))] == []


def test_no_module_is_long() -> None:
    lengths = {path: text(path).count("\n") for path in modules() if path.parts[0] != "tests"}
    assert [f"{path}: {n} lines" for path, n in lengths.items() if n > LONGEST_MODULE] == []


def test_no_two_files_of_tests_share_a_name() -> None:
    # pytest imports them by name alone.
    names = Counter(path.name for path in modules("tests") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_nothing_is_imported_from_a_conftest() -> None:
    # Which one that would be depends on the directories that a run was given last.
    importing = re.compile(r"^\s*(?:from|import) [\w.]*\bconftest\b", re.MULTILINE)
    assert [str(path) for path in modules("tests") if importing.search(text(path))] == []


def test_no_file_names_a_package_registry_or_a_directory_of_one_machine() -> None:
    found = []
    for path in files():
        try:
            lines = text(path).splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path}:{n}: {line}" for n, line in enumerate(lines, 1) if FORBIDDEN.search(line)
        ]
    assert found == []


@pytest.mark.parametrize("word", [*HOSTS, *HOMES])
def test_each_forbidden_word_would_be_found(word: str) -> None:
    assert FORBIDDEN.search(f"see {word}")
    assert not FORBIDDEN.search(f"see {word[:-1]}")


def test_every_file_is_text_with_unix_line_ends_and_a_final_newline() -> None:
    broken = []
    for path in files():
        if path.suffix in {".png", ".gz"} or not text(path):
            continue
        if "\r" in text(path) or not text(path).endswith("\n"):
            broken.append(str(path))
    assert broken == []
