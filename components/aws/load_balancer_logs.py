"""The bucket to which every load balancer of a cell writes its access logs."""

from __future__ import annotations

import pulumi

from components.aws.bucket import Bucket, BucketSpec

VERSIONS_DAYS = 7


class LoadBalancerLogs(pulumi.ComponentResource):
    """A bucket in S3's own encryption, the only one that load balancers can write to.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """

    bucket_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        bucket_name: str,
        account: str,
        retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:LoadBalancerLogs", name, None, opts)
        bucket = Bucket(
            f"{name}-logs",
            BucketSpec(versions_days=VERSIONS_DAYS, expiry_days=retention_days),
            bucket_name=bucket_name,
            key_arn=None,
            account=account,
            statements=[
                {
                    "Sid": "LoadBalancersWriteTheirLogs",
                    "Effect": "Allow",
                    "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{bucket_name}/*/AWSLogs/{account}/*",
                    "Condition": {
                        "ArnLike": {
                            "aws:SourceArn": (
                                f"arn:aws:elasticloadbalancing:*:{account}:loadbalancer/*"
                            )
                        }
                    },
                }
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.bucket_name = bucket.bucket_name
        self.register_outputs({"bucket_name": self.bucket_name})
