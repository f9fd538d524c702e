"""What the watcher reads of ECS, over HTTP: batches, refusals, expired tokens, whose task it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shipway.adapters.aws.session import Endpoints, Session
from shipway.adapters.aws.watching import Watching
from shipway.errors import AccessIsDenied, AwsDidNotAnswer
from shipway.model.observed import (
    Alarms,
    AwaitedHook,
    DeploymentArn,
    LifecycleStage,
    Moments,
    RevisionCount,
    RolloutKind,
)
from shipway.testing.builders import an_environment
from tests.adapters.ecs_script import Answer, Asked, EcsScript, Refused, ecs_script

DEPLOYMENT: dict[str, Any] = {
    "serviceDeploymentArn": "arn:d1",
    "status": "IN_PROGRESS",
    "createdAt": 1000.5,
    "startedAt": 1001.0,
    "targetServiceRevision": {
        "arn": "arn:r2",
        "requestedTaskCount": 4,
        "runningTaskCount": 3,
        "pendingTaskCount": 1,
        "requestedProductionTrafficWeight": 5.0,
        "requestedTestTrafficWeight": 100.0,
    },
    "sourceServiceRevisions": [{"arn": "arn:r1", "runningTaskCount": 4}],
    "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
    "deploymentConfiguration": {"strategy": "CANARY"},
    "deploymentCircuitBreaker": {"status": "MONITORING", "failureCount": 1, "threshold": 3},
    "alarms": {
        "status": "MONITORING",
        "alarmNames": ["errors", "latency"],
        "triggeredAlarmNames": ["errors"],
    },
    "lifecycleHookDetails": [
        {"hookId": "h0", "targetType": "AWS_LAMBDA", "status": "IN_PROGRESS"},
        {
            "hookId": "h1",
            "targetType": "PAUSE",
            "status": "AWAITING_ACTION",
            "expiresAt": 5000.0,
            "timeoutAction": "CONTINUE",
        },
    ],
}


def watching(script: EcsScript) -> Watching:
    """The reader, asking the script."""
    return Watching(
        Session("eu-central-1", lambda: Endpoints(script.url, script.url, "")),
    )


def deployments(asked: Asked) -> dict[str, object]:
    """Show each deployment that is asked for."""
    arns = asked.fields["serviceDeploymentArns"]
    assert isinstance(arns, list)
    return {"serviceDeployments": [DEPLOYMENT | {"serviceDeploymentArn": arn} for arn in arns]}


def test_everything_that_ecs_shows_of_a_deployment_is_read() -> None:
    """Strategy, stage, weights, counts, breaker, alarms, the hook that waits, and AWS's times."""
    with ecs_script(deployments) as script:
        found = watching(script).look([DeploymentArn("arn:d1")])[DeploymentArn("arn:d1")]
    assert (found.kind, found.stage) == (
        RolloutKind.CANARY,
        LifecycleStage.POST_TEST_TRAFFIC_SHIFT,
    )
    assert found.target == RevisionCount("arn:r2", 4, 3, 1, 5.0, 100.0)
    assert found.sources == (RevisionCount("arn:r1", running=4),)
    assert (found.failures, found.threshold, found.first) == (1, 3, False)
    assert found.alarms == Alarms(("errors", "latency"), ("errors",))
    stage = LifecycleStage.POST_TEST_TRAFFIC_SHIFT
    assert found.hook == AwaitedHook("h1", stage, 5000.0, "CONTINUE")
    assert found.moments == Moments(created=1000.5, started=1001.0, finished=None)


def test_a_word_that_is_new_to_us_ends_no_watch() -> None:
    """A stage or strategy that AWS adds reads as absent; a new status is no answer, not a crash."""
    new = DEPLOYMENT | {"lifecycleStage": "X", "deploymentConfiguration": {"strategy": "Y"}}
    with ecs_script(lambda _: {"serviceDeployments": [new]}) as script:
        found = watching(script).look([DeploymentArn("arn:d1")])[DeploymentArn("arn:d1")]
    assert (found.kind, found.stage) == (RolloutKind.ROLLING, None)
    newer = DEPLOYMENT | {"status": "HALF_DONE"}
    with (
        ecs_script(lambda _: {"serviceDeployments": [newer]}) as script,
        pytest.raises(AwsDidNotAnswer, match="HALF_DONE"),
    ):
        watching(script).look([DeploymentArn("arn:d1")])


