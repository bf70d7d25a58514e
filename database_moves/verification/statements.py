"""The statements that verification reads with, the same for both sides.

No statement has parameters: names may hold a percent sign.

A row is compared by the text of `ROW(...)`: it tells NULL from '' and quotes what would blur the
border between two columns. Values that can be large stand in it by their hash, so that no row's
text is longer than a few kilobytes a column; a value's text is what its type's output function
writes, which the session's settings make equal on every version.

The hash is `hashtextextended` of the text as bytes (COLLATE "C") with a seed drawn for the run.
Hash partitioning relies on it, so it never changes between versions; it does differ between
little- and big-endian machines and between encodings. Where the two sides don't agree on samples,
64 bits of SHA-256 over UTF-8 take its place. A sum of such hashes fits a wrong range with a chance
of 2^-64, as the seed is unknown to who wrote the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from database_moves.verification.catalog import ComparedColumn, Layout
    from database_moves.verification.ranges import KeyRange

Method = Literal["hashtextextended", "sha256"]
Side = Literal["serving", "follower"]
Identity = tuple[str, ...] | int
"""A row's key as text, or where there is none the hash of the whole row."""

_BYTEA = 17
_STRINGS = {25, 1043}
# Cast to text without an output function's detour, and never copied into a row's text.
_DOCUMENTS = {114, 142, 3802}
# Of no fixed size and yet small: bpchar, inet, cidr, numeric.
_SMALL = {1042, 869, 650, 1700}
_SHORT_BYTES = 512

SAMPLES = ("", "a", '(1,"b ""c""",,)', "x" * 1000)
"""Texts on whose hashes both sides have to agree."""


class Statements:
    """Composes what one run asks; `seed` is any signed 64-bit number."""

    def __init__(self, seed: int, method: Method = "hashtextextended") -> None:
        self._seed = sql.Literal(seed)
        self._method = method

    def samples(self) -> sql.Composed:
        """The hashes of `SAMPLES`."""
        return sql.SQL("SELECT {} FROM unnest({}::text[]) AS s(t)").format(
            self._hash(sql.SQL("s.t")), sql.Literal(list(SAMPLES))
        )

    def boundary(self, layout: Layout, within: KeyRange, rows: int) -> sql.Composed:
        """The key that is `rows` rows into a range; no row where the range is not longer."""
        return self._nth(layout, self._within(layout, within), rows)

    def following(self, layout: Layout, bound: tuple[str, ...]) -> sql.Composed:
        """The next key after one, as far as the key forms ranges."""
        return self._nth(layout, _compared(layout, ">", bound), 0)

    def _nth(self, layout: Layout, condition: sql.Composed, rows: int) -> sql.Composed:
        names = _identifiers(name for name, _ in layout.ordered)
        return sql.SQL("SELECT {} FROM ONLY {} AS t WHERE {} ORDER BY {} OFFSET {} LIMIT 1").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in names),
            layout.table.qualified,
            condition,
            sql.SQL(", ").join(names),
            sql.Literal(rows),
        )

    def buckets(self, layout: Layout, within: KeyRange, buckets: int) -> sql.Composed:
        """Bucket, count of rows and sum of their hashes; for one bucket one row, also if empty."""
        if buckets == 1:
            return sql.SQL(
                "SELECT 0, count(*), COALESCE(sum({}), 0) FROM ONLY {} AS t WHERE {}"
            ).format(self.row_hash(layout), layout.table.qualified, self._within(layout, within))
        return sql.SQL(
            "SELECT b & {}, count(*), sum(h) FROM "
            "(SELECT {} AS b, {} AS h FROM ONLY {} AS t WHERE {} OFFSET 0) AS r GROUP BY 1"
        ).format(
            sql.Literal(buckets - 1),
            self._identity(layout),
            self.row_hash(layout),
            layout.table.qualified,
            self._within(layout, within),
        )

    def small(self, batch: Sequence[Layout]) -> sql.Composed:
        """Count of rows and sum of hashes of many tables, by their place in the batch."""
        return sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, count(*), COALESCE(sum({}), 0) FROM ONLY {} AS t").format(
                sql.Literal(n), self.row_hash(layout), layout.table.qualified
            )
            for n, layout in enumerate(batch)
        )

    def listing(
        self, layout: Layout, within: KeyRange, buckets: int, chosen: Sequence[int]
    ) -> sql.Composed:
        """Identity hash, row hash and key of the rows in some buckets of a range."""
        return sql.SQL(
            "SELECT r.* FROM (SELECT {} AS b, {} AS h, {} AS k FROM ONLY {} AS t WHERE {} "
            "OFFSET 0) AS r WHERE r.b & {} = ANY({})"
        ).format(
            self._identity(layout),
            self.row_hash(layout),
            self._key_texts(layout),
            layout.table.qualified,
            self._within(layout, within),
            sql.Literal(buckets - 1),
            sql.Literal(list(chosen)),
        )

    def versions(self, layout: Layout, side: Side, asked: Sequence[Identity]) -> sql.Composed:
        """The versions of the rows asked for: place in question, key, hash, xmin, xmax, ctid."""
        if not layout.key:
            return sql.SQL(
                "SELECT w.n, r.k, r.h, r.i, r.a, r.c FROM (SELECT {} AS k, {} AS h, "
                "t.xmin::text AS i, t.xmax::text AS a, t.ctid::text AS c FROM ONLY {} AS t "
                "OFFSET 0) AS r JOIN unnest({}::bigint[]) WITH ORDINALITY AS w(h, n) ON w.h = r.h"
            ).format(
                self._key_texts(layout),
                self.row_hash(layout),
                layout.table.qualified,
                sql.Literal(list(asked)),
            )
        return sql.SQL("SELECT w.n, {}, {}, t.xmin::text, t.xmax::text, t.ctid::text {}").format(
            self._key_texts(layout), self.row_hash(layout), _lookup(layout, side, asked)
        )

    def column_hashes(self, layout: Layout, side: Side, asked: Sequence[Identity]) -> sql.Composed:
        """Place in the question, and a hash of each column, to see which of them differ."""
        hashes = [
            sql.SQL("COALESCE({}, 0)").format(self._hash(sql.SQL("ROW({})::text").format(_of(c))))
            for c in layout.columns
        ]
        return sql.SQL("SELECT w.n, ARRAY[{}]::bigint[] {}").format(
            sql.SQL(", ").join(hashes), _lookup(layout, side, asked)
        )

    def row_hash(self, layout: Layout) -> sql.Composed:
        """The hash of a whole row."""
        values = sql.SQL(", ").join(self._value(column) for column in layout.columns)
        return self._hash(sql.SQL("ROW({})::text").format(values))

    def _identity(self, layout: Layout) -> sql.Composed:
        if not layout.key:
            return self.row_hash(layout)
        key = sql.SQL(", ").join(_of(column) for column in layout.key)
        return self._hash(sql.SQL("ROW({})::text").format(key))

    def _key_texts(self, layout: Layout) -> sql.Composed:
        # format() writes by the type's own output function, a cast may be somebody's.
        return sql.SQL("ARRAY[{}]::text[]").format(
            sql.SQL(", ").join(sql.SQL("format('%s', {})").format(_of(c)) for c in layout.key)
        )

    def _value(self, column: ComparedColumn) -> sql.Composed:
        value = _of(column)
        if column.base == _BYTEA:
            return sql.SQL(
                "CASE WHEN octet_length({0}) <= {1} THEN encode({0}, 'hex') "
                "ELSE encode(sha256({0}), 'hex') || ':' || octet_length({0}) END"
            ).format(value, _SHORT)
        if column.base in _STRINGS:
            text = sql.SQL("{}::text").format(value)
            return sql.SQL(
                "CASE WHEN octet_length({0}) <= {1} THEN {0} "
                "ELSE {2} || ':' || octet_length({0}) END"
            ).format(text, _SHORT, self._hash(text))
        if column.base in _DOCUMENTS:
            return self._hash(sql.SQL("{}::text").format(value))
        if column.fixed_size or column.base in _SMALL:
            return value
        return self._hash(sql.SQL("ROW({})::text").format(value))

    def _hash(self, text: sql.Composable) -> sql.Composed:
        if self._method == "hashtextextended":
            return sql.SQL('hashtextextended({} COLLATE "C", {}::bigint)').format(text, self._seed)
        return sql.SQL(
            "('x' || left(encode(sha256(convert_to({} || ' ' || {}, 'UTF8')), 'hex'), 16))"
            "::bit(64)::bigint"
        ).format(sql.Literal(str(self._seed.as_string(None))), text)

    def _within(self, layout: Layout, within: KeyRange) -> sql.Composed:
        conditions = []
        if within.low is not None:
            conditions.append(_compared(layout, ">=", within.low))
        if within.high is not None:
            conditions.append(_compared(layout, "<", within.high))
        return sql.SQL(" AND ").join(conditions or [sql.SQL("true").format()])


