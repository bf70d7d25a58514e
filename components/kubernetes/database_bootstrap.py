"""A job in the cell that makes, once, the role by which Pulumi reaches a database cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pulumi

from components.children import child_options
from components.kubernetes import images, pods
from components.kubernetes.bootstrap_scripts import MASTER_LOGIN, MOVER_LOGIN, MOVER_PASSWORD, SQL
from components.kubernetes.network_policies import bootstrap_policy
from components.kubernetes.objects import Application, KubernetesObject
from components.kubernetes.pooler_config import digest
from components.postgresql.deployer import MAINTENANCE_DATABASE

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMESPACE = "database-bootstrap"
_CREDENTIALS = "/run/credentials"
_SCRIPTS = "/etc/bootstrap"


class DatabaseBootstrap(pulumi.ComponentResource):
    """A job that reads a cluster's managed master secret by Pod Identity and prepares the cluster.

    It also gives movers' login a password, which it draws once and keeps in Secrets Manager. Either
    secret stays in the pod's memory: it is in no argument, variable, log, or state of Pulumi.
    A changed script is a new job, and the old one goes. A finished one stays: one that Kubernetes
    removed would be told as drift every night, and made again by each refresh.
    """

    service_account: pulumi.Output[str]
    job: KubernetesObject

    def __init__(
        self,
        name: str,
        *,
        database: str,
        namespace: pulumi.Input[str],
        writer_endpoint: pulumi.Input[str],
        port: pulumi.Input[int],
        master_secret_arn: pulumi.Input[str],
        mover_secret_arn: pulumi.Input[str],
        region: str,
        database_networks: Sequence[str],
        endpoint_networks: Sequence[str],
        aws_image: str,
        client_image: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Prepare the cell's database cluster called `database`, such as `pool-a`.

        Its pods run as the service account `<database>-bootstrap`, whose IAM role must be able to
        read both secrets and to fill the mover's.
        """
        super().__init__("patchworks:kubernetes:DatabaseBootstrap", name, None, opts)
        application = Application(
            resource=name,
            name=service_account_name(database),
            namespace=namespace,
            part_of=database,
            component="bootstrap",
            options=child_options(self, opts),
        )
        account = application.service_account()
        networks = bootstrap_policy(
            application.selector,
            database_networks=database_networks,
            endpoint_networks=endpoint_networks,
        )
        policy = application.declare(
            "network-policy", "networking.k8s.io/v1", "NetworkPolicy", {"spec": networks}
        )
        scripts = application.declare(
            "scripts",
            "v1",
            "ConfigMap",
            {
                "data": {
                    "master-login.sh": MASTER_LOGIN,
                    "mover-login.sh": MOVER_LOGIN,
                    "bootstrap.sql": SQL,
                }
            },
        )
        template = pods.pod_template(
            application,
            {
                "serviceAccountName": account.object_name,
                "restartPolicy": "Never",
                "initContainers": [
                    _reader(aws_image, region, "master", master_secret_arn),
                    _reader(aws_image, region, "mover", mover_secret_arn),
                ],
                "containers": [_client(client_image, writer_endpoint, port)],
                "volumes": _volumes(scripts.object_name),
            },
        )
        self.job = _job(application, template, policy)
        self.service_account = account.object_name
        self.register_outputs({"service_account": self.service_account})


def service_account_name(database: str) -> str:
    """The service account of a database's bootstrap, by which its IAM role is tied to it."""
    return f"{database}-bootstrap"


def _job(
    application: Application, template: dict[str, Any], policy: KubernetesObject
) -> KubernetesObject:
    return KubernetesObject(
        f"{application.resource}-job",
        "batch/v1",
        "Job",
        metadata={
            **application.metadata,
            "name": f"{application.name}-{digest(MASTER_LOGIN, MOVER_LOGIN, SQL)[:8]}",
            # A job that failed cannot be changed, only made anew.
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        fields={
            "spec": {
                "backoffLimit": 6,
                "activeDeadlineSeconds": 900,
                "template": template,
            }
        },
        opts=pulumi.ResourceOptions.merge(
            application.options,
            pulumi.ResourceOptions(
                depends_on=[policy],
                # As long as the job itself may take: a node may have to be started for it first.
                custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m"),
            ),
        ),
    )


def _volumes(scripts: pulumi.Input[str]) -> list[dict[str, Any]]:
    return [
        {"name": "scripts", "configMap": {"name": scripts}},
        {"name": "credentials", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        pods.temporary_directory("64Mi")[0],
    ]


def _reader(
    image: str, region: str, whose: Literal["master", "mover"], secret_arn: pulumi.Input[str]
) -> dict[str, Any]:
    return _container(
        f"{whose}-login",
        image,
        ["/bin/bash", f"{_SCRIPTS}/{whose}-login.sh"],
        {
            "AWS_REGION": region,
            "CREDENTIALS": _CREDENTIALS,
            "HOME": "/tmp",  # noqa: S108  # a path in the container
            f"{whose.upper()}_SECRET_ARN": secret_arn,
        },
        memory_mib=256,
        credentials_read_only=False,
    )


def _client(image: str, host: pulumi.Input[str], port: pulumi.Input[int]) -> dict[str, Any]:
    command = (
        f'PGUSER="$(cat {_CREDENTIALS}/username)" '
        f'PGOPTIONS="-c {MOVER_PASSWORD}=$(cat {_CREDENTIALS}/mover)" '
        f"exec psql --no-psqlrc --echo-errors --file={_SCRIPTS}/bootstrap.sql"
    )
    return _container(
        "bootstrap",
        image,
        ["/bin/sh", "-c", command],
        {
            "PGAPPNAME": "patchworks-bootstrap",
            "PGCONNECT_TIMEOUT": "10",
            "PGDATABASE": MAINTENANCE_DATABASE,
            "PGHOST": host,
            "PGPASSFILE": f"{_CREDENTIALS}/pgpass",
            "PGPORT": pulumi.Output.from_input(port).apply(str),
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": images.CA_BUNDLE,
        },
        memory_mib=64,
        credentials_read_only=True,
    )


def _container(
    name: str,
    image: str,
    command: list[str],
    variables: dict[str, pulumi.Input[str]],
    *,
    memory_mib: int,
    credentials_read_only: bool,
) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "command": command,
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "resources": pods.resources(50, memory_mib),
        "securityContext": pods.container_security(),
        "volumeMounts": [
            {"name": "scripts", "mountPath": _SCRIPTS, "readOnly": True},
            {
                "name": "credentials",
                "mountPath": _CREDENTIALS,
                "readOnly": credentials_read_only,
            },
            pods.temporary_directory("64Mi")[1],
        ],
    }
