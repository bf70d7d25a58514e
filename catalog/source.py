"""Finds the catalog's files and reads their bytes, refusing what could mislead a reader."""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.document import Document
from catalog.faults import shown
from catalog.yaml_reader import parse

if TYPE_CHECKING:
    from pathlib import Path

MAXIMUM_BYTES = 256 * 1024
"""A hundred times the largest file shipped; more is a mistake or an attack on the reader."""

KINDS = {"organization": "", "cell": "cells", "tenant": "tenants"}
"""Each kind of catalog file and the directory it lives in."""

Parsed = dict[tuple[str, bytes], Document]
"""Documents by their file and its bytes: they depend on nothing else."""

_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "UTF-8 with a byte order mark",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x00\x00\xfe\xff": "UTF-32",
}


def schema_line(kind: str) -> str:
    """The first line of every file of a kind: it lets editors complete and check what is typed."""
    up = "../" if KINDS[kind] else ""
    return f"# yaml-language-server: $schema={up}docs/schemas/{kind}.json"


def catalog_files(root: Path, kind: str) -> tuple[list[str], list[Document]]:
    """Names of a kind's files below the root, and documents with faults for what is no such file.

    Hidden files are left to editors and to Git.
    """
    directory = root / KINDS[kind]
    found: list[str] = []
    strays: list[Document] = []
    if directory.is_symlink() or not directory.is_dir():
        if os.path.lexists(directory):
            stray = Document(KINDS[kind])
            _not_a_file(stray, "a symbolic link" if directory.is_symlink() else "a file")
            strays.append(stray)
        return found, strays
    for entry in sorted(os.scandir(directory), key=lambda e: e.name.removesuffix(".yaml")):
        if entry.name.startswith("."):
            continue
        file = f"{KINDS[kind]}/{entry.name}"
        if entry.name.endswith(".yaml"):
            found.append(file)
            continue
        stray = Document(shown(file))
        stem = entry.name.rsplit(".", 1)[0]
        looks_like_yaml = entry.name.lower().endswith((".yml", ".yaml"))
        stray.add_at(
            "misplaced-file",
            1,
            1,
            f"this is no {kind} file",
            given=shown(entry.name),
            allowed=f"{kind} files only, named <name>.yaml in lower case",
            remedy=f"rename it to {shown(stem.lower())}.yaml"
            if looks_like_yaml
            else "move it out of the catalog, or remove it",
        )
        strays.append(stray)
    return found, strays


def strays_beside_organization(root: Path) -> list[Document]:
    """Documents with faults for catalog files that lie in the root and would not be read."""
    strays = []
    for entry in sorted(os.scandir(root), key=lambda e: e.name):
        if entry.name == "organization.yaml" or not entry.name.lower().endswith((".yaml", ".yml")):
            continue
        kind = "organization" if entry.name.lower().startswith("organization.") else None
        if kind is None and entry.is_file(follow_symlinks=False):
            with (root / entry.name).open("rb") as file:
                first = file.readline(200)
            kind = next((k for k in KINDS if f"docs/schemas/{k}.json".encode() in first), None)
        if kind is None:
            continue
        place = f"{KINDS[kind]}/<name>.yaml" if KINDS[kind] else "organization.yaml"
        stray = Document(shown(entry.name))
        stray.add_at(
            "misplaced-file",
            1,
            1,
            f"this file of the kind {kind} is not read here",
            given=shown(entry.name),
            allowed=place,
            remedy=f"move it to {place}, or remove it",
        )
        strays.append(stray)
    return strays


def read_document(
    root: Path,
    file: str,
    kind: str,
    proposed: bytes | None = None,
    parsed: Parsed | None = None,
) -> Document:
    """Read one file, or what is proposed for it; see `Parsed` for what has been read.

    Where the document has no root, its faults say why.
    """
    document = Document(shown(file))
    data = _read_bytes(root / file, document) if proposed is None else proposed
    if data is None or parsed is None:
        return _understood(document, data, kind)
    known = parsed.get((file, data))
    if known is None:
        known = parsed[file, data] = _understood(document, data, kind)
    # Rules add to a document's faults.
    return replace(known, faults=[*known.faults], spoiled={*known.spoiled})


