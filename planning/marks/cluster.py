"""What a tenant may ask of a cell is raised."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from planning.marks.looking import changed, mark, named, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.document import Mark
    from planning.marks.looking import Case

_UNITS = {
    "": 1.0,
    "m": 0.001,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
}
"""https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""


def quotas(case: Case) -> Iterator[Mark]:
    """A quota or a limit of connections is higher, or gone."""
    compared, change = case.compared, case.change
    if compared.before is None:
        return
    if change.type == "kubernetes:core/v1:ResourceQuota":
        if compared.after is None and case.head is not None:
            yield mark("quota-raised", "medium", f"{named(compared)} is taken away")
        for each in change.properties:
            before, after = _quantity(each.before), _quantity(each.after)
            if (
                each.path.startswith("spec.hard")
                and before is not None
                and (each.kind == "removed" or (after is not None and after > before))
            ):
                what = each.path.removeprefix("spec.hard.")
                to = "no limit" if each.kind == "removed" else plain(each.after)
                text = f"{named(compared)}: {what} from {plain(each.before)} to {to}"
                yield mark("quota-raised", "medium", text, each.path)
    if change.type.startswith("postgresql:"):
        for each in changed(change, "connectionLimit"):
            before, after = _quantity(each.before), _quantity(each.after)
            if before is not None and after is not None and (after > before or after == -1):
                text = (
                    f"{named(compared)}: connections from {plain(each.before)} "
                    f"to {plain(each.after)}"
                )
                yield mark("quota-raised", "medium", text, each.path)


def _quantity(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(m|[kMGT]|[KMGT]i)?", str(given))
    return float(found[1]) * _UNITS[found[2] or ""] if found else None
