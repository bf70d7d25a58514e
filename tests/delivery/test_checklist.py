"""The release checklist is data that is held to its rules, and gates a commit as it says."""

from datetime import UTC, datetime, timedelta

import pytest

from catalog.faults import CatalogFaults
from catalog.load import find_root, load
from delivery.checklist import FILE, load_checklist
from delivery.gates import missing_before
from delivery.records import Approval, CheckResult, Progress, WaveDone

ROOT = find_root()
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def catalog():
    return load(ROOT)


@pytest.fixture
def checklist(catalog):
    return load_checklist(ROOT, catalog)


def faulty(tmp_path, catalog, *changes):
    text = (ROOT / FILE).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "qa").mkdir()
    (tmp_path / FILE).write_text(text)
    with pytest.raises(CatalogFaults) as found:
        load_checklist(tmp_path, catalog)
    return found.value.faults


def test_every_fault_of_the_checklist_is_said_at_once_with_its_line(tmp_path, catalog):
    faults = faulty(
        tmp_path,
        catalog,
        ("canary: prod-ap-southeast-2", "canary: staging-eu-west-1"),
        ("soak_minutes: 30", "soak_minutes: soon"),
        ("    duty: developer", "    duty: break-glass"),
    )
    lines = (ROOT / FILE).read_text().splitlines()
    assert {(lines[fault.line - 1].strip().partition(":")[0], fault.rule) for fault in faults} == {
        ("canary", "unknown-cell"),
        ("soak_minutes", "wrong-type"),
        ("duty", "not-allowed"),
    }


def test_a_wave_that_nothing_checks_is_a_fault(tmp_path, catalog):
    (fault,) = faulty(tmp_path, catalog, ("after: dev", "after: staging"))
    assert "nothing checks dev" in fault.problem


def test_a_duty_that_no_group_has_is_a_fault(tmp_path, catalog):
    text = "    duty: developer\n    environment: staging"
    groups = dict(catalog.organization.groups)
    for name in ("platform", "integrations"):
        groups[name] = groups[name].model_copy(update={"environments": ("prod",)})
    organization = catalog.organization.model_copy(update={"groups": groups})
    lonely = catalog.model_copy(update={"organization": organization})
    (fault,) = faulty(tmp_path, lonely, (text, text))
    assert "nobody could ever approve" in fault.problem


def test_a_missing_checklist_is_a_fault(tmp_path, catalog):
    with pytest.raises(CatalogFaults, match="nothing reaches production without one"):
        load_checklist(tmp_path, catalog)


def passed(name, passed=True):
    return CheckResult(
        name=name, passed=passed, exit_code=not passed, seconds=1, said="", at=NOW, run="r"
    )


def approved(by=("Ann",), decision="approved", comment=""):
    return Approval(
        name="hands-on-qa", decision=decision, by=by, comment=comment, recorded_by="r", run="r",
        at=NOW,
    )  # fmt: skip


def reached(*waves, checks=(), approval=None, at=NOW):
    return Progress(
        commit=COMMIT,
        waves={wave: WaveDone(wave=wave, at=at) for wave in waves},
        checks={check.name: check for check in checks},
        approvals={"hands-on-qa": approval} if approval else {},
    )


STAGED = ("organization", "dev", "staging")
TESTED = (passed("smoke"), passed("quality"), passed("settled"))


@pytest.mark.parametrize(
    ("wave", "progress", "what"),
    [
        ("dev", reached(), "the wave organization has not got this commit"),
        ("staging", reached("organization", "dev"), "the check smoke has not run after dev"),
        (
            "staging",
            reached("organization", "dev", checks=[passed("smoke", False)]),
            "the check smoke failed after dev",
        ),
        ("canary", reached(*STAGED, checks=TESTED), "nobody has given the approval hands-on-qa"),
        (
            "canary",
            reached(*STAGED, checks=TESTED, approval=approved(decision="rejected", comment="slow")),
            "Ann rejected it in hands-on-qa: slow",
        ),
        (
            "canary",
            reached(*STAGED, checks=TESTED[:2], approval=approved()),
            "the check settled has not run after staging",
        ),
        (
            "rest",
            reached(
                *STAGED, "canary", checks=[*TESTED, passed("canary-serves", False)],
                approval=approved(), at=NOW - timedelta(days=1),
            ),
            "the check canary-serves failed after canary",
        ),
    ],
)  # fmt: skip
def test_a_wave_is_closed_while_something_before_it_is_missing(checklist, wave, progress, what):
    assert [each.what for each in missing_before(wave, checklist, progress, NOW)] == [what]


@pytest.mark.parametrize(
    ("wave", "progress"),
    [
        ("organization", reached()),
        ("dev", reached("organization")),
        ("staging", reached("organization", "dev", checks=TESTED)),
        ("canary", reached(*STAGED, checks=TESTED, approval=approved())),
    ],
)
def test_a_wave_is_open_once_all_before_it_has_happened(checklist, wave, progress):
    assert missing_before(wave, checklist, progress, NOW) == []


def test_the_rest_waits_until_the_canary_has_soaked(checklist):
    checks = [*TESTED, passed("canary-serves")]
    progress = reached(*STAGED, "canary", checks=checks, approval=approved())
    (soak,) = missing_before("rest", checklist, progress, NOW)
    assert soak.until == NOW + timedelta(minutes=checklist.soak_minutes)
    assert missing_before("rest", checklist, progress, soak.until) == []


def test_as_many_different_people_as_the_checklist_asks_for_must_have_approved(checklist):
    wanted = checklist.approvals["hands-on-qa"].model_copy(update={"people": 2})
    strict = checklist.model_copy(update={"approvals": {"hands-on-qa": wanted}})
    one = reached(*STAGED, checks=TESTED, approval=approved(by=("Ann", "Ann")))
    assert "1 of 2 people" in missing_before("canary", strict, one, NOW)[0].what
    two = reached(*STAGED, checks=TESTED, approval=approved(by=("Ann", "Ben")))
    assert missing_before("canary", strict, two, NOW) == []
