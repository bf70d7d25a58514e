"""The explicit providers of every stack: per account and region, per cluster, per database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_aws as aws
import pulumi_github as github
import pulumi_kubernetes as kubernetes
import pulumi_postgresql as postgresql
import pulumi_random as random

from components.postgresql.deployer import DEPLOYER, MAINTENANCE_DATABASE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from catalog.cell import Cell

CA_BUNDLE = "/etc/ssl/rds/global-bundle.pem"
"""Amazon's certificate authorities, on every machine that runs the programs.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html
"""

SESSION_NAME = "patchworks"
"""How the audit trail tells a stack's calls through an assumed role from others."""


def aws_provider(
    name: str,
    *,
    account: str,
    region: str,
    tags: Mapping[str, str],
    role_arn: str | None = None,
) -> aws.Provider:
    """A provider that can touch one account only; `role_arn` is assumed where one is given."""
    return aws.Provider(
        name,
        region=region,
        allowed_account_ids=[account],
        # Not a dictionary: the SDK hands a provider's to the engine as they are, and the engine
        # knows no role_arn, so that the role would silently not be assumed.
        assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=role_arn, session_name=SESSION_NAME)]
        if role_arn
        else None,
        default_tags={"tags": dict(tags)},
    )


def kubernetes_provider(
    name: str,
    *,
    cluster_name: str,
    kubeconfig: pulumi.Input[str],
    opts: pulumi.ResourceOptions | None = None,
) -> kubernetes.Provider:
    """A provider for one cluster; nothing is taken from the machine's own kubeconfig."""
    return kubernetes.Provider(
        name,
        # Without it a changed kubeconfig counts as another cluster, and replaces every object.
        cluster_identifier=cluster_name,
        kubeconfig=kubeconfig,
        enable_server_side_apply=True,
        # Otherwise a changed value deletes the Secret or ConfigMap and makes it anew, under the
        # pods that mount it and under everything that refers to it.
        enable_secret_mutable=True,
        enable_config_map_mutable=True,
        delete_unreachable=False,
        opts=opts,
    )


def github_provider(name: str, *, owner: str) -> github.Provider:
    """A provider of one GitHub organization; the token comes from the environment of who applies.

    GITHUB_TOKEN, or an app's GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PEM_FILE.
    """
    return github.Provider(name, owner=owner)


def random_provider(name: str) -> random.Provider:
    """A provider of random values; it has no settings, but default providers are disabled."""
    return random.Provider(name)


def postgresql_provider(
    name: str,
    *,
    cell: Cell,
    engine_version: str,
    host: pulumi.Input[str],
    port: pulumi.Input[int],
    opts: pulumi.ResourceOptions | None = None,
) -> postgresql.Provider:
    """A provider that logs in by a token of IAM, over verified TLS, and is no superuser."""
    return postgresql.Provider(
        name,
        host=host,
        port=port,
        database=MAINTENANCE_DATABASE,
        username=DEPLOYER,
        aws_rds_iam_auth=True,
        aws_rds_iam_region=cell.region,
        superuser=False,
        sslmode="verify-full",
        sslrootcert=CA_BUNDLE,
        # Spares a connection while a preview plans for a database that is not there yet.
        expected_version=engine_version,
        max_connections=4,
        opts=opts,
    )
