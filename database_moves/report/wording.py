"""Says figures and names as people read them; a name from outside can't act on a terminal."""

from __future__ import annotations

import math
import unicodedata

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
NONE = "–"  # noqa: RUF001 - an en dash stands for a figure that nobody has
"""What stands where there is no figure."""


def visible(text: str) -> str:
    """The text on one line, with control and direction characters escaped.

    A table may be called `ESC[2J` or hold a right-to-left override: neither may reach a terminal
    or a page as it is.
    """
    return "".join(
        f"\\u{ord(letter):04x}" if unicodedata.category(letter) in _INVISIBLE else letter
        for letter in text
    )


def count(number: float) -> str:
    """`41,203,555`."""
    return f"{number:,.0f}" if math.isfinite(number) else NONE


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A number and its noun: `1 table`, `2 tables`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def size(number: float) -> str:
    """Bytes in powers of 1024: `1.4 GiB`; three digits at least, so that growth shows."""
    if not math.isfinite(number):
        return NONE
    number = max(number, 0.0)
    power = 0
    while number >= 999.5 and power < len(_BYTES) - 1:
        number /= 1024
        power += 1
    return f"{_digits(number) if power else f'{number:.0f}'} {_BYTES[power]}"


def duration(seconds: float) -> str:
    """`84 ms`, `1.25 s`, `4 min 05 s`, `2 h 03 min`, `3 d 04 h`."""
    if not math.isfinite(seconds):
        return NONE
    seconds = max(seconds, 0.0)
    if seconds < 0.01 and seconds > 0:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{_digits(seconds)} s"
    whole = round(seconds)
    for larger, smaller, unit, lesser in (
        (86400, 3600, "d", "h"),
        (3600, 60, "h", "min"),
        (60, 1, "min", "s"),
    ):
        if whole >= larger:
            return f"{whole // larger} {unit} {whole % larger // smaller:02} {lesser}"
    return f"{whole} s"


def in_unit(number: float, unit: str) -> str:
    """A figure with its unit; bytes and seconds in the way that suits their size."""
    if unit == "bytes":
        return size(number)
    if unit == "seconds":
        return duration(number)
    return f"{count(number)} {unit}".rstrip()


def server(version: int) -> str:
    """`PostgreSQL 16.14`, from the number 160014."""
    return f"PostgreSQL {version // 10000}.{version % 10000}"


def _digits(number: float) -> str:
    if number < 9.995:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 99.95 else f"{number:.0f}"
