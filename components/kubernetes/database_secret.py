"""The Secret through which a tenant's services reach their database, by way of the pooler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.children import child_options
from components.kubernetes.objects import Application, KubernetesSecret
from components.kubernetes.pooler_config import connection_url, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "database"


class DatabaseSecret(pulumi.ComponentResource):
    """Environment variables for services: a URL to write, one to read, and their pieces."""

    secret_name: pulumi.Output[str]
    checksum: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        tenant: str,
        namespace: pulumi.Input[str],
        pooler_host: pulumi.Input[str],
        pooler_port: pulumi.Input[int],
        database_name: pulumi.Input[str],
        application_role: pulumi.Input[str],
        application_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the Secret; `checksum` is secret too, and changes with any of the values."""
        super().__init__("patchworks:kubernetes:DatabaseSecret", name, None, opts)
        values: pulumi.Output[dict[str, str]] = pulumi.Output.secret(
            pulumi.Output.all(
                host=pooler_host,
                port=pooler_port,
                database=database_name,
                role=application_role,
                password=application_password,
            ).apply(environment)
        )
        application = Application(
            resource=name,
            name=NAME,
            namespace=namespace,
            part_of=tenant,
            component="configuration",
            options=child_options(self, opts),
        )
        secret = KubernetesSecret(
            f"{name}-secret",
            metadata=application.metadata,
            # One by one, so that a plan names the variables even where it cannot know the values.
            values={variable: values[variable] for variable in VARIABLES},
            opts=application.options,
        )
        self.secret_name = secret.object_name
        self.checksum = values.apply(lambda known: digest(*(known[key] for key in VARIABLES)))
        self.register_outputs({"secret_name": self.secret_name, "checksum": self.checksum})


VARIABLES = (
    "DATABASE_URL",
    "DATABASE_READ_URL",
    "DATABASE_HOST",
    "DATABASE_PORT",
    "DATABASE_NAME",
    "DATABASE_USER",
    "DATABASE_PASSWORD",
)


def environment(known: Mapping[str, Any]) -> dict[str, str]:
    """The variables' values from the pooler's `host` and `port`, `database`, `role`, `password`."""
    port = int(known["port"])

    def url(database: str) -> str:
        return connection_url(
            host=known["host"],
            port=port,
            database=database,
            role=known["role"],
            password=known["password"],
        )

    return {
        "DATABASE_URL": url(known["database"]),
        "DATABASE_READ_URL": url(f"{known['database']}_read"),
        "DATABASE_HOST": known["host"],
        "DATABASE_PORT": str(port),
        "DATABASE_NAME": known["database"],
        "DATABASE_USER": known["role"],
        "DATABASE_PASSWORD": known["password"],
    }
