"""Faults of whole files: their bytes, their place, and what they are to one another."""

import os
import stat
import threading
import time
from contextlib import suppress

import pytest

from catalog.faults import CatalogFaults
from catalog.load import CatalogNotFoundError, find_root, load, read
from catalog.source import MAXIMUM_BYTES, schema_line

TENANT = "tenants/brightwater.yaml"


def rules(workspace, file=TENANT):
    return [fault.rule for fault in workspace.faults() if fault.file == file]


def copy_as(workspace, name, source="brightwater", **edits):
    """A tenant like another one, with a name and a hostname of its own."""
    text = workspace.text(f"tenants/{source}.yaml").replace(f"name: {source}\n", f"name: {name}\n")
    text = text.replace(f"{source}.halyard", f"{name[:40]}.halyard")
    for old, new in edits.items():
        text = text.replace(old, new)
    workspace.write(f"tenants/{name}.yaml", text)


@pytest.mark.parametrize("text", ["", "\n\n  \n", "# only a comment\n", "---\n", "---\n...\n"])
def test_an_empty_file_is_a_fault(workspace, text):
    workspace.write(TENANT, text)
    assert rules(workspace) == ["empty-file"]


def test_a_file_with_only_its_first_line_is_empty(workspace):
    workspace.write(TENANT, schema_line("tenant") + "\n")
    assert rules(workspace) == ["empty-file"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_another_encoding_is_a_fault(workspace, encoding):
    text = workspace.text(TENANT).replace("Utilities plc", "Utilit\u00e9s plc")
    workspace.write(TENANT, text.encode(encoding))
    assert rules(workspace)[0] in {"encoding", "invisible-character"}
    assert len(rules(workspace)) == 1


def test_a_byte_that_is_not_utf8_is_found_at_its_place(workspace):
    workspace.write(TENANT, workspace.text(TENANT).encode().replace(b"Utilities plc", b"Util\xe9s"))
    (fault,) = workspace.faults()
    line = workspace.root.joinpath(TENANT).read_bytes().split(b"\n")[fault.line - 1]
    assert line[fault.column - 1 : fault.column] == b"\xe9"
    assert fault.given == "the byte 0xe9"


def test_a_nul_byte_is_a_fault(workspace):
    workspace.edit(TENANT, "Brightwater Utilities", "Bright\0water")
    assert rules(workspace) == ["invisible-character"]


def test_lines_may_end_as_on_windows(workspace):
    workspace.write(TENANT, workspace.text(TENANT).replace("\n", "\r\n"))
    assert workspace.faults() == []


def test_a_symbolic_link_is_a_fault(workspace, tmp_path):
    target = tmp_path / "elsewhere.yaml"
    workspace.root.joinpath(TENANT).rename(target)
    workspace.root.joinpath(TENANT).symlink_to(target)
    assert rules(workspace) == ["not-a-file"]


def test_a_linked_directory_is_a_fault(workspace, tmp_path):
    workspace.root.joinpath("tenants").rename(tmp_path / "tenants")
    workspace.root.joinpath("tenants").symlink_to(tmp_path / "tenants")
    assert rules(workspace, "tenants") == ["not-a-file"]


def test_a_pipe_is_a_fault_and_is_not_waited_for(workspace):
    workspace.root.joinpath(TENANT).unlink()
    os.mkfifo(workspace.root / TENANT)

    def write() -> None:
        """Let go of whoever waits."""
        with suppress(OSError):
            os.close(os.open(workspace.root / TENANT, os.O_WRONLY | os.O_NONBLOCK))

    writer = threading.Timer(120, write)
    writer.start()
    try:
        assert rules(workspace) == ["not-a-file"]
        assert writer.is_alive()
    finally:
        writer.cancel()


def test_a_socket_and_a_directory_are_faults(workspace):
    workspace.root.joinpath("tenants/folder.yaml").mkdir()
    # A path may be too long to bind a socket to it.
    os.mknod(workspace.root / "tenants/s.yaml", stat.S_IFSOCK | 0o600)
    assert rules(workspace, "tenants/s.yaml") == ["not-a-file"]
    assert rules(workspace, "tenants/folder.yaml") == ["not-a-file"]


def test_a_very_large_file_is_not_read(workspace):
    workspace.write(TENANT, workspace.text(TENANT) + "# " + "x" * MAXIMUM_BYTES)
    assert rules(workspace) == ["too-large"]


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_deep_nesting_is_a_fault_and_costs_nothing(workspace, bracket):
    workspace.write(TENANT, f"{schema_line('tenant')}\nname: {bracket[0] * 0}\n" + bracket * 50_000)
    started = time.process_time()
    assert set(rules(workspace)) <= {"too-deep", "syntax"}
    assert rules(workspace)
    assert time.process_time() - started < 5


def test_nested_blocks_are_a_fault(workspace):
    nested = "\n".join(f"{' ' * depth}k{depth}:" for depth in range(100))
    workspace.write(TENANT, f"{schema_line('tenant')}\n{nested}\n")
    assert rules(workspace) == ["too-deep"]


def test_an_alias_bomb_is_a_fault_and_costs_nothing(workspace):
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    workspace.write(TENANT, f"{schema_line('tenant')}\na0: &a0 [x, x]\n{levels}\n")
    started = time.process_time()
    found = rules(workspace)
    assert time.process_time() - started < 5
    assert found.count("alias") == 12 + 99


def test_a_file_that_is_no_mapping_is_a_fault(workspace):
    for text in ("just words", "- a\n- b", "42"):
        workspace.write(TENANT, f"{schema_line('tenant')}\n{text}\n")
        assert rules(workspace) == ["wrong-type"]


@pytest.mark.parametrize("name", ["acme.yml", "acme.YAML", "acme.yaml.orig", "README.md"])
def test_a_file_of_another_ending_is_a_fault(workspace, name):
    workspace.write(f"tenants/{name}", "name: acme\n")
    assert rules(workspace, f"tenants/{name}") == ["misplaced-file"]


@pytest.mark.parametrize("name", ["organization.yml", "Organization.yaml", "brightwater.yaml"])
def test_a_catalog_file_in_the_root_that_is_not_read_is_a_fault(workspace, name):
    workspace.write(name, workspace.text(TENANT))
    assert rules(workspace, name) == ["misplaced-file"]


def test_other_files_in_the_root_are_not_the_catalogs(workspace):
    workspace.write("Pulumi.yaml", "name: platform\n")
    assert workspace.faults() == []


def test_hidden_files_are_left_to_editors(workspace):
    workspace.write("tenants/.acme.yaml.swp", "not ours")
    assert workspace.faults() == []


def test_a_tenant_among_the_cells_is_one_fault(workspace):
    workspace.write("cells/brightwater.yaml", workspace.text(TENANT))
    (fault,) = workspace.faults()
    assert (fault.file, fault.rule) == ("cells/brightwater.yaml", "misplaced-file")
    assert "tenants/" in fault.remedy


def test_a_file_name_with_a_line_feed_and_no_utf8_is_shown_in_one_line(workspace):
    workspace.write(os.fsdecode(b"tenants/a\n\xff.txt"), "")
    (fault,) = workspace.faults()
    assert str(fault).split("\n")[0].encode("utf-8").startswith(rb"tenants/a\n\udcff.txt:1:1:")


def test_a_missing_organization_is_reported_without_a_cascade(workspace):
    workspace.root.joinpath("organization.yaml").unlink()
    assert [fault.rule for fault in workspace.faults()] == ["missing-file"]


def test_a_broken_organization_hides_no_fault_of_a_tenant(workspace):
    workspace.edit("organization.yaml", "name: halyard", "name: [halyard")
    workspace.edit(TENANT, "192.0.2.128/28", "192.0.2.129/28")
    found = {(fault.file, fault.rule) for fault in workspace.faults()}
    assert found == {("organization.yaml", "syntax"), (TENANT, "malformed")}


def test_a_broken_cell_does_not_make_its_tenants_faulty(workspace):
    workspace.edit("cells/prod-eu-west-1.yaml", "region: eu-west-1", "region: [")
    assert {fault.file for fault in workspace.faults()} == {"cells/prod-eu-west-1.yaml"}


def test_one_fault_hides_no_other_in_the_same_file(workspace):
    workspace.edit(TENANT, "tier: standard", "tier: gold")
    workspace.edit(TENANT, "cell: prod-eu-west-1", "cell: nowhere")
    workspace.edit(TENANT, "192.0.2.128/28", "0.0.0.0/0")
    workspace.edit(TENANT, "port: 8080", "port: 80")
    workspace.edit(TENANT, "minimum_replicas: 2", "minimum_replicas: 9")
    workspace.edit(TENANT, "owner: platform", "owner: nobody")
    workspace.edit(TENANT, "- brightwater.halyard.example", "- 7\n  - cobalt.halyard.example")
    assert sorted(rules(workspace)) == sorted(
        [
            "not-allowed",
            "unknown-cell",
            "open-to-world",
            "out-of-range",
            "minimum-over-maximum",
            "unknown-group",
            "wrong-type",
        ]
    )
    assert rules(workspace, "tenants/cobalt-logistics.yaml") == ["duplicate-hostname"]


def test_faults_are_sorted_and_each_is_reported_once(workspace):
    for file in (TENANT, "tenants/fernhill.yaml"):
        workspace.edit(file, "services:", "servics:")
    found = workspace.faults()
    assert found == sorted(set(found))


def test_names_that_become_the_same_role_are_a_fault(workspace):
    copy_as(workspace, "bright")
    text = workspace.text("tenants/bright.yaml").replace("  gateway:\n", "  water-gateway:\n")
    workspace.write("tenants/bright.yaml", text)
    copy_as(workspace, "bright-water")
    (fault,) = workspace.faults()
    assert fault.rule == "name-collision"
    assert fault.given == "halyard-prod-eu-west-1-bright-water-gateway"


def test_a_service_whose_role_would_be_the_cells_is_a_fault(workspace):
    copy_as(workspace, "database")
    workspace.edit("tenants/database.yaml", "  gateway:\n", "  monitoring:\n")
    (fault,) = workspace.faults()
    assert fault.rule == "name-collision"
    assert "cells/prod-eu-west-1.yaml:2 in name" in fault.allowed


def test_a_dedicated_database_named_like_a_pool_is_a_fault(workspace):
    workspace.edit("cells/prod-eu-west-1.yaml", "  pool-b:", "  tenant-aurelia-health:")
    workspace.edit("tenants/cobalt-logistics.yaml", "pool-b", "tenant-aurelia-health")
    assert rules(workspace, "tenants/aurelia-health.yaml") == ["name-collision"]


@pytest.mark.parametrize(
    "name", ["postgres", "template0", "kube-system", "pg-stat", "rdsadmin", "aws-x", "logs"]
)
def test_reserved_names_are_faults(workspace, name):
    copy_as(workspace, name)
    assert rules(workspace, f"tenants/{name}.yaml") == ["reserved-name"]


def test_a_name_too_long_for_its_bucket_is_a_fault(workspace):
    name = "b" * 40
    copy_as(workspace, name, "goldfields-mining", **{"goldfields.halyard": f"{name}.halyard"})
    (fault,) = workspace.faults()
    assert fault.rule == "name-too-long"
    assert fault.given == f"halyard-prod-ap-southeast-2-{name}"
    assert fault.remedy == "shorten `name` by 5"


def test_a_tenant_without_any_path_is_a_fault(workspace):
    text = workspace.text("tenants/fernhill.yaml")
    kept = [line for line in text.split("\n") if not line.startswith("    path:")]
    workspace.write("tenants/fernhill.yaml", "\n".join(kept))
    assert rules(workspace, "tenants/fernhill.yaml") == ["no-path"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html/>",
        b"not xml",
        b'<!DOCTYPE x [<!ENTITY a "aaa">]><x>&a;</x>',
        b'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>',
    ],
)
def test_metadata_that_describes_no_identity_provider_is_a_fault(workspace, content):
    workspace.write("google-saml-metadata.xml", content)
    assert rules(workspace, "organization.yaml") == ["saml-metadata"]


