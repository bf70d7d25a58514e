"""Changes that reviewers must not miss, each read off the comment that the change would get.

All are made in one commit, and one run of the command plans it: a plan of many changes must show
each of them.
"""

from __future__ import annotations

import html
import json

import pytest
from planned_changes import Clone, Edit, Planned, run

SECRET = 'p\'w "x" %41@:/$;ü'
CHANGES: tuple[Edit, ...] = (
    # What people edit.
    ("cells/prod-eu-west-1.yaml", 'engine_version: "16.8"', 'engine_version: "16.4"'),
    ("cells/prod-ap-southeast-2.yaml", 'version: "1.33"', 'version: "1.35"'),
    ("tenants/brightwater.yaml", "192.0.2.128/28", "192.0.2.0/24"),
    ("tenants/brightwater.yaml", 'cpu: "24"', 'cpu: "48"'),
    ("tenants/harbour-foods.yaml", "database: pool-b", "database: pool-a"),
    # What engineers edit.
    (
        "components/aws/database.py",
        "            kms_key_id=self._key_arn,\n            deletion_protection=True,",
        '            kms_key_id="arn:aws:kms:eu-west-1:123456789012:key/other",\n'
        "            deletion_protection=False,",
    ),
    (
        "components/aws/ingress.py",
        "                    prefix_list_id=list_id,\n                    ip_protocol",
        '                    cidr_ipv4="0.0.0.0/0",\n                    ip_protocol',
    ),
    (
        "components/postgresql/tenant_database.py",
        "                opts=self._after(last),\n            )\n        defaults",
        "                opts=self._after(last),\n            )\n"
        "        postgresql.Grant(\n"
        '            f"{self._name}-everybody",\n'
        "            database=database.name,\n"
        '            schema="public",\n'
        '            object_type="table",\n'
        '            role="public",\n'
        '            privileges=["SELECT"],\n'
        "            opts=self._after(last),\n"
        "        )\n"
        "        defaults",
    ),
    (
        "components/aws/workload_role.py",
        "policy=policy_document(statements),",
        'policy=policy_document([*statements, {"Sid": "All", "Effect": "Allow", '
        '"Action": "s3:*", "Resource": "*"}]),',
    ),
    (
        "components/aws/node_role.py",
        '("AmazonEKSWorkerNodeMinimalPolicy", ',
        '("AmazonEKS_CNI_Policy", "AmazonEKSWorkerNodeMinimalPolicy", ',
    ),
    (
        "components/aws/github_oidc.py",
        'f"{ISSUER}:sub": list(subjects),',
        'f"{ISSUER}:sub": [*subjects, "repo:somebody/elses:ref:refs/heads/main"],',
    ),
    (
        "stacks/tenant.py",
        "            application_password=self.password.result,\n            connection_limit",
        f"            application_password=pulumi.Output.secret({SECRET!r}),\n"
        "            connection_limit",
    ),
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    directory = tmp_path_factory.mktemp("planned")
    clone = Clone(directory / "clone")
    # Days that are the default are not in the file.
    file = clone.directory / "tenants/brightwater.yaml"
    file.write_text(file.read_text() + "retention:\n  logs_days: 90\n")
    clone.commit("before")
    clone.edit(("tenants/brightwater.yaml", "logs_days: 90", "logs_days: 7"), *CHANGES)
    cell = clone.directory / "cells/prod-eu-west-1.yaml"
    cell.write_text(
        cell.read_text().replace("backup_retention_days: 35", "backup_retention_days: 7")
    )
    clone.remove("tenants/goldfields-mining.yaml")
    return run(clone, directory, "--base=HEAD")


def test_the_command_says_what_it_did(planned: Planned) -> None:
    assert planned.code == 1, planned.said
    assert "replaced" in planned.said


def test_a_lowered_engine_version(planned: Planned) -> None:
    line = planned.line("Engine version lowered", "cell.prod-eu-west-1", "pool-a-cluster")
    assert "16.8 back to 16.4" in line
    assert "components/aws/database.py:" in line


def test_a_changed_storage_key_replaces_and_loses_data(planned: Planned) -> None:
    assert "replaces it" in planned.line("Storage key changed", "pool-a-cluster")
    line = planned.line("Loses data", "cell.prod-eu-west-1", "pool-a-cluster", "empty")
    assert "Pulumi refuses, since it is protected" in line
    assert "KmsKeyId is create-only" in planned.line("kmsKeyId", "replaces")


def test_deletion_protection_that_goes_off(planned: Planned) -> None:
    planned.line("Deletion protection off", "pool-b-cluster", "deletionProtection goes off")


def test_a_security_group_that_opens(planned: Planned) -> None:
    planned.line("Opens a network", "the whole internet in on 443")


def test_a_widened_allow_list(planned: Planned) -> None:
    planned.line("Widens an allow-list", "tenant.brightwater", "192.0.2.0/24")


def test_a_grant_to_public(planned: Planned) -> None:
    planned.line("Grant to PUBLIC", "SELECT on tables")


def test_an_iam_wildcard(planned: Planned) -> None:
    planned.line("IAM wildcard", "allows s3:* on every resource")


def test_trust_in_another_repository(planned: Planned) -> None:
    planned.line("Trust policy changed", "organization", "repo:somebody/elses:ref:refs/heads/main")


def test_a_node_role_with_rights_of_the_network_plugin(planned: Planned) -> None:
    planned.line("Node role with network rights", "AmazonEKS_CNI_Policy")


def test_a_cut_backup_retention(planned: Planned) -> None:
    planned.line("Backup retention cut", "cell.prod-eu-west-1", "from 35 to 7")


def test_a_cut_log_retention(planned: Planned) -> None:
    planned.line("Log retention cut", "tenant.brightwater", "7 days", "90")


def test_a_removed_tenant(planned: Planned) -> None:
    line = planned.line("Tenant removed", "tenant.goldfields-mining")
    assert "protected or kept even then" in line


def test_a_changed_placement(planned: Planned) -> None:
    planned.line("Placement changed", "tenant.harbour-foods", "prod-ap-southeast-2/pool-a")
    planned.line("harbour-foods: prod-ap-southeast-2/pool-b → prod-ap-southeast-2/pool-a")


def test_a_changed_placement_shows_as_a_database_that_is_added(planned: Planned) -> None:
    # Nothing is deleted before the move is done.
    found = json.loads((planned.outputs / "plan.json").read_text())
    (stack,) = [each for each in found["stacks"] if each["stack"] == "tenant.harbour-foods"]
    made = [
        c["name"] for c in stack["changes"] if c["type"] == "postgresql:index/database:Database"
    ]
    assert any("pool-a" in name for name in made)
    gone = [c for c in stack["changes"] if c["action"] in ("delete", "forget")]
    assert [c["name"] for c in gone if c["type"].startswith("postgresql:")] == []


def test_a_raised_quota(planned: Planned) -> None:
    planned.line("Quota raised", "tenant.brightwater", "cpu from 25075m to 49075m")


def test_a_skipped_kubernetes_version(planned: Planned) -> None:
    line = planned.line("Kubernetes version skipped", "cell.prod-ap-southeast-2", "eksCluster")
    assert "from 1.33 to 1.35" in line


def test_what_is_dangerous_comes_before_what_changes(planned: Planned) -> None:
    text = planned.markdown
    assert text.index("### Do not miss") < text.index("<details>")


def test_a_comment_has_no_more_than_a_comment_may_have(planned: Planned) -> None:
    assert len((planned.outputs / "plan.md").read_bytes()) <= 65_536


def test_no_output_has_a_secret(planned: Planned) -> None:
    texts = {file.name: file.read_text(errors="replace") for file in planned.outputs.iterdir()}
    texts |= {str(file): file.read_text() for file in planned.cache.rglob("*") if file.is_file()}
    assert len(texts) > 5
    shapes = {SECRET, json.dumps(SECRET)[1:-1], html.escape(SECRET), "%41@:/$;"}
    assert [name for name, text in texts.items() if any(shape in text for shape in shapes)] == []


def test_a_changed_secret_is_said_to_change(planned: Planned) -> None:
    found = json.loads((planned.outputs / "plan.json").read_text())
    (stack,) = [each for each in found["stacks"] if each["stack"] == "tenant.brightwater"]
    secrets = [p for c in stack["changes"] for p in c["properties"] if p["secret"]]
    assert any(p["path"] == "password" for p in secrets)
    assert {json.dumps(p["after"]) for p in secrets if p["path"] == "password"} == {'"[secret]"'}


def test_the_work_tree_is_as_it_was(planned: Planned) -> None:
    assert "harbour-foods" in planned.clone.status()
    assert [each.name for each in planned.clone.directory.rglob("__pycache__")] == []
