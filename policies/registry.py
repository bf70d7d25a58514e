"""Every rule there is: one for each file in this package's areas."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policies.rule import Rule


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, by area and name."""
    found = []
    for area in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if area.ispkg:
            package = import_module(f"policies.{area.name}")
            for module in pkgutil.iter_modules(package.__path__):
                rule: Rule = import_module(f"policies.{area.name}.{module.name}").RULE
                found.append(rule)
    return tuple(sorted(found, key=lambda rule: (rule.area, rule.name)))
