"""Checks Kubernetes objects as an API server would, as far as published schemas and names tell."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")

# RBAC takes any path segment as a name, colons too; Services are names in the cluster's DNS.
_RBAC = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


class InvalidObjectError(ValueError):
    """An API server would refuse the object; the text says which field and why."""


def versions() -> tuple[str, ...]:
    """The minor versions of Kubernetes whose schemas are at hand, oldest first."""
    found = {re.sub(r"^v(\d+\.\d+).*", r"\1", path.name) for path in _root().glob("v*-strict")}
    return tuple(sorted(found, key=lambda version: int(version.split(".")[1])))


def check(body: Mapping[str, Any], version: str | None) -> str:
    """Check an object against the strict schema of a Kubernetes version; the version used.

    That is the newest one not newer than `version`, and the newest at hand without one. Raises
    `InvalidObjectError` for an object that the API would refuse, or does not know in that version.
    """
    used = _nearest(version)
    where = f"{body.get('kind')} {body.get('metadata', {}).get('name')}"
    validator = _validator(used, str(body["apiVersion"]), str(body["kind"]))
    if validator is None:
        raise InvalidObjectError(
            f"{where}: Kubernetes {used} has no kind {body['kind']} in {body['apiVersion']}"
        )
    # To the API a null is a field that is not there; to the schema it may pass for a required one.
    error = best_match(validator.iter_errors(_without_nulls(body)))
    if error is not None:
        raise InvalidObjectError(f"{where}: {error.json_path.removeprefix('$.')}: {error.message}")
    check_metadata(body)
    _check_selector(body)
    return used


def check_metadata(body: Mapping[str, Any]) -> None:
    """Check names and labels, which no schema does; `InvalidObjectError` names them all."""
    metadata = body["metadata"]
    faults = list(_name_faults(body["kind"], metadata["name"]))
    if namespace := metadata.get("namespace"):
        faults += _pattern_fault("namespace", namespace, _LABEL, 63)
    for label, value in (metadata.get("labels") or {}).items():
        faults += _key_faults("label", label)
        if value:
            faults += _pattern_fault(f"label {label}", value, _QUALIFIED, 63)
    for annotation in metadata.get("annotations") or {}:
        faults += _key_faults("annotation", annotation)
    if faults:
        raise InvalidObjectError(f"{body['kind']} {metadata['name']}: {'; '.join(faults)}")


def _check_selector(body: Mapping[str, Any]) -> None:
    """A workload that does not select its own pods is refused by the API."""
    if body["kind"] in ("DaemonSet", "Deployment", "StatefulSet"):
        template = body["spec"]["template"].get("metadata") or {}
        labels = template.get("labels") or {}
        wanted = body["spec"]["selector"].get("matchLabels") or {}
        if not wanted.items() <= labels.items():
            raise InvalidObjectError(
                f"{body['kind']} {body['metadata']['name']}: spec.template.metadata.labels: "
                f"`selector` {wanted} does not match template `labels` {labels}"
            )


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(item) for item in value]
    return value


def _name_faults(kind: str, name: str) -> Iterator[str]:
    if kind in _RBAC:
        if name in (".", "..") or "/" in name or "%" in name:
            yield f"name {name!r} is no path segment"
    elif kind == "Service":
        yield from _pattern_fault("name", name, _SERVICE, 63)
    elif kind == "Namespace":
        yield from _pattern_fault("name", name, _LABEL, 63)
    else:
        yield from _pattern_fault("name", name, _SUBDOMAIN, 253)


def _key_faults(what: str, key: str) -> Iterator[str]:
    prefix, slash, name = key.rpartition("/")
    if slash:
        yield from _pattern_fault(f"prefix of {what}", prefix, _SUBDOMAIN, 253)
    yield from _pattern_fault(what, name, _QUALIFIED, 63)


def _pattern_fault(what: str, value: str, pattern: re.Pattern[str], limit: int) -> Iterator[str]:
    if len(value) > limit:
        yield f"{what} {value!r} is longer than {limit} characters"
    elif not pattern.fullmatch(value):
        yield f"{what} {value!r} does not match {pattern.pattern}"


def _nearest(version: str | None) -> str:
    known = versions()
    if version is None:
        return known[-1]
    minor = int(version.split(".")[1])
    older = [item for item in known if int(item.split(".")[1]) <= minor]
    if not older:
        raise InvalidObjectError(
            f"there are no schemas of Kubernetes {version}, only {known[0]} to {known[-1]}"
        )
    return older[-1]


@functools.cache
def _root() -> Path:
    package = importlib.util.find_spec("kubernetes_validate")
    if package is None or not package.submodule_search_locations:
        raise LookupError("Kubernetes' schemas are missing: install kubernetes-validate")
    return Path(package.submodule_search_locations[0]) / "kubernetes-json-schema"


@functools.cache
def _directory(version: str) -> Path:
    return next(_root().glob(f"v{version}.*-strict"))


@functools.cache
def _definitions(version: str) -> Resource[Any]:
    return Resource.from_contents(
        json.loads((_directory(version) / "_definitions.json").read_bytes())
    )


@functools.cache
def _validator(version: str, api_version: str, kind: str) -> Draft202012Validator | None:
    group, _, name = api_version.rpartition("/")
    # Schema files are named by the group's first part; a custom group must not pass for it.
    if "." in group and not group.endswith(".k8s.io"):
        return None
    parts = (kind.lower(), *([group.split(".")[0]] if group else []), name)
    try:
        schema = json.loads((_directory(version) / f"{'-'.join(parts)}.json").read_bytes())
    except FileNotFoundError:
        return None
    registry: Registry[Any] = _definitions(version) @ Registry()
    registry = Resource.from_contents(schema) @ registry
    return Draft202012Validator(schema, registry=registry)
