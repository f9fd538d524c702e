"""Deployments that shift traffic: the same promises on scripted tasks and on real containers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_ecs.ecs_stage import BREAKER, FINAL

if TYPE_CHECKING:
    from tests.local_ecs.ecs_stage import Running, Stage

BLUE_GREEN: dict[str, Any] = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, **BREAKER}
BAKING: dict[str, Any] = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30, **BREAKER}


def until_stage(service: Running, stage: str, seconds: float = 60.0) -> None:
    """Let time pass until the deployment shows a lifecycle stage."""
    service.stage.until(lambda: service.deployment().get("lifecycleStage") == stage, seconds)


def summaries(service: Running) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the source's and the target's revision summary of the latest deployment."""
    shown = service.deployment()
    return shown["sourceServiceRevisions"][0], shown["targetServiceRevision"]


def test_first_deployment_serves_from_the_first_group(stage: Stage) -> None:
    """Without an old revision all traffic goes to the first target group."""
    service = stage.shifting(BLUE_GREEN)
    assert service.until_over() == "SUCCESSFUL"
    assert service.weights() == [100, 0]
    health = stage.elb.describe_target_health(TargetGroupArn=service.group)
    states = [t["TargetHealth"]["State"] for t in health["TargetHealthDescriptions"]]
    assert states == ["healthy", "healthy"]


def test_blue_green_moves_all_traffic_at_once(stage: Stage) -> None:
    """An update ends with all traffic on the alternate group, and the next one comes back."""
    service = stage.shifting(BLUE_GREEN)
    service.until_over()
    old = {t["taskArn"] for t in service.tasks()}

    service.update(taskDefinition=stage.register("better"))
    assert service.until_over() == "SUCCESSFUL"
    assert service.weights() == [0, 100]
    assert service.weights(service.test_rule) == [0, 100]
    assert old.isdisjoint(t["taskArn"] for t in service.tasks())
    assert service.deployment()["lifecycleStage"] == "CLEAN_UP"

    service.update(taskDefinition=stage.register("good"))
    assert service.until_over() == "SUCCESSFUL"
    assert service.weights() == [100, 0]


def test_rollback_during_bake_is_a_flip_of_traffic(stage: Stage) -> None:
    """While blue still runs, a rollback gives it the traffic back and starts no task."""
    service = stage.shifting(BAKING)
    service.until_over()
    blue = {t["taskArn"] for t in service.tasks()}
    before = service.service()["taskDefinition"]
    service.update(taskDefinition=stage.register("better"))
    until_stage(service, "BAKE_TIME")
    assert service.weights() == [0, 100]
    assert blue <= {t["taskArn"] for t in service.tasks()}

    arn = service.deployment()["serviceDeploymentArn"]
    stage.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    asked_at = stage.clock.now()
    stage.until(lambda: service.weights() == [100, 0], 2.0)
    assert stage.clock.now() - asked_at <= 2.0
    assert service.until_over() == "ROLLBACK_SUCCESSFUL"
    assert {t["taskArn"] for t in service.tasks()} == blue
    assert service.service()["taskDefinition"] == before
    shown = service.deployment()
    assert shown["rollback"]["serviceRevisionArn"] == shown["sourceServiceRevisions"][0]["arn"]


def test_green_that_never_gets_healthy_rolls_back_untouched(stage: Stage) -> None:
    """A green revision that fails its checks never gets a request; blue is not touched."""
    service = stage.shifting(BLUE_GREEN)
    service.until_over()
    blue = {t["taskArn"] for t in service.tasks()}
    service.update(taskDefinition=stage.register("crash"))
    seen = set()

    def over() -> bool:
        seen.add(tuple(service.weights()))
        return service.deployment()["status"] in FINAL

    stage.until(over, 60.0)
    assert service.deployment()["status"] == "ROLLBACK_SUCCESSFUL"
    assert seen == {(100, 0)}
    assert {t["taskArn"] for t in service.tasks()} == blue


