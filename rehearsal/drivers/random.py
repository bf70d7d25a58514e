"""Drivers for `pulumi-random`: real randomness, which lives nowhere but in the state."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.drivers.base import Cloud, Driver, Inputs, Outputs

_SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
"""The provider's own set."""

_SETS = (
    ("lower", "minLower", string.ascii_lowercase),
    ("upper", "minUpper", string.ascii_uppercase),
    ("numeric", "minNumeric", string.digits),
    ("special", "minSpecial", _SPECIAL),
)

_RANDOM = secrets.SystemRandom()


class _RandomDriver:
    """A value that is made once; every change of its inputs makes another."""

    replaced_by: frozenset[str] = frozenset({"keepers"})

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Keep the value."""
        return outputs

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Forget the value, which is nowhere but in the state."""


class TextDriver(_RandomDriver):
    """`RandomPassword` and `RandomString`."""

    replaced_by = frozenset({"keepers", "length", "overrideSpecial"}).union(
        *({wanted, minimum} for wanted, minimum, _ in _SETS)
    )

    def __init__(self, *, secret: bool) -> None:
        self._secret = secret

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Draw a text of the asked length with the asked minimum from each set of characters."""
        length = int(inputs["length"])
        drawn: list[str] = []
        alphabet = ""
        for wanted, minimum, characters in _SETS:
            allowed = (wanted == "special" and inputs.get("overrideSpecial")) or characters
            if inputs.get(wanted, True):
                alphabet += allowed
            drawn += [secrets.choice(allowed) for _ in range(int(inputs.get(minimum) or 0))]
        if len(drawn) > length:
            raise ValueError(f"{name} needs {len(drawn)} characters, more than its length {length}")
        if not alphabet and len(drawn) < length:
            raise ValueError(f"{name} allows no characters")
        drawn += [secrets.choice(alphabet) for _ in range(length - len(drawn))]
        _RANDOM.shuffle(drawn)
        result = "".join(drawn)
        # A password's id must not give it away, and a string's id is the string.
        return ("none" if self._secret else result), {"result": result}


class IdDriver(_RandomDriver):
    """`RandomId`."""

    replaced_by = frozenset({"keepers", "byteLength", "prefix"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Draw bytes and show them in every form the provider has, all but the id prefixed."""
        drawn = secrets.token_bytes(int(inputs["byteLength"]))
        prefix = inputs.get("prefix") or ""
        identity = base64.urlsafe_b64encode(drawn).decode().rstrip("=")
        return identity, {
            "b64Url": prefix + identity,
            "b64Std": prefix + base64.b64encode(drawn).decode(),
            "hex": prefix + drawn.hex(),
            "dec": prefix + str(int.from_bytes(drawn, "big")),
        }


class BytesDriver(_RandomDriver):
    """`RandomBytes`."""

    replaced_by = frozenset({"keepers", "length"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Draw bytes."""
        drawn = secrets.token_bytes(int(inputs["length"]))
        return "none", {"base64": base64.b64encode(drawn).decode(), "hex": drawn.hex()}


class IntegerDriver(_RandomDriver):
    """`RandomInteger`."""

    replaced_by = frozenset({"keepers", "min", "max", "seed"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Draw an integer between two, both included."""
        result = _RANDOM.randint(int(inputs["min"]), int(inputs["max"]))
        return str(result), {"result": result}


class UuidDriver(_RandomDriver):
    """`RandomUuid` and `RandomUuid4`."""

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Draw a version 4 UUID."""
        result = str(uuid.uuid4())
        return result, {"result": result}


DRIVERS: Mapping[str, Driver] = {
    "random:index/randomPassword:RandomPassword": TextDriver(secret=True),
    "random:index/randomString:RandomString": TextDriver(secret=False),
    "random:index/randomId:RandomId": IdDriver(),
    "random:index/randomBytes:RandomBytes": BytesDriver(),
    "random:index/randomInteger:RandomInteger": IntegerDriver(),
    "random:index/randomUuid:RandomUuid": UuidDriver(),
    "random:index/randomUuid4:RandomUuid4": UuidDriver(),
}
