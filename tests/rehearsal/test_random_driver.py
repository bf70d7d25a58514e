"""Random values, which the provider makes itself."""

import base64
import string
from typing import Any

import pytest

from rehearsal.drivers.random import DRIVERS


def create(kind: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    driver: Any = DRIVERS[f"random:index/{kind[0].lower()}{kind[1:]}:{kind}"]
    return driver.create("it", inputs, None)


def test_a_password_has_its_length_its_minima_and_only_allowed_characters() -> None:
    _, outputs = create(
        "RandomPassword", length=24, minUpper=3, minNumeric=4, special=False, lower=True
    )
    password = outputs["result"]
    assert len(password) == 24
    assert sum(c in string.ascii_uppercase for c in password) >= 3
    assert sum(c in string.digits for c in password) >= 4
    assert set(password) <= set(string.ascii_letters + string.digits)


def test_special_characters_can_be_named() -> None:
    _, outputs = create(
        "RandomPassword",
        length=30,
        overrideSpecial="_-",
        lower=False,
        upper=False,
        numeric=False,
    )
    assert set(outputs["result"]) == {"_", "-"}


def test_no_two_passwords_are_alike_and_no_id_gives_one_away() -> None:
    made = [create("RandomPassword", length=32) for _ in range(20)]
    assert len({outputs["result"] for _, outputs in made}) == 20
    assert {id for id, _ in made} == {"none"}


@pytest.mark.parametrize(
    "inputs",
    [
        {"length": 3, "minLower": 2, "minUpper": 2},
        {"length": 3, "lower": False, "upper": False, "numeric": False, "special": False},
    ],
)
def test_a_password_that_cannot_be_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it "):
        create("RandomPassword", **inputs)


def test_an_id_shows_the_same_bytes_in_every_form() -> None:
    id, outputs = create("RandomId", byteLength=5, prefix="p-")
    drawn = bytes.fromhex(outputs["hex"].removeprefix("p-"))
    assert len(drawn) == 5
    assert outputs["b64Std"] == "p-" + base64.b64encode(drawn).decode()
    assert outputs["dec"] == f"p-{int.from_bytes(drawn, 'big')}"
    assert outputs["b64Url"] == f"p-{id}"


def test_a_value_stays_until_what_it_was_made_from_changes() -> None:
    for driver in DRIVERS.values():
        assert "keepers" in driver.replaced_by
    password: Any = DRIVERS["random:index/randomPassword:RandomPassword"]
    assert password.update("none", {}, {}, {"result": "kept"}, None) == {"result": "kept"}
    assert {"length", "special", "minLower"} <= password.replaced_by


def test_integers_and_uuids_are_in_form() -> None:
    assert {create("RandomInteger", min=1, max=2)[1]["result"] for _ in range(50)} == {1, 2}
    assert create("RandomUuid")[0][14] == "4"
    assert len(bytes.fromhex(create("RandomBytes", length=7)[1]["hex"])) == 7
