"""What wakes somebody up when a cell's logs no longer reach the archive."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.children import child_options

PERIOD_SECONDS = 300
LATE_SECONDS = 3600
"""Four times the stream's longest buffering. Firehose tries for a day, then drops what it has."""


class LogArchiveAlarms(pulumi.ComponentResource):
    """Two alarms: the archive takes nothing, and nothing is sent to it.

    Either way nothing is lost for as long as CloudWatch keeps the logs.
    """

    def __init__(
        self,
        name: str,
        *,
        stream_name: str,
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:LogArchiveAlarms", name, None, opts)
        child = child_options(self, opts)
        aws.cloudwatch.MetricAlarm(
            f"{name}-late",
            name=f"{stream_name}-late",
            alarm_description=(
                "The archive refuses the cell's logs: the stream's own log group says why."
                f" After a day the stream drops them. Log group /aws/kinesisfirehose/{stream_name}."
            ),
            namespace="AWS/Firehose",
            metric_name="DeliveryToS3.DataFreshness",
            dimensions={"DeliveryStreamName": stream_name},
            statistic="Maximum",
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=LATE_SECONDS,
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            opts=child,
        )
        aws.cloudwatch.MetricAlarm(
            f"{name}-silent",
            name=f"{stream_name}-silent",
            alarm_description=(
                "No log of the cell reaches the stream: a Kubernetes API is never silent, so a"
                " subscription or its role is gone."
            ),
            namespace="AWS/Firehose",
            metric_name="IncomingRecords",
            dimensions={"DeliveryStreamName": stream_name},
            statistic="Sum",
            period=PERIOD_SECONDS,
            evaluation_periods=LATE_SECONDS // PERIOD_SECONDS,
            comparison_operator="LessThanThreshold",
            threshold=1,
            treat_missing_data="breaching",
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            opts=child,
        )
        self.register_outputs({})
