"""The checks of a preflight as a whole: each has a reason, a stable name and tests."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from database_moves.preflight import checks
from database_moves.preflight.registry import CHECKS, check
from tests.database_moves.preflight_levels import SHOWN

HERE = Path(__file__).parent

NAMES = """
connection.reachable
connection.encryption
connection.dial-source
connection.dial-target
connection.password-in-log
server.version
server.writable
server.different
server.clock
server.timeouts
server.replication-role
target.empty
target.publications
target.subscriptions
encoding.encoding
encoding.locale
encoding.version
encoding.collations
replication.wal-level
replication.slots
replication.senders
replication.workers
replication.processes
replication.origins
replication.other-slots
replication.chained
replication.publications
privileges.replication
privileges.owners
privileges.target-owners
privileges.create
privileges.subscription
privileges.connect
privileges.read
privileges.row-security
sessions.visible
sessions.ending
sessions.superusers
sessions.own-role
limits.connections
limits.database
extensions.available
extensions.versions
extensions.installable
extensions.rows
roles.missing
roles.connect
tables.replica-identity
tables.equality
tables.generated-keys
tables.scans
tables.indexes
contents.large-objects
contents.unlogged-tables
contents.foreign-tables
contents.materialized-views
contents.tablespaces
contents.security-labels
contents.event-triggers
contents.firing-triggers
features.version
features.build
features.superuser
configuration.settings
activity.prepared
activity.transactions
activity.ddl
size.time
size.kept-wal
size.disk
programs.dump
pooler.given
pooler.ready
"""


def test_every_check_is_shown_fine_and_not_fine_by_tests() -> None:
    for path in HERE.glob("test_preflight_*.py"):
        import_module(f"tests.database_moves.{path.stem}")
    assert set(SHOWN) <= set(CHECKS), "tests name checks that do not exist"
    assert [name for name in CHECKS if "fine" not in SHOWN.get(name, set())] == []
    assert [name for name in CHECKS if not SHOWN.get(name, set()) & {"warning", "refused"}] == []


def test_every_check_says_why_it_matters_and_what_is_fine() -> None:
    assert [name for name, check in CHECKS.items() if len(check.why.split()) < 8] == []
    assert [name for name, check in CHECKS.items() if not check.fine] == []


def test_every_module_of_checks_is_imported() -> None:
    directory = Path(checks.__file__).parent
    modules = {path.stem for path in directory.glob("*.py")} - {"__init__"}
    assert modules == set(checks.__all__)
    assert {check.look.__module__.rsplit(".", 1)[1] for check in CHECKS.values()} == modules


def test_names_stay_as_they_are_since_scripts_rely_on_them() -> None:
    assert sorted(CHECKS) == sorted(NAMES.split())


def test_two_checks_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match=r"two checks are named server\.version"):
        check("server.version", fine="x")(lambda situation: [])
    with pytest.raises(ValueError, match="names no check"):
        check("Nonsense", fine="x")(lambda situation: [])
