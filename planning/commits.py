"""The files of a commit, read from git's objects; work tree, index and HEAD are never touched."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAXIMUM_FILE_BYTES = 8 * 1024 * 1024
"""Larger than any file that a program here reads; larger ones are left out and missed loudly."""
_DEEPEN = "run `git fetch --unshallow` (in a workflow, fetch-depth: 0)"
REGULAR, _EXECUTABLE, _LINK = "100644", "100755", "120000"


class CommitError(Exception):
    """A commit can't be read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of a tree: a link's content is what it points at."""

    content: bytes
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What a commit's tree says of one path."""

    path: str
    mode: str
    """As git writes it: `REGULAR` for a file that is neither a link nor to be run."""
    identity: str
    size: int | None
    """In bytes; None of what is no blob, such as another repository."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one side, by their path below the repository's root."""

    name: str
    """How a reader knows the side: a ref, or `work tree`."""
    commit: str | None
    """The commit's id; None for the work tree."""
    blobs: Mapping[str, Blob]

    @property
    def title(self) -> str:
        """The side's name, with the commit's short id where it has one."""
        if self.commit is None:
            return self.name
        short = self.commit[:10]
        return self.name if self.commit.startswith(self.name) else f"{self.name} ({short})"


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with a work tree."""

    root: Path

    @classmethod
    def around(cls, directory: Path) -> Repository:
        """The repository that a directory lies in.

        Raises:
            CommitError: it lies in none, or git refuses to read it.
        """
        top = _git(directory, "rev-parse", "--show-toplevel").decode().rstrip("\n")
        return cls(Path(top))

    def resolve(self, ref: str) -> str:
        """The id of the commit that a name stands for.

        Raises:
            CommitError: there is no such commit here.
        """
        # A name that begins with a hyphen must not be taken for an option.
        command = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        try:
            return _git(self.root, *command).decode().strip()
        except CommitError:
            raise CommitError(self._unknown(ref)) from None

    def merge_base(self, one: str, other: str) -> str | None:
        """The commit from which two others parted; None where they share none.

        Raises:
            CommitError: the clone is too shallow to tell.
        """
        try:
            return _git(self.root, "merge-base", one, other).decode().split("\n")[0] or None
        except CommitError:
            if not self._is_shallow:
                return None
        both = f"{one[:10]} and {other[:10]}"
        raise CommitError(f"where {both} parted can't be told: the clone is shallow; {_DEEPEN}")

    @property
    def _is_shallow(self) -> bool:
        return _git(self.root, "rev-parse", "--is-shallow-repository").strip() == b"true"

    def files_of(self, commit: str, name: str, wanted: Iterable[str] | None = None) -> Files:
        """The files of a commit; `wanted` names the directories and files at the root to read.

        Raises:
            CommitError: an object is missing, or the tree is not one that git itself would make.
        """
        picked = frozenset(wanted) if wanted is not None else None
        entries: dict[str, Entry] = {}
        for entry in self.entries(commit):
            path = entry.path
            if picked is not None and not _is_wanted(path, picked):
                continue
            if entry.size is None or entry.size > MAXIMUM_FILE_BYTES:
                continue
            _refuse_unsafe(path, commit)
            if entry.mode not in (REGULAR, _EXECUTABLE, _LINK) or path in entries:
                raise CommitError(f"commit {commit[:10]} has no proper entry {path!r}")
            entries[path] = entry
        contents = self.contents(entry.identity for entry in entries.values())
        blobs = {
            path: Blob(contents[entry.identity], entry.mode == _LINK)
            for path, entry in entries.items()
        }
        return Files(name, commit, blobs)

    def entries(self, commit: str) -> list[Entry]:
        """All that a commit's tree names, whatever it is, without reading any of it."""
        found = []
        for line in _git(self.root, "ls-tree", "-r", "-z", "-l", commit).split(b"\0"):
            if line:
                facts, _, raw = line.partition(b"\t")
                mode, _, identity, size = facts.decode().split()
                bytes_ = int(size) if size.isdigit() else None
                found.append(Entry(os.fsdecode(raw), mode, identity, bytes_))
        return found

    def work_tree(self, wanted: Iterable[str] | None = None) -> Files:
        """The files as they are now, what is not committed included and what is ignored not."""
        picked = frozenset(wanted) if wanted is not None else None
        listed = _git(
            self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name"
        )
        blobs: dict[str, Blob] = {}
        for raw in sorted(set(listed.split(b"\0"))):
            path = os.fsdecode(raw)
            if not path or (picked is not None and not _is_wanted(path, picked)):
                continue
            _refuse_unsafe(path, "the work tree")
            blob = _read(self.root / path)
            if blob is not None:
                blobs[path] = blob
        return Files("work tree", None, blobs)

    def contents(self, identities: Iterable[str]) -> dict[str, bytes]:
        """The bytes of blobs, by their ids.

        Raises:
            CommitError: one of them is not here, or is no blob.
        """
        wanted = list(dict.fromkeys(identities))
        answered = _git(
            self.root, "cat-file", "--batch", stdin="".join(f"{each}\n" for each in wanted).encode()
        )
        found: dict[str, bytes] = {}
        position = 0
        for identity in wanted:
            end = answered.index(b"\n", position)
            header = answered[position:end].split()
            if len(header) != 3 or header[1] != b"blob":
                raise CommitError(
                    f"object {identity[:10]} is missing from this clone; "
                    "fetch it whole, as `git fetch --refetch --no-filter` does"
                )
            size = int(header[2])
            found[identity] = answered[end + 1 : end + 1 + size]
            position = end + 1 + size + 1
        return found

    def _unknown(self, ref: str) -> str:
        text = f"there is no commit {ref!r} in {self.root}"
        if self._is_shallow:
            return f"{text}: the clone is shallow; {_DEEPEN}"
        branches = _git(self.root, "branch", "--all", "--format=%(refname:short)").decode().split()
        known = ", ".join(branches[:5])
        return f"{text}; run `git fetch`, or name one of {known}" if known else text


