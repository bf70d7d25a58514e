"""Drivers for what `pulumi-postgresql` declares, run on the real servers of the local cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.postgresql_database import DatabaseDriver, ExtensionDriver, SchemaDriver
from rehearsal.drivers.postgresql_grants import (
    DefaultPrivilegesDriver,
    GrantDriver,
    GrantRoleDriver,
)
from rehearsal.drivers.postgresql_role import RoleDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver

DRIVERS: dict[str, Driver] = {
    "postgresql:index/role:Role": RoleDriver(),
    "postgresql:index/database:Database": DatabaseDriver(),
    "postgresql:index/schema:Schema": SchemaDriver(),
    "postgresql:index/extension:Extension": ExtensionDriver(),
    "postgresql:index/grant:Grant": GrantDriver(),
    "postgresql:index/grantRole:GrantRole": GrantRoleDriver(),
    "postgresql:index/defaultPrivileges:DefaultPrivileges": DefaultPrivilegesDriver(),
}
