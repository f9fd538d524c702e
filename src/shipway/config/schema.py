"""The one typed schema of `shipway.yaml`: each key declared once, with its default and its words.

It knows shapes and words only; what a key means for a delivery is said by `model.service`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shipway.config.check_schema import CachePart, CheckPart
from shipway.config.probe_schema import ProbePart
from shipway.config.shapes import EcsFields, Flag, Name, Part, People, Text
from shipway.config.strategy_schema import StrategyKey, StrategyPart


class ImagePart(Part):
    """How the image is built and named."""

    repository: str = Field(
        pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$",
        description="Name of the ECR repository.",
    )
    dockerfile: str = Field(default="Dockerfile", description="Path of the Dockerfile.")
    context: str = Field(default=".", description="Folder that is sent to the builder.")
    tags: list[Literal["sha", "branch", "nightly"]] = Field(
        default=["sha", "branch"],
        description="`sha-<commit>` is always set and never moves; `branch-<name>` and, in "
        "scheduled runs, `nightly-<date>` do.",
    )
    build_args: list[str] = Field(
        default=[],
        description="Names of build arguments; each is passed on where the process has it set.",
    )
    secrets: dict[str, str] = Field(
        default={},
        description="Id to where the value is (as in a check), for `RUN --mount=type=secret`.",
    )
    needs: list[str] = Field(
        default=[],
        description="Checks whose outputs the image takes in; with none it is built from exactly "
        "the commit, beside the checks.",
    )
    registry_cache: Flag = Field(
        default=False, description="Keep the builder's cache in the image repository as well."
    )
    sbom: Flag = Field(default=True, description="Attach a bill of materials (CycloneDX).")
    provenance: Flag = Field(default=True, description="Attach how it was built (SLSA).")


class ContainerPart(Part):
    """What ECS needs to know to run the image."""

    port: int = Field(
        default=3000, gt=0, lt=65536, description="Port that the container listens on."
    )
    cpu: int = Field(default=256, gt=0, description="CPU units; 1024 are one vCPU.")
    memory: int = Field(default=512, gt=0, description="MiB of memory.")
    health: str = Field(
        default="/healthz", pattern="^/", description="Path of the load balancer's health check."
    )
    tasks: int = Field(
        default=2,
        gt=0,
        le=1000,
        description="Tasks when the service is created; never changed afterwards.",
    )
    grace: int = Field(
        default=30,
        ge=0,
        le=7200,
        description="Seconds after a task's start in which a failing health check is forgiven.",
    )
    env: dict[str, Text] = Field(default={}, description="Environment variables.")
    secrets: dict[str, str] = Field(
        default={},
        description="Variable to the ARN or name of a secret or parameter, never a value.",
    )


class ContainerOverride(Part):
    """What differs in one environment; what is not named stays as under `container`."""

    cpu: int | None = Field(default=None, gt=0, description="Instead of `container.cpu`.")
    memory: int | None = Field(default=None, gt=0, description="Instead of `container.memory`.")
    tasks: int | None = Field(
        default=None, gt=0, le=1000, description="Instead of `container.tasks`."
    )
    env: dict[str, Text] = Field(
        default={}, description="Added to, or instead of, `container.env`."
    )
    secrets: dict[str, str] = Field(
        default={}, description="Added to, or instead of, `container.secrets`."
    )


class GatePart(Part):
    """Who has to agree before a release may enter."""

    approvals: int = Field(
        default=1, ge=0, le=20, description="How many different people must approve."
    )
    groups: list[str] = Field(
        default=[], description="Groups that they must belong to; empty means anybody."
    )


class MigratePart(Part):
    """What changes the data before a new release is deployed."""

    run: str = Field(
        min_length=1,
        description="Command, run once in the new release's image before it is deployed; no shell.",
    )
    timeout: int = Field(default=900, gt=0, le=21600, description="Seconds to watch it.")


class EnvironmentPart(Part):
    """One place where the service runs."""

    cluster: str = Field(min_length=1, description="Name of the ECS cluster.")
    service: str | None = Field(
        default=None, description="Name of the ECS service; that of the service when not given."
    )
    strategy: StrategyKey = Field(default=StrategyPart(), description="How tasks are replaced.")
    migrate: MigratePart | None = Field(
        default=None, description="What migrates here, instead of `migrate`."
    )
    after: str | None = Field(
        default=None, description="Environment in which the release must have been verified before."
    )
    gate: GatePart | None = Field(default=None, description="Who has to agree first.")
    verify: list[ProbePart] = Field(default=[], description="What must hold after each deployment.")
    container: ContainerOverride = Field(
        default=ContainerOverride(), description="What differs here."
    )
    timeout: int = Field(default=1800, gt=0, le=21600, description="Seconds to watch a deployment.")
    task: EcsFields = Field(default={}, description="As `task` of the service, laid over it.")
    bake: int = Field(
        default=0,
        ge=0,
        le=86400,
        description="Seconds in which `http` and `alarm` are watched after all probes have passed.",
    )
    on_interrupt: Literal["detach", "rollback"] = Field(
        default="detach",
        description="When Ctrl-C or SIGTERM ends the watching: leave the deployment alone, or "
        "have ECS roll it back.",
    )


class AwsPart(Part):
    """The AWS account to deliver to; without it the embedded default delivers."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="AWS region.")
    account: str = Field(
        pattern=r"^\d{12}$",
        description="Id of the account that owns the image registry.",
    )
    execution_role: str | None = Field(
        default=None, description="ARN of the role with which ECS starts tasks."
    )
    task_role: str | None = Field(
        default=None, description="ARN of the role that the container has."
    )


class Configuration(Part):
    """A whole `shipway.yaml`."""

    service: Name = Field(
        description="Name of the service: lower case, digits and hyphens, at most 32 characters."
    )
    owner: str = Field(min_length=1, description="Team that answers for it.")
    branch: str = Field(
        default="main", min_length=1, description="The one branch whose pushes are delivered."
    )
    checks: dict[Name, CheckPart] = Field(
        default={}, description="What must pass before an image is built."
    )
    image: ImagePart = Field(description="How the image is built and named.")
    container: ContainerPart = Field(
        default=ContainerPart(), description="What ECS needs to know to run the image."
    )
    task: EcsFields = Field(
        default={},
        description="Raw fields of the ECS task definition, laid over what Shipway makes; "
        "containers, variables and ports are put together by name.",
    )
    groups: dict[Name, People] = Field(
        default={},
        description="Groups of people, for gates; names as `--as` and git's `user.name` have them.",
    )
    migrate: MigratePart | None = Field(
        default=None, description="What changes the data before a new release is deployed."
    )
    environments: dict[Name, EnvironmentPart] = Field(
        min_length=1,
        description="Where releases go, in the order in which they pass.",
    )
    cache: CachePart = Field(default=CachePart(), description="Where results of checks are kept.")
    aws: AwsPart | None = Field(
        default=None,
        description="AWS account to deliver to; without it the embedded default delivers.",
    )
