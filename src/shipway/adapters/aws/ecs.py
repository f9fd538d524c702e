"""ECS: what runs; the requests that change it are in `ecs_update`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shipway.adapters.aws.code_deploy import is_code_deploy, look
from shipway.adapters.aws.ecs_steering import continue_deployment, stop_deployment
from shipway.adapters.aws.ecs_update import newly_listed, request_deployment
from shipway.adapters.aws.one_off import one_task, run_task
from shipway.adapters.aws.place import ensure_place, target_group
from shipway.adapters.aws.seen import deployment_seen
from shipway.adapters.aws.services import find_service
from shipway.adapters.aws.session import Session, answers, code_of
from shipway.adapters.aws.task_definitions import described as definition_at
from shipway.adapters.aws.tasks import digest_of, tasks_of
from shipway.adapters.aws.watching import Watching
from shipway.errors import AwsDidNotAnswer, WrongUsage
from shipway.model.migration import TaskRun
from shipway.model.observed import (
    DeploymentArn,
    ObservedDeployment,
    ObservedService,
    RunningTask,
    ServiceEvent,
    StoppedTask,
)
from shipway.model.service import Environment
from shipway.model.task_definition import TaskDefinition
from shipway.ports import Clock

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import (
        ServiceDeploymentTypeDef,
    )

REMEMBERED = 10
"""How many of the newest service deployments are looked at."""

_DAWN = datetime.fromtimestamp(0, tz=timezone.utc)  # noqa: UP017 - reads the same on 3.11


class EcsOrchestrator:
    """`ports.Orchestrator` over the ECS and ELBv2 APIs."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._watching = Watching(session)
        self._images: dict[str, tuple[str, ...]] = {}

    def ensure_place(self, environment: Environment) -> None:
        """Make the place on the embedded default; on AWS it is infrastructure."""
        if self._session.endpoints is not None:
            ensure_place(self._session, environment)

    def address(self, environment: Environment) -> str:
        """Return the URL at which the environment's load balancer answers."""
        elb = self._session.elbv2
        with answers(f"a look for the load balancer of {environment.name}"):
            group = self._group_of(environment)
            found = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
            balancers = found.get("LoadBalancerArns") or []
            if not balancers:
                raise AwsDidNotAnswer(f"no load balancer forwards to {group}")
            balancer = elb.describe_load_balancers(LoadBalancerArns=balancers[:1])
            listener = elb.describe_listeners(LoadBalancerArn=balancers[0])["Listeners"][0]
        host = balancer["LoadBalancers"][0]["DNSName"]
        scheme, port = listener.get("Protocol", "HTTP").lower(), listener.get("Port", 80)
        return f"{scheme}://{host}:{port}"

    def observe(self, environment: Environment) -> ObservedService | None:
        """Return the service as it is; None when there is none, or it was deleted."""
        with answers(f"a look at {environment.name}"):
            service = find_service(self._session, environment)
            if service is None:
                return None
            return ObservedService(
                arn=service["serviceArn"],
                task_definition=service["taskDefinition"],
                definition=definition_at(self._session.ecs, service["taskDefinition"]),
                desired=service.get("desiredCount", 0),
                running=service.get("runningCount", 0),
                deployments=self._deployments(environment),
            )

    def deploy(
        self,
        environment: Environment,
        definition: TaskDefinition,
        *,
        tags: tuple[tuple[str, str], ...],
        create: bool,
    ) -> DeploymentArn:
        """Register the definition, unless its content is registered, and update or create once."""
        with answers(f"a deployment to {environment.name}"):
            before = {d.arn for d in self._deployments(environment)} if not create else set()
            begun = request_deployment(
                self._session, environment, definition, tags=tags, create=create
            )
            return begun or newly_listed(
                lambda: self._deployments(environment), before, environment, self._clock
            )

    def deployment(self, deployment: DeploymentArn) -> ObservedDeployment:
        """Return our deployment as it is now."""
        if is_code_deploy(deployment):
            return look(self._session.codedeploy, deployment)
        with answers("a look at the deployment"):
            found = self._session.ecs.describe_service_deployments(
                serviceDeploymentArns=[deployment]
            )["serviceDeployments"]
        if not found:
            raise AwsDidNotAnswer(f"ECS does not know {deployment}")
        return self._observed(found[0])

    def stop_deployment(self, deployment: DeploymentArn) -> None:
        """Ask ECS to roll a deployment back that is under way."""
        stop_deployment(self._session, deployment)

    def continue_deployment(self, deployment: DeploymentArn, *, go_on: bool) -> bool:
        """Answer the pause at which a deployment waits; False where it waits at none."""
        return continue_deployment(self._session, deployment, go_on=go_on)

    def run_task(
        self,
        environment: Environment,
        definition: TaskDefinition,
        *,
        command: tuple[str, ...],
        token: str,
        tags: tuple[tuple[str, str], ...],
    ) -> str:
        """Run one task in the service's place; one token is one task."""
        return run_task(
            self._session, environment, definition, command=command, token=token, tags=tags
        )

    def one_task(
        self, environment: Environment, definition: TaskDefinition, task: str, *, after: str
    ) -> TaskRun:
        """Return how a one-off task stands, and what it wrote since."""
        return one_task(self._session, environment, definition, task, after=after)

    def look(self, arns: Collection[DeploymentArn]) -> Mapping[DeploymentArn, ObservedDeployment]:
        """Return many deployments as they are now."""
        theirs = [arn for arn in arns if is_code_deploy(arn)]
        found = dict(self._watching.look([arn for arn in arns if arn not in theirs]))
        return found | {arn: look(self._session.codedeploy, arn) for arn in theirs}

    def said(self, environments: Collection[Environment]) -> Mapping[str, tuple[ServiceEvent, ...]]:
        """Return what ECS said of services lately."""
        return self._watching.said(environments)

    def stopped_tasks(
        self, environment: Environment, deployment: DeploymentArn
    ) -> tuple[StoppedTask, ...]:
        """Return the tasks that this deployment started and that have ended, with last lines."""
        if is_code_deploy(deployment):
            return ()  # their tasks carry the id of a task set, which CodeDeploy does not tell
        return self._watching.stopped_tasks(environment, deployment)

    def running_tasks(self, environment: Environment) -> tuple[RunningTask, ...]:
        """Return the tasks that run for the service now."""
        with answers(f"a look at the tasks of {environment.name}"):
            running = [
                task
                for task in tasks_of(self._session, environment, "RUNNING")
                if task.get("lastStatus") == "RUNNING"
            ]
        return tuple(RunningTask(task["taskArn"], digest_of(task)) for task in running)

    def _group_of(self, environment: Environment) -> str:
        service = find_service(self._session, environment)
        balancers = service.get("loadBalancers") if service else None
        group = balancers[0].get("targetGroupArn") if balancers else None
        group = group or (target_group(self._session, environment) if self._embedded else None)
        if group is None:
            raise WrongUsage(f"{environment.name} has no load balancer", where=environment.name)
        return group

    @property
    def _embedded(self) -> bool:
        return self._session.endpoints is not None

    def _deployments(self, environment: Environment) -> tuple[ObservedDeployment, ...]:
        """Return the newest service deployments, newest first, by AWS's own time stamps."""
        ecs = self._session.ecs
        try:
            brief = ecs.list_service_deployments(
                cluster=environment.cluster, service=environment.ecs_service
            )["serviceDeployments"]
        except ClientError as error:
            if code_of(error) in {"ServiceNotFoundException", "ClusterNotFoundException"}:
                return ()
            raise
        newest = sorted(brief, key=lambda d: d.get("createdAt", _DAWN), reverse=True)
        arns = [d["serviceDeploymentArn"] for d in newest[:REMEMBERED]]
        if not arns:
            return ()
        found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        by_arn = {d["serviceDeploymentArn"]: self._observed(d) for d in found}
        return tuple(by_arn[arn] for arn in arns if arn in by_arn)

    def _observed(self, found: ServiceDeploymentTypeDef) -> ObservedDeployment:
        target = found.get("targetServiceRevision") or {}
        return deployment_seen(found, self._images_of(target.get("arn", "")))

    def _images_of(self, revision: str) -> tuple[str, ...]:
        """Return the images of a service revision; revisions never change, so once is enough."""
        if revision and revision not in self._images:
            described = self._session.ecs.describe_service_revisions(
                serviceRevisionArns=[revision]
            )["serviceRevisions"]
            definition = described[0].get("taskDefinition", "") if described else ""
            if definition:
                self._images[revision] = definition_at(self._session.ecs, definition).images
        return self._images.get(revision, ())
