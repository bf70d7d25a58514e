"""Holds the process that runs a commit's code: its files, its network, its size and its end.

What the kernel offers without containers and without rights of its own is used: Landlock for files
(Linux 5.13) and a filter of system calls for sockets. Where either is not there the process still
has a scrubbed environment, and the plan says what did not hold. This module is imported by the
evaluator before any of the commit's code, so it stands alone and imports nothing of this project.

Sources: https://docs.kernel.org/userspace-api/landlock.html and
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes that a commit's code may write into one file of its own directory."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14
_FIRST_ABI_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_SCOPES = 3  # Abstract sockets and signals, from version 6 on.

# Architecture, then the numbers of socket, ptrace, process_vm_readv, process_vm_writev and
# io_uring_setup, each with its return of "not permitted".
_CALLS = {
    "x86_64": (0xC000003E, (41, 101, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271, 425)),
}
_LOAD, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
_X32 = 0x40000000


def scrubbed(home: Path) -> dict[str, str]:
    """The whole environment of a commit's code: no credential, proxy or token is handed on."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        # The SDK looks its own CLI up for hints that nobody reads here.
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def confine(readable: Iterable[Path], writable: Path) -> tuple[str, ...]:
    """Confine this process and all it will start; returns what holds: `files`, `network`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    if platform.system() != "Linux":
        return ()
    end_with_parent()
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ()
    holds = []
    if _restrict_files(library, readable, writable):
        holds.append("files")
    if _refuse_sockets(library):
        holds.append("network")
    return tuple(holds)


def end_with_parent() -> None:
    """Have the kernel end this process with the one that made it; a fork does not inherit that."""
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _restrict_files(library: ctypes.CDLL, readable: Iterable[Path], writable: Path) -> bool:
    version = library.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    handled = _FIRST_ABI_RIGHTS
    for since, right in _LATER_RIGHTS.items():
        handled |= right if version >= since else 0
    # Rights on files, on TCP ports (from version 4 on) and scopes (from version 6 on).
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("QQQ", handled, 3, _SCOPES)[:size]
    ruleset = library.syscall(_CREATE_RULESET, attributes, size, 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(library, ruleset, path, _READ & handled)
        _allow(library, ruleset, Path(os.devnull), (_READ_FILE | _WRITE_FILE) & handled)
        _allow(library, ruleset, writable, handled)
        return bool(library.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(library: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, opened)
        library.syscall(_ADD_RULE, ruleset, 1, rule, 0)
    finally:
        os.close(opened)


def _refuse_sockets(library: ctypes.CDLL) -> bool:
    """No socket can be made, and no other process looked into; both last for all children."""
    known = _CALLS.get(platform.machine())
    if known is None:
        return False
    architecture, calls = known
    program = [(_LOAD, 0, 0, 4), (_EQUALS, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    program += [(_LOAD, 0, 0, 0), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for number in calls:
        program += [(_EQUALS, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    program.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filtered = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    )
    return bool(library.prctl(_PR_SET_SECCOMP, 2, filtered, 0, 0) == 0)
