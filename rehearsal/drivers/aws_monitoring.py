"""Drivers for log groups, metric filters and alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, of
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver, Inputs


def _log_group(subject: Subject) -> dict[str, str]:
    return {"logGroupName": subject.id}


def _set_retention(subject: Subject) -> None:
    days = int(subject.inputs.get("retentionInDays") or 0)
    if days:
        subject.api.put_retention_policy(logGroupName=subject.id, retentionInDays=days)
    else:
        subject.api.delete_retention_policy(logGroupName=subject.id)


def _set_log_key(subject: Subject) -> None:
    key = subject.inputs.get("kmsKeyId")
    if key:
        subject.api.associate_kms_key(logGroupName=subject.id, kmsKeyId=key)
    else:
        subject.api.disassociate_kms_key(logGroupName=subject.id)


LOG_GROUP = AwsDriver(
    service="logs",
    create_by=Call("create_log_group", rename={"name": "logGroupName"}),
    updates=(Step({"retentionInDays"}, _set_retention), Step({"kmsKeyId"}, _set_log_key)),
    delete_by=(Call("delete_log_group", given=_log_group),),
    id_is=of("name"),
    outputs_are={"arn": lambda s: s.arn("logs", f"log-group:{s.id}")},
    named="name",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"resourceArn": s.arn("logs", f"log-group:{s.id}")},
    ),
    replaced_by=frozenset({"name", "namePrefix", "logGroupClass"}),
    steering=frozenset({"skipDestroy"}),
)

_METRIC_FILTER = Call(
    "put_metric_filter",
    rename={
        "name": "filterName",
        "pattern": "filterPattern",
        "metricTransformation": "metricTransformations",
    },
    reshape=lambda inputs: {
        **inputs,
        "metricTransformation": {
            {"name": "metricName", "namespace": "metricNamespace", "value": "metricValue"}.get(
                key, key
            ): value
            for key, value in inputs["metricTransformation"].items()
        },
    },
)
_NO_METRIC_FILTER = Call(
    "delete_metric_filter",
    takes=("name", "logGroupName"),
    rename={"name": "filterName"},
)


def _change_metric_filter(subject: Subject) -> None:
    # moto 5.2 keeps the old filter beside the one that is put in its place.
    wanted = {k: v for k, v in subject.inputs.items() if k != "region"}
    names = ("name", "logGroupName")
    _NO_METRIC_FILTER.run(subject, {k: v for k, v in wanted.items() if k in names})
    _METRIC_FILTER.run(subject, wanted)


LOG_METRIC_FILTER = AwsDriver(
    service="logs",
    create_by=_METRIC_FILTER,
    updates=(Step({"pattern", "metricTransformation"}, _change_metric_filter),),
    delete_by=(_NO_METRIC_FILTER,),
    id_is=of("name"),
    named="name",
    replaced_by=frozenset({"name", "logGroupName"}),
)


def _metric_queries(inputs: Inputs) -> Inputs:
    queries = inputs.get("metricQueries")
    if not queries:
        return inputs
    form = {k: v for k, v in inputs.items() if k != "metricQueries"}
    form["metrics"] = [
        {
            **{k: v for k, v in query.items() if k != "metric"},
            "metricStat": _metric_stat(query["metric"]) if query.get("metric") else None,
        }
        for query in queries
    ]
    return form


def _metric_stat(metric: Inputs) -> Inputs:
    identity = ("namespace", "metricName", "dimensions")
    return {
        "metric": {k: v for k, v in metric.items() if k in identity},
        **{k: v for k, v in metric.items() if k not in identity},
    }


_ALARM = Call(
    "put_metric_alarm",
    takes=(
        "actionsEnabled",
        "alarmActions",
        "alarmDescription",
        "comparisonOperator",
        "datapointsToAlarm",
        "dimensions",
        "evaluateLowSampleCountPercentiles",
        "evaluationPeriods",
        "extendedStatistic",
        "insufficientDataActions",
        "metricName",
        "metricQueries",
        "name",
        "namespace",
        "okActions",
        "period",
        "statistic",
        "threshold",
        "thresholdMetricId",
        "treatMissingData",
        "unit",
    ),
    rename={
        "name": "AlarmName",
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    },
    reshape=_metric_queries,
)
METRIC_ALARM = AwsDriver(
    service="cloudwatch",
    create_by=_ALARM,
    read_by=Call("describe_alarms", given=lambda s: {"AlarmNames": [s.id]}),
    updates=(_ALARM,),
    delete_by=(Call("delete_alarms", given=lambda s: {"AlarmNames": [s.id]}),),
    id_is=of("name"),
    outputs_are={"arn": "MetricAlarms[0].AlarmArn"},
    named="name",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"ResourceARN": s.arn("cloudwatch", f"alarm:{s.id}")},
    ),
    replaced_by=frozenset({"name"}),
)


DRIVERS: dict[str, Driver] = {
    "aws:cloudwatch/logGroup:LogGroup": LOG_GROUP,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": LOG_METRIC_FILTER,
    "aws:cloudwatch/metricAlarm:MetricAlarm": METRIC_ALARM,
}
