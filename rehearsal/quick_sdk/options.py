"""Resource options, copied and merged for every resource, without the SDK's detours."""

from __future__ import annotations

from typing import Any, TypeVar

from pulumi import ResourceOptions
from pulumi.resource_hooks import ResourceHookBinding

T = TypeVar("T", ResourceOptions, ResourceHookBinding)

_sdk_merge = ResourceHookBinding.merge


def copy_options(options: T) -> T:
    """In place of the `_copy` of options and of hooks, which goes by way of pickling."""
    made = object.__new__(type(options))
    made.__dict__ = dict(options.__dict__)
    return made


def get_setting(setting: Any, instance: Any, _owner: Any) -> Any:
    """In place of `ContextProperty.__get__`, which looks everything up twice."""
    if instance is None:
        return setting
    value = setting._data.get(setting._ContextProperty__default)
    return setting if isinstance(value, dict) else value


def merge_hooks(
    first: ResourceHookBinding | None, second: ResourceHookBinding | None
) -> ResourceHookBinding:
    """In place of `ResourceHookBinding.merge`: hardly any resource has hooks."""
    if first is None and second is None:
        return ResourceHookBinding()
    return _sdk_merge(first, second)
