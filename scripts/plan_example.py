"""The example in docs/reading-a-plan.md, by the real command: its text and its picture.

`python -m scripts.plan_example` makes the changes that the page's diff shows in a copy of this
repository, plans them, and writes the text into the page and the picture beside it, for which it
needs Chromium. With `--check` it exits 1 where either is stale; line numbers and counts of what
stays may differ, as they change with every other part of the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from planning import commits
from planning.run import WANTED

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reading-a-plan.md"
PICTURE = ROOT / "docs" / "images" / "plan.png"
ENDS_AT = re.compile(r"^tenant\.", re.MULTILINE)
"""The page shows what stands before the tenants' own changes."""
DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"(?<=^```text\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
VARIES = re.compile(r"(?<=\.py:)\d+|\d+(?= unchanged| skipped| stacks compared)|\b[0-9a-f]{10}\b")
KEYWORD = b"patchworks-example\0"
WINDOW = (1000, 1960)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the example anew, or check that it is fresh."""
    parser = argparse.ArgumentParser(prog="python -m scripts.plan_example", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where the example is stale")
    options = parser.parse_args(arguments)
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="patchworks-example-") as directory:
        text = planned(page, Path(directory))
        shown = SHOWN.search(page)
        fresh = shown is not None and steady(shown[0]) == steady(text)
        if options.check:
            if fresh and drawn_for(PICTURE) == digest(text):
                return 0
            sys.stderr.write("the example of a plan is stale; run `make docs`\n")
            return 1
        if not fresh:
            PAGE.write_text(SHOWN.sub(lambda _: text, page, count=1), encoding="utf-8")
        if drawn_for(PICTURE) != digest(text):
            draw(Path(directory) / "plan.html", digest(text))
    return 0


def planned(page: str, directory: Path) -> str:
    """Plan the page's changes below a directory, and leave the plan's own page there."""
    clone = directory / "repository"
    clone.mkdir()
    blobs = commits.Repository.around(ROOT).work_tree(WANTED).blobs
    commits.write(blobs, clone)
    run("git", "init", "--quiet", "--initial-branch=main", cwd=clone)
    run("git", "add", "--all", cwd=clone)
    identity = ("-c", "user.name=example", "-c", "user.email=example@example.com")
    committing = ("-c", "commit.gpgsign=false", "commit", "--quiet", "--message=The base")
    run("git", *identity, *committing, cwd=clone)
    for file, before, after in changes(page):
        path = clone / file
        content = path.read_text(encoding="utf-8")
        if content.count(before) < 1:
            raise SystemExit(f"{PAGE}: {file} has no {before!r}")
        path.write_text(content.replace(before, after, 1), encoding="utf-8")
    text = directory / "plan.txt"
    # What it plans has faults, and is meant to.
    run(
        *(sys.executable, "-m", "scripts.main", "plan", "--no-cache", "--base=main"),
        *(f"--repository={clone}", f"--output={text}", f"--output={directory / 'plan.html'}"),
        allowed=(1,),
    )
    whole = text.read_text(encoding="utf-8")
    end = ENDS_AT.search(whole)
    return whole[: end.start()].rstrip() + "\n" if end is not None else whole


def changes(page: str) -> list[tuple[str, str, str]]:
    """Files, lines in them, and what takes their place, from the page's diff."""
    found, file, before = [], "", ""
    for line in DIFF.findall(page)[0].splitlines():
        if line.startswith(" # "):
            file = line.removeprefix(" # ")
        elif line.startswith("-"):
            before = line[1:]
        elif line.startswith("+"):
            found.append((file, before, line[1:]))
    return found


def steady(text: str) -> str:
    """The text without what changes with every other part of the repository."""
    return VARIES.sub("0", text)


def digest(text: str) -> str:
    """What a picture of the plan is marked with."""
    return hashlib.sha256(steady(text).encode()).hexdigest()


def draw(page: Path, mark: str) -> None:
    """Take a picture of the plan's page, marked with what it shows."""
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if browser is None:
        raise SystemExit("the picture of the example needs Chromium: apt-get install chromium")
    picture = page.with_suffix(".png")
    run(
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        f"--window-size={WINDOW[0]},{WINDOW[1]}",
        *(f"--screenshot={picture}", f"--user-data-dir={page.parent / 'browser'}"),
        page.as_uri(),
    )
    content = picture.read_bytes()
    body = b"tEXt" + KEYWORD + mark.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    # The mark stands before the last chunk, which has no content.
    PICTURE.write_bytes(content[:-12] + chunk + content[-12:])


def drawn_for(picture: Path) -> str:
    """The mark of a picture; empty where it has none."""
    content = picture.read_bytes() if picture.exists() else b""
    position = len(_SIGNATURE)
    while content.startswith(_SIGNATURE) and position + 8 <= len(content):
        (size,) = struct.unpack(">I", content[position : position + 4])
        body = content[position + 4 : position + 8 + size]
        if body.startswith(b"tEXt" + KEYWORD):
            return body.removeprefix(b"tEXt" + KEYWORD).decode("ascii", "replace")
        position += size + 12
    return ""


def run(*command: str, cwd: Path = ROOT, allowed: tuple[int, ...] = (0,)) -> None:
    """Run a command, or end with what it said."""
    done = subprocess.run(  # noqa: S603 - every command comes from this file
        command, cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode not in allowed:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
