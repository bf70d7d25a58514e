"""What AWS's own managed policies allow, as the copy that moto ships has them."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from planning.access.actions import ActionSet
from planning.access.documents import DocumentError, Statement, parse


@cache
def statements_of(arn: str) -> tuple[Statement, ...] | None:
    """The statements of a managed policy; None where the copy hasn't got it."""
    policy = _policies().get(arn.rpartition("/")[2])
    if policy is None or not arn.startswith("arn:aws:iam::aws:policy/"):
        return None
    try:
        return parse(json.dumps(policy["Document"]))
    except DocumentError:
        return None


@cache
def actions_of(arn: str) -> ActionSet | None:
    """The actions that a managed policy allows; None where the copy hasn't got it.

    AWS changes its policies when it likes: this tells an access level, not what holds today.
    """
    statements = statements_of(arn)
    if statements is None:
        return None
    found = ActionSet()
    for statement in statements:
        if statement.allows:
            found |= statement.actions
    return found


@cache
def _policies() -> dict[str, Any]:
    # The module holds one text and imports nothing; its package would import all of moto.
    package = find_spec("moto")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "iam" / "aws_managed_policies.py"
    spec = spec_from_file_location("aws_managed_policies", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    policies: dict[str, Any] = json.loads(module.aws_managed_policies_data)
    return policies