def test_a_file_that_may_not_be_read_is_a_fault(workspace, monkeypatch):
    # As root every file may be read, so the refusal is the one thing that has to be arranged.
    workspace.root.joinpath(TENANT).chmod(0)
    if os.access(workspace.root / TENANT, os.R_OK):
        original = type(workspace.root).read_bytes

        def refuse(path):
            if path.name == "brightwater.yaml":
                raise PermissionError(13, "Permission denied")
            return original(path)

        monkeypatch.setattr(type(workspace.root), "read_bytes", refuse)
    assert rules(workspace) == ["unreadable"]


def test_loading_raises_every_fault_at_once(workspace):
    workspace.edit(TENANT, "tier: standard", "tier: gold")
    workspace.edit("tenants/fernhill.yaml", "tier: trial", "tier: free")
    with pytest.raises(CatalogFaults, match="2 fault") as caught:
        load(workspace.root)
    assert caught.value.faults == workspace.faults()


def test_the_catalog_is_never_looked_for_in_the_working_directory(workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    assert find_root() != workspace.root
    assert find_root(workspace.root) == workspace.root


def test_a_directory_without_a_catalog_is_named(tmp_path):
    with pytest.raises(CatalogNotFoundError, match=str(tmp_path)):
        find_root(tmp_path)


def test_a_proposed_file_is_judged_with_the_rest(workspace):
    text = workspace.text(TENANT).replace("name: brightwater", "name: other")
    _, faults = read(workspace.root, {"tenants/other.yaml": text.encode()})
    assert {fault.rule for fault in faults} == {"duplicate-hostname"}
    assert not workspace.root.joinpath("tenants/other.yaml").exists()


def test_a_thousand_tenants_are_checked_in_seconds(workspace):
    for number in range(1000):
        copy_as(workspace, f"bank-{number:04}", "evergreen-bank", evergreen=f"bank-{number:04}")
    started = time.process_time()
    catalog, faults = read(workspace.root)
    assert faults == []
    assert catalog is not None
    assert len(catalog.tenants) == 1012
    assert time.process_time() - started < 10


def test_faults_are_the_same_where_another_catalog_was_read_before(workspace):
    """The files are alike but for one, by which some of the others are at fault, too."""
    parsed = {}
    shipped, none = read(find_root(), parsed=parsed)
    assert none == []
    files = len(parsed)
    workspace.edit(TENANT, "name: brightwater", "name: cobalt-logistics")
    workspace.write("tenants/harbour-foods.yaml", "name: [\n")
    alone = read(workspace.root)
    assert len(alone[1]) > 1
    assert read(workspace.root, parsed=parsed) == alone
    assert len(parsed) == files + 2
    assert read(find_root(), parsed=parsed) == (shipped, [])
