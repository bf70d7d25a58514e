"""Root use, denied calls, changed policies or organization, and disabled logging raise alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import LOG_GROUP
from policies.rule import Rule, Verdict
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

WANTED = {
    "root use": ('"Root"',),
    "denied calls": ("AccessDenied*", "UnauthorizedOperation"),
    "changes of IAM policies": ("PutRolePolicy", "AttachRolePolicy"),
    "changes of the organization": ("organizations.amazonaws.com",),
    "disabled logging": ("StopLogging", "DeleteTrail", "DeleteFlowLogs"),
}
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Events that nobody hears of."""
    if stack.kind != "organization":
        return
    heard = {at(each.inputs, "topic") for each in stack.of_type(SUBSCRIPTION)}
    for what, events in WANTED.items():
        counted = [
            each
            for each in stack.of_type(FILTER)
            if all(event in str(at(each.inputs, "pattern")) for event in events)
        ]
        if not counted:
            yield Verdict(None, f"no metric filter counts {what}")
        for each in counted:
            metric = at(each.inputs, "metricTransformation.name")
            alarms = [a for a in stack.of_type(ALARM) if at(a.inputs, "metricName") == metric]
            problem = "" if alarms else f"no alarm is raised by {what}"
            if stack.found(at(each.inputs, "logGroupName"), LOG_GROUP) is None:
                problem = problem or f"logGroupName is {shown(at(each.inputs, 'logGroupName'))}"
            yield Verdict(each, problem)
            for alarm in alarms:
                told = set(listed(at(alarm.inputs, "alarmActions"))) & heard
                yield Verdict(alarm, "" if told else f"alarmActions tells nobody of {what}")


RULE = Rule(
    __name__,
    severity="high",
    why="An intruder's first acts are these; an alarm the same minute is what limits the damage.",
    remedy="Keep a metric filter on the trail's log group and an alarm with the security "
    "contact's topic for each.",
    evaluate=evaluate,
)
