"""What counts as reading a secret, and which keys a role can open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.access.actions import expand, expand_all

if TYPE_CHECKING:
    from planning.access.deploy_roles import Role

READS_SECRETS = expand_all(
    (
        "codebuild:BatchGetBuilds",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:StartQuery",
        "rds-data:*",
        "rds-db:connect",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "ssm:GetParameterHistory",
        "ssm:GetParameters",
        "ssm:GetParametersByPath",
    )
)
_ALIASES = "kms:resourcealiases"


def opens_only_named_keys(role: Role) -> tuple[str, ...] | None:
    """The aliases of the keys that a role can open; None where some need no alias to be opened."""
    decrypt, found = expand("kms:Decrypt"), list[str]()
    for statement in role.written:
        if not statement.allows or not statement.actions & decrypt:
            continue
        for condition in statement.conditions:
            aliases = [
                value
                for operator, key, values in condition
                for value in values
                if key == _ALIASES and operator == "ForAnyValue:StringEquals"
            ]
            if not aliases:
                return None
            found += aliases
    return tuple(dict.fromkeys(found))
