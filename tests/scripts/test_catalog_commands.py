"""check, tenant and cell: what people and programs read of the catalog."""

import json

import pytest
import yaml

from catalog.load import find_root, load

CATALOG = load(find_root())


def test_a_catalog_without_fault_passes_from_any_directory(patchworks):
    ran = patchworks("check")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "5 cells and 12 tenants" in ran.stdout


def test_every_fault_is_printed_with_its_place_and_counted(patchworks, catalog_copy):
    for name in ("brightwater", "fernhill"):
        path = catalog_copy / f"tenants/{name}.yaml"
        path.write_text(path.read_text().replace("tier: ", "teir: "))
    ran = patchworks("check", "--catalog", str(catalog_copy))
    assert ran.returncode == 1
    assert "tenants/brightwater.yaml:18:1: unknown key `teir` [unknown-key]" in ran.stdout
    assert "    remedy:  did you mean `tier`?" in ran.stdout
    assert ran.stdout.endswith("4 faults in 2 files\n")


def test_faults_as_json_have_everything_the_text_has(patchworks, catalog_copy):
    path = catalog_copy / "cells/dev-eu-west-1.yaml"
    path.write_text(path.read_text().replace("10.16.0.0/16", "10.16.0.1/16"))
    ran = patchworks("check", "--json", "--catalog", str(catalog_copy))
    assert ran.returncode == 1
    report = json.loads(ran.stdout)
    assert report["ok"] is False
    assert report["faults"] == [
        {
            "file": "cells/dev-eu-west-1.yaml",
            "line": 10,
            "column": 9,
            "rule": "malformed",
            "problem": "`cidr` in network has host bits set",
            "given": "10.16.0.1/16",
            "allowed": "a network such as 203.0.113.0/24 or 2001:db8::/32",
            "remedy": "write 10.16.0.0/16 for the whole network, "
            "or 10.16.0.1/32 for the one address",
        }
    ]


def test_a_directory_without_a_catalog_is_wrong_usage(patchworks, tmp_path):
    ran = patchworks("check", "--catalog", str(tmp_path / "nowhere"))
    assert ran.returncode == 2
    assert "--catalog" in ran.stderr


def test_other_commands_report_the_faults_that_stop_them(patchworks, catalog_copy):
    (catalog_copy / "tenants/empty.yaml").write_text("")
    ran = patchworks("tenant", "list", "--catalog", str(catalog_copy))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "tenants/empty.yaml:1:1: the file is empty" in ran.stderr


def test_every_tenant_is_one_whole_line_in_a_pipe(patchworks):
    lines = patchworks("tenant", "list").stdout.strip().split("\n")
    assert [line.split()[0] for line in lines[1:]] == list(CATALOG.tenants)
    assert lines[0].split() == ["TENANT", "TIER", "CELL", "DATABASE"]


def test_a_list_can_be_kept_to_one_cell(patchworks):
    ran = patchworks("tenant", "list", "--cell", "dev-eu-west-1", "--json")
    assert [tenant["name"] for tenant in json.loads(ran.stdout)] == ["sandbox", "showcase"]
    assert patchworks("tenant", "list", "--cell", "dev").returncode == 2


@pytest.mark.parametrize("kind", ["tenant", "cell"])
def test_lists_are_json_on_demand(patchworks, kind):
    found = json.loads(patchworks(kind, "list", "--json").stdout)
    wanted = CATALOG.tenants if kind == "tenant" else CATALOG.cells
    assert [item["name"] for item in found] == list(wanted)


def test_a_tenant_is_shown_with_what_follows_from_it(patchworks):
    text = patchworks("tenant", "show", "aurelia-health").stdout
    for words in (
        "prod-eu-west-1, dedicated",
        "PostgreSQL 17.5",
        "198.51.100.192/28   Uptime probes, Frankfurt and Paris  cell prod-eu-west-1",
        "halyard-prod-eu-west-1-aurelia-health",
        "aurelia_health_app",
    ):
        assert words in text


