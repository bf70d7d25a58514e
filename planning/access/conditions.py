"""Conditions of IAM statements: brought to one form, split where any value will do, compared."""

from __future__ import annotations

from itertools import product
from typing import Any

from planning.access.wildcards import covers

Item = tuple[str, str, tuple[str, ...]]
"""Operator, key in lower case, and values in order."""
Condition = tuple[Item, ...]

_MOST_SPLIT = 256
"""Beyond that many combinations of values, a condition stays whole: it only compares less well."""


def condition_of(element: object) -> Condition:
    """A Condition element in one form.

    Raises:
        ValueError: it is none.
    """
    if element is None:
        return ()
    if not isinstance(element, dict):
        raise ValueError("a Condition is no object")
    found: list[Item] = []
    for operator, block in element.items():
        if not isinstance(block, dict):
            raise ValueError(f"the condition {operator} is no object")
        for key, value in block.items():
            values = value if isinstance(value, list) else [value]
            found.append((operator, str(key).lower(), tuple(sorted(map(_text, values)))))
    return tuple(sorted(found))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def split(condition: Condition) -> list[Condition]:
    """One condition for each value, where the statement holds for any one of several."""
    choices: list[list[Item]] = []
    combinations = 1
    for operator, key, values in condition:
        if _takes_any(operator) and len(values) > 1:
            choices.append([(operator, key, (value,)) for value in values])
            combinations *= len(values)
        else:
            choices.append([(operator, key, values)])
    if combinations > _MOST_SPLIT:
        return [condition]
    return list(product(*choices))


def merged(conditions: list[Condition]) -> list[Condition]:
    """The reverse of `split`: those that differ in one item's values, as one."""
    left = sorted(set(conditions))
    for position in range(max(map(len, left), default=0)):
        grouped: dict[tuple[Any, ...], set[str]] = {}
        whole: list[Condition] = []
        for each in left:
            if position >= len(each) or not _takes_any(each[position][0]):
                whole.append(each)
                continue
            operator, key, values = each[position]
            rest = (each[:position], operator, key, each[position + 1 :])
            grouped.setdefault(rest, set()).update(values)
        left = whole + [
            (*before, (operator, key, tuple(sorted(values))), *after)
            for (before, operator, key, after), values in grouped.items()
        ]
    return sorted(left)


def contains(wide: Condition, narrow: Condition) -> bool:
    """Whether `wide` holds wherever `narrow` does; False where unsure."""
    return wide == narrow or all(any(_weaker(item, each) for each in narrow) for item in wide)


def _weaker(wide: Item, narrow: Item) -> bool:
    if wide == narrow:
        return True
    (operator, key, values), (other, other_key, other_values) = wide, narrow
    if key != other_key:
        return False
    if "Not" in operator:
        return operator == other and set(values) <= set(other_values)
    like = _base(operator).endswith("Like") or _base(operator) == "ArnEquals"
    family = {"String": ("StringEquals", "StringLike"), "Arn": ("ArnEquals", "ArnLike")}
    same = operator == other or (
        like
        and operator.removesuffix("IfExists") == operator
        and _quantifier(operator) == _quantifier(other)
        and any(_base(operator) in ops and _base(other) in ops for ops in family.values())
    )
    if not same or _base(operator) in ("Bool", "Null") or _ordered(operator):
        return False
    return all(
        any(covers(value, each) if like else value == each for value in values)
        for each in other_values
    )


def _takes_any(operator: str) -> bool:
    """Whether one matching value is enough: then each value is a permission of its own."""
    return "Not" not in operator and not operator.startswith("ForAllValues:")


def _quantifier(operator: str) -> str:
    return operator.rpartition(":")[0]


def _base(operator: str) -> str:
    return operator.rpartition(":")[2].removesuffix("IfExists")


def _ordered(operator: str) -> bool:
    return _base(operator).startswith(("Numeric", "Date", "Ip"))


def said(condition: Condition) -> str:
    """The condition as a clause: `aws:region is eu-west-1 or eu-central-1`."""
    return " and ".join(
        f"{key} {_verb(operator)} {' or '.join(values)}" for operator, key, values in condition
    )


def _verb(operator: str) -> str:
    verbs = {
        "StringEquals": "is",
        "ArnEquals": "is",
        "StringLike": "is like",
        "ArnLike": "is like",
        "StringNotEquals": "is not",
        "ArnNotEquals": "is not",
        "StringNotLike": "is not like",
        "ArnNotLike": "is not like",
        "Bool": "is",
        "IpAddress": "is in",
        "NotIpAddress": "is not in",
    }
    return verbs.get(operator, f"({operator})")
