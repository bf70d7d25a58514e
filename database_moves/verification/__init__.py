"""Compares a follower with the side that serves, by a path that shares nothing with the copy."""

from database_moves.verification.large_objects import verify_large_objects
from database_moves.verification.position import AppliedPosition, AtRest, SlotPosition
from database_moves.verification.result import Difference, TableResult, Verification, render
from database_moves.verification.run import verify
from database_moves.verification.sequences import verify_sequences
from database_moves.verification.state import VerifyState

__all__ = [
    "AppliedPosition",
    "AtRest",
    "Difference",
    "SlotPosition",
    "TableResult",
    "Verification",
    "VerifyState",
    "render",
    "verify",
    "verify_large_objects",
    "verify_sequences",
]
