"""What the bootstrap job of a database cluster runs: a shell script, and psql's input."""

from __future__ import annotations

from string import Template

from components.postgresql.deployer import DEPLOYER, MAINTENANCE_DATABASE

MASTER_LOGIN = r"""# Turns the managed master secret into a password file held in the pod's memory.
set -euo pipefail
umask 077
secret="$(aws secretsmanager get-secret-value --secret-id "$MASTER_SECRET_ARN" \
  --query SecretString --output text)"
field() {
  local json pattern
  pattern='"'"$1"'"[[:space:]]*:[[:space:]]*"(([^"\\]|\\.)*)"'
  json="$(sed -nE "s/.*$pattern.*/\1/p" <<<"$secret")"
  [ -n "$json" ] || { echo "the master secret has no $1" >&2; exit 1; }
  printf '%b' "$json"
}
username="$(field username)"
password="$(field password | sed 's/[\\:]/\\&/g')"
printf '%s' "$username" > "$CREDENTIALS/username"
printf '*:*:*:*:%s\n' "$password" > "$CREDENTIALS/pgpass"
"""
"""Bash, for an image that has the AWS CLI, sed and no JSON parser. Managed passwords are printable
ASCII without slash, at sign, quote and space, so `%b` knows all of JSON's escapes that occur."""

SQL = Template(
    r"""\set ON_ERROR_STOP on
SELECT 'CREATE ROLE $deployer'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$deployer') \gexec
ALTER ROLE $deployer LOGIN CREATEDB CREATEROLE;
GRANT rds_iam, rds_replication TO $deployer;
-- What a move of a tenant's database takes beside replication: subscribing, and seeing sessions.
GRANT pg_monitor TO $deployer;
SELECT 'GRANT pg_create_subscription TO $deployer'
 WHERE current_setting('server_version_num')::int >= 160000 \gexec
-- From 16 on a role's maker is not its member; this makes it one, as before.
SELECT 'ALTER ROLE $deployer SET createrole_self_grant = ''set, inherit'''
 WHERE current_setting('server_version_num')::int >= 160000 \gexec
-- Tenants' roles have no business in the maintenance database.
REVOKE ALL ON DATABASE $database FROM PUBLIC;
GRANT CONNECT ON DATABASE $database TO $deployer;
"""
).substitute(deployer=DEPLOYER, database=MAINTENANCE_DATABASE)
"""psql's input; running it again changes nothing."""
