"""The organization: what exists once, for all environments, cells and tenants."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import (
    AccountId,
    CatalogModel,
    DomainName,
    Email,
    Environment,
    Image,
    IPv4Network,
    Line,
    Network,
    Region,
    Slug,
    TagKey,
    TagValue,
)
from catalog.suppressions import Suppression

Duty = Literal["developer", "operator", "auditor", "break-glass"]


class Accounts(CatalogModel):
    """The AWS accounts: one per environment, and two that no workload shares."""

    management: AccountId
    """Owns the organization, the identities, public DNS and the placement ledger."""
    audit: AccountId
    """Holds the audit trail's locked bucket; nobody deploys there."""
    dev: AccountId
    staging: AccountId
    prod: AccountId


class IdentityProvider(CatalogModel):
    """Where people's identities come from."""

    kind: Literal["google"]
    saml_metadata: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]+\.xml$")]
    """The identity provider's SAML metadata, a file beside organization.yaml; used by the VPN."""
    identity_center_arn: Annotated[str, Field(pattern=r"^arn:aws:sso:::instance/[A-Za-z0-9-]+$")]
    """The IAM Identity Center instance, which is switched on by hand once."""
    identity_store_id: Annotated[str, Field(pattern=r"^d-[0-9a-f]{10}$")]
    """The identity store of that instance."""


class Group(CatalogModel):
    """A group of people, known to Google and to IAM Identity Center by the same name."""

    email: Email
    """The Google group's address."""
    duties: Annotated[tuple[Duty, ...], Field(min_length=1)]
    """What its members do; each duty is one permission set."""
    environments: Annotated[tuple[Environment, ...], Field(min_length=1)]
    """Where they do it."""


class Repository(CatalogModel):
    """The GitHub repository that holds this catalog."""

    owner: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    default_branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] = "main"


class Networks(CatalogModel):
    """Networks outside the cells."""

    vpn: IPv4Network
    """The range from which every cell's VPN takes its clients' addresses."""
    offices: dict[Slug, Network] = Field(default_factory=dict)
    """Each office's public addresses; part of every cell's allow-list."""


class Images(CatalogModel):
    """The platform's own images, which the organization builds or mirrors into its registry.

    Each carries the digest of what was built and scanned; a new one rolls every cell's pods.
    """

    pgbouncer: Image
    """The poolers: PgBouncer 1.23 or later, a shell, `cp` and `sleep`, and Amazon's certificate
    authorities for RDS at /etc/ssl/certs/rds-global-bundle.pem. Runs as any user."""
    postgresql_client: Image
    """Prepares databases: `psql` of PostgreSQL 16 or later, a shell, and the same authorities."""
    aws_cli: Image
    """Reads a database's master secret once: AWS CLI 2, bash and sed."""
    pause: Image
    """Holds a node pool's least number of nodes: Kubernetes' own pause image."""


class Signer(CatalogModel):
    """Who signs images, by the certificate that Sigstore gives for an OpenID Connect identity."""

    issuer: Annotated[str, Field(pattern=r"^https://[a-z0-9.-]+(/[A-Za-z0-9._/-]*)?$")]
    """Who vouches for the identity, such as GitHub Actions."""
    subject: Annotated[str, Field(pattern=r"^https://[\x21-\x7e]+$", max_length=400)]
    """The identity: of a workflow, its address at one ref."""


class Organization(CatalogModel):
    """What exists once: accounts, identities, audit, public DNS and the placement ledger."""

    name: Slug
    """Short name; the first part of every global name such as a bucket's."""
    display_name: Annotated[Line, Field(max_length=80)]
    domain: DomainName
    """The public zone under which tenants' hostnames live."""
    home_region: Region
    """Where the organization's own resources live."""
    accounts: Accounts
    identity_provider: IdentityProvider
    groups: Annotated[dict[Slug, Group], Field(min_length=1)]
    repository: Repository
    images: Images
    signers: Annotated[dict[Slug, Signer], Field(min_length=1)]
    """Who signs what lies below each first part of the registry's paths; nothing else runs in
    tenants' namespaces."""
    networks: Networks
    security_contact: Email
    """Receives alarms, certificate and expiry notices."""
    log_retention_days: Literal[7, 14, 30, 60, 90, 120, 180, 365, 400, 545, 731] = 30
    """How long CloudWatch keeps logs, in days; the archive keeps them longer."""
    archive_retention_days: Annotated[int, Field(ge=365, le=3653)] = 2557
    """How long the audit bucket keeps logs, in days; seven years by default."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict)
    """Put on every resource, besides environment, cell, tenant, owner and cost-centre."""
    suppressions: tuple[Suppression, ...] = ()
    """What policies and checkov find and is accepted, each with its reason and its last day."""

    def account(self, environment: Environment) -> str:
        """The AWS account id of an environment."""
        accounts: dict[Environment, str] = {
            "dev": self.accounts.dev,
            "staging": self.accounts.staging,
            "prod": self.accounts.prod,
        }
        return accounts[environment]

    @property
    def registry(self) -> str:
        """The host of the organization's own image and chart registry."""
        return f"{self.accounts.management}.dkr.ecr.{self.home_region}.amazonaws.com"

    def address(self, image: str) -> str:
        """Where one of the catalog's images is pulled from."""
        return f"{self.registry}/{image}"