def test_a_fired_alarm_without_a_name_is_still_told() -> None:
    """Where ECS says that an alarm fired and not which, all of them are named."""
    fired = DEPLOYMENT | {"alarms": {"status": "TRIGGERED", "alarmNames": ["a", "b"]}}
    with ecs_script(lambda _: {"serviceDeployments": [fired]}) as script:
        found = watching(script).look([DeploymentArn("arn:d1")])
    assert found[DeploymentArn("arn:d1")].alarms.fired == ("a", "b")


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (20, 1), (21, 2), (100, 5)])
def test_twenty_deployments_make_one_request(count: int, requests: int) -> None:
    """As many as the API takes at once."""
    arns = [DeploymentArn(f"arn:{n}") for n in range(count)]
    with ecs_script(deployments) as script:
        assert set(watching(script).look(arns)) == set(arns)
    assert len(script.asked) == requests


def test_ten_services_of_a_cluster_make_one_request() -> None:
    """Services are asked for by cluster, ten at once; their events come oldest first."""

    def answer(asked: Asked) -> dict[str, object]:
        names = asked.fields["services"]
        assert isinstance(names, list)
        events = [
            {"id": "b", "createdAt": 2.0, "message": "later"},
            {"id": "a", "createdAt": 1.0, "message": "sooner"},
        ]
        return {"services": [{"serviceName": name, "events": events} for name in names]}

    places = [
        replace(an_environment(), name=f"e{n}", ecs_service=f"s{n}", cluster=f"c{n % 2}")
        for n in range(22)
    ]
    with ecs_script(answer) as script:
        said = watching(script).said(places)
    assert len(script.asked) == 4  # 11 in each of two clusters
    assert [event.id for event in said["e7"]] == ["a", "b"]
    assert len(said) == 22


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException"])
def test_denied_access_is_never_read_as_not_found(code: str) -> None:
    """A refusal is told as one, whatever it is that was looked for."""
    with ecs_script(lambda _: Refused(code)) as script:
        reader = watching(script)
        with pytest.raises(AccessIsDenied):
            reader.look([DeploymentArn("arn:d1")])
        with pytest.raises(AccessIsDenied):
            reader.said([an_environment()])
        with pytest.raises(AccessIsDenied):
            reader.stopped_tasks(an_environment(), DeploymentArn("arn:d1"))


def test_throttling_is_no_answer_and_no_refusal() -> None:
    """A request that ECS has no room for may be repeated."""
    with (
        ecs_script(lambda _: Refused("ThrottlingException")) as script,
        pytest.raises(AwsDidNotAnswer),
    ):
        watching(script).look([DeploymentArn("arn:d1")])


# --- whose task it is ---------------------------------------------------------------------------


def tasks_answer(*, learned: bool) -> Answer:
    """Stopped tasks of two deployments that run the same definition, and one that was scaled in."""

    def task(name: str, by: str, reason: str = "Essential container exited") -> dict[str, object]:
        return {
            "taskArn": f"arn:task/{name}",
            "taskDefinitionArn": "app:2",
            "startedBy": by,
            "createdAt": 900.0 if name == "older" else 2000.0,
            "stoppingAt": 3000.0 if name == "second" else 2500.0,
            "stopCode": "ServiceSchedulerInitiated" if "Scaling" in reason else "TaskFailedToStart",
            "stoppedReason": reason,
            "containers": [{"name": "web", "exitCode": 7}],
        }

    tasks = [
        task("second", "ecs-svc/2"),
        task("first", "ecs-svc/2"),
        task("theirs", "ecs-svc/1"),
        task("older", "ecs-svc/1"),
        task("spare", "ecs-svc/2", "Scaling activity initiated by (deployment ecs-svc/2)"),
    ]
    service = {
        "serviceName": "sender",
        "currentServiceDeployment": "arn:d1",
        "deployments": [
            {"id": "ecs-svc/2", "status": "PRIMARY", "taskDefinition": "app:2"},
            {"id": "ecs-svc/1", "status": "ACTIVE", "taskDefinition": "app:2"},
        ],
    }
    answers: dict[str, dict[str, object]] = {
        "DescribeServices": {"services": [service] if learned else []},
        "DescribeServiceDeployments": {"serviceDeployments": [DEPLOYMENT]},
        "DescribeServiceRevisions": {"serviceRevisions": [{"taskDefinition": "app:2"}]},
        "ListTasks": {"taskArns": [t["taskArn"] for t in tasks]},
        "DescribeTasks": {"tasks": tasks},
        "GetLogEvents": {"events": [{"message": "boom\n", "timestamp": 1}]},
    }
    return lambda asked: answers[asked.operation]


