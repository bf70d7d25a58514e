"""Runs `patchworks` on AWS as it is, but for TLS to databases: those of this machine have none.

A server is known by its port here, where AWS has a name for each.
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from psycopg.conninfo import make_conninfo

from components.postgresql.deployer import MAINTENANCE_DATABASE, MOVER
from rehearsal.local_cloud import LocalCloud
from scripts.main import main
from tenant_moves import aws_platform
from tenant_moves.aws_logins import Logins

STATE = "PATCHWORKS_TEST_STATE"
"""The variable that names the directory of the local cloud."""


class PlainLogins(Logins):
    """The secrets' passwords, without TLS."""

    def dsn(self, host: str, port: int, database: str = MAINTENANCE_DATABASE) -> str:
        server = LocalCloud(Path(os.environ[STATE])).postgresql.find(host, port)
        return make_conninfo(
            host=host,
            port=port,
            dbname=database,
            user=MOVER,
            password=self._password(server.cluster),
        )


if __name__ == "__main__":
    with mock.patch.object(aws_platform, "Logins", PlainLogins):
        main()
