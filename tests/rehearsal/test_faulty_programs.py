"""Programs that the engine would refuse end in an error that names the stack and the line."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random
import pytest

from rehearsal.errors import (
    DuplicateResourceError,
    LookUpError,
    ProgramError,
    ProgramRaisedError,
    UndeclaredConfigError,
    UnknownStackError,
)
from rehearsal.evaluation import evaluate_program


def given() -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=random.Provider("random"))


def raises() -> None:
    raise KeyError("network")  # here


def raises_within_apply() -> None:
    def fail(_: str) -> str:
        raise ValueError("no such zone")  # here

    pulumi.export("value", random.RandomPet("pet", opts=given()).id.apply(fail))


def registers_twice() -> None:
    opts = given()
    random.RandomPet("pet", opts=opts)
    random.RandomPet("pet", opts=opts)  # here


def reads_configuration() -> None:
    pulumi.Config("patchworks").get("replicas")  # here


def requires_configuration() -> None:
    pulumi.Config().require("region")  # here


def puts_an_output_into_text() -> None:
    pet = random.RandomPet("pet", opts=given())
    random.RandomPet("other", prefix=f"{pet.id}-x", opts=given())  # here


def invokes() -> None:
    provider = aws.Provider("aws", region="eu-west-1", allowed_account_ids=["111122223333"])
    aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))  # here


def invokes_with_outputs() -> None:
    provider = aws.Provider("aws", region="eu-west-1", allowed_account_ids=["111122223333"])
    found = aws.get_region_output(opts=pulumi.InvokeOptions(provider=provider))  # here
    pulumi.export("region", found.id)


def refers_to_a_missing_stack() -> None:
    reference = pulumi.StackReference("organization/patchworks/cell.nowhere")  # here
    pulumi.export("vpc", reference.require_output("vpc"))


def reads_an_existing_resource() -> None:
    random.RandomPet.get("pet", "gentle-bear", opts=given())  # here


CASES: list[tuple[Callable[[], None], type[ProgramError], str]] = [
    (raises, ProgramRaisedError, "KeyError: 'network'"),
    (raises_within_apply, ProgramRaisedError, "ValueError: no such zone"),
    (registers_twice, DuplicateResourceError, "'pet' is registered twice"),
    (reads_configuration, UndeclaredConfigError, "patchworks:replicas"),
    (requires_configuration, UndeclaredConfigError, "region"),
    (puts_an_output_into_text, ProgramRaisedError, "__str__"),
    (invokes, LookUpError, "invokes aws:index/getCallerIdentity:getCallerIdentity"),
    (invokes_with_outputs, LookUpError, "invokes aws:index/getRegion:getRegion"),
    (refers_to_a_missing_stack, UnknownStackError, "cell.nowhere, which does not exist"),
    (reads_an_existing_resource, LookUpError, "reads random:index/randomPet:RandomPet 'pet'"),
]


def line_of(program: Callable[[], Any]) -> int:
    lines, first = inspect.getsourcelines(program)
    return next(first + n for n, line in enumerate(lines) if line.rstrip().endswith("# here"))


@pytest.mark.parametrize(
    ("program", "kind", "problem"), CASES, ids=lambda c: getattr(c, "__name__", None)
)
def test_a_fault_is_told_with_stack_and_line(
    program: Callable[[], None], kind: type[ProgramError], problem: str
) -> None:
    with pytest.raises(ProgramError) as caught:
        evaluate_program(program, "cell.faulty")
    error = caught.value
    assert type(error) is kind
    assert problem in error.problem
    assert error.stack == "cell.faulty"
    place = f"tests/rehearsal/{Path(__file__).name}:{line_of(program)}"
    assert str(error.source) == place
    assert str(error).startswith(f"{place}: stack cell.faulty: ")


@pytest.mark.parametrize("program", [case[0] for case in CASES], ids=lambda p: p.__name__)
def test_an_evaluation_after_a_failed_one_is_as_good_as_any(program: Callable[[], None]) -> None:
    def sound() -> dict[str, Any]:
        return {"id": random.RandomPet("pet", opts=given()).id}

    before = evaluate_program(sound)
    with pytest.raises(ProgramError):
        evaluate_program(program)
    after = evaluate_program(sound)
    assert after.to_json() == before.to_json()
    assert after.warnings == ()


def test_a_second_registration_names_the_first() -> None:
    with pytest.raises(DuplicateResourceError) as caught:
        evaluate_program(registers_twice)
    assert f"first at tests/rehearsal/{Path(__file__).name}:{line_of(registers_twice) - 1}" in str(
        caught.value
    )
