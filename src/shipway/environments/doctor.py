"""What is wrong with an environment: pure rules over what was seen.

Each finding says what, why it matters, and how to mend it. Nothing here judges speed; see `speed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from shipway.environments.task_reasons import capacity_problems, why_stopped
from shipway.model.examined import Examined, TargetGroup
from shipway.model.lazy import dataclass
from shipway.model.release import Digest


class Weight(Enum):
    """How much a finding weighs: broken now, will hurt one day, or merely worth knowing."""

    WRONG = "wrong"
    RISK = "risk"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be; `fix` may be a command."""

    weight: Weight
    what: str
    why: str
    fix: str


def examine(seen: Examined | None, wanted: Digest | None) -> tuple[Finding, ...]:
    """Return all findings about an environment, the heaviest first; empty when it is well.

    Args:
        seen: what was seen; None where there is no service.
        wanted: the digest that is live by the ledger; None where nothing was deployed.
    """
    if seen is None:
        return (
            Finding(
                Weight.NOTE,
                "there is no ECS service yet",
                "nothing runs here",
                "deploy; on AWS the service is made once, with your infrastructure",
            ),
        )
    found = [
        *_running(seen),
        *_rollouts(seen),
        *_tasks(seen),
        *_digests(seen, wanted),
        *_unsent(seen.groups),
        *(finding for group in seen.groups for finding in _group(group)),
        *_needed(seen),
        *_safety(seen),
        *_blind(seen),
    ]
    return tuple(sorted(found, key=lambda finding: list(Weight).index(finding.weight)))


def _running(seen: Examined) -> Iterator[Finding]:
    deploying = any(r.state == "IN_PROGRESS" for r in seen.rollouts)
    if seen.running < seen.desired:
        yield Finding(
            Weight.NOTE if deploying else Weight.WRONG,
            f"{seen.running} of {seen.desired} tasks run",
            "the service has less capacity than it asks for",
            "`shipway tasks ENV` shows why the others stopped",
        )
    if seen.desired == 0:
        yield Finding(Weight.RISK, "no task is wanted", "nothing answers", "`shipway scale ENV N`")
    for event in capacity_problems(seen.events)[:1]:
        yield Finding(
            Weight.WRONG,
            f"there is no capacity: {event.text}",
            "tasks cannot be placed, and these failures count toward the circuit breaker",
            "see quotas, free addresses of the subnets, and the capacity provider",
        )


def _rollouts(seen: Examined) -> Iterator[Finding]:
    for rollout in seen.rollouts:
        if rollout.state == "IN_PROGRESS":
            yield Finding(
                Weight.NOTE,
                f"a deployment of {_short(rollout.definition)} is in flight",
                "what is seen now will change",
                "`shipway status`; wait for its end",
            )
        if rollout.state == "FAILED":
            yield Finding(
                Weight.WRONG,
                f"the deployment of {_short(rollout.definition)} failed: {rollout.reason}",
                f"{rollout.failed} of its tasks failed; what ran before may run again",
                "`shipway tasks ENV` shows why they stopped",
            )


def _tasks(seen: Examined) -> Iterator[Finding]:
    told: dict[str, int] = {}
    advice: dict[str, str] = {}
    for task in seen.tasks:
        if task.status == "STOPPED":
            why = why_stopped(task)
            if not why.expected:
                told[why.what] = told.get(why.what, 0) + 1
                advice[why.what] = why.advice
        elif task.health == "UNHEALTHY":
            yield Finding(
                Weight.WRONG,
                f"task {task.id} is unhealthy",
                "ECS will replace it, and so on for ever if its cause stays",
                "`shipway logs ENV --task ID`",
            )
    for what, count in told.items():
        yield Finding(
            Weight.WRONG,
            f"{count} {'task' if count == 1 else 'tasks'} stopped of late: {what}",
            "each one was capacity that is gone, or a start that failed",
            advice[what] or "`shipway tasks ENV` shows the last lines",
        )


