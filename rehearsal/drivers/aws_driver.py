"""The driver that most AWS types share: which API calls create, read, change and delete them."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jmespath
from botocore.exceptions import ClientError

from rehearsal import attempts
from rehearsal.drivers.autonaming import physical_name
from rehearsal.drivers.aws_calls import Call, From, Step, Subject, Tagging, gone, input_shape
from rehearsal.drivers.aws_parameters import NoPlaceError

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Inputs, Outputs


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
        created = subject.answer
        try:
            if self.tagging is not None and tagged is None:
                self.tagging.change(subject, {})
            for step in later:
                self._run(step, subject, wanted, wanted.keys())
        except Exception:
            # Half made it would stand in the way of the next attempt.
            with contextlib.suppress(Exception):
                self.delete(subject.id, inputs, {**subject.inputs}, cloud)
            raise
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

    def adopt(self, id: str, inputs: Inputs, cloud: Cloud) -> Outputs:
        """Take over what is there under an id, and bring to its inputs what can be changed.

        The engine does the latter one update after; raises what the API says where there is none.
        """
        fixed = {name: value for name, value in inputs.items() if name in self.replaced_by}
        return self.update(id, fixed, inputs, {}, cloud)

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

    def deletes_first(self, old: Inputs, new: Inputs) -> bool:
        """Whether a replacement would need the physical name that the old one still has.

        The real provider asks the same of names that a program gives.
        Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
        """
        if self.named is None or new.get(self.named) is None:
            return False
        return bool(new[self.named] == old.get(self.named))

    def _named(self, name: str, inputs: Inputs) -> Inputs:
        if self.named is None or inputs.get(self.named):
            return dict(inputs)
        prefix = inputs.get(f"{self.named}Prefix")
        made_up = f"{prefix}{attempts.digits(8)}" if prefix else physical_name(name)
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
