"""Which types have values that PostgreSQL cannot tell to be equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from database_moves.preflight.situation import Server

# A type is compared by the equality of its default btree or hash operator class. That of arrays
# and rows compares their parts, so these need one as well. A domain is compared as its base type.
# The enum, range and row types' classes are those of their pseudo-types.
_WITHOUT = """
WITH RECURSIVE part (top, type, depth) AS (
  SELECT t, t, 0 FROM unnest(%(types)s::bigint[]::oid[]) AS t
  UNION
  SELECT part.top, next.type, part.depth + 1
    FROM part JOIN pg_type AS t ON t.oid = part.type
   CROSS JOIN LATERAL (
     SELECT t.typbasetype AS type WHERE t.typtype = 'd'
     UNION ALL SELECT t.typelem WHERE t.typcategory = 'A' AND t.typelem <> 0
     UNION ALL SELECT a.atttypid FROM pg_attribute AS a
                WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                  AND NOT a.attisdropped
   ) AS next
   WHERE part.depth < 20
)
SELECT DISTINCT part.top::bigint, format_type(part.top, NULL)
  FROM part JOIN pg_type AS t ON t.oid = part.type
 WHERE t.typtype = 'b' AND NOT (t.typcategory = 'A' AND t.typelem <> 0)
   AND NOT EXISTS (
     SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod
      WHERE m.amname IN ('btree', 'hash') AND o.opcdefault
        AND (o.opcintype = t.oid OR EXISTS (
             SELECT FROM pg_cast AS k WHERE k.castsource = t.oid AND k.casttarget = o.opcintype
                AND k.castmethod = 'b' AND k.castcontext = 'i')))
 ORDER BY 2
"""


def without_equality(server: Server, types: Iterable[int]) -> dict[int, str]:
    """Those of the types whose values cannot be compared, such as json: names by oid."""
    return dict(server.rows(_WITHOUT, {"types": list(types)}))
