"""What the bootstrap job of a database cluster runs: two shell scripts, and psql's input."""

from __future__ import annotations

from string import Template

from components.postgresql.deployer import DEPLOYER, MAINTENANCE_DATABASE, MOVER

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

MOVER_LOGIN = r"""# Reads the password of movers' login, or draws one for Secrets Manager to keep.
set -euo pipefail
umask 077
manager() { aws secretsmanager "$@" --output text 2> "$CREDENTIALS/fault"; }
complain() { cat "$CREDENTIALS/fault" >&2; exit 1; }
if ! password="$(manager get-secret-value --secret-id "$MOVER_SECRET_ARN" --query SecretString)"
then
  grep -q ResourceNotFoundException "$CREDENTIALS/fault" || complain
  password="$(manager get-random-password --password-length 40 --exclude-punctuation \
    --query RandomPassword)" || complain
  printf '%s' "$password" > "$CREDENTIALS/drawn"
  manager put-secret-value --secret-id "$MOVER_SECRET_ARN" \
    --secret-string "file://$CREDENTIALS/drawn" > "$CREDENTIALS/version" || complain
fi
case "$password" in
  "" | *[!0-9A-Za-z]*) echo "the mover's secret is to be letters and digits" >&2; exit 1 ;;
esac
printf '%s' "$password" > "$CREDENTIALS/mover"
"""
"""Bash, as above. The stack declares the secret without a value, so that no state of Pulumi has
one; Secrets Manager answers as if a secret without a value were not there."""

MOVER_PASSWORD = "patchworks.mover"  # noqa: S105 - the name of a setting
"""The setting, given as the session begins, that holds the password: no statement shows it."""

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
-- Movers log in with a password, and their sessions are the deployer's from the beginning.
SELECT 'CREATE ROLE $mover' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$mover') \gexec
GRANT $deployer, rds_replication TO $mover;
-- A mover ends what another one, which died, has left: sessions of a login that it is no member of.
GRANT pg_signal_backend TO $deployer;
ALTER ROLE $mover SET role = '$deployer';
SELECT 'ALTER ROLE $mover SET createrole_self_grant = ''set, inherit'''
 WHERE current_setting('server_version_num')::int >= 160000 \gexec
DO $$secretly$$
BEGIN
    EXECUTE format('ALTER ROLE $mover LOGIN PASSWORD %L', current_setting('$password'));
EXCEPTION WHEN OTHERS THEN
    -- The fault's own context would quote the statement.
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
END
$$secretly$$;
-- Tenants' roles have no business in the maintenance database.
REVOKE ALL ON DATABASE $database FROM PUBLIC;
GRANT CONNECT ON DATABASE $database TO $deployer;
"""
).substitute(deployer=DEPLOYER, mover=MOVER, password=MOVER_PASSWORD, database=MAINTENANCE_DATABASE)
"""psql's input; running it again changes nothing."""
