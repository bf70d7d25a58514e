"""How fast a cell is emptied by 1, 2 and 4 workers, and what tenants' applications notice of it."""

import sys
from pathlib import Path

# The journeys of the tests are what is measured here.
_TESTS = Path(__file__).parents[2] / "tests"
sys.path += [str(_TESTS / part) for part in ("end_to_end", "database_moves", "tenant_moves")]
