"""PgBouncer reads back exactly what was configured, whatever a password or a name is made of."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from components.kubernetes.pooler_config import (
    MOST_PODS,
    PooledDatabase,
    configuration,
    connection_url,
    digest,
    pool_size,
    user_list,
)

NAMES = st.text(
    st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), min_size=1, max_size=63
)
PASSWORDS = st.text(
    st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), min_size=1, max_size=400
)
HOSTILE = [
    "a!b@c$d()e*_,/:;=?",
    '"',
    '""',
    "'",
    "' OR ''='",
    "\\",
    "%41",
    "# ;",
    " ",
    "日本",
    '" "x',
]


def read_user_list(content: str) -> dict[str, str]:
    """Read userlist.txt as PgBouncer's loader does: a doubled quote is one, a single one ends."""
    users, rest = {}, content
    while rest := rest.lstrip():
        if rest.startswith(";"):
            rest = rest.partition("\n")[2]
            continue
        match = re.match(r'"((?:[^"]|"")*)"[^"\n]*"((?:[^"]|"")*)"[^\n]*', rest)
        assert match, f"broken auth file at {rest[:20]!r}"
        users[match[1].replace('""', '"')] = match[2].replace('""', '"')
        rest = rest[match.end() :]
    return users


def read_ini(content: str) -> dict[str, dict[str, str]]:
    """Read pgbouncer.ini as PgBouncer's parser does: sections of plain keys."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in content.split("\n"):
        if header := re.fullmatch(r"\[(\w+)\]", line):
            current = sections.setdefault(header[1], {})
        elif line and not line.startswith((";", "#")):
            match = re.fullmatch(r"([0-9A-Za-z_.*-]+)[ \t]*=[ \t]*(.*?)\s*", line, re.DOTALL)
            assert match, f"syntax error at {line!r}"
            current[match[1]] = match[2]
    return sections


def read_connection(value: str) -> dict[str, str]:
    pairs = re.findall(r"(\w+)='((?:[^']|'')*)'(?: |$)", value)
    assert " ".join(f"{key}='{item}'" for key, item in pairs) == value
    return {key: item.replace("''", "'") for key, item in pairs}


def pooled(
    name: str = "acme",
    host: str = "db.example",
    role: str = "acme_app",
    database: str = "acme",
) -> PooledDatabase:
    return PooledDatabase(name=name, host=host, port=5432, database=database, role=role)


@given(st.dictionaries(NAMES, PASSWORDS, min_size=1, max_size=5))
def test_any_password_is_read_back_as_it_was(passwords):
    assume(not any(re.match(r"md5[0-9a-f]{32}$|SCRAM-SHA-256\$", p) for p in passwords.values()))
    assume(all(len(p.encode()) <= 2047 for p in passwords.values()))
    assert read_user_list(user_list(passwords)) == passwords


@pytest.mark.parametrize("password", HOSTILE)
def test_hostile_passwords_stay_inside_their_quotes(password):
    assert read_user_list(user_list({"app": password, "next": "x"})) == {
        "app": password,
        "next": "x",
    }


@pytest.mark.parametrize(
    "password",
    ["", "a\nb", "a\rb", "a\0b", "x" * 2048, "md5" + "a1" * 16, "SCRAM-SHA-256$4096:c2FsdA=="],
)
def test_a_password_that_pgbouncer_cannot_hold_is_refused_without_being_shown(password):
    with pytest.raises(ValueError, match="the password of app") as refusal:
        user_list({"app": password})
    assert not password or password not in str(refusal.value)


@given(NAMES, NAMES, NAMES)
def test_names_of_any_characters_are_quoted_so_that_each_stays_one_value(host, role, database):
    sections = read_ini(configuration((pooled("acme", host, role, database),), 40))
    assert read_connection(sections["databases"]["acme"]) == {
        "host": host,
        "port": "5432",
        "dbname": database,
        "user": role,
    }


@pytest.mark.parametrize("name", ["", "a b", '"a"', "a=b", "[a]", "*", "ä", "a\n", "pgbouncer"])
def test_a_name_that_pgbouncer_s_parser_cannot_read_is_refused(name):
    with pytest.raises(ValueError, match="cannot serve"):
        configuration((pooled(name),), 40)


@pytest.mark.parametrize("host", ["a\nb", "x\r", "y\0"])
def test_a_host_with_a_line_break_cannot_smuggle_in_a_setting(host):
    with pytest.raises(ValueError, match="line break"):
        configuration((pooled(host=host),), 40)


@given(st.integers(5, 2000))
def test_all_pods_of_a_rolling_update_together_keep_the_tenant_s_limit(connections):
    settings = read_ini(configuration((pooled(),), connections))["pgbouncer"]
    assert int(settings["max_db_connections"]) * MOST_PODS <= connections
    assert int(settings["default_pool_size"]) <= int(settings["max_db_connections"])
    assert int(settings["max_client_conn"]) >= connections


def test_servers_are_verified_by_name_and_clients_by_scram():
    settings = read_ini(configuration((pooled(),), 40))["pgbouncer"]
    assert settings["server_tls_sslmode"] == "verify-full"
    assert settings["server_tls_ca_file"].endswith(".pem")
    assert settings["auth_type"] == "scram-sha-256"
    assert settings["pool_mode"] == "transaction"


def test_nobody_administers_the_pooler_over_the_network():
    settings = read_ini(configuration((pooled(),), 40))["pgbouncer"]
    assert "admin_users" not in settings
    assert "stats_users" not in settings
    assert settings["unix_socket_mode"] == "0700"


@given(NAMES, PASSWORDS, NAMES)
def test_libpq_reads_the_url_back_as_it_was(role, password, database):
    url = connection_url(
        host="pooler.tenant-acme.svc.cluster.local",
        port=6432,
        database=database,
        role=role,
        password=password,
    )
    assert conninfo_to_dict(url) == {
        "host": "pooler.tenant-acme.svc.cluster.local",
        "port": "6432",
        "dbname": database,
        "user": role,
        "password": password,
    }


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_a_digest_changes_when_text_moves_from_one_file_to_the_next(contents):
    assert digest(*contents) == digest(*contents)
    assert digest(*contents) != digest(*contents, "")
    if len(contents) > 1 and contents[1]:
        moved = [contents[0] + contents[1][0], contents[1][1:], *contents[2:]]
        assert digest(*moved) != digest(*contents)


@given(st.integers(5, 2000), st.integers(1, 5))
def test_poolers_together_never_take_more_connections_than_the_tenant_has(connections, pods):
    size = pool_size(connections, pods)
    assert size >= 1
    assert size * pods <= max(connections, pods)


@given(st.integers(-5, 0))
def test_no_connections_cannot_be_shared(connections):
    with pytest.raises(ValueError, match="cannot be shared"):
        pool_size(connections, 3)
