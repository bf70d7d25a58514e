"""What the sizes of AWS's instances mean: memory and connections of databases, CPUs of nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.cell import DatabaseSettings

GIB = 2**30

GIB_PER_ACU = 2
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.how-it-works.html"""

BYTES_PER_CONNECTION = 9_531_392
"""Aurora's default for max_connections: LEAST(DBInstanceClassMemory/9531392, 5000)."""
MOST_CONNECTIONS = 5000

SMALL_MINIMUM_ACU = 0.5
MOST_CONNECTIONS_OF_SMALL_MINIMUM = 2000
"""A serverless cluster that may shrink to half an ACU is held to 2,000 connections."""

_MEMORY_OPTIMIZED_GIB = {
    "large": 16,
    "xlarge": 32,
    "2xlarge": 64,
    "4xlarge": 128,
    "8xlarge": 256,
    "12xlarge": 384,
    "16xlarge": 512,
    "24xlarge": 768,
    "48xlarge": 1536,
}
_BURSTABLE_GIB = {"medium": 4, "large": 8}

_SIZE = re.compile(
    r"[a-z0-9-]+\.(?:(?P<multiple>[0-9]*)xlarge|metal-(?P<metal>[0-9]+)xl"
    r"|(?:large|medium|small|micro|nano))"
)


def memory_bytes(spec: DatabaseSettings) -> int:
    """Memory of one instance at its largest, in bytes.

    From https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.DBInstanceClass.html.
    Raises ValueError for an instance class outside the db.r and db.t families.
    """
    if spec.serverless is not None:
        return int(spec.serverless.maximum * GIB_PER_ACU * GIB)
    instance_class = spec.instance_class or ""
    family, _, size = instance_class.removeprefix("db.").partition(".")
    sizes = {"r": _MEMORY_OPTIMIZED_GIB, "t": _BURSTABLE_GIB}.get(family[:1], {})
    if size not in sizes:
        raise ValueError(
            f"the memory of {instance_class} is not known; use db.r<generation> with one of "
            f"{', '.join(_MEMORY_OPTIMIZED_GIB)}, or db.t<generation> with one of "
            f"{', '.join(_BURSTABLE_GIB)}"
        )
    return sizes[size] * GIB


def max_connections(spec: DatabaseSettings) -> int:
    """How many connections one instance takes with Aurora's default for its size."""
    connections = min(memory_bytes(spec) // BYTES_PER_CONNECTION, MOST_CONNECTIONS)
    if spec.serverless is not None and spec.serverless.minimum <= SMALL_MINIMUM_ACU:
        return min(connections, MOST_CONNECTIONS_OF_SMALL_MINIMUM)
    return connections


def virtual_cpus(instance_type: str) -> int:
    """The most virtual CPUs an EC2 instance type of that size has.

    EC2's sizes are regular: `large` has 2, `xlarge` 4, `Nxlarge` and `metal-Nxl` 4N; smaller ones
    have 1 or 2. Plain `metal` differs by family, so a ceiling cannot be told: a ValueError.
    """
    match = _SIZE.fullmatch(instance_type)
    if match is None:
        raise ValueError(
            f"{instance_type!r} has a size whose number of CPUs is not known;"
            " use large, xlarge, Nxlarge or metal-Nxl"
        )
    multiple = match["metal"] or match["multiple"]
    return 2 if multiple is None else 4 * int(multiple or 1)
