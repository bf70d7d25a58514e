"""Stacks have the same graphs with the SDKs' modules rewritten, and stale ones are not loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from repository import ROOT

from planning import lazy_sdks, lazy_source

if TYPE_CHECKING:
    from pathlib import Path

GRAPHS = """
import sys

sys.path.insert(0, sys.argv[1])
if sys.argv[2:]:
    from planning import lazy_sdks, lazy_source

    lazy_sdks.install(lazy_source.rewrite)
from pathlib import Path

from catalog.load import load
from planning.evaluator import Encoding
from rehearsal.evaluation import Evaluation
from stacks.programs import stack_names

catalog = load(Path(sys.argv[1]))
kinds = {}
for stack in stack_names(catalog):
    kinds.setdefault(stack.partition(".")[0], []).append(stack)
evaluation = Evaluation(catalog)
encode = Encoding("marker", b"key").graph
for stacks in kinds.values():
    for stack in stacks[:3]:
        lines = encode(evaluation.evaluate(stack))[0].decode().split("\\n")
        # In whatever order resources were registered, which the numbers of those waited for follow.
        parts = ("\\t".join((each.split("\\t")[0], each.split("\\t")[-1])) for each in lines)
        print("\\n".join(sorted(parts)))
print("imported", len([name for name in sys.modules if name.startswith("pulumi_")]))
"""
PACKAGE = {
    "__init__.py": "from .pair import *\nfrom .other import *\nfrom . import outputs\nVALUE = 1\n",
    "pair.py": "\n__all__ = ['Pair', 'pair']\n\nclass Pair:\n    pass\n\ndef pair(of: int):\n"
    '    """Says it twice."""\n    return of * 2\n',
    "other.py": "from .pair import *\n__all__ = ['Other']\n\nclass Other(Pair):\n    pass\n",
    "outputs.py": "from . import outputs\n__all__ = ['Shown']\n\nclass Shown:\n    pass\n",
}
USES = """
import sys

sys.path[:0] = sys.argv[1:]
from planning import lazy_sdks, lazy_source

lazy_sdks.SDKS = frozenset({"sample"})
lazy_sdks.install(lazy_source.rewrite)
import sample

assert set(sys.modules) & {"sample.pair", "sample.other"} == set()
assert sample.VALUE == 1
assert issubclass(sample.Other, sample.Pair)
assert sample.pair(21) == 42, "a function that is named as its module"
assert sample.outputs.Shown
from sample import *

assert not hasattr(sample, "missing")
print("used")
"""


def graphs(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", GRAPHS, str(ROOT), *arguments],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_stacks_of_each_kind_have_the_same_graphs_from_far_fewer_modules() -> None:
    *usual, all_modules = graphs()
    *lazy, some_modules = graphs("lazy")
    assert lazy == usual
    assert len(lazy) > 1000
    assert int(some_modules.split()[1]) < int(all_modules.split()[1]) / 2


def test_a_package_hands_on_the_names_of_its_modules_when_they_are_used(tmp_path: Path) -> None:
    package = tmp_path / "sample"
    package.mkdir()
    for name, text in PACKAGE.items():
        (package / name).write_text(text)
    command = [sys.executable, "-c", USES, str(tmp_path), str(ROOT)]
    for _ in range(2):  # Rewritten, and as it was kept.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout == "used\n", done.stderr
        assert lazy_sdks.rewritten_file(package / "pair.py").exists()


def test_what_was_rewritten_of_another_source_is_not_loaded(tmp_path: Path) -> None:
    source = tmp_path / "some.py"
    source.write_text("VALUE = 1\n")
    lazy_source.rewrite(source)
    loader = lazy_sdks.LazyLoader("some", str(source))
    assert loader.get_code("some")
    lazy_sdks.rewritten_file(source).write_bytes(lazy_sdks.header(source) + b"damaged")
    source.write_text("VALUE = 10 + 1\n")
    found: dict[str, int] = {}
    code = loader.get_code("some")
    assert code is not None
    exec(code, found)
    assert found["VALUE"] == 11