def test_tasks_are_ours_by_the_id_that_started_them() -> None:
    """With the id known, tasks of another deployment of the same definition are not ours."""
    with ecs_script(tasks_answer(learned=True)) as script:
        reader = watching(script)
        reader.said([an_environment()])
        found = reader.stopped_tasks(an_environment(), DeploymentArn("arn:d1"))
    assert [task.arn for task in found] == ["arn:task/first", "arn:task/second"]
    assert {(t.exit_code, t.code, t.last_lines) for t in found} == {
        (7, "TaskFailedToStart", ("boom",))
    }


def test_without_the_id_definition_and_time_decide() -> None:
    """Where the id was never seen, tasks that are older than the deployment are not ours."""
    with ecs_script(tasks_answer(learned=False)) as script:
        reader = watching(script)
        found = reader.stopped_tasks(an_environment(), DeploymentArn("arn:d1"))
    assert [task.arn for task in found] == ["arn:task/first", "arn:task/theirs", "arn:task/second"]


def test_last_lines_are_read_once() -> None:
    """A task's lines are captured when it is first seen; later looks ask for no log."""
    with ecs_script(tasks_answer(learned=True)) as script:
        reader = watching(script)
        reader.said([an_environment()])
        for _ in range(3):
            reader.stopped_tasks(an_environment(), DeploymentArn("arn:d1"))
    assert script.operations().count("GetLogEvents") == 2
    assert script.operations().count("DescribeServiceRevisions") == 1


# --- tokens that expire -------------------------------------------------------------------------


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credentials file that another program keeps fresh, and no other credentials anywhere."""
    path = tmp_path / "credentials"
    _write_key(path, "OLD")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return path


def _write_key(path: Path, key: str) -> None:
    path.write_text(
        f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n"
        f"aws_session_token = token-of-{key}\n",
        encoding="utf-8",
    )


def real_session(script: EcsScript, monkeypatch: pytest.MonkeyPatch) -> Watching:
    """The reader as on AWS itself, with credentials as for any AWS tool."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", script.url)
    return Watching(Session("eu-central-1", None))


def test_an_expired_token_is_renewed(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When AWS says that the token is over, the one that is there by now signs the next try."""

    def answer(asked: Asked) -> dict[str, object] | Refused:
        if asked.key == "OLD":
            _write_key(keys, "NEW")
            return Refused("ExpiredTokenException")
        return deployments(asked)

    with ecs_script(answer) as script:
        reader = real_session(script, monkeypatch)
        assert reader.look([DeploymentArn("arn:d1")])
        assert reader.look([DeploymentArn("arn:d1")])
    assert [asked.key for asked in script.asked] == ["OLD", "NEW", "NEW"]


def test_a_token_that_nobody_renewed_is_no_answer_until_somebody_does(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not asked again with the same token; after a login the next look works."""

    def answer(asked: Asked) -> dict[str, object] | Refused:
        return Refused("ExpiredTokenException") if asked.key == "OLD" else deployments(asked)

    with ecs_script(answer) as script:
        reader = real_session(script, monkeypatch)
        with pytest.raises(AwsDidNotAnswer, match="token expired") as found:
            reader.look([DeploymentArn("arn:d1")])
        assert "log in" in found.value.hint
        assert not isinstance(found.value, AccessIsDenied)
        assert len(script.asked) == 1
        _write_key(keys, "NEW")
        assert reader.look([DeploymentArn("arn:d1")])