def _understood(document: Document, data: bytes | None, kind: str) -> Document:
    text = None if data is None else _decode(data, document)
    if text is None:
        return document
    first = text.split("\n", 1)[0].rstrip()
    if first != schema_line(kind) and _belongs_elsewhere(document, first, kind):
        return document
    if not any(line.split("#", 1)[0].strip(" \t\r-.") for line in text.split("\n")):
        document.add_at(
            "empty-file",
            1,
            1,
            "the file is empty",
            allowed=f"one {kind}",
            remedy="write it, or remove the file",
        )
        return document
    if first != schema_line(kind):
        document.add_at(
            "schema-line",
            1,
            1,
            "the first line does not name the schema",
            given=shown(first),
            allowed=schema_line(kind),
            remedy="make this the first line, so that editors complete and check the file",
        )
    parse(document, text)
    return document


def _read_bytes(path: Path, document: Document) -> bytes | None:
    try:
        status = path.lstat()
    except OSError as error:
        document.add_at(
            "missing-file",
            1,
            1,
            "the file cannot be found",
            given=error.strerror or "",
            allowed="a file",
            remedy="write it",
        )
        return None
    if not stat.S_ISREG(status.st_mode):
        what = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a directory"}
        _not_a_file(document, what.get(stat.S_IFMT(status.st_mode), "a device, socket or pipe"))
        return None
    if status.st_size > MAXIMUM_BYTES:
        document.add_at(
            "too-large",
            1,
            1,
            "the file is too large",
            given=f"{status.st_size} bytes",
            allowed=f"{MAXIMUM_BYTES} bytes",
            remedy="remove what does not belong into the catalog",
        )
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        document.add_at(
            "unreadable",
            1,
            1,
            "the file cannot be read",
            given=error.strerror or "",
            allowed="a file that you may read",
            remedy="change its mode",
        )
        return None


def _not_a_file(document: Document, given: str) -> None:
    document.add_at(
        "not-a-file",
        1,
        1,
        "the catalog holds real files only",
        given=given,
        allowed="a file" if document.file.endswith(".yaml") else "a directory",
        remedy="replace it by what it stands for, or remove it",
    )


def _decode(data: bytes, document: Document) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            _wrong_encoding(document, 1, 1, encoding)
            return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        start = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[start : error.start].decode("utf-8", "replace")) + 1
        _wrong_encoding(document, line, column, f"the byte 0x{data[error.start]:02x}")
        return None
    if text.isascii() and text.isprintable():
        return text
    return text if _only_visible(text, document) else None


def _wrong_encoding(document: Document, line: int, column: int, given: str) -> None:
    document.add_at(
        "encoding",
        line,
        column,
        "the file is not plain UTF-8",
        given=given,
        allowed="UTF-8 without a byte order mark",
        remedy="save it again as UTF-8",
    )


def _only_visible(text: str, document: Document) -> bool:
    for number, line in enumerate(text.split("\n"), 1):
        if line.isprintable():
            continue
        for column, character in enumerate(line.removesuffix("\r"), 1):
            category = unicodedata.category(character)
            if category in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} and character != "\t":
                document.add_at(
                    "invisible-character",
                    number,
                    column,
                    "a character that nobody can see makes the file read other than it looks",
                    given=f"U+{ord(character):04X}",
                    allowed="printable characters, spaces and line ends",
                    remedy="remove it",
                )
                return False
    return True


def _belongs_elsewhere(document: Document, first: str, kind: str) -> bool:
    for other, directory in KINDS.items():
        if other != kind and first.endswith(f"/schemas/{other}.json"):
            place = f"{directory}/" if directory else "organization.yaml"
            document.add_at(
                "misplaced-file",
                1,
                1,
                f"the first line says that this is of the kind {other}",
                given=shown(first),
                allowed=schema_line(kind),
                remedy=f"move the file to {place}, or correct the line",
            )
            return True
    return False
