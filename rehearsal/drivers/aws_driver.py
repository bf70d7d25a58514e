"""The driver that most AWS types share: which API calls create, read, change and delete them."""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jmespath
from botocore.exceptions import ClientError

from rehearsal.drivers.autonaming import physical_name
from rehearsal.drivers.aws_parameters import NoPlaceError, member, parameters

if TYPE_CHECKING:
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


@dataclass(frozen=True, kw_only=True)
class AwsDriver:
    """Creates, reads, changes and deletes one type by the calls it is given.

    A property that `create` does not take is set by the update that does; one that nobody takes
    is an error, except for those in `steering`, which tell the provider how to behave and never
    reach the API.
    """

    service: str
    create_by: Call
    read_by: Call | None = None
    updates: tuple[Call | Step, ...] = ()
    delete_by: tuple[Call | Callable[[Subject], None], ...] = ()
    id_is: str | From
    """A path into the answer of the creation, or a function."""
    outputs_are: Mapping[str, str | From] = field(default_factory=dict)
    """Paths into the answer of the last read (or of the creation), or functions."""
    named: str | None = None
    """The property that holds the physical name, made up where it is not given."""
    tagging: Tagging | None = None
    tags_at_creation: bool = True
    replaced_by: frozenset[str] = frozenset()
    steering: frozenset[str] = frozenset()
    prefix: str = ""
    gone_too: tuple[str, ...] = ()
    """Error codes, besides the usual ones, that mean it is gone already."""

    def __post_init__(self) -> None:
        # Every type has a region of its own, which overrules the provider's.
        object.__setattr__(self, "replaced_by", self.replaced_by | {"region"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create it."""
        subject = Subject(self.service, name, self._named(name, inputs), cloud)
        wanted = self._settable(subject.inputs)
        at_once = self.create_by.covers(subject, wanted, self.prefix)
        later = self._steps(subject, wanted.keys() - at_once)
        sent = {k: v for k, v in wanted.items() if k in at_once}
        tagged = self._tags_parameter(subject)
        if tagged is not None and subject.tags:
            sent[tagged] = subject.tags
        self.create_by.run(subject, sent, self.prefix)
        subject.id = self._id(subject)
        subject.outputs = {}
        if self.tagging is not None and tagged is None:
            self.tagging.change(subject, {})
        created = subject.answer
        for step in later:
            self._run(step, subject, wanted, wanted.keys())
        subject.answer = created
        return subject.id, self._outputs(subject)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Change what differs between `old` and `new`."""
        kept = {self.named: outputs.get(self.named)} if self.named in outputs else {}
        subject = Subject(
            self.service, "", {**kept, **new}, cloud, id, outputs, before={**kept, **old}
        )
        before, after = self._settable(old), self._settable(new)
        changed = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
        for step in self._steps(subject, changed):
            self._run(step, subject, self._settable(subject.inputs), changed)
        if self.tagging is not None:
            self.tagging.change(subject, outputs.get("tagsAll") or {})
        subject.answer = None
        return {**outputs, **self._outputs(subject)}

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Delete it, unless it is gone already."""
        kept = {self.named: outputs.get(self.named)} if self.named in outputs else {}
        subject = Subject(self.service, "", {**kept, **inputs}, cloud, id, outputs)
        for step in self.delete_by:
            try:
                if isinstance(step, Call):
                    taken = {k: subject.inputs.get(k) for k in step.takes or ()}
                    step.run(subject, taken, self.prefix)
                else:
                    step(subject)
            except ClientError as error:
                if not gone(error, *self.gone_too):
                    raise

    def _named(self, name: str, inputs: Inputs) -> Inputs:
        if self.named is None or inputs.get(self.named):
            return dict(inputs)
        prefix = inputs.get(f"{self.named}Prefix")
        made_up = f"{prefix}{secrets.token_hex(4)}" if prefix else physical_name(name)
        return {**inputs, self.named: made_up}

    def _settable(self, inputs: Inputs) -> Inputs:
        apart = {"tags", "region", f"{self.named}Prefix", *self.steering}
        return {k: v for k, v in inputs.items() if v is not None and k not in apart}

    def _tags_parameter(self, subject: Subject) -> str | None:
        if self.tagging is None or not self.tags_at_creation:
            return None
        shape = input_shape(subject.api, self.create_by.operation)
        return next(
            (n for n in shape.members if n.lower() in ("tags", "taglist", "tagslist")), None
        )

    def _steps(self, subject: Subject, names: Iterable[str]) -> list[Call | Step]:
        left, steps = set(names), []
        for step in self.updates:
            covered = step.covers(subject, left, self.prefix)
            if covered:
                steps.append(step)
                left -= covered
        if left:
            raise NoPlaceError(
                f"the local cloud's driver cannot set {', '.join(sorted(left))} "
                f"of {subject.name or subject.id} by {self.create_by.operation} or an update"
            )
        return steps

    def _run(
        self, step: Call | Step, subject: Subject, wanted: Inputs, changed: Iterable[str]
    ) -> None:
        if isinstance(step, Step):
            step.do(subject)
            return
        names = set(changed) if step.partial else set(wanted) | set(changed)
        sent = {k: wanted.get(k) for k in step.covers(subject, names, self.prefix)}
        step.run(subject, step.cleared(subject, sent, self.prefix), self.prefix)

    def _id(self, subject: Subject) -> str:
        if callable(self.id_is):
            return str(self.id_is(subject))
        return str(jmespath.search(self.id_is, subject.answer))

    def _outputs(self, subject: Subject) -> Outputs:
        if self.read_by is not None:
            self.read_by.run(subject, {})
        outputs: Outputs = {}
        for name, source in self.outputs_are.items():
            if callable(source):
                outputs[name] = source(subject)
            elif subject.answer is not None:
                outputs[name] = jmespath.search(source, subject.answer)
        if self.named is not None:
            outputs[self.named] = subject.inputs[self.named]
        if self.tagging is not None:
            outputs["tagsAll"] = subject.tags
        return {name: _plain(value) for name, value in outputs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