def test_pause_hook_waits_for_an_answer(stage: Stage) -> None:
    """A PAUSE hook holds the deployment in its stage until ContinueServiceDeployment."""
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    service = stage.shifting({**BLUE_GREEN, "lifecycleHooks": [hook]})
    service.until_over()
    service.update(taskDefinition=stage.register("better"))
    until_stage(service, "POST_TEST_TRAFFIC_SHIFT")
    stage.pass_time(2.0)

    shown = service.deployment()
    (waiting,) = shown["lifecycleHookDetails"]
    assert (waiting["status"], waiting["timeoutAction"]) == ("AWAITING_ACTION", "ROLLBACK")
    assert shown["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    assert service.weights() == [100, 0]
    assert service.weights(service.test_rule) == [0, 100]

    stage.ecs.continue_service_deployment(
        serviceDeploymentArn=shown["serviceDeploymentArn"], hookId=waiting["hookId"]
    )
    assert service.until_over() == "SUCCESSFUL"
    with pytest.raises(ClientError, match="does not wait"):
        stage.ecs.continue_service_deployment(
            serviceDeploymentArn=shown["serviceDeploymentArn"], hookId=waiting["hookId"]
        )


def test_stages_come_in_order_with_their_weights(virtual: Stage) -> None:
    """Each stage appears once, in the order of the API, and weights move only where they must."""
    service = virtual.shifting(BLUE_GREEN)
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    seen: dict[str, tuple[float, float]] = {}
    virtual.pass_time(0.0)
    while service.deployment()["status"] in {"PENDING", "IN_PROGRESS"}:
        source, target = summaries(service)
        stage = service.deployment().get("lifecycleStage")
        if stage:
            weights = (
                target["requestedProductionTrafficWeight"],
                target["requestedTestTrafficWeight"],
            )
            assert source["requestedProductionTrafficWeight"] == 100 - weights[0]
            seen.setdefault(stage, weights)
        virtual.pass_time(0.25)
    assert list(seen.items()) == [
        ("PRE_SCALE_UP", (0, 0)),
        ("SCALE_UP", (0, 0)),
        ("POST_SCALE_UP", (0, 0)),
        ("TEST_TRAFFIC_SHIFT", (0, 100)),
        ("POST_TEST_TRAFFIC_SHIFT", (0, 100)),
        ("PRODUCTION_TRAFFIC_SHIFT", (100, 100)),
        ("POST_PRODUCTION_TRAFFIC_SHIFT", (100, 100)),
        ("BAKE_TIME", (100, 100)),
        ("CLEAN_UP", (100, 100)),
    ]


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (
            {
                "strategy": "CANARY",
                "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 2},
            },
            [(2.5, 120), (100.0, 0)],
        ),
        (
            {
                "strategy": "LINEAR",
                "linearConfiguration": {"stepPercent": 30.0, "stepBakeTimeInMinutes": 1},
            },
            [(30.0, 60), (60.0, 60), (90.0, 60), (100.0, 0)],
        ),
    ],
)
def test_shares_of_traffic_follow_the_configuration(
    virtual: Stage, configuration: dict[str, Any], expected: list[tuple[float, int]]
) -> None:
    """CANARY and LINEAR keep each share for its bake time; the last step is everything."""
    service = virtual.shifting(configuration)
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    began: list[tuple[float, float]] = []
    while service.deployment()["status"] in {"PENDING", "IN_PROGRESS"}:
        share = summaries(service)[1].get("requestedProductionTrafficWeight", 0)
        if share and (not began or began[-1][0] != share):
            began.append((share, virtual.clock.now()))
        virtual.pass_time(1.0)
    assert service.deployment()["status"] == "SUCCESSFUL"
    assert [share for share, _ in began] == [share for share, _ in expected]
    lasted = [b[1] - a[1] for a, b in pairwise(began)]
    for seconds, (_, wanted) in zip(lasted, expected, strict=False):
        assert wanted <= seconds <= wanted + 3


def test_weights_of_tenths_of_a_percent(virtual: Stage) -> None:
    """ELBv2 takes whole numbers, so 2.5 percent become 25 of 1000."""
    canary = {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 3}
    service = virtual.shifting({"strategy": "CANARY", "canaryConfiguration": canary})
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    until_stage(service, "PRODUCTION_TRAFFIC_SHIFT")
    assert service.weights() == [975, 25]


def test_hook_nobody_answers_rolls_back_or_goes_on(virtual: Stage) -> None:
    """When its time is up, a hook takes its timeout action."""
    hook: dict[str, Any] = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    for action, status in (("ROLLBACK", "ROLLBACK_SUCCESSFUL"), ("CONTINUE", "SUCCESSFUL")):
        hook["timeoutConfiguration"] = {"timeoutInMinutes": 10, "action": action}
        service = virtual.shifting({**BLUE_GREEN, "lifecycleHooks": [hook]})
        service.until_over()
        service.update(taskDefinition=virtual.register("better"))
        began = virtual.clock.now()
        assert service.until_over(900) == status
        assert 600 <= virtual.clock.now() - began <= 640


def test_hook_before_each_shift_of_production_traffic(virtual: Stage) -> None:
    """A hook at PRE_PRODUCTION_TRAFFIC_SHIFT waits before the canary and before the rest."""
    hook = {"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}
    canary = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}
    service = virtual.shifting(
        {"strategy": "CANARY", "canaryConfiguration": canary, "lifecycleHooks": [hook]}
    )
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    for weights in ([100, 0], [90, 10]):
        virtual.until(lambda: bool(service.deployment().get("lifecycleHookDetails")), 120)
        assert service.weights() == weights
        shown = service.deployment()
        virtual.ecs.continue_service_deployment(
            serviceDeploymentArn=shown["serviceDeploymentArn"],
            hookId=shown["lifecycleHookDetails"][0]["hookId"],
            action="CONTINUE",
        )
        virtual.pass_time(1.0)
    assert service.until_over() == "SUCCESSFUL"


