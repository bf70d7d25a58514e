"""What a rehearsal has made of a stack, kept so that the next one changes only what differs.

A stack's state is a journal: a JSON line before each operation and one after it, so that a killed
rehearsal goes on where it was. It is compacted when it is opened. Secrets are encrypted with the
local cloud's key; a torn last line is what a kill leaves and is dropped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rehearsal.values import UNKNOWN, Reference, Secret, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 2


class Cipher(Protocol):
    """Encrypts what must not lie on a disk in clear."""

    def encrypt(self, text: str) -> str:
        """The text as only this local cloud can read it."""
        ...

    def decrypt(self, text: str) -> str:
        """The text again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One resource as it was last made on the local cloud."""

    urn: str
    type: str
    name: str
    id: str | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    provider: str | None = None
    parent: str | None = None
    dependencies: tuple[str, ...] = ()
    protect: bool = False
    retain_on_delete: bool = False
    secret_outputs: tuple[str, ...] = ()
    """Names of the outputs that are secret whatever the inputs are."""
    generation: str = ""
    """Of the cloud it was made on; what a lost cloud held is made again."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An operation that was under way when the journal was written last."""

    operation: Literal["create", "replace", "update"]
    attempt: str
    wanted: Applied
    """The resource as it will be; its id and outputs are not known yet."""


@dataclass
class StackState:
    """The applied resources of one stack, in the order they were made, and its exports."""

    path: Path
    cipher: Cipher
    resources: dict[str, Applied] = field(default_factory=dict)
    leftovers: list[Applied] = field(default_factory=list)
    """What a newer resource has taken the place of, still to be deleted."""
    begun: dict[str, Begun] = field(default_factory=dict)
    exports: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, cipher: Cipher) -> StackState:
        """What the journal says, left as it is; nothing where there is none.

        Raises:
            ValueError: it was written by another version, or is damaged before its last line.
        """
        state = cls(path, cipher)
        if path.exists():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            for number, line in enumerate(lines, start=1):
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    if number < len(lines):
                        raise state._unreadable(f"line {number} is damaged") from None
                    continue
                state._replay(entry)
        return state

    @classmethod
    def open(cls, path: Path, cipher: Cipher) -> StackState:
        """Read the journal and write it back without what is outdated; raises as `read` does."""
        state = cls.read(path, cipher)
        if path.exists():
            state._compact()
        return state

    def begin(self, begun: Begun) -> None:
        """Keep in mind what is about to be done."""
        self.begun[begun.wanted.urn] = begun
        self._append(self._pack_begun(begun))

    def abandon(self, urn: str) -> None:
        """Forget what had begun: it was refused, or the cloud it was for is gone."""
        self.begun.pop(urn, None)
        self._append({"abandoned": urn})

    def put(self, applied: Applied, *, replaces: bool = False) -> None:
        """Keep a resource as it is now; the one it `replaces` becomes a leftover."""
        self._keep(applied, replaces)
        self._append({"resource": self._pack_applied(applied), "replaces": replaces})

    def rename(self, former: str, urn: str) -> Applied:
        """Keep a resource under another URN, and return it."""
        renamed = self._rename(former, urn)
        self._append({"renamed": [former, urn]})
        return renamed

    def remove(self, urn: str) -> None:
        """Forget a resource."""
        self.resources.pop(urn, None)
        self._append({"removed": urn})

    def remove_leftover(self, applied: Applied) -> None:
        """Forget a replaced resource."""
        self.leftovers.remove(applied)
        self._append({"cleared": [applied.urn, applied.id]})

    def export(self, exports: Mapping[str, Any]) -> None:
        """Keep what the stack hands out to others."""
        if dict(exports) != self.exports:
            self.exports = dict(exports)
            self._append({"exports": self._pack(self.exports)})

    def erase(self) -> None:
        """Forget the stack."""
        self.path.unlink(missing_ok=True)

    def _replay(self, entry: dict[str, Any]) -> None:
        match entry:
            case {"version": version} if version != VERSION:
                raise self._unreadable(f"it was written by another version ({version})")
            case {"begun": packed, "operation": operation, "attempt": attempt}:
                wanted = self._applied(packed)
                self.begun[wanted.urn] = Begun(operation, attempt, wanted)
            case {"abandoned": urn}:
                self.begun.pop(urn, None)
            case {"resource": packed, **rest}:
                self._keep(self._applied(packed), rest.get("replaces", False))
            case {"leftover": packed}:
                self.leftovers.append(self._applied(packed))
            case {"renamed": [former, urn]}:
                self._rename(former, urn)
            case {"removed": urn}:
                self.resources.pop(urn, None)
            case {"cleared": [urn, identity]}:
                self.leftovers = [
                    left for left in self.leftovers if (left.urn, left.id) != (urn, identity)
                ]
            case {"exports": packed}:
                self.exports = self._unpack(packed)

    def _rename(self, former: str, urn: str) -> Applied:
        renamed = replace(self.resources.pop(former), urn=urn)
        self.resources[urn] = renamed
        return renamed

    def _keep(self, applied: Applied, replaces: bool) -> None:
        if replaces and applied.urn in self.resources:
            self.leftovers.append(self.resources[applied.urn])
        self.resources[applied.urn] = applied
        self.begun.pop(applied.urn, None)

    def _unreadable(self, why: str) -> ValueError:
        return ValueError(
            f"{self.path}: {why}; `patchworks local stop --reset` forgets everything, "
            "then rehearse again"
        )

    def _applied(self, packed: dict[str, Any]) -> Applied:
        values = self._unpack(packed)
        for name in ("dependencies", "secret_outputs"):
            values[name] = tuple(values[name])
        return Applied(**values)

    def _compact(self) -> None:
        entries: list[dict[str, Any]] = [{"version": VERSION}]
        entries += [{"resource": self._pack_applied(item)} for item in self.resources.values()]
        entries += [{"leftover": self._pack_applied(item)} for item in self.leftovers]
        entries += [self._pack_begun(item) for item in self.begun.values()]
        entries.append({"exports": self._pack(self.exports)})
        fresh = self.path.with_suffix(".new")
        fresh.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
        fresh.chmod(0o600)
        fresh.replace(self.path)

    def _append(self, entry: dict[str, Any]) -> None:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self._append({"version": VERSION})
        with self.path.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(entry) + "\n")

    def _pack_begun(self, begun: Begun) -> dict[str, Any]:
        return {
            "begun": self._pack_applied(begun.wanted),
            "operation": begun.operation,
            "attempt": begun.attempt,
        }

    def _pack_applied(self, applied: Applied) -> dict[str, Any]:
        # Not dataclasses.asdict: it would lay open every Secret on its way.
        return {item.name: self._pack(getattr(applied, item.name)) for item in fields(applied)}

    def _pack(self, value: Any) -> Any:
        match value:
            case Secret():
                return {"$secret": self.cipher.encrypt(json.dumps(self._pack(value.value)))}
            case Unknown():
                return {"$unknown": True}
            case Reference():
                return {"$reference": [value.urn, value.id]}
            case dict():
                return {key: self._pack(item) for key, item in value.items()}
            case list() | tuple():
                return [self._pack(item) for item in value]
            case _:
                return value

    def _unpack(self, value: Any) -> Any:
        match value:
            case {"$secret": text}:
                return Secret(self._unpack(json.loads(self.cipher.decrypt(text))))
            case {"$unknown": True}:
                return UNKNOWN
            case {"$reference": [urn, identity]}:
                return Reference(urn, identity)
            case dict():
                return {key: self._unpack(item) for key, item in value.items()}
            case list():
                return [self._unpack(item) for item in value]
            case _:
                return value
