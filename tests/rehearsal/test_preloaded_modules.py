"""A process that is forked after the imports finds loaded all that a tenant's stack is made of."""

import json
import os
import subprocess
import sys

from catalog.load import find_root, load
from rehearsal.evaluation import Evaluation

LOADED = """
import gc, json, sys
import rehearsal.preloaded
from rehearsal.drivers import drivers
from rehearsal.servers.moto import session

before = set(sys.modules)
drivers()
session().create_client("s3", region_name="eu-west-1", aws_access_key_id="a",
                        aws_secret_access_key="a")
assert gc.get_freeze_count() > 100_000
print(json.dumps({"loaded": sorted(before), "later": sorted(set(sys.modules) - before)}))
"""


def test_nothing_that_a_tenants_stack_declares_is_left_to_import():
    ran = subprocess.run(
        [sys.executable, "-c", LOADED],
        env=os.environ | {"PYTHONPATH": str(find_root())},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    evaluation = Evaluation(load(find_root()))
    tenants = ("brightwater", "evergreen-bank", "sandbox")
    types = {
        r.type for name in tenants for r in evaluation.evaluate(f"tenant.{name}").resources.values()
    }
    needed = {
        f"pulumi_aws.{type.split(':')[1].partition('/')[0]}."
        for type in types
        if type.startswith("aws:")
    }
    assert len(needed) > 8
    assert {n for n in needed if not any(m.startswith(n) for m in found["loaded"])} == set()
    assert not [name for name in found["later"] if name.startswith(("rehearsal", "stacks"))]
