"""Imports all that a tenant's stack is brought up with, for processes that are forked after it.

A process of its own spends more on that than on bringing the stack up.
"""

from __future__ import annotations

import gc
from importlib import import_module

import pulumi_aws

import rehearsal.rehearse  # noqa: F401
import stacks.tenant  # noqa: F401
from rehearsal.drivers import drivers
from rehearsal.servers.moto import session

SERVICES = (
    "acm",
    "cloudwatch",
    "ec2",
    "eks",
    "iam",
    "kms",
    "lb",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "vpc",
    "wafv2",
)
"""Parts of the AWS SDK that the program of a tenant declares resources of."""

APIS = (
    "acm",
    "dynamodb",
    "ec2",
    "eks",
    "elbv2",
    "iam",
    "kms",
    "logs",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "sts",
    "wafv2",
)
"""What the local cloud and the move ask AWS for."""


def _load() -> None:
    for name in SERVICES:
        # The SDK loads a part when anything of it is asked for.
        getattr(getattr(pulumi_aws, name), "__all__", None)
    import_module("pulumi_kubernetes.core.v1")
    drivers()
    descriptions = session().get_component("data_loader")
    for api in APIS:
        for part in ("service-2", "endpoint-rule-set-1"):
            descriptions.load_service_model(api, part)
    # A collection in a forked process would copy each page that it looks at.
    gc.collect()
    gc.freeze()


_load()
