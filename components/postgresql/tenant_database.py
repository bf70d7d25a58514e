"""A tenant's PostgreSQL database, with an owner, an application and a read-only role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_postgresql as postgresql

from catalog import names
from components.children import child_options
from components.postgresql.deployer import DEPLOYER

if TYPE_CHECKING:
    from collections.abc import Sequence

    _Privileges = tuple[str, pulumi.Input[str], str, Sequence[str]]

CONNECTIONS_BESIDE_APPLICATION = 10
"""What the database admits beyond the application: deployments, a mover's workers, people."""
IDLE_IN_TRANSACTION_MILLISECONDS = 60_000

_TABLE_CHANGES = ("SELECT", "INSERT", "UPDATE", "DELETE")


class TenantDatabase(pulumi.ComponentResource):
    """A database that only its tenant can open.

    The owner cannot log in. The application may read and write what the owner made; to change the
    schema it says `SET LOCAL ROLE <owner>` in a transaction, so a migration is a deliberate act.
    The read-only role cannot log in either; it is granted to the logins of reports and of people.

    Every statement is one that a role without superuser rights may run, and they run one after
    the other: the provider grants itself a role for the length of a statement where it lacks it,
    and two statements at once on the same row of a catalog end in `tuple concurrently updated`.

    The database outlives its removal from the program, and so do its roles, as tables' grants
    depend on them; what is taken away is everybody's right to connect. The engine refuses that
    removal while `protect` is on: it goes off one update before.
    """

    database_name: pulumi.Output[str]
    owner_role: pulumi.Output[str]
    application_role: pulumi.Output[str]
    read_only_role: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        tenant: str,
        application_password: pulumi.Input[str],
        connection_limit: int,
        protect: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the database of `tenant`.

        `connection_limit` is the most connections the application has at once.
        """
        super().__init__("patchworks:postgresql:TenantDatabase", name, None, opts)
        self._name = name
        self._child = child_options(self, opts)
        owner, application, read_only, last = self._roles(
            tenant, application_password, connection_limit
        )
        database = postgresql.Database(
            f"{name}-database",
            name=names.database(tenant),
            owner=owner.name,
            # Ordering by code point is the same on every server, so that a move to another
            # version of the C library breaks no index and no unique constraint.
            template="template0",
            encoding="UTF8",
            lc_collate="C",
            connection_limit=connection_limit + CONNECTIONS_BESIDE_APPLICATION,
            opts=pulumi.ResourceOptions.merge(
                self._kept(last), pulumi.ResourceOptions(protect=protect)
            ),
        )
        self._privileges(database, owner.name, application.name, read_only.name)
        self.database_name = database.name
        self.owner_role = owner.name
        self.application_role = application.name
        self.read_only_role = read_only.name
        self.register_outputs(
            {
                "database_name": self.database_name,
                "owner_role": self.owner_role,
                "application_role": self.application_role,
                "read_only_role": self.read_only_role,
            }
        )

    def _roles(
        self, tenant: str, password: pulumi.Input[str], connection_limit: int
    ) -> tuple[postgresql.Role, postgresql.Role, postgresql.Role, pulumi.Resource]:
        """The three roles, and the last resource of their chain."""
        owner = postgresql.Role(
            f"{self._name}-owner",
            name=names.owner_role(tenant),
            login=False,
            opts=self._kept(None),
        )
        membership = postgresql.GrantRole(
            f"{self._name}-deployer",
            role=DEPLOYER,
            grant_role=owner.name,
            # From PostgreSQL 16 on whoever makes a role has an admin's membership of it, and a
            # refresh may find that one instead of ours.
            opts=self._kept(owner, ignore_changes=["withAdminOption"]),
        )
        application = postgresql.Role(
            f"{self._name}-application",
            name=names.application_role(tenant),
            login=True,
            inherit=False,
            roles=[owner.name],
            password=pulumi.Output.secret(password),
            connection_limit=connection_limit,
            idle_in_transaction_session_timeout=IDLE_IN_TRANSACTION_MILLISECONDS,
            opts=self._kept(membership),
        )
        read_only = postgresql.Role(
            f"{self._name}-read-only",
            name=names.read_only_role(tenant),
            login=False,
            opts=self._kept(application),
        )
        return owner, application, read_only, read_only

    def _privileges(
        self,
        database: postgresql.Database,
        owner: pulumi.Input[str],
        application: pulumi.Input[str],
        read_only: pulumi.Input[str],
    ) -> None:
        """Everybody's rights on the database, on its schema and on what the owner will make."""
        last: pulumi.Resource = database
        grants: Sequence[_Privileges] = (
            # Nobody but those named below may connect, or even look.
            ("public", "public", "database", ()),
            ("public", "public", "schema", ()),
            ("application", application, "database", ("CONNECT", "TEMPORARY")),
            ("application", application, "schema", ("USAGE",)),
            ("read-only", read_only, "database", ("CONNECT",)),
            ("read-only", read_only, "schema", ("USAGE",)),
        )
        for part, role, kind, privileges in grants:
            last = postgresql.Grant(
                f"{self._name}-{part}-{kind}",
                database=database.name,
                schema="public" if kind == "schema" else None,
                object_type=kind,
                role=role,
                privileges=privileges,
                opts=self._after(last),
            )
        defaults: Sequence[_Privileges] = (
            ("application", application, "schema", ("USAGE",)),
            ("application", application, "table", _TABLE_CHANGES),
            ("application", application, "sequence", ("SELECT", "UPDATE", "USAGE")),
            ("read-only", read_only, "schema", ("USAGE",)),
            ("read-only", read_only, "table", ("SELECT",)),
            ("read-only", read_only, "sequence", ("SELECT",)),
        )
        for part, role, kind, privileges in defaults:
            last = postgresql.DefaultPrivileges(
                f"{self._name}-{part}-{kind}s",
                database=database.name,
                owner=owner,
                role=role,
                object_type=kind,
                privileges=privileges,
                opts=self._after(last),
            )

    def _after(self, previous: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(
            self._child, pulumi.ResourceOptions(depends_on=[previous])
        )

    def _kept(
        self, previous: pulumi.Resource | None, ignore_changes: list[str] | None = None
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(
            self._child,
            pulumi.ResourceOptions(
                depends_on=[previous] if previous else None,
                retain_on_delete=True,
                ignore_changes=ignore_changes,
            ),
        )
