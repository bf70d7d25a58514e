"""Drivers: what really makes a resource on the local cloud, by its type."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.drivers.base import Driver


@cache
def drivers() -> Mapping[str, Driver]:
    """Every driver by the type it makes; each module of this package lists its own as DRIVERS."""
    found: dict[str, Driver] = {}
    for module in iter_modules(__path__):
        for type, driver in getattr(
            import_module(f"{__name__}.{module.name}"), "DRIVERS", {}
        ).items():
            if type in found:
                raise ValueError(f"two drivers make {type}, one of them in {module.name}")
            found[type] = driver
    return found
