"""A plan as JSON, after the schema in docs/schemas/plan.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planning.document import Plan


def render(plan: Plan) -> str:
    """The whole plan."""
    return plan.model_dump_json(indent=2) + "\n"
