"""What is taken out of a pull request, and what is refused: real git, and people who mean harm."""

import hashlib
import subprocess

import pytest

from catalog.load import find_root, load
from delivery.checkout import RefusedError
from delivery.proposal import MAXIMUM_BYTES, UnfitError, check_fixed, lay_out, propose
from planning.commits import Repository

ROOT = find_root()
TENANT = "tenants/brightwater.yaml"


@pytest.fixture(scope="module")
def catalog():
    return load(ROOT)


class Origin:
    """A repository with the shipped catalog, some code, and a branch that begins there."""

    def __init__(self, root):
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        for file in (
            "organization.yaml",
            "google-saml-metadata.xml",
            *(f"{kind}/{each.name}" for kind in ("cells", "tenants") for each in files(kind)),
        ):
            self.write(file, (ROOT / file).read_bytes())
        self.write("stacks/__main__.py", b"print('main')\n")
        self.main = self.commit("main")
        self.git("switch", "--quiet", "--create", "change")

    def git(self, *arguments, stdin=None):
        settings = ("user.name=P", "user.email=p@example.com", "commit.gpgsign=false")
        options = [option for setting in settings for option in ("-c", setting)]
        ended = subprocess.run(
            ["git", *options, *arguments],
            cwd=self.root,
            check=True,
            capture_output=True,
            input=stdin,
        )
        return ended.stdout.decode().strip()

    def write(self, path, content):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def edit(self, path, old, new):
        text = (self.root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new).encode())

    def commit(self, message="change"):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def tree_with(self, mode, name, content, tree="HEAD"):
        """A commit whose tree has one more entry, whatever git itself would say of it."""
        listed = self.git("ls-tree", tree)
        blob = self.git("hash-object", "-w", "--stdin", stdin=content)
        kind = {"160000": "commit", "40000": "tree"}.get(mode, "blob")
        identity = self.git("rev-parse", "HEAD") if kind == "commit" else blob
        if kind == "tree":
            identity = self.git("mktree", stdin=f"100644 blob {blob}\tx.yaml\n".encode())
        lines = f"{listed}\n{mode} {kind} {identity}\t{name}\n"
        made = self.git("mktree", "--missing", stdin=lines.encode())
        return self.git("commit-tree", made, "-p", "main", "-m", "odd")


def files(kind):
    return sorted((ROOT / kind).glob("*.yaml"))


@pytest.fixture
def origin(tmp_path):
    return Origin(tmp_path / "origin")


def proposed(origin, catalog, head=None, main=None):
    repository = Repository.around(origin.root)
    return propose(repository, main or origin.main, head or origin.commit(), catalog)


def refused(origin, catalog, head=None, main=None):
    with pytest.raises(UnfitError) as unfit:
        proposed(origin, catalog, head, main)
    assert "needs no credential" in unfit.value.remedy
    return unfit.value.files


def test_one_line_of_a_tenant_is_taken_and_the_change_is_checked_out_nowhere(
    origin, catalog, tmp_path
):
    origin.edit(TENANT, "name: brightwater", "name: brightwater # ü")
    head = origin.commit()
    origin.git("switch", "--quiet", "main")
    found = proposed(origin, catalog, head)
    assert list(found.files) == [TENANT]
    beside = tmp_path / "beside"
    beside.mkdir()
    lay_out(Repository.around(origin.root), origin.main, found, catalog, beside)
    assert "ü" in (beside / TENANT).read_text()
    assert load(beside).tenants.keys() == catalog.tenants.keys()
    assert not (beside / "stacks").exists()
    assert "ü" not in (origin.root / TENANT).read_text()


def test_what_no_preview_runs_or_reads_may_differ(origin, catalog):
    origin.edit(TENANT, "name: brightwater", "name: brightwater # x")
    origin.write("docs/new.md", b"words")
    origin.write(".github/CODEOWNERS", b"* @somebody\n")
    origin.write("Pulumi.tenant.northwind.yaml", b"encryptionsalt: x\n")
    origin.git("rm", "-q", "tenants/fernhill.yaml")
    found = proposed(origin, catalog)
    assert found.files.keys() == {TENANT, "tenants/fernhill.yaml"}
    assert found.files["tenants/fernhill.yaml"] is None
    assert set(found.ignored) == {
        "docs/new.md", ".github/CODEOWNERS", "Pulumi.tenant.northwind.yaml"
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "stacks/__main__.py",
        "sitecustomize.py",
        "catalog/load.py",
        "requirements.lock",
        "Makefile",
        "Pulumi.yaml",
        "Pulumi.tenant.brightwater.yaml",
        "Pulumi.tenant.../../x.yaml.yaml",
        ".github/workflows/preview.yml",
        ".github/fetch_change.sh",
        ".gitattributes",
        ".gitmodules",
        "README.md.py",
        "cells/run.py",
        "tenants/below/brightwater.yaml",
        "tenants/Brightwater.yaml",
        "qa/release.yaml",
        "docs",
        'we\tird "name"\n\x1b[2J.py',
    ],
)
def test_whatever_else_changes_is_named_and_refused(origin, catalog, path):
    origin.edit(TENANT, "name: brightwater", "name: brightwater # x")
    origin.write(path, b"print('foreign')\n")
    normal = path.replace("../../", "").replace("...", "..")
    found = refused(origin, catalog)
    assert len(found) == 1
    assert normal in found or path in found or "../" in path


