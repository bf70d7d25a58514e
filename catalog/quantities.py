"""Kubernetes quantities of CPU and memory as whole numbers, and their arithmetic."""

from __future__ import annotations

import re

_CPU = re.compile(r"([1-9][0-9]*)(m?)")
_MEMORY = re.compile(r"([1-9][0-9]*)(Mi|Gi)")


def millicores(cpu: str) -> int:
    """Thousandths of a core in a CPU quantity such as `250m` or `2`."""
    match = _CPU.fullmatch(cpu)
    if match is None:
        raise ValueError(f"{cpu!r} is no CPU quantity; write cores (2) or thousandths (250m)")
    return int(match[1]) if match[2] else int(match[1]) * 1000


def mebibytes(memory: str) -> int:
    """MiB in a memory quantity such as `512Mi` or `2Gi`."""
    match = _MEMORY.fullmatch(memory)
    if match is None:
        raise ValueError(f"{memory!r} is no memory quantity; write 512Mi or 2Gi")
    return int(match[1]) * (1024 if match[2] == "Gi" else 1)


def cpu_quantity(thousandths: int) -> str:
    """The shortest CPU quantity, as the API server would print it: whole cores where they fit."""
    if thousandths < 1:
        raise ValueError(f"{thousandths} thousandths of a core is not a positive amount")
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def memory_quantity(mib: int) -> str:
    """The shortest memory quantity, as the API server would print it: whole GiB where they fit."""
    if mib < 1:
        raise ValueError(f"{mib} MiB is not a positive amount")
    return f"{mib}Mi" if mib % 1024 else f"{mib // 1024}Gi"


def add_cpu(*quantities: str) -> str:
    """The sum of CPU quantities; at least one is needed."""
    return cpu_quantity(sum(map(millicores, quantities)))


def add_memory(*quantities: str) -> str:
    """The sum of memory quantities; at least one is needed."""
    return memory_quantity(sum(map(mebibytes, quantities)))


def times_cpu(quantity: str, count: int) -> str:
    """A CPU quantity, `count` times."""
    return cpu_quantity(millicores(quantity) * count)


def times_memory(quantity: str, count: int) -> str:
    """A memory quantity, `count` times."""
    return memory_quantity(mebibytes(quantity) * count)
