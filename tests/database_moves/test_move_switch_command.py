"""The operator's own command that leads applications to the side that serves, good and bad."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from move_journey import NAME, lets_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.forking import Forks
    from kit.mover import Ended, Mover
    from made import Made


class Switching:
    """A move whose switch command is a script that notes what it is told."""

    def __init__(self, mover: Mover, directory: Path) -> None:
        self.mover = mover
        self._notes = directory / "notes"
        self._script = directory / "point at; it"

    def run(self, verb: str, then: str, *options: str) -> Ended:
        """Run a command whose script ends with some shell code."""
        notes = shlex.quote(str(self._notes))
        self._script.write_text(
            f'#!/bin/sh\necho "$PATCHWORKS_SERVING" >> {notes}\nenv >> {notes}.env\n{then}\n'
        )
        self._script.chmod(0o755)
        command = shlex.quote(str(self._script))
        return self.mover.run("database", verb, NAME, "--switch-command", command, *options)

    def told(self) -> list[str]:
        """What it was told since it was last asked."""
        said = self._notes.read_text().split()
        self._notes.unlink()
        self.mover.look_for_secrets("its environment", self._notes.with_suffix(".env").read_bytes())
        return said


@pytest.fixture
def switching(
    pair: tuple[Made, Made], make_mover: Callable[..., Mover], forks: Forks, tmp_path: Path
) -> Switching:
    with pair[0].owner() as connection:
        connection.execute("CREATE TABLE public.visits (id int PRIMARY KEY)")
    switching = Switching(make_mover(*pair, forks=forks), tmp_path)
    moved = switching.mover.run("database", "move", NAME, "--cutover", "manual")
    assert moved.code == 0, moved.stderr
    return switching


def test_a_switch_command_is_told_who_serves_and_what_it_fails_with_undoes_the_swap(
    switching: Switching, pair: tuple[Made, Made]
) -> None:
    source, target = pair
    only_back = '[ "$PATCHWORKS_SERVING" = source ] || { echo "no such record" >&2; exit 7; }'
    undone = switching.run("cutover", only_back)
    assert undone.code == 4, undone
    assert "the switch command ended with 7: no such record" in undone.stderr
    assert switching.told() == ["target", "source"]
    assert lets_in(source)

    hanging = '[ "$PATCHWORKS_SERVING" = source ] || sleep 600'
    undone = switching.run("cutover", hanging, "--max-pause", "8")
    assert undone.code == 4, undone
    assert "the switch command took longer than" in undone.stderr
    told = switching.told()
    # The guard says it too where the mover takes its time.
    assert (told[0], set(told[1:])) == ("target", {"source"})
    assert lets_in(source)

    # One that fails both ways leaves it open where applications are led.
    failed = switching.run("cutover", "exit 9")
    assert failed.code == 1, failed
    assert "the source serves, but it was not switched to" in failed.stderr
    assert "--switch-command that does that" in failed.stderr
    assert set(switching.told()) == {"target", "source"}
    assert lets_in(source)

    done = switching.run("cutover", "true")
    assert done.code == 0, done.stderr
    assert switching.told()[-1] == "target"
    assert lets_in(target)
    done = switching.run("rollback", "true")
    assert done.code == 0, done.stderr
    assert switching.told() == ["source"]
    assert lets_in(source)