def test_a_path_that_is_no_text_is_named_all_the_same(origin, catalog):
    subprocess.run([b"touch", b"\xff\xfe.py"], cwd=origin.root, check=True)
    (name,) = refused(origin, catalog)
    assert name.encode("utf-8") == b"\\udcff\\udcfe.py"


def test_a_link_is_not_followed(origin, catalog):
    (origin.root / TENANT).unlink()
    (origin.root / TENANT).symlink_to("/etc/passwd")
    assert "plain files only" in refused(origin, catalog)[TENANT]


def test_a_linked_directory_is_not_followed(origin, catalog):
    origin.git("rm", "-rq", "tenants")
    (origin.root / "tenants").symlink_to("/etc")
    assert "tenants" in refused(origin, catalog)


def test_a_program_in_the_place_of_a_file_is_refused(origin, catalog):
    (origin.root / TENANT).chmod(0o755)
    assert "plain files only" in refused(origin, catalog)[TENANT]


def test_another_repository_in_the_place_of_a_directory_is_refused(origin, catalog):
    head = origin.tree_with("160000", "module", b"")
    assert "module" in refused(origin, catalog, head)


@pytest.mark.parametrize(("mode", "name"), [("40000", ".."), ("40000", ".git"), ("100644", ".")])
def test_paths_that_lead_elsewhere_are_refused(origin, catalog, mode, name):
    head = origin.tree_with(mode, name, b"name: x\n")
    assert refused(origin, catalog, head)


def test_a_tree_that_names_a_path_twice_is_refused(origin, catalog):
    head = origin.tree_with("100644", "organization.yaml", b"name: other\n")
    assert "organization.yaml" in refused(origin, catalog, head)


def test_a_huge_file_is_never_read(origin, catalog):
    origin.write(TENANT, b"#" * (MAXIMUM_BYTES + 1))
    assert "larger than" in refused(origin, catalog)[TENANT]


def test_what_both_sides_changed_is_not_guessed_at(origin, catalog):
    origin.edit(TENANT, "name: brightwater", "name: brightwater # here")
    head = origin.commit()
    origin.git("switch", "--quiet", "main")
    origin.edit(TENANT, "name: brightwater", "name: brightwater # there")
    main = origin.commit()
    assert "update the branch" in refused(origin, catalog, head, main)[TENANT]


def test_what_main_has_got_meanwhile_stays(origin, catalog, tmp_path):
    origin.edit(TENANT, "name: brightwater", "name: brightwater # here")
    head = origin.commit()
    origin.git("switch", "--quiet", "main")
    origin.edit("tenants/fernhill.yaml", "name: fernhill", "name: fernhill # there")
    main = origin.commit()
    found = proposed(origin, catalog, head, main)
    assert list(found.files) == [TENANT]
    lay_out(Repository.around(origin.root), main, found, catalog, tmp_path)
    assert "# there" in (tmp_path / "tenants/fernhill.yaml").read_text()


def test_another_history_is_refused(origin, catalog):
    tree = origin.git("rev-parse", "HEAD^{tree}")
    with pytest.raises(RefusedError, match="nothing in common"):
        proposed(origin, catalog, origin.git("commit-tree", tree, "-m", "alone"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("home_region: eu-west-1", "home_region: eu-north-1"),
        ("name: halyard\n", "name: elsewhere\n"),
        ("saml_metadata: google-saml-metadata.xml", "saml_metadata: other.xml"),
    ],
)
def test_an_organization_that_leads_elsewhere_is_refused(catalog, tmp_path, old, new):
    for kind in ("cells", "tenants"):
        (tmp_path / kind).mkdir()
        for file in files(kind):
            (tmp_path / kind / file.name).write_bytes(file.read_bytes())
    metadata = (ROOT / "google-saml-metadata.xml").read_bytes()
    (tmp_path / "google-saml-metadata.xml").write_bytes(metadata)
    (tmp_path / "other.xml").write_bytes(metadata)
    text = (ROOT / "organization.yaml").read_text()
    assert old in text
    (tmp_path / "organization.yaml").write_text(text)
    check_fixed(catalog, load(tmp_path))
    (tmp_path / "organization.yaml").write_text(text.replace(old, new))
    with pytest.raises(UnfitError):
        check_fixed(catalog, load(tmp_path))


def test_nothing_is_written_into_the_repository_that_is_read(origin, catalog):
    origin.edit(TENANT, "name: brightwater", "name: brightwater # x")
    head = origin.commit()
    before = digest(origin.root)
    proposed(origin, catalog, head)
    assert digest(origin.root) == before


def digest(directory):
    hashed = hashlib.sha256()
    for file in sorted(each for each in directory.rglob("*") if each.is_file()):
        hashed.update(str(file).encode() + file.read_bytes())
    return hashed.hexdigest()
