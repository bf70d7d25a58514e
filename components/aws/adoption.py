"""How a component takes over what an earlier stack left in the cloud, instead of making it."""

from __future__ import annotations

import pulumi


def adopted(identity: str | None, *untold: str) -> pulumi.ResourceOptions:
    """Options of a resource that is there already under this id; none where it is None.

    The engine refuses to import what differs from its program, so what may have changed since, or
    what AWS does not tell (`untold`, under Pulumi's names), waits for the update after the import.
    """
    if identity is None:
        return pulumi.ResourceOptions()
    return pulumi.ResourceOptions(
        import_=identity, ignore_changes=["description", "tags", "tagsAll", *untold]
    )
