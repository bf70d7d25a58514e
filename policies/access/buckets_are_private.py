"""Every bucket blocks public access and is encrypted with a key of the platform's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BUCKET
from policies.rule import Rule, Verdict, each, expects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
SETTINGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@each(BUCKET, needed_in=("organization", "cell", "tenant"))
def of_buckets(bucket: Resource, stack: Stack) -> Iterator[str]:
    """Buckets without a block, or in plain."""
    for type, what in ((BLOCK, "public access block"), (ENCRYPTION, "encryption")):
        if not any(
            bucket in stack.referred(each, "bucket", BUCKET) for each in stack.of_type(type)
        ):
            yield f"no {what} is declared for it"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Buckets, and their blocks."""
    yield from of_buckets(stack)
    yield from expects(BLOCK, dict.fromkeys(SETTINGS, True))(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="A bucket's policy is one mistake away from being public; the block holds nevertheless.",
    remedy="Declare the public access block with all four settings, and encryption by aws:kms.",
    evaluate=evaluate,
)