def test_answer_can_be_a_rollback(virtual: Stage) -> None:
    """ContinueServiceDeployment with ROLLBACK rolls a waiting deployment back."""
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_PRODUCTION_TRAFFIC_SHIFT"]}
    service = virtual.shifting({**BLUE_GREEN, "lifecycleHooks": [hook]})
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    until_stage(service, "POST_PRODUCTION_TRAFFIC_SHIFT")
    shown = service.deployment()
    assert service.weights() == [0, 100]
    virtual.ecs.continue_service_deployment(
        serviceDeploymentArn=shown["serviceDeploymentArn"],
        hookId=shown["lifecycleHookDetails"][0]["hookId"],
        action="ROLLBACK",
    )
    assert service.deployment()["status"] == "ROLLBACK_REQUESTED"
    assert service.until_over() == "ROLLBACK_SUCCESSFUL"
    assert service.weights() == [100, 0]


def test_newer_update_reconciles_first(virtual: Stage) -> None:
    """An update during a traffic shift gives all traffic to the stable revision, then begins."""
    service = virtual.shifting(BAKING)
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    until_stage(service, "BAKE_TIME")
    first = service.deployment()["serviceDeploymentArn"]
    service.update(taskDefinition=virtual.register("good", family="other"))
    virtual.pass_time(0.25)

    assert service.deployment()["lifecycleStage"] == "RECONCILE_SERVICE"
    assert service.weights() == [100, 0]
    reply = virtual.ecs.describe_service_deployments(serviceDeploymentArns=[first])
    assert reply["serviceDeployments"][0]["status"] == "STOPPED"
    assert service.until_over(3000) == "SUCCESSFUL"
    assert service.weights() == [0, 100]


def test_strategy_may_change_while_the_alternate_group_serves(virtual: Stage) -> None:
    """From BLUE_GREEN to ROLLING the tasks stay in the group that has the traffic; and back."""
    service = virtual.shifting(BLUE_GREEN)
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    service.until_over()
    service.update(
        taskDefinition=virtual.register("good"), deploymentConfiguration={"strategy": "ROLLING"}
    )
    assert service.until_over() == "SUCCESSFUL"
    assert service.weights() == [0, 100]
    health = virtual.elb.describe_target_health(TargetGroupArn=service.group)
    assert health["TargetHealthDescriptions"] == []

    service.update(taskDefinition=virtual.register("better"), deploymentConfiguration=BLUE_GREEN)
    assert service.until_over() == "SUCCESSFUL"
    assert service.weights() == [100, 0]


def test_deleting_a_service_in_its_bake_stops_both_revisions(virtual: Stage) -> None:
    """Nothing of either revision is left when the service is deleted during a bake."""
    service = virtual.shifting(BAKING)
    service.until_over()
    service.update(taskDefinition=virtual.register("better"))
    until_stage(service, "BAKE_TIME")
    virtual.ecs.delete_service(cluster="main", service=service.name, force=True)
    virtual.pass_time(10)
    assert service.tasks() == []
    assert service.service()["status"] == "INACTIVE"


def test_dead_blue_task_is_replaced_while_green_bakes(virtual: Stage) -> None:
    """Until the clean-up the old revision keeps its tasks: it may be needed again."""
    service = virtual.shifting(BAKING)
    service.until_over()
    blue = service.tasks()[0]
    service.update(taskDefinition=virtual.register("better"))
    until_stage(service, "BAKE_TIME")
    virtual.kill(blue)
    virtual.pass_time(10)
    source, target = summaries(service)
    assert (source["runningTaskCount"], target["runningTaskCount"]) == (2, 2)
    assert service.deployment()["lifecycleStage"] == "BAKE_TIME"


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"strategy": "BLUE_GREEN"}, "bakeTimeInMinutes is required"),
        (
            {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.05}},
            "canaryPercent must be a multiple",
        ),
        (
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.0}},
            "stepPercent must be a multiple",
        ),
        ({"strategy": "LINEAR", "canaryConfiguration": {"canaryPercent": 5.0}}, "does not belong"),
        (
            {
                **BLUE_GREEN,
                "lifecycleHooks": [
                    {"targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"]}
                ],
            },
            "not supported at",
        ),
        (
            {
                "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}],
            },
            "not supported for ROLLING",
        ),
        (
            {
                **BLUE_GREEN,
                "earlySuccessCriteria": {
                    "enable": True,
                    "healthyPercent": 100,
                    "sourceServiceRevisionCleanup": "BLOCKING",
                },
            },
            "only supported for ROLLING",
        ),
    ],
)
def test_what_cannot_be_deployed_is_refused(
    virtual: Stage, configuration: dict[str, Any], words: str
) -> None:
    """A configuration that ECS refuses is refused here, with the reason."""
    with pytest.raises(ClientError, match=words):
        virtual.shifting(configuration)