_SHORT = sql.Literal(_SHORT_BYTES)


def _of(column: ComparedColumn) -> sql.Composed:
    return sql.SQL("t.{}").format(sql.Identifier(column.name))


def _identifiers(names: Iterable[str]) -> list[sql.Composed]:
    return [sql.SQL("t.{}").format(sql.Identifier(name)) for name in names]


def _compared(
    layout: Layout, operator: Literal[">", ">=", "<"], bound: tuple[str, ...]
) -> sql.Composed:
    values = [
        sql.SQL("{}::{}").format(sql.Literal(value), sql.Identifier(base))
        for value, (_, base) in zip(bound, layout.ordered, strict=True)
    ]
    return sql.SQL("({}) {} ({})").format(
        sql.SQL(", ").join(_identifiers(name for name, _ in layout.ordered)),
        sql.SQL(operator),
        sql.SQL(", ").join(values),
    )


def _lookup(layout: Layout, side: Side, asked: Sequence[Identity]) -> sql.Composed:
    names = [sql.Identifier(f"k{i}") for i in range(len(layout.key))]
    keys = [key for key in asked if not isinstance(key, int)]
    lists = [
        sql.SQL("{}::text[]").format(sql.Literal([key[i] for key in keys]))
        for i in range(len(names))
    ]
    equal = [
        # format_type() has quoted the type's name.
        sql.SQL("t.{} = w.{}::{}").format(
            sql.Identifier(column.name),
            name,
            sql.SQL(column.serving_type if side == "serving" else column.follower_type),
        )
        for name, column in zip(names, layout.key, strict=True)
    ]
    return sql.SQL(
        "FROM ROWS FROM (unnest({})) WITH ORDINALITY AS w({}, n) JOIN ONLY {} AS t ON {}"
    ).format(
        sql.SQL(", ").join(lists),
        sql.SQL(", ").join(names),
        layout.table.qualified,
        sql.SQL(" AND ").join(equal),
    )