def _digests(seen: Examined, wanted: Digest | None) -> Iterator[Finding]:
    running = [t for t in seen.tasks if t.status == "RUNNING"]
    digests = {c.digest for t in running for c in t.containers[:1] if c.digest}
    strange = sorted(digest for digest in digests if digest != wanted)
    if wanted is not None and strange:
        yield Finding(
            Weight.WRONG,
            f"tasks run {strange[0]}, and the live release is {wanted}",
            "somebody deployed past Shipway, or a deployment did not end as it seemed to",
            "`shipway plan ENV` shows the difference; `shipway deploy ENV` brings the release back",
        )


def _group(group: TargetGroup) -> Iterator[Finding]:
    if group.unhealthy:
        reasons = ", ".join(sorted(set(group.unhealthy)))
        yield Finding(
            Weight.WRONG,
            f"{len(group.unhealthy)} targets of {group.name} are unhealthy: {reasons}",
            "the load balancer sends them nothing, or fails open to all of them",
            "see the path, port and time-out of its health check, and the logs of the tasks",
        )
    if any(group.weights) and not group.healthy:
        yield Finding(
            Weight.WRONG,
            f"a listener sends traffic to {group.name}, which has no healthy target",
            "these requests are answered with 503",
            "let the deployment end; else move the weight to the group that has the tasks",
        )


def _unsent(groups: tuple[TargetGroup, ...]) -> Iterator[Finding]:
    """Tell of a service that no listener knows; of two groups one may be idle."""
    if groups and not any(group.weights for group in groups):
        names = " or ".join(group.name for group in groups)
        yield Finding(
            Weight.RISK,
            f"no listener sends anything to {names}",
            "its tasks get no traffic, whatever their health",
            "add a rule of a listener that forwards to it",
        )


def unseen(problem: str) -> Finding:
    """Return the finding about an environment that could not be looked at, and why."""
    return Finding(
        Weight.WRONG,
        f"could not look: {problem}",
        "nobody knows from here whether it is well, and nothing can be delivered from here",
        "see credentials and network: `aws sts get-caller-identity`; `shipway local status`",
    )


def _needed(seen: Examined) -> Iterator[Finding]:
    for each in seen.needed:
        if each.there is False:
            yield Finding(
                Weight.WRONG,
                f"{each.kind} {each.name} does not exist",
                "the next task cannot start, so neither a deployment nor a replacement works",
                f"make it, or take it out of the task definition ({each.kind})",
            )
        elif each.wrong:
            yield Finding(
                Weight.WRONG,
                f"{each.kind} {each.name}: {each.wrong}",
                "ECS cannot use it for tasks",
                "correct the role's trust policy: Service ecs-tasks.amazonaws.com",
            )


def _safety(seen: Examined) -> Iterator[Finding]:
    rules = seen.rules
    if rules.strategy == "ROLLING" and not rules.breaker:
        yield Finding(
            Weight.RISK,
            "the deployment circuit breaker is off",
            "a broken release is started over and over, for hours, and never fails",
            "`shipway deploy` turns it on with the next deployment",
        )
    elif rules.breaker and not rules.rollback:
        yield Finding(
            Weight.RISK,
            "the circuit breaker does not roll back",
            "a failed deployment leaves the service as it is, with fewer good tasks",
            "`shipway deploy` turns it on with the next deployment",
        )
    if not rules.alarms:
        yield Finding(
            Weight.RISK,
            "no alarm watches deployments",
            "a release that answers its health check and fails its users is not rolled back",
            "name CloudWatch alarms (5xx, latency) in the service's deployment configuration",
        )
    if not seen.exec_enabled:
        yield Finding(
            Weight.NOTE,
            "ECS Exec is off",
            "`shipway exec` cannot open a shell in an emergency",
            "aws ecs update-service --enable-execute-command, and a task role with ssmmessages",
        )
    elif not seen.task_role:
        yield Finding(
            Weight.NOTE,
            "ECS Exec is on, but the task definition has no task role",
            "`shipway exec` cannot work",
            "give it a task role with the four ssmmessages actions",
        )


def _blind(seen: Examined) -> Iterator[Finding]:
    for look in seen.blind:
        yield Finding(
            Weight.NOTE,
            f"could not look: {look}",
            "what is wrong there stays unseen; it is not the same as nothing being wrong",
            "allow this identity to read it",
        )


def _short(definition: str) -> str:
    return definition.rpartition("/")[2]
