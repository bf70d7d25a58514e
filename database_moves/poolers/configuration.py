"""PgBouncer's configuration file: reads what it says of databases, and changes no more than that.

The syntax is PgBouncer's own (`usual/cfparser.c` and `loader.c` in its source): a comment is a line
of its own, a value ends with its line, a connection string's values may be quoted by `'`, doubled
inside. Comments, order, unknown options and line ends are kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from database_moves.errors import MoveError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INCLUDES = 10
"""How deep PgBouncer follows `%include`."""

DATABASES = "databases"

# A name is plain, or quoted in versions that know quoted names.
_LINE = re.compile(
    r"""(?P<before>\s*(?P<name>"(?:[^"]|"")*"|[\w.*-]+)[ \t]*=[ \t]*)"""
    r"""(?P<value>.*?)(?P<after>\s*)""",
    re.DOTALL,
)
_PAIR = re.compile(r"\s*(?P<key>[^=\s]+)\s*=\s*(?:'(?P<quoted>(?:[^']|'')*)'|(?P<plain>\S*))")
_SECTION = re.compile(r"\s*\[(?P<name>[^\]\n]*)\]")
_INCLUDE = re.compile(r"\s*%include\s+(?P<file>.*?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One line of a `[databases]` section."""

    alias: str
    file: Path
    number: int
    """The line's number, from 0."""
    parameters: tuple[tuple[str, str], ...]
    """Keys and values as written; the last of one key holds."""

    def __repr__(self) -> str:
        # The line may hold a password.
        return f"Entry({self.alias!r}, {str(self.file)!r}, {self.number})"

    def get(self, key: str) -> str | None:
        """A parameter's value."""
        return dict(self.parameters).get(key)


def entries(config: Path) -> list[Entry]:
    """Every entry of every `[databases]` section, in order, with those of included files.

    Raises `RefusedError` for what PgBouncer itself would not read, and for an included file that
    cannot be found from here.
    """
    return list(_entries(config, [""], 0))


def rewrite(config: Path, aliases: Mapping[str, Mapping[str, str]]) -> bool:
    """Replace parameters of entries, by alias; whether anything had to be changed.

    Each file is replaced as a whole, so that a reader sees it before or after the change, with its
    owner and mode.
    """
    changed = False
    with _locked(config.resolve().parent):
        by_file: dict[Path, list[Entry]] = {}
        for entry in entries(config):
            if entry.alias in aliases:
                by_file.setdefault(entry.file, []).append(entry)
        for file, found in by_file.items():
            lines = _read(file).splitlines(keepends=True)
            for entry in found:
                match = _LINE.fullmatch(lines[entry.number])
                assert match is not None
                value = _replaced(match["value"], aliases[entry.alias])
                lines[entry.number] = match["before"] + value + match["after"]
            if "".join(lines) != _read(file):
                replace_file(file, "".join(lines), like=file)
                changed = True
    return changed


def replace_file(file: Path, text: str, *, like: Path) -> None:
    """Write a file as a whole, with another file's owner and mode."""
    file = file.resolve()
    status = like.stat()
    try:
        number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        new = Path(name)
        try:
            with os.fdopen(
                number, "w", encoding="utf-8", errors="surrogateescape", newline=""
            ) as f:
                os.fchmod(f.fileno(), status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(f.fileno(), status.st_uid, status.st_gid)
                f.write(text)
                f.flush()
                os.fsync(f.fileno())
            new.replace(file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise MoveError(
            f"{file} cannot be replaced: {error.strerror}",
            remedy="it and its directory must be writable for who moves, and keep their owner",
        ) from error


def _entries(file: Path, section: list[str], depth: int) -> Iterator[Entry]:
    # A section goes on into an included file, and one that begins there goes on after it.
    if depth > INCLUDES:
        raise RefusedError(f"{file} is included more than {INCLUDES} levels deep")
    for number, line in enumerate(_read(file).splitlines(keepends=True)):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if match := _INCLUDE.fullmatch(line):
            included = Path(match["file"])
            if not included.is_absolute():
                raise RefusedError(
                    f"{file} line {number + 1} includes {included}, which PgBouncer looks for in "
                    "the directory it was started in",
                    remedy="write its absolute path",
                )
            yield from _entries(included, section, depth + 1)
        elif match := _SECTION.match(line):
            section[0] = match["name"]
        elif match := _LINE.fullmatch(line):
            if section[0] == DATABASES:
                yield Entry(
                    _alias(match["name"]), file, number, _pairs(match["value"], file, number)
                )
        else:
            raise RefusedError(f"{file} line {number + 1} is nothing that PgBouncer reads")


def _alias(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _pairs(value: str, file: Path, number: int) -> tuple[tuple[str, str], ...]:
    found = []
    position = 0
    while value[position:].strip():
        match = _PAIR.match(value, position)
        if match is None:
            raise RefusedError(f"{file} line {number + 1} is no connection string of PgBouncer's")
        quoted = match["quoted"]
        found.append(
            (match["key"], match["plain"] if quoted is None else quoted.replace("''", "'"))
        )
        position = match.end()
    return tuple(found)


def _replaced(value: str, parameters: Mapping[str, str]) -> str:
    """A connection string with other values, in their places; what was not there comes last."""
    left = dict(parameters)

    def substitute(match: re.Match[str]) -> str:
        key = match["key"]
        if key not in parameters:
            return match[0]
        left.pop(key, None)
        quoted = match["plain"] is None
        start = match.start("quoted") - 1 if quoted else match.start("plain")
        return match.string[match.start() : start] + _quoted(parameters[key], always=quoted)

    done = _PAIR.sub(substitute, value)
    return " ".join(
        part for part in (done, *(f"{k}={_quoted(v)}" for k, v in left.items())) if part
    )


def _quoted(value: str, *, always: bool = False) -> str:
    if re.search(r"[\r\n\0]", value):
        raise RefusedError(f"PgBouncer's configuration cannot hold {value!r}: it has a line end")
    if not always and re.fullmatch(r"[\w./:-]+", value, re.ASCII):
        return value
    return "'" + value.replace("'", "''") + "'"


def _read(file: Path) -> str:
    # Line ends and bytes that are no UTF-8 stay what they are.
    try:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="") as opened:
            return opened.read()
    except OSError as error:
        raise RefusedError(
            f"{file} cannot be read: {error.strerror}",
            remedy="name the file with PgBouncer's [databases] section by --pooler-config",
        ) from error


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let movers of several databases behind one pooler change its file one after the other."""
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
