"""The options that a component gives its children."""

from __future__ import annotations

import pulumi


def child_options(
    component: pulumi.ComponentResource, opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Options for a child of `component`, which itself was declared with `opts`.

    What a component waits for, its children wait for: Pulumi hands `depends_on` down to none of
    them, so that a component which depends on something would in truth be made at once.
    """
    return pulumi.ResourceOptions(
        parent=component, depends_on=opts.depends_on if opts is not None else None
    )
