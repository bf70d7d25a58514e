"""Makes a database cluster ready for Pulumi to log in to by IAM, without ever seeing a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from catalog import names
from catalog.subnets import layout
from components.aws.tenant_secret import MoverSecret
from components.aws.workload_role import WorkloadRole
from components.children import child_options
from components.kubernetes.database_bootstrap import (
    NAMESPACE,
    DatabaseBootstrap,
    service_account_name,
)

if TYPE_CHECKING:
    from catalog.cell import Cell
    from catalog.organization import Organization
    from components.aws.database import Database


class PreparedDatabase(pulumi.ComponentResource):
    """The bootstrap job of one database cluster, and the one identity that may read its secret.

    It also has the secret by which moves log in, which the job fills.
    The cell's namespace for such jobs must exist.
    """

    ready: list[pulumi.Resource]
    """To be waited for before anybody logs in as the deployer."""

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        cell: Cell,
        database: Database,
        database_name: str,
        cluster_name: pulumi.Input[str],
        cluster_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        protect: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:tenant:PreparedDatabase", name, None, opts)
        child = child_options(self, opts)
        subnets = layout(cell.network.cidr, len(cell.zones))
        mover = MoverSecret(
            f"{name}-mover",
            secret_name=names.mover_secret(cell, database_name),
            description=f"How moves log in to {database_name}",
            key_arn=key_arn,
            account=cell.account,
            protect=protect,
            opts=child,
        )
        identity = WorkloadRole(
            f"{name}-identity",
            role_name=names.role(organization, cell, database_name, "bootstrap"),
            cluster_name=cluster_name,
            cluster_arn=cluster_arn,
            account=cell.account,
            namespace=NAMESPACE,
            service_account=service_account_name(database_name),
            statements=[
                {
                    "Sid": "ReadMasterSecret",
                    "Effect": "Allow",
                    "Action": "secretsmanager:GetSecretValue",
                    "Resource": database.master_secret_arn,
                },
                {
                    "Sid": "FillMoverSecret",
                    "Effect": "Allow",
                    "Action": ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
                    "Resource": mover.secret_arn,
                },
                {
                    "Sid": "DrawPassword",
                    "Effect": "Allow",
                    "Action": "secretsmanager:GetRandomPassword",
                    "Resource": "*",
                },
                {
                    "Sid": "OpenAndCloseSecrets",
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": key_arn,
                },
            ],
            opts=child,
        )
        bootstrap = DatabaseBootstrap(
            f"{name}-bootstrap",
            database=database_name,
            namespace=NAMESPACE,
            writer_endpoint=database.writer_endpoint,
            port=database.port,
            master_secret_arn=database.master_secret_arn,
            mover_secret_arn=mover.secret_arn,
            region=cell.region,
            database_networks=subnets.isolated,
            endpoint_networks=subnets.private,
            aws_image=organization.address(organization.images.aws_cli),
            client_image=organization.address(organization.images.postgresql_client),
            # A job that starts without its identity would fail and wait for its next try.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[identity])),
        )
        self.ready = [bootstrap.job]
        self.register_outputs({})
