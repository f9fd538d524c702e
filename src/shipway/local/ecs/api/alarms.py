"""CloudWatch, as far as deployments need it: alarms whose state somebody sets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler
from shipway.local.ecs.document import pick, present
from shipway.local.ecs.model import Alarm
from shipway.local.ecs.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.document import JsonObject


def put_metric_alarm(desk: Desk, request: JsonObject) -> JsonObject:
    """Create or change an alarm; a new one begins with INSUFFICIENT_DATA."""
    name = request["AlarmName"]
    known = desk.state.alarms.get(name)
    document = pick(request, desk.cloudwatch.members("MetricAlarm"))
    if known is None:
        text = "Unchecked: Initial alarm creation"
        known = Alarm(name, "INSUFFICIENT_DATA", text, desk.now, document)
    desk.state.alarms[name] = replace(known, document=document)
    return {}


def set_alarm_state(desk: Desk, request: JsonObject) -> JsonObject:
    """Set an alarm's state; it stays until it is set again, for no metric is measured here."""
    alarm = desk.state.alarms.get(request["AlarmName"])
    if alarm is None:
        raise AwsError("ResourceNotFound", f"Unknown alarm {request['AlarmName']}", 404)
    desk.state.alarms[alarm.name] = replace(
        alarm,
        state=request["StateValue"],
        reason=request["StateReason"],
        updated_at=desk.now,
    )
    desk.engine.wake.set()
    return {}


def describe_alarms(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe metric alarms by name, prefix and state; all when nothing is asked for."""
    names, prefix = request.get("AlarmNames"), request.get("AlarmNamePrefix", "")
    wanted = request.get("StateValue")
    return {
        "MetricAlarms": [
            _shown(desk, alarm)
            for alarm in desk.state.alarms.values()
            if (not names or alarm.name in names)
            and alarm.name.startswith(prefix)
            and wanted in {None, alarm.state}
        ],
        "CompositeAlarms": [],
    }


def delete_alarms(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete alarms by name."""
    for name in request["AlarmNames"]:
        if name in desk.state.alarms:
            del desk.state.alarms[name]
    return {}


def _shown(desk: Desk, alarm: Alarm) -> JsonObject:
    arns = desk.arns
    return present(
        {
            **alarm.document,
            "AlarmName": alarm.name,
            "AlarmArn": f"arn:aws:cloudwatch:{arns.region}:{arns.account}:alarm:{alarm.name}",
            "StateValue": alarm.state,
            "StateReason": alarm.reason,
            "StateUpdatedTimestamp": alarm.updated_at,
        }
    )


HANDLERS: Mapping[str, Handler] = {
    "PutMetricAlarm": put_metric_alarm,
    "SetAlarmState": set_alarm_state,
    "DescribeAlarms": describe_alarms,
    "DeleteAlarms": delete_alarms,
}
