"""The ELBv2 API as an unmodified client sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_ecs.ecs_stage import free_port

if TYPE_CHECKING:
    from tests.local_ecs.ecs_stage import Stage


def test_weights_are_kept_exactly(virtual: Stage) -> None:
    """A ForwardConfig comes back with the weights it was given, from listeners and rules."""
    blue, _ = virtual.balanced()
    green, _ = virtual.balanced()
    listener = virtual.elb.describe_listeners()["Listeners"][0]["ListenerArn"]
    actions: Any = [
        {
            "Type": "forward",
            "ForwardConfig": {
                "TargetGroups": [
                    {"TargetGroupArn": blue, "Weight": 90},
                    {"TargetGroupArn": green, "Weight": 10},
                ],
                "TargetGroupStickinessConfig": {"Enabled": False},
            },
        }
    ]
    shown = virtual.elb.modify_listener(ListenerArn=listener, DefaultActions=actions)
    assert shown["Listeners"][0]["DefaultActions"] == actions
    rule = virtual.elb.create_rule(
        ListenerArn=listener,
        Priority=5,
        Actions=actions,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a*"]}}],
    )["Rules"][0]
    rules = virtual.elb.describe_rules(ListenerArn=listener)["Rules"]
    assert [r["Priority"] for r in rules] == ["5", "default"]
    assert rules[0]["Actions"] == actions == rules[1]["Actions"]
    actions[0]["ForwardConfig"]["TargetGroups"][0]["Weight"] = 0
    virtual.elb.modify_rule(RuleArn=rule["RuleArn"], Actions=actions)
    again = virtual.elb.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"]
    assert again[0]["Actions"] == actions


def test_target_group_has_defaults_and_attributes(virtual: Stage) -> None:
    """Health check defaults are ELBv2's; attributes can be changed; a used group stays."""
    group = virtual.elb.create_target_group(Name="plain", Port=80, Protocol="HTTP", VpcId="v")
    shown = group["TargetGroups"][0]
    arn = shown["TargetGroupArn"]
    assert (shown["HealthCheckIntervalSeconds"], shown["HealthyThresholdCount"]) == (30, 5)
    virtual.elb.modify_target_group_attributes(
        TargetGroupArn=arn,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
    )
    attributes = virtual.elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "5"} in attributes
    virtual.elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "k", "Value": "v"}])
    tags = virtual.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    assert tags == [{"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]}]
    used, _ = virtual.balanced()
    with pytest.raises(ClientError, match="ResourceInUse"):
        virtual.elb.delete_target_group(TargetGroupArn=used)
    virtual.elb.delete_target_group(TargetGroupArn=arn)
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        virtual.elb.describe_target_groups(TargetGroupArns=[arn])


def test_unknown_query_parameter_is_an_error(virtual: Stage) -> None:
    """A field that the shape does not have is refused, not dropped."""
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        virtual.elb.create_listener(
            LoadBalancerArn=virtual.elb.create_load_balancer(Name="x")["LoadBalancers"][0][
                "LoadBalancerArn"
            ],
            Port=free_port(),
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": "arn:none"}],
        )
