"""Plays a scenario: one readable file that says what happens to a deployment, and what it shows.

A file holds:

* `about`: what it shows, one sentence.
* `strategy`: the service's deploymentConfiguration; a strategy that shifts traffic gets two target
  groups, listeners for production and for tests. `count`: how many tasks (2).
* `alarms`: alarms that exist, with their states before the update.
* `new_tasks`: the fields of `Script`: what the new revision's tasks do, and when. `capacity`: how
  many tasks there is a place for.
* `then`: in order, each `at` a virtual second after UpdateService. With `call`: what the operator
  does (`stop`, `abort`, `continue`, `hook rollback`, `update`, `alarm NAME STATE`, `kill old`).
  Otherwise what clients see at that second: `status`, `stage`, `weights` of the production rule,
  `tasks` as `[old, new]` running, `hook`.
* `ends`: the final status. `within`: by which second. `tripped`: how many failures the circuit
  breaker counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from shipway.local.ecs.runtime_virtual import Script
from tests.local_ecs.ecs_stage import FINAL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_ecs.ecs_stage import Running, Stage

_FIELDS = {
    "about",
    "strategy",
    "count",
    "alarms",
    "new_tasks",
    "capacity",
    "then",
    "ends",
    "within",
    "tripped",
}


@dataclass(frozen=True)
class Scenario:
    """A file, read; unknown words in it are errors."""

    name: str
    document: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Scenario:
        """Read a file."""
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        unknown = set(document) - _FIELDS
        assert not unknown, f"{path.name}: unknown words {unknown}"
        return cls(path.stem, document)

    def play(self, stage: Stage) -> Running:
        """Play it from a steady service on; fail at the first thing that differs."""
        assert stage.runtime is not None
        given = self.document
        for name, state in given.get("alarms", {}).items():
            _set_alarm(stage, name, state)
        service = self._steady(stage)
        stage.runtime.scripts["new"] = Script(**given.get("new_tasks", {}))
        stage.runtime.capacity = given.get("capacity")
        service.update(taskDefinition=stage.register("new"))
        player = _Player(stage, service, service.deployment()["serviceDeploymentArn"])
        for moment in given.get("then", ()):
            player.play(dict(moment))
        player.end(given["ends"], float(given["within"]))
        if "tripped" in given:
            breaker = player.shown()["deploymentCircuitBreaker"]
            assert breaker["failureCount"] == given["tripped"], breaker
        return service

    def _steady(self, stage: Stage) -> Running:
        configuration, count = self.document.get("strategy", {}), self.document.get("count", 2)
        if configuration.get("strategy", "ROLLING") == "ROLLING":
            service = stage.serve("good", count=count)
            service.until_over()
            service.update(deploymentConfiguration=configuration)
        else:
            service = stage.shifting(configuration, count=count)
            service.until_over()
        return service


class _Player:
    def __init__(self, stage: Stage, service: Running, arn: str) -> None:
        self._stage = stage
        self._service = service
        self._arn = arn
        self._began = stage.clock.now()

    def play(self, moment: dict[str, Any]) -> None:
        """Go to the moment; call, or compare."""
        at = float(moment.pop("at"))
        self._stage.pass_time(max(0.0, self._began + at - self._stage.clock.now()))
        call = moment.pop("call", None)
        if call is not None:
            self._call(call)
        seen = {key: self._see(key) for key in moment}
        assert seen == moment, f"at second {at}"

    def end(self, status: str, within: float) -> None:
        """Wait for the end."""
        left = self._began + within - self._stage.clock.now()
        self._stage.until(lambda: self.shown()["status"] in FINAL, left)
        assert self.shown()["status"] == status, self.shown().get("statusReason")

    def shown(self) -> dict[str, Any]:
        """Describe the deployment that the scenario is about."""
        reply = self._stage.ecs.describe_service_deployments(serviceDeploymentArns=[self._arn])
        found: dict[str, Any] = reply["serviceDeployments"][0]
        return found

    def _see(self, key: str) -> object:
        shown = self.shown()
        match key:
            case "status":
                return shown["status"]
            case "stage":
                return shown.get("lifecycleStage")
            case "weights":
                return self._service.weights()
            case "tasks":
                old = sum(r["runningTaskCount"] for r in shown["sourceServiceRevisions"])
                return [old, shown["targetServiceRevision"]["runningTaskCount"]]
            case "hook":
                return [h["status"] for h in shown["lifecycleHookDetails"]]
            case _:
                raise AssertionError(f"unknown word {key}")

    def _call(self, call: str) -> None:
        ecs, arn = self._stage.ecs, self._arn
        match call.split():
            case ["stop"]:
                ecs.stop_service_deployment(serviceDeploymentArn=arn)
            case ["abort"]:
                ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ABORT")
            case ["continue"] | ["hook", "rollback"]:
                action = "CONTINUE" if call == "continue" else "ROLLBACK"
                hook = self.shown()["lifecycleHookDetails"][0]["hookId"]
                ecs.continue_service_deployment(
                    serviceDeploymentArn=arn, hookId=hook, action=action
                )
            case ["update"]:
                self._service.update(taskDefinition=self._stage.register("better"))
            case ["alarm", name, state]:
                _set_alarm(self._stage, name, state)
            case ["kill", "old"]:
                self._stage.kill(self._service.tasks()[0])
            case _:
                raise AssertionError(f"unknown call {call}")


def _set_alarm(stage: Stage, name: str, state: str) -> None:
    stage.cloudwatch.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="HTTPCode_Target_5XX_Count",
        Namespace="AWS/ApplicationELB",
        Period=60,
        Statistic="Sum",
        Threshold=1.0,
    )
    stage.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a scenario")
