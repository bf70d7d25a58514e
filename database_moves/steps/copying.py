"""Copies the rows at one snapshot, then builds what is quicker built afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves import context as contexts
from database_moves import control, durable, inventory
from database_moves.beside import beside
from database_moves.carry import firing
from database_moves.copying import copy_rows, create_slot_with_snapshot, erase_rows
from database_moves.crash_points import reached
from database_moves.errors import SnapshotLostError, UnansweredError
from database_moves.schema import along
from database_moves.schema.indexes import build_indexes
from database_moves.schema.refreshing import refresh_materialized_views
from database_moves.schema.restore import restore_rest
from database_moves.steps.following import stream_to
from database_moves.steps.patience import patient
from database_moves.steps.preparing import archive_of
from database_moves.steps.recording import Recording, recording, wait

if TYPE_CHECKING:
    from database_moves.context import Context
    from database_moves.copying import CopyResult
    from database_moves.database import Database
    from database_moves.durable import Output
    from database_moves.inventory import Table

ATTEMPTS = 5
"""Snapshots that one run takes: a source that restarts so often needs a person."""

AGAIN_SECONDS = 2.0


@durable.step("copy")
@patient
def copy(move: str) -> Output:
    """Copy all rows at one snapshot; done again, it starts over with another."""
    context = contexts.of(move)
    with recording(context, "copy", "copy") as recorded:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result = _copy(context, recorded)
            except SnapshotLostError:
                if attempt == ATTEMPTS:
                    raise
                wait(context, AGAIN_SECONDS * attempt)
            else:
                return recorded.output(
                    f"{result.rows} rows",
                    {"rows": result.rows, "bytes": result.bytes, "copies": attempt},
                )
        raise AssertionError


def _copy(context: Context, recorded: Recording) -> CopyResult:
    # Another mover that came while this one had lost its sessions has a copy of its own.
    context.keep_lease()
    stream = stream_to(context, "target")
    # Whatever an earlier attempt left is of another snapshot: no row of it may stay.
    remaining = stream.remove()
    if remaining:
        raise UnansweredError(
            f"{remaining[0].kind} {remaining[0].name} of an earlier attempt can't be removed: "
            f"{remaining[0].reason}",
            remedy=f"run on the {remaining[0].side}: {remaining[0].command}",
        )
    looking = beside(lambda: _tables(context.source))
    erase_rows(context.target)
    reached("copy.erased")
    tables = looking.result()
    stream.publish(tables)
    with create_slot_with_snapshot(
        context.source, stream.name, progress=recorded.progress
    ) as snapshot:
        reached("copy.slot-created")
        with context.target.session("copy") as connection:
            # A verification counts for the copy that it verified only.
            control.remember(connection, "copy", snapshot.identity)
        result = copy_rows(
            context.source,
            context.target,
            tables,
            snapshot,
            jobs=context.options.jobs,
            rate_limit=context.options.rate_limit,
            part_bytes=context.options.part_bytes,
            progress=recorded.progress,
            builds=along.builds(archive_of(context)),
            spares=None if context.ahead is None else context.ahead.spares,
        )
    reached("copy.copied")
    return result


def _tables(source: Database) -> tuple[Table, ...]:
    with source.session("copy") as connection:
        return inventory.tables(connection)


@durable.step("indexes")
@patient
def indexes(move: str) -> Output:
    """Build the indexes and keys that did not come with the rows, several at once."""
    context = contexts.of(move)
    with recording(context, "indexes", "indexes") as recorded:
        build_indexes(
            context.target,
            archive_of(context),
            jobs=context.options.jobs,
            memory=context.options.index_memory,
            progress=recorded.progress,
        )
        reached("indexes.done")
        return recorded.output()


@durable.step("constraints")
@patient
def constraints(move: str) -> Output:
    """Make all that is left of the schema, then fill the views."""
    context = contexts.of(move)
    with recording(context, "indexes", "constraints") as recorded:
        made = archive_of(context)
        count = restore_rest(
            made,
            context.target,
            context.options.jobs,
            memory=context.options.index_memory,
            progress=recorded.progress,
        )
        with (
            context.source.session("constraints") as source,
            context.target.session("constraints") as target,
        ):
            # Before any change is applied: a trigger that fires always would fire for it.
            firing.carry(source, target)
        refresh_materialized_views(made, context.target)
        # Of thousands of tables it takes some room, and nothing below needs it.
        context.archive = None
        reached("constraints.done")
        return recorded.output(f"{count} objects")
