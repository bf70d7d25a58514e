"""A tenant's connection pooler: PgBouncer behind a name that stays when the database moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from catalog.quantities import mebibytes, millicores
from components.children import child_options
from components.kubernetes import pods
from components.kubernetes.objects import Application, KubernetesSecret
from components.kubernetes.pooler_config import (
    CPU,
    DIRECTORY,
    MEMORY,
    PORT,
    REPLICAS,
    PooledDatabase,
    configuration,
    digest,
    user_list,
)
from components.kubernetes.priority_classes import priority_class

if TYPE_CHECKING:
    from catalog.tenant import Quota, Tier

NAME = "pooler"


class Pooler(pulumi.ComponentResource):
    """Two PgBouncers in a tenant's namespace that share the tenant's database connections.

    Clients find the tenant's database under its name, and the readers under `<name>_read`.
    A new configuration rolls the pods one by one, and each lets its running transactions end.
    """

    host: pulumi.Output[str]
    port: int

    def __init__(
        self,
        name: str,
        spec: Quota,
        *,
        tenant: str,
        tier: Tier,
        namespace: pulumi.Input[str],
        image: str,
        writer_endpoint: pulumi.Input[str],
        reader_endpoint: pulumi.Input[str],
        database_port: pulumi.Input[int],
        database_name: pulumi.Input[str],
        application_role: pulumi.Input[str],
        application_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pooler; the password may be a secret or plain, and is secret from here on."""
        super().__init__("patchworks:kubernetes:Pooler", name, None, opts)
        application = Application(
            resource=name,
            name=NAME,
            namespace=namespace,
            part_of=tenant,
            component="pooler",
            options=child_options(self, opts),
        )
        ini = pulumi.Output.all(
            writer=writer_endpoint,
            reader=reader_endpoint,
            port=database_port,
            database=database_name,
            role=application_role,
        ).apply(lambda known: configuration(_databases(known), spec.database_connections))
        users: pulumi.Output[str] = pulumi.Output.secret(
            pulumi.Output.all(role=application_role, password=application_password).apply(
                lambda known: user_list({known["role"]: known["password"]})
            )
        )
        secret = KubernetesSecret(
            f"{name}-config",
            # A move changes it too, in the middle of a pause; the stack has the last word.
            metadata={**application.metadata, "annotations": {"pulumi.com/patchForce": "true"}},
            values={"pgbouncer.ini": ini, "userlist.txt": users},
            opts=application.options,
        )
        checksum = pulumi.Output.all(ini, users).apply(lambda contents: digest(*contents))
        template = pods.pod_template(
            application,
            _pod(image, tier, application.selector, secret.object_name),
            {"patchworks.dev/configuration": checksum},
        )
        application.declare(
            "deployment",
            "apps/v1",
            "Deployment",
            {"spec": pods.deployment(application, template, replicas=REPLICAS)},
        )
        service = application.service("postgresql", PORT)
        pods.limit_disruption(application)
        self.host = pulumi.Output.format(
            "{0}.{1}.svc.cluster.local", service.object_name, namespace
        )
        self.port = PORT
        self.register_outputs({"host": self.host, "port": self.port})


def _databases(known: dict[str, Any]) -> tuple[PooledDatabase, ...]:
    return tuple(
        PooledDatabase(
            name=name,
            host=host,
            port=int(known["port"]),
            database=known["database"],
            role=known["role"],
        )
        for name, host in (
            (known["database"], known["writer"]),
            (f"{known['database']}_read", known["reader"]),
        )
    )


def _pod(
    image: str, tier: Tier, selector: dict[str, str], secret_name: pulumi.Output[str]
) -> dict[str, Any]:
    probe = {"tcpSocket": {"port": "postgresql"}, "periodSeconds": 5, "timeoutSeconds": 3}
    # New connections have found another pod after some seconds; an interrupt then lets what is
    # running end, where PgBouncer's answer to a plain termination waits for every client to leave.
    drain = ["/bin/sh", "-c", "sleep 5; kill -INT 1; sleep 40"]
    # A Secret's files follow a change within a minute or two. A move that pauses writes cannot wait
    # for that: it writes the copy in every pod and reloads.
    start = f"cp /etc/pgbouncer/* {DIRECTORY}/ && exec pgbouncer {DIRECTORY}/pgbouncer.ini"
    return {
        "priorityClassName": priority_class(tier),
        "terminationGracePeriodSeconds": 50,
        "topologySpreadConstraints": pods.spread(selector, tier),
        "containers": [
            {
                "name": "pgbouncer",
                "image": image,
                "command": ["/bin/sh", "-c", start],
                "ports": pods.tcp_port("postgresql", PORT),
                "resources": pods.resources(millicores(CPU), mebibytes(MEMORY)),
                "securityContext": pods.container_security(),
                "readinessProbe": probe,
                "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
                "lifecycle": {"preStop": {"exec": {"command": drain}}},
                "volumeMounts": [
                    {"name": "configuration", "mountPath": "/etc/pgbouncer", "readOnly": True},
                    {"name": "running", "mountPath": DIRECTORY},
                ],
            }
        ],
        "volumes": [
            {
                "name": "configuration",
                "secret": {"secretName": secret_name, "defaultMode": 0o440},
            },
            {"name": "running", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        ],
    }
