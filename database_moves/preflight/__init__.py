"""Asks, before a move, everything that could stop it; and changes nothing."""

from database_moves.preflight.running import preflight
from database_moves.preflight.verdicts import PreflightRefusedError, Report, Verdict

__all__ = ["PreflightRefusedError", "Report", "Verdict", "preflight"]
