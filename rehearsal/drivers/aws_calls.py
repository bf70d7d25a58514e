"""The parts that AWS drivers are made of: API calls, steps, tags, and a resource as they see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_parameters import NoPlaceError, member, parameters

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from rehearsal.drivers.base import Cloud, Inputs, Outputs

_GONE = re.compile("NotFound|NoSuch|Non[Ee]xist|DoesNotExist|NotAttached")


@dataclass
class Subject:
    """One resource as its calls see it."""

    service: str
    name: str
    """The logical name; empty unless the resource is being created."""
    inputs: Inputs
    cloud: Cloud
    id: str = ""
    outputs: Outputs = field(default_factory=dict)
    """Outputs of the last time; empty while the resource is being created."""
    answer: Any = None
    """What the API answered last."""
    before: Inputs = field(default_factory=dict)
    """The inputs before a change."""

    @property
    def api(self) -> Any:
        """The boto3 client of the resource's own service."""
        return self.cloud.aws(self.service)

    @property
    def tags(self) -> dict[str, str]:
        """The resource's tags over the provider's default tags."""
        defaults = (self.cloud.provider.get("defaultTags") or {}).get("tags") or {}
        return {**defaults, **(self.inputs.get("tags") or {})}

    def arn(self, service: str, resource: str) -> str:
        """An ARN of the resource's account and region."""
        return f"arn:aws:{service}:{self.cloud.region}:{self.cloud.account}:{resource}"


From = Callable[[Subject], Any]
"""How a value is made from a resource."""


def _nothing(_: Subject) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Call:
    """An API call: its operation, and where its parameters come from.

    It takes the properties that it has parameters for, or only those in `takes`; `given` adds
    parameters under the API's own names. `reshape` makes other properties out of the inputs where
    the API is built differently. A change sends all it takes, or with `partial` what changed.
    """

    operation: str
    given: From = _nothing
    takes: Iterable[str] | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    reshape: Callable[[Inputs], Inputs] | None = None
    partial: bool = False
    service: str | None = None

    def covers(self, subject: Subject, names: Iterable[str], prefix: str) -> set[str]:
        """Those of the named properties that this call sends."""
        if self.takes is not None:
            return set(names) & set(self.takes)
        shape = self._shape(subject)
        return {name for name in names if member(shape, name, self.rename, prefix) is not None}

    def run(self, subject: Subject, properties: Inputs, prefix: str = "") -> Any:
        """Send the properties; what the API answers is kept in the subject as well."""
        if self.reshape is not None:
            properties = self.reshape(properties)
        sent = parameters(self._shape(subject), properties, self.rename, prefix)
        sent |= self.given(subject)
        client = subject.cloud.aws(self.service or subject.service)
        subject.answer = getattr(client, self.operation)(**sent)
        return subject.answer

    def cleared(self, subject: Subject, properties: Inputs, prefix: str) -> Inputs:
        """The properties, with empty values for those that are no longer declared.

        An operation that puts a whole resource forgets what it is not given; one that modifies
        must be told. Numbers and objects have no empty value, so they must be declared.
        """
        if self.reshape is not None or self.operation.startswith("put_"):
            return properties
        empty = {"string": "", "list": [], "map": {}, "boolean": False}
        form, shape = dict(properties), self._shape(subject)
        for name in [name for name, value in properties.items() if value is None]:
            target = member(shape, name, self.rename, prefix)
            kind = shape.members[target].type_name if target else "structure"
            if kind not in empty:
                raise NoPlaceError(
                    f"{name} of {subject.id} cannot be taken back by {self.operation}; "
                    "declare the value that it should have"
                )
            form[name] = empty[kind]
        return form

    def _shape(self, subject: Subject) -> Any:
        return input_shape(subject.cloud.aws(self.service or subject.service), self.operation)


@dataclass(frozen=True)
class Step:
    """What no single call can do: a function that sets some properties."""

    takes: Iterable[str]
    do: Callable[[Subject], None]

    def covers(self, _subject: Subject, names: Iterable[str], _prefix: str) -> set[str]:
        """Those of the named properties that this step sets."""
        return set(names) & set(self.takes)


@dataclass(frozen=True)
class Tagging:
    """How tags are added to and removed from what exists; `target` names it to the API."""

    add: str
    remove: str
    target: From

    def change(self, subject: Subject, before: Mapping[str, str]) -> None:
        """Make the tags what the subject says, where they were `before`."""
        wanted = subject.tags
        added = {k: v for k, v in wanted.items() if before.get(k) != v}
        removed = sorted(before.keys() - wanted.keys())
        if added:
            self._call(subject, self.add, added)
        if removed:
            self._call(subject, self.remove, removed)

    def _call(self, subject: Subject, operation: str, tags: Any) -> None:
        target = self.target(subject)
        shape = input_shape(subject.api, operation)
        # Route 53 has both directions in one operation.
        unwanted = "Add" if isinstance(tags, list) else "Remove"
        (name,) = (
            n
            for n in shape.members
            if n not in target and re.search("(?i)tag|keys", n) and not n.startswith(unwanted)
        )
        of = shape.members[name]
        if isinstance(tags, list) and of.member.type_name == "structure":
            key = next(n for n in of.member.members if "key" in n.lower())
            sent: Any = {name: [{key: tag} for tag in tags]}
        else:
            sent = parameters(shape, {name: tags}, {})
        getattr(subject.api, operation)(**target, **sent)


def input_shape(client: Any, operation: str) -> Any:
    """botocore's model of what an operation takes."""
    return client.meta.service_model.operation_model(
        client.meta.method_to_api_mapping[operation]
    ).input_shape


def of(name: str) -> From:
    """An input property's value."""
    return lambda subject: subject.inputs[name]


def joined(separator: str, *names: str) -> From:
    """Input properties' values with a separator between them."""
    return lambda subject: separator.join(str(subject.inputs[name]) for name in names)


def gone(error: ClientError, *more: str) -> bool:
    """Whether the API refused because what it was asked about does not exist."""
    code = str(error.response["Error"]["Code"])
    return code in more or _GONE.search(code) is not None
