"""Runs the steps of a release: its image, its evidence, its deployments and verifications."""

from __future__ import annotations

from typing import assert_never

from shipway.apply.deployment import adopt, deploy, watch
from shipway.apply.migration import migrate
from shipway.apply.publication import (
    attach_evidence,
    build_image,
    move_tag,
    publish_image,
    record_release,
    secrets_of,
)
from shipway.apply.verification import verify
from shipway.apply.world import World
from shipway.model.outcome import Outcome
from shipway.plan.steps import (
    AdoptDeployment,
    AttachEvidence,
    BuildImage,
    Deploy,
    Migrate,
    MoveTag,
    PublishImage,
    RecordRelease,
    Verify,
    Watch,
)

ReleaseStep = (
    BuildImage
    | PublishImage
    | AttachEvidence
    | MoveTag
    | RecordRelease
    | Migrate
    | Deploy
    | AdoptDeployment
    | Watch
    | Verify
)


def run_step(step: ReleaseStep, world: World, made_from: str) -> Outcome:  # noqa: C901 - one case per step
    """Do one step; failed means that it ran and the ledger holds the answer no."""
    match step:
        case BuildImage():
            build_image(step, world, secrets=secrets_of(step.image, world))
        case PublishImage():
            publish_image(step, world)
        case AttachEvidence():
            attach_evidence(step, world)
        case MoveTag():
            move_tag(step, world)
        case RecordRelease():
            record_release(step, world)
        case Migrate():
            migrate(step, world)
        case Deploy():
            deploy(step, world, made_from)
        case AdoptDeployment():
            adopt(step, world)
        case Watch():
            return watch(step, world)
        case Verify():
            return verify(step, world)
        case _:
            assert_never(step)
    return Outcome.PASSED
