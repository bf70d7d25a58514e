"""Makes a bucket read-only for all but the mover, and takes that back, by its policy."""

from __future__ import annotations

import json
from typing import Any

SID = "PatchworksMoveReadOnly"


def seal(s3: Any, bucket: str, movers: list[str]) -> None:
    """Let nobody write but the movers, by the ARNs of their roles; again changes nothing.

    S3 takes some seconds to tell all its servers.
    """
    statement = {
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": movers}},
    }
    others = _others(s3, bucket)
    _put(s3, bucket, [*others, statement])


def unseal(s3: Any, bucket: str) -> None:
    """Let writers in again; that they are in changes nothing."""
    if is_sealed(s3, bucket):
        _put(s3, bucket, _others(s3, bucket))


def is_sealed(s3: Any, bucket: str) -> bool:
    """Whether a bucket is read-only for a move."""
    return any(statement.get("Sid") == SID for statement in _statements(s3, bucket))


def _others(s3: Any, bucket: str) -> list[dict[str, Any]]:
    return [one for one in _statements(s3, bucket) if one.get("Sid") != SID]


def _statements(s3: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return []
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def _put(s3: Any, bucket: str, statements: list[dict[str, Any]]) -> None:
    if not statements:
        s3.delete_bucket_policy(Bucket=bucket)
        return
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
