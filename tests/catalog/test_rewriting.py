"""A value in a file changes, and nothing else does."""

import pytest

from catalog.rewriting import with_values

ELSEWHERE = {("placement", "cell"): "prod-us-east-1", ("placement", "database"): "pool-b"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "placement:\n  cell: prod-eu-west-1   # near them\n  database: pool-a\n",
            "placement:\n  cell: prod-us-east-1   # near them\n  database: pool-b\n",
        ),
        (
            "a: 'x: cell'\nplacement: {database: \"pool-a\", cell: 'prod-eu-west-1'} # ü\nb: 1",
            "a: 'x: cell'\nplacement: {database: \"pool-b\", cell: 'prod-us-east-1'} # ü\nb: 1",
        ),
        (
            "# 😀 cell: x\r\n\r\nplacement:\r\n    cell:\r\n      prod-eu-west-1\r\n"
            "    # by size\r\n    database: pool-a\r\n",
            "# 😀 cell: x\r\n\r\nplacement:\r\n    cell:\r\n      prod-us-east-1\r\n"
            "    # by size\r\n    database: pool-b\r\n",
        ),
        (
            '{"other": {"cell": "c"}, "placement": {"cell": "c", "database": "c"}}',
            '{"other": {"cell": "c"}, "placement": {"cell": "prod-us-east-1",'
            ' "database": "pool-b"}}',
        ),
    ],
)
def test_only_the_values_named_change(before: str, after: str) -> None:
    assert with_values(before, ELSEWHERE) == after


def test_a_place_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match=r"placement\.database"):
        with_values("placement:\n  cell: here\n", ELSEWHERE)
    with pytest.raises(LookupError, match=r"zones\.7"):
        with_values("zones: [a, b]\n", {("zones", 7): "c"})
    assert with_values("zones: [a, b]\n", {("zones", 1): "c"}) == "zones: [a, c]\n"