def test_a_tenant_as_json_is_its_file_and_what_follows_from_it(patchworks):
    shown = json.loads(patchworks("tenant", "show", "brightwater", "--json").stdout)
    written = yaml.safe_load((find_root() / "tenants/brightwater.yaml").read_text())
    assert {key: shown[key] for key in ("name", "tier", "hostnames")} == {
        key: written[key] for key in ("name", "tier", "hostnames")
    }
    assert shown["names"]["namespace"] == "tenant-brightwater"
    assert len(shown["effective_allow_list"]) == 5


def test_a_cell_is_shown_with_its_subnets(patchworks):
    shown = json.loads(patchworks("cell", "show", "prod-us-east-1", "--json").stdout)
    assert len(shown["subnets"]["private"]) == 3
    assert shown["tenants"] == ["delmar-retail", "evergreen-bank", "fernhill"]
    text = patchworks("cell", "show", "prod-us-east-1").stdout
    assert shown["subnets"]["isolated"][2] in text


def test_an_unknown_name_is_wrong_usage_with_the_nearest(patchworks):
    ran = patchworks("tenant", "show", "brightwatr")
    assert ran.returncode == 2
    assert "did you mean brightwater?" in ran.stderr


def test_a_new_tenant_is_valid_as_it_is_written(patchworks, catalog_copy):
    directory = ("--catalog", str(catalog_copy))
    ran = patchworks("tenant", "new", "wilmore-motors", *directory)
    assert (ran.returncode, ran.stderr) == (0, "")
    tenant = load(catalog_copy).tenants["wilmore-motors"]
    assert tenant.display_name == "Wilmore Motors"
    assert tenant.placement.cell == "dev-eu-west-1"
    assert tenant.hostnames == ("wilmore-motors.dev.halyard.example",)
    assert patchworks("check", *directory).returncode == 0


@pytest.mark.parametrize(
    "name",
    ["Quotes \" and ' and #", "yes", "1.5", "- dash", "a: b", "\u00c5ngstr\u00f6m [x]", "x" * 80],
)
def test_any_display_name_is_read_back_as_it_was_given(patchworks, catalog_copy, name):
    ran = patchworks(
        *("tenant", "new", "acme", "--catalog", str(catalog_copy), "--display-name", name)
    )
    assert ran.returncode == 0, ran.stderr
    assert load(catalog_copy).tenants["acme"].display_name == name


def test_options_decide_what_a_new_tenant_is(patchworks, catalog_copy):
    ran = patchworks(
        *("tenant", "new", "acme", "--catalog", str(catalog_copy), "--tier", "enterprise"),
        *("--cell", "prod-us-east-1", "--database", "pool-b", "--owner", "support", "--json"),
        *("--country", "US", "--contact", "it@acme.example", "--like", "fernhill"),
    )
    assert json.loads(ran.stdout) == {"file": "tenants/acme.yaml", "tenant": "acme"}
    tenant = load(catalog_copy).tenants["acme"]
    assert (tenant.environment, tenant.placement.database) == ("prod", "pool-b")
    assert tenant.services == load(catalog_copy).tenants["fernhill"].services


def test_an_existing_tenant_is_left_as_it_is(patchworks, catalog_copy):
    path = catalog_copy / "tenants/fernhill.yaml"
    before = path.read_bytes()
    ran = patchworks("tenant", "new", "fernhill", "--catalog", str(catalog_copy))
    assert ran.returncode == 3
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("postgres",),
        ("../escape",),
        ("Acme",),
        ("acme", "--hostname", "brightwater.halyard.example"),
        ("acme", "--cell", "nowhere"),
        ("acme", "--database", "pool-z"),
        ("acme", "--country", "Germany"),
        ("acme", "--display-name", ""),
        ("acme", "--display-name", "\u202etxt"),
        ("a" * 300,),
    ],
    ids=str,
)
def test_a_new_tenant_at_fault_leaves_nothing_behind(patchworks, catalog_copy, arguments):
    before = sorted((catalog_copy / "tenants").iterdir())
    ran = patchworks("tenant", "new", *arguments, "--catalog", str(catalog_copy))
    assert ran.returncode == 2, ran.stderr + ran.stdout
    assert ran.stderr
    assert "Traceback" not in ran.stderr
    assert sorted((catalog_copy / "tenants").iterdir()) == before
    assert not (catalog_copy / "escape.yaml").exists()
