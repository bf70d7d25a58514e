"""The policy pack: `pulumi preview --policy-pack policies` starts this."""

import sys
from pathlib import Path

# Pulumi puts the pack's own directory first, where the rules import from the repository.
sys.path[:] = [str(Path(__file__).resolve().parent.parent), *sys.path[1:]]

from policies.pack import serve  # noqa: E402  # found only now

serve()
