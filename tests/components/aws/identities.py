"""An organization, a cell and policy readings that the tests of identities have in common."""

from catalog.cell import Cell
from catalog.organization import Organization

MANAGEMENT, AUDIT = "111111111111", "222222222222"
DEV, STAGING, PROD = "333333333333", "444444444444", "555555555555"

ORGANIZATION = Organization.model_validate(
    {
        "name": "acme",
        "display_name": "Acme",
        "domain": "acme.example",
        "home_region": "eu-west-1",
        "accounts": {
            "management": MANAGEMENT,
            "audit": AUDIT,
            "dev": DEV,
            "staging": STAGING,
            "prod": PROD,
        },
        "identity_provider": {
            "kind": "google",
            "saml_metadata": "metadata.xml",
            "identity_center_arn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
            "identity_store_id": "d-0123456789",
        },
        "groups": {
            "platform": {
                "email": "platform@acme.example",
                "duties": ["operator", "developer"],
                "environments": ["dev", "prod"],
            },
            "security": {
                "email": "security@acme.example",
                "duties": ["auditor"],
                "environments": ["prod"],
            },
            "on-call": {
                "email": "on-call@acme.example",
                "duties": ["break-glass"],
                "environments": ["prod"],
            },
        },
        "repository": {"owner": "acme", "name": "platform"},
        "images": {
            name: f"mirror/{name}@sha256:{'1' * 64}"
            for name in ("pgbouncer", "postgresql_client", "aws_cli", "pause")
        },
        "signers": {
            "mirror": {
                "issuer": "https://token.actions.githubusercontent.com",
                "subject": "https://github.com/acme/mirror/.github/workflows/mirror.yml@refs/heads/main",
            }
        },
        "networks": {"vpn": "10.250.0.0/16"},
        "security_contact": "security@acme.example",
    }
)

_POOL = {
    "instance_types": ["m7g.large"],
    "minimum": 3,
    "maximum": 9,
}

CELL = Cell.model_validate(
    {
        "name": "prod-eu-central-1",
        "environment": "prod",
        "account": PROD,
        "region": "eu-central-1",
        "zones": ["eu-central-1a", "eu-central-1b"],
        "network": {"cidr": "10.0.0.0/16"},
        "kubernetes": {
            "version": "1.34",
            "system_nodes": _POOL,
            "node_pools": {"general": _POOL},
        },
        "databases": {
            "pool-a": {
                "engine_version": "17.5",
                "instance_class": "db.r7g.large",
                "backup_region": "eu-west-3",
            }
        },
        "vpn": {"clients": "10.250.0.0/22", "groups": ["platform"]},
        "owner": "platform",
        "cost_centre": "platform",
    }
)


def listed(value):
    """A policy element that may be one string, as the list it stands for."""
    return [value] if isinstance(value, str) else list(value)


def allowed_actions(statements):
    """Every action that some statement allows."""
    return {
        action
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in listed(statement.get("Action", ()))
    }


def denied_actions(statements):
    """Every action that some statement denies."""
    return {
        action
        for statement in statements
        if statement["Effect"] == "Deny"
        for action in listed(statement.get("Action", ()))
    }
