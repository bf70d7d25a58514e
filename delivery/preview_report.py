"""Puts what several jobs previewed together, as the comment of a pull request.

What is told was chosen by whoever opened the pull request: names, paths of properties, errors. So
nothing of it is read as Markdown. Values are not in it at all.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planning.outputs.escape import code, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST_CHARACTERS = 50_000
"""Of stacks that are told one by one; a comment has room for some sixty thousand."""
MOST_CHANGES = 40
"""Told of one stack."""
MOST_PROPERTIES = 12
MOST_PROBLEM = 600
SIGNS = {
    "create": "+",
    "update": "~",
    "replace": "±",
    "delete": "-",
    "let go": "o",
    "import": "=",
}
WORDS = {
    "create": "to create",
    "update": "to change",
    "replace": "to replace",
    "delete": "to delete",
    "let go": "to let go",
    "import": "to take over",
}


def collected(directory: Path) -> list[dict[str, Any]]:
    """What jobs have written below a directory, each a JSON file of a preview's documents."""
    found: list[dict[str, Any]] = []
    for file in sorted(directory.rglob("*.json")):
        if file.is_symlink() or not file.is_file():
            continue
        content = json.loads(file.read_text(encoding="utf-8"))
        found += content if isinstance(content, list) else [content]
    return found


def markdown(documents: Sequence[dict[str, Any]]) -> str:
    """The comment: what was compared, then each stack, then what could not be looked at."""
    scope: dict[str, Any] = next((each for each in documents if "commit" in each), {})
    stacks = sorted(
        (each for each in documents if "stack" in each),
        # What can't be told comes first, then what is replaced or deleted.
        key=lambda each: ("problem" not in each, -_risk(each), str(each["stack"])),
    )
    lines = ["## Preview", ""]
    if scope.get("unfit"):
        lines += [
            f"None of {code(str(scope['commit'])[:10])}. A preview runs the default branch's code "
            "over a pull request's catalog, and this changes more than the catalog:",
            "",
            *(f"- {code(path)}: {plain(why)}" for path, why in scope["unfit"].items()),
            "",
            "The plan above needs no credential and knows the change's own code. To preview the "
            "catalog's part, bring it in a pull request of its own.",
        ]
        return "\n".join(lines) + "\n"
    lines += [
        f"Of {code(str(scope.get('commit', ''))[:10])}, by the programs of the default branch: "
        "what bringing the stacks up would do to what was brought up last. That includes what is "
        "merged and not delivered yet.",
        "",
        *_summary(stacks),
    ]
    size = 0
    for number, each in enumerate(stacks):
        said = list(_stack(each))
        size += sum(len(line) + 1 for line in said)
        if size > MOST_CHARACTERS:
            lines += ["", f"{len(stacks) - number} more stacks are in the run's artifacts."]
            break
        lines += said
    lines += _not_looked_at(scope)
    return "\n".join(lines) + "\n"


def _risk(found: dict[str, Any]) -> int:
    counts = found.get("counts", {})
    return sum(int(counts.get(each, 0)) for each in ("replace", "delete"))


def _summary(stacks: Sequence[dict[str, Any]]) -> Iterator[str]:
    differ = [each for each in stacks if each.get("changes")]
    problems = [each for each in stacks if "problem" in each]
    same = len(stacks) - len(differ) - len(problems)
    yield (
        f"{len(differ)} of {len(stacks)} stacks would change, {same} would not"
        + (f", and {len(problems)} can't be told" if problems else "")
        + "."
    )


def _stack(found: dict[str, Any]) -> Iterator[str]:
    name = code(str(found["stack"]))
    if "problem" in found:
        yield from ("", f"### {name}", "", f"Can't be told: {plain(_cut(str(found['problem'])))}")
        return
    changes = found["changes"]
    if not changes:
        return
    counts = ", ".join(f"{found['counts'][each]} {WORDS[each]}" for each in _ordered(found))
    yield from ("", f"### {name}", "", counts, "")
    for change in sorted(changes, key=lambda each: -_RISK[each["operation"]])[:MOST_CHANGES]:
        yield _change(change)
    if len(changes) > MOST_CHANGES:
        yield f"- and {len(changes) - MOST_CHANGES} more"


_RISK = {"delete": 3, "replace": 3, "let go": 2, "create": 0, "update": 1, "import": 1}


def _ordered(found: dict[str, Any]) -> list[str]:
    return [each for each in WORDS if found["counts"].get(each)]


def _change(change: dict[str, Any]) -> str:
    kind = str(change["type"]).rpartition(":")[2]
    line = f"- {SIGNS[change['operation']]} {plain(kind)} {code(str(change['name']))}"
    paths = change["properties"]
    shown = [code(str(each)) for each in paths[:MOST_PROPERTIES]]
    if len(paths) > MOST_PROPERTIES:
        shown.append(f"{len(paths) - MOST_PROPERTIES} more")
    if shown:
        line += f": {', '.join(shown)}"
    if change["operation"] == "replace":
        forced = ", ".join(code(str(each)) for each in change["forced_by"][:MOST_PROPERTIES])
        line += f" (**replaced**, because of {forced})" if forced else " (**replaced**)"
    return line


def _not_looked_at(scope: dict[str, Any]) -> Iterator[str]:
    said = []
    if scope.get("new"):
        said.append(f"New, so that all of it would be created: {_names(scope['new'])}")
    if scope.get("gone"):
        said.append(f"Gone from the catalog, which a person destroys: {_names(scope['gone'])}")
    if scope.get("organization"):
        said.append(
            "The organization's own stack differs. CI has no right to look at it: a person "
            "previews it in the management account."
        )
    if scope.get("ignored"):
        said.append(f"Not looked at, as no preview runs it: {len(scope['ignored'])} other files")
    if said:
        yield from ("", "### Beside that", "", *(f"- {each}" for each in said))
    yield from (
        "",
        "Not asked: what somebody changed by hand (`drift` does, every night), and the clusters, "
        "which compare by what was applied to them last. A tenant reads its cell's exports as they "
        "are now.",
    )


def _names(stacks: Sequence[str]) -> str:
    shown = ", ".join(code(str(each)) for each in stacks[:20])
    return f"{shown} and {len(stacks) - 20} more" if len(stacks) > 20 else shown


def _cut(text: str) -> str:
    return text if len(text) <= MOST_PROBLEM else f"{text[:MOST_PROBLEM]}..."
