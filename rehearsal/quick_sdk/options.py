"""Resource options, copied and merged for every resource, without the SDK's detours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi.resource_hooks import ResourceHookBinding

if TYPE_CHECKING:
    from pulumi import ResourceOptions

_sdk_merge = ResourceHookBinding.merge


def copy_options(options: ResourceOptions) -> ResourceOptions:
    """In place of `ResourceOptions._copy`, which goes by way of pickling."""
    made = object.__new__(type(options))
    made.__dict__ = dict(options.__dict__)
    return made


def merge_hooks(
    first: ResourceHookBinding | None, second: ResourceHookBinding | None
) -> ResourceHookBinding:
    """In place of `ResourceHookBinding.merge`: hardly any resource has hooks."""
    if first is None and second is None:
        return ResourceHookBinding()
    return _sdk_merge(first, second)
