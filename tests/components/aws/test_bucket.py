"""Buckets, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from components.aws.bucket import Bucket, BucketSpec

NAME = "acme-prod-eu-west-1-globex"
ARN = f"arn:aws:s3:::{NAME}"
DELIVERY = {
    "Sid": "Delivery",
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"{ARN}/*",
}


def bucket(spec=None, **given):
    def declare(opts):
        return Bucket(
            "files",
            spec or BucketSpec(versions_days=30),
            **{"bucket_name": NAME, "key_arn": KEY, "account": ACCOUNT, **given},
            opts=opts,
        )

    return declare


@pytest.fixture(scope="module")
def graph():
    return evaluate(bucket())


def test_a_bucket_outlives_its_stack_and_its_mistakes(graph):
    found = graph.named("files-bucket")
    assert found.protect
    assert found.retain_on_delete
    assert found.inputs["forceDestroy"] is False
    versioning = graph.named("files-versioning").inputs["versioningConfiguration"]
    assert versioning == {"status": "Enabled"}


@pytest.mark.parametrize(
    "setting",
    ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"],
)
def test_nothing_in_a_bucket_can_be_made_public(graph, setting):
    assert graph.named("files-public-access").inputs[setting] is True


def test_the_bucket_owns_what_others_put_in(graph):
    rule = graph.named("files-ownership").inputs["rule"]
    assert rule == {"objectOwnership": "BucketOwnerEnforced"}


def test_objects_are_encrypted_with_the_given_key(graph):
    (rule,) = graph.named("files-encryption").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {
        "sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": KEY,
    }
    assert rule["bucketKeyEnabled"] is True


def test_uploads_cannot_choose_another_key_or_none(graph):
    found = statements(graph.named("files-policy"))
    assert found["NoOtherKey"]["Effect"] == "Deny"
    assert KEY in found["NoOtherKey"]["Condition"]["StringNotEquals"].values()
    assert "aws:kms" in found["NoOtherEncryption"]["Condition"]["StringNotEquals"].values()
    # Without this, uploads that name nothing and take the default would be denied too.
    for sid in ("NoOtherKey", "NoOtherEncryption"):
        assert set(found[sid]["Condition"]["Null"].values()) == {"false"}


def test_plain_text_and_old_tls_are_denied_to_everybody(graph):
    found = statements(graph.named("files-policy"))
    assert found["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert found["NoOldTls"]["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    for sid in ("TlsOnly", "NoOldTls"):
        assert found[sid]["Effect"] == "Deny"
        assert found[sid]["Resource"] == [ARN, f"{ARN}/*"]


def test_no_other_account_gets_in_unless_statements_say_so(graph):
    closed = statements(graph.named("files-policy"))["NoOtherAccount"]
    assert closed["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": ACCOUNT}
    opened = statements(evaluate(bucket(statements=[DELIVERY])).named("files-policy"))
    assert opened["Delivery"] == DELIVERY
    assert "NoOtherAccount" not in opened
    assert "TlsOnly" in opened


def test_old_versions_and_stuck_uploads_go(graph):
    (rule,) = graph.named("files-lifecycle").inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert rule["status"] == "Enabled"


def test_objects_expire_only_when_asked(graph):
    spec = BucketSpec(versions_days=30, expiry_days=2557)
    rules = evaluate(bucket(spec)).named("files-lifecycle").inputs["rules"]
    assert rules[1]["expiration"] == {"days": 2557}
    assert all("expiration" not in rule for rule in graph.named("files-lifecycle").inputs["rules"])


def test_a_locked_bucket_is_locked_for_everybody(graph):
    locked = evaluate(bucket(BucketSpec(versions_days=30, lock_days=365)))
    assert locked.named("files-bucket").inputs["objectLockEnabled"] is True
    rule = locked.named("files-lock").inputs["rule"]
    assert rule == {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}
    assert graph.named("files-bucket").inputs["objectLockEnabled"] is False
    type = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
    assert graph.of_type(type) == []


def test_log_delivery_that_takes_no_key_gets_s3s_own():
    graph = evaluate(bucket(key_arn=None))
    (rule,) = graph.named("files-encryption").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    assert "NoOtherKey" not in statements(graph.named("files-policy"))


def test_access_is_logged_where_a_log_bucket_is_given(graph):
    logging = evaluate(bucket(log_bucket="acme-logs")).named("files-logging")
    assert logging.inputs["targetBucket"] == "acme-logs"
    assert logging.inputs["targetPrefix"] == f"s3/{NAME}/"
    assert graph.of_type("aws:s3/bucketLogging:BucketLogging") == []


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(
        bucket(BucketSpec(versions_days=1, lock_days=1), log_bucket="acme-logs")
    )
