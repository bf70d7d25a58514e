"""Copies rows at one snapshot: a slot with its snapshot, parts in parallel, each there once."""

from database_moves.copying.copier import CopyResult, copy_rows
from database_moves.copying.ledger import erase_rows
from database_moves.copying.snapshot import Snapshot, create_slot_with_snapshot

__all__ = ["CopyResult", "Snapshot", "copy_rows", "create_slot_with_snapshot", "erase_rows"]
