"""Kubernetes quantities as whole numbers, so that they can be added and compared."""

from __future__ import annotations

_MEBIBYTES = {"Mi": 1, "Gi": 1024}


def cpu_millicores(quantity: str) -> int:
    """Thousandths of a core: `250m` is 250, `2` is 2000."""
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000


def memory_mebibytes(quantity: str) -> int:
    """Mebibytes: `512Mi` is 512, `1Gi` is 1024."""
    return int(quantity[:-2]) * _MEBIBYTES[quantity[-2:]]
