"""Drivers for EventBridge rules and targets, and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, of
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver, Inputs


def _rule_state(inputs: Inputs) -> Inputs:
    form = {k: v for k, v in inputs.items() if k != "isEnabled"}
    if inputs.get("isEnabled") is not None:
        form["state"] = "ENABLED" if inputs["isEnabled"] else "DISABLED"
    return form


def _bus(inputs: Inputs) -> dict[str, str]:
    name = inputs.get("eventBusName")
    return {"EventBusName": name} if name else {}


_RULE = Call(
    "put_rule",
    takes=(
        "description",
        "eventBusName",
        "eventPattern",
        "isEnabled",
        "name",
        "roleArn",
        "scheduleExpression",
        "state",
    ),
    reshape=_rule_state,
)


def _event_rule(subject: Subject) -> dict[str, str]:
    return {"Name": subject.inputs["name"], **_bus(subject.inputs)}


def _rule_arn(subject: Subject) -> str:
    return str(subject.api.describe_rule(**_event_rule(subject))["Arn"])


EVENT_RULE = AwsDriver(
    service="events",
    create_by=_RULE,
    read_by=Call("describe_rule", given=_event_rule),
    updates=(_RULE,),
    delete_by=(Call("delete_rule", given=_event_rule),),
    id_is=of("name"),
    outputs_are={"arn": "Arn"},
    named="name",
    tagging=Tagging("tag_resource", "untag_resource", lambda s: {"ResourceARN": _rule_arn(s)}),
    replaced_by=frozenset({"name", "namePrefix", "eventBusName"}),
    steering=frozenset({"forceDestroy"}),
)

_TARGET_PARTS = {
    "ecsTarget": "EcsParameters",
    "kinesisTarget": "KinesisParameters",
    "sqsTarget": "SqsParameters",
    "batchTarget": "BatchParameters",
    "httpTarget": "HttpParameters",
    "redshiftTarget": "RedshiftDataParameters",
    "runCommandTargets": "RunCommandParameters",
    "targetId": "Id",
    "inputPathsMap": "InputPathsMap",
    "inputPaths": "InputPathsMap",
}


def _target(inputs: Inputs) -> Inputs:
    around = ("rule", "eventBusName")
    return {
        **{k: v for k, v in inputs.items() if k in around},
        "targets": [{k: v for k, v in inputs.items() if k not in around}],
    }


_TARGET = Call(
    "put_targets",
    takes=(
        "arn",
        "deadLetterConfig",
        "eventBusName",
        "input",
        "inputPath",
        "inputTransformer",
        "retryPolicy",
        "roleArn",
        "rule",
        "targetId",
        *_TARGET_PARTS,
    ),
    rename=_TARGET_PARTS,
    reshape=_target,
)
EVENT_TARGET = AwsDriver(
    service="events",
    create_by=_TARGET,
    updates=(_TARGET,),
    delete_by=(
        Call(
            "remove_targets",
            given=lambda s: {
                "Rule": s.inputs["rule"],
                "Ids": [s.inputs["targetId"]],
                **_bus(s.inputs),
            },
        ),
    ),
    id_is=lambda s: f"{s.inputs['rule']}-{s.inputs['targetId']}",
    named="targetId",
    replaced_by=frozenset({"rule", "targetId", "eventBusName"}),
    steering=frozenset({"forceDestroy"}),
)


def _set_logging(subject: Subject) -> None:
    if subject.inputs.get("enableLogging", True):
        subject.api.start_logging(Name=subject.id)
    else:
        subject.api.stop_logging(Name=subject.id)


def _fields(selectors: list[Inputs]) -> list[Inputs]:
    """Terraform's plural of `equals` is `equals`, but starting and ending words get an s."""
    return [
        {
            **{k: v for k, v in selector.items() if k != "fieldSelectors"},
            "fieldSelectors": [
                {("startsWith" if k == "startsWiths" else k): v for k, v in field.items()}
                for field in selector["fieldSelectors"]
            ],
        }
        for selector in selectors
    ]


def _set_selectors(subject: Subject) -> None:
    advanced = subject.inputs.get("advancedEventSelectors")
    if advanced:
        properties = {"advancedEventSelectors": _fields(advanced)}
    else:
        properties = {"eventSelectors": subject.inputs.get("eventSelectors") or []}
    Call("put_event_selectors", given=lambda s: {"TrailName": s.id}).run(subject, properties)


def _set_insights(subject: Subject) -> None:
    Call("put_insight_selectors", given=lambda s: {"TrailName": s.id}).run(
        subject, {"insightSelectors": subject.inputs.get("insightSelectors") or []}
    )


class Trail(AwsDriver):
    """A trail, which logs unless it says otherwise."""

    def _named(self, name: str, inputs: Inputs) -> Inputs:
        return super()._named(name, {"enableLogging": True, **inputs})


_TRAIL_NAMES = {"cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn"}
TRAIL = Trail(
    service="cloudtrail",
    create_by=Call("create_trail", rename=_TRAIL_NAMES),
    read_by=Call("get_trail", given=lambda s: {"Name": s.id}),
    updates=(
        Step({"enableLogging"}, _set_logging),
        Step({"eventSelectors", "advancedEventSelectors"}, _set_selectors),
        Step({"insightSelectors"}, _set_insights),
        Call(
            "update_trail",
            given=lambda s: {"Name": s.id},
            takes=(
                "s3BucketName",
                "s3KeyPrefix",
                "snsTopicName",
                "includeGlobalServiceEvents",
                "isMultiRegionTrail",
                "isOrganizationTrail",
                "enableLogFileValidation",
                "cloudWatchLogsGroupArn",
                "cloudWatchLogsRoleArn",
                "kmsKeyId",
            ),
            rename=_TRAIL_NAMES,
        ),
    ),
    delete_by=(Call("delete_trail", given=lambda s: {"Name": s.id}),),
    id_is="TrailARN",
    outputs_are={"arn": "Trail.TrailARN", "homeRegion": lambda s: s.cloud.region},
    named="name",
    tagging=Tagging("add_tags", "remove_tags", lambda s: {"ResourceId": s.id}),
    replaced_by=frozenset({"name"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:cloudwatch/eventRule:EventRule": EVENT_RULE,
    "aws:cloudwatch/eventTarget:EventTarget": EVENT_TARGET,
    "aws:cloudtrail/trail:Trail": TRAIL,
}