def size_of(*several: Mapping[str, Blob]) -> int:
    """Bytes that files take on a disk, at the most."""
    return sum(len(blob.content) + 8192 for blobs in several for blob in blobs.values())


def write(
    blobs: Mapping[str, Blob],
    directory: Path,
    alike: tuple[Mapping[str, Blob], Path] | None = None,
) -> None:
    """Write files below an empty directory; links last, so that nothing is written through.

    `alike` has files that were written before, and where: what is the same becomes one file.
    """
    known, beside = alike or ({}, directory)
    made: set[str] = set()
    links: list[tuple[str, bytes]] = []
    for path, blob in blobs.items():
        target = f"{directory}/{path}"
        parent = target.rpartition("/")[0]
        if parent not in made:
            Path(parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        if blob.is_link:
            links.append((target, blob.content))
            continue
        if known.get(path) == blob:
            os.link(f"{beside}/{path}", target)
            continue
        # There are thousands: a file object for each would take most of the time.
        opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with memoryview(blob.content) as rest:
                written = 0
                while written < len(rest):
                    written += os.write(opened, rest[written:])
        finally:
            os.close(opened)
    for target, content in links:
        Path(target).symlink_to(os.fsdecode(content))


def _is_wanted(path: str, wanted: frozenset[str]) -> bool:
    head, below, _ = path.partition("/")
    return head in wanted or not below


def _refuse_unsafe(path: str, where: str) -> None:
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise CommitError(f"{where} has a file whose path leads elsewhere: {path!r}")


def _read(path: Path) -> Blob | None:
    """A file of the work tree; None for what is deleted, too large or no file."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return Blob(os.fsencode(os.readlink(path)), is_link=True)  # noqa: PTH115 - bytes
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAXIMUM_FILE_BYTES:
            return None
        return Blob(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CommitError(f"{path} can't be read: {error.strerror}") from None


def _git(directory: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {
        # Reading must leave no trace, ask nothing, and reach for no network.
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
    try:
        finished = subprocess.run(  # noqa: S603 - its options are this module's own
            ["git", *arguments],  # noqa: S607 - whichever git the person uses
            cwd=directory,
            env=environment,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        missing = "git" if directory.is_dir() else str(directory)
        raise CommitError(f"{missing} is not there; a plan needs git and a clone") from None
    if finished.returncode:
        said = finished.stderr.decode(errors="replace").strip().split("\n")[0]
        if "not a git repository" in said:
            raise CommitError(f"{directory} is in no git repository; a plan compares two commits")
        raise CommitError(f"git {arguments[0]}: {said or f'ended with {finished.returncode}'}")
    return finished.stdout
