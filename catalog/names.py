"""Every physical name that is derived from the catalog, and the limits that names must keep.

A name that two parties must agree on is made here and nowhere else. Limits: PostgreSQL
identifiers 63 bytes, Kubernetes names 63 characters (RFC 1123 labels), S3 buckets 63, IAM roles 64,
load balancers and target groups 32, Aurora cluster identifiers 63.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from catalog.cell import Cell
    from catalog.organization import Organization

POSTGRESQL_LIMIT = 63
KUBERNETES_LIMIT = 63
BUCKET_LIMIT = 63
ROLE_LIMIT = 64
LOAD_BALANCER_LIMIT = 32
COMMON_NAME_LIMIT = 64
"""The longest first name of a certificate (X.520); the others may have 253 characters."""

RESERVED_PREFIXES = ("pg-", "rds", "kube-", "eks-", "aws-", "amazon-", "patchworks-")
"""What PostgreSQL, RDS, Kubernetes and AWS keep for themselves, and this platform too."""

RESERVED: dict[str, tuple[str, ...]] = {
    "tenant": (
        # Databases that every PostgreSQL server has, and words that mean more than one name.
        *("postgres", "template0", "template1", "rdsadmin", "public", "none", "all", "default"),
        # The database in which PgBouncer answers its own commands.
        "pgbouncer",
        # The platform's own words, and the cell's own buckets and roles.
        *("organization", "cell", "tenant", "dedicated", "system", "patchworks", "karpenter"),
        *(
            "access-logs",
            "flow-logs",
            "load-balancer-logs",
            "logs",
            "audit",
            "backups",
            "state",
            "vpn",
            "nodes",
        ),
        *("developer", "operator", "auditor", "break-glass"),
    ),
    "service": ("pooler", "kubernetes", "default", "bootstrap"),
    "database": ("dedicated", "postgres", "rdsadmin", "default", "all", "ledger"),
    "node pool": ("system", "default"),
    "organization": ("aws", "amazon", "sthree", "amzn-s3-demo"),
}
"""Names that would collide with what exists already, by what bears the name."""

CELL_ROLES = (
    *("cluster", "database-monitoring", "runners", "load-balancer-controller", "nodes"),
    *("karpenter", "karpenter-nodes", "vpc-cni", "aws-ebs-csi-driver", "backup", "restore-test"),
    *("flow-logs", "image-signatures", "log-archive", "log-subscriber"),
    *("developer", "operator", "auditor", "break-glass"),
)
"""Last parts of every cell's own IAM roles; `tenant` and `service` joined must not make one."""

RESERVED_BUCKET_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_BUCKET_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def fit(name: str, limit: int) -> str:
    """The name itself, or a prefix of it and a digest of the whole where it is too long.

    Two different names never become the same one by shortening; the result ends in no hyphen.
    """
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-')}-{digest}"


def namespace(tenant: str) -> str:
    """The tenant's Kubernetes namespace."""
    return f"tenant-{tenant}"


def database(tenant: str) -> str:
    """The tenant's PostgreSQL database; hyphens would need quoting everywhere."""
    return tenant.replace("-", "_")


def dedicated_database(tenant: str) -> str:
    """What a tenant's dedicated database is called among its cell's."""
    return f"tenant-{tenant}"


def owner_role(tenant: str) -> str:
    """The PostgreSQL role that owns the tenant's database and cannot log in."""
    return f"{database(tenant)}_owner"


def application_role(tenant: str) -> str:
    """The PostgreSQL role that the tenant's services log in as."""
    return f"{database(tenant)}_app"


def read_only_role(tenant: str) -> str:
    """The PostgreSQL role for reports and for people who may only look."""
    return f"{database(tenant)}_read"


def bucket(organization: Organization, cell: Cell, tenant: str) -> str:
    """The tenant's bucket in one cell; two while it moves, so the cell is part of the name."""
    return f"{organization.name}-{cell.name}-{tenant}"


def backup_bucket(organization: Organization, cell: Cell) -> str:
    """The cell's bucket for last dumps of databases that tenants have left."""
    return f"{organization.name}-{cell.name}-backups"


def secret(cell: Cell, tenant: str, purpose: str) -> str:
    """A tenant's secret in Secrets Manager."""
    return f"{cell.name}/{tenant}/{purpose}"


def mover_secret(cell: Cell, database_name: str) -> str:
    """The secret by which moves log in to a database of the cell; no tenant has one like it."""
    return f"{cell.name}/mover-{database_name}"


def role(organization: Organization, cell: Cell, *parts: str) -> str:
    """An IAM role that belongs to a cell or to a tenant in it."""
    return fit("-".join((organization.name, cell.name, *parts)), ROLE_LIMIT)


def cell_roles(cell: Cell) -> tuple[str, ...]:
    """Last parts of the IAM roles that a cell declares for itself and its databases."""
    return (*CELL_ROLES, *(f"{database}-bootstrap" for database in cell.databases))


def cluster(organization: Organization, cell: Cell) -> str:
    """The cell's EKS cluster."""
    return f"{organization.name}-{cell.name}"


def database_cluster(cell: Cell, database_name: str) -> str:
    """One of the cell's Aurora clusters, or a tenant's dedicated one."""
    return fit(f"{cell.name}-{database_name}", POSTGRESQL_LIMIT)


def load_balancer(cell: Cell, tenant: str) -> str:
    """The tenant's load balancer in a cell; regional, so the region need not be told apart."""
    return fit(f"{cell.environment}-{tenant}", LOAD_BALANCER_LIMIT)


def cell_domain(organization: Organization, cell: Cell) -> str:
    """The cell's own zone below the organization's domain."""
    return f"{cell.name}.{organization.domain}"


class Derived(NamedTuple):
    """A name made from the catalog, with the limit of what bears it."""

    kind: str
    name: str
    limit: int


def derived(
    organization: Organization, cell: Cell, tenant: str, *, dedicated: bool = False
) -> tuple[Derived, ...]:
    """The physical names of a tenant's slice in a cell, for people and for the limits."""
    own = database_cluster(cell, dedicated_database(tenant))
    own_cluster = (Derived("Database cluster", own, POSTGRESQL_LIMIT),) if dedicated else ()
    return (
        Derived("Namespace", namespace(tenant), KUBERNETES_LIMIT),
        Derived("Database", database(tenant), POSTGRESQL_LIMIT),
        Derived("Owner role", owner_role(tenant), POSTGRESQL_LIMIT),
        Derived("Application role", application_role(tenant), POSTGRESQL_LIMIT),
        Derived("Read-only role", read_only_role(tenant), POSTGRESQL_LIMIT),
        *own_cluster,
        Derived("Bucket", bucket(organization, cell, tenant), BUCKET_LIMIT),
        Derived("Load balancer", load_balancer(cell, tenant), LOAD_BALANCER_LIMIT),
    )
