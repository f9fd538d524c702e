"""Every step says in one sentence what it does."""

from __future__ import annotations

from typing import get_args

import pytest

from shipway.environments.taskdef import task_definition
from shipway.image.plan import build_step
from shipway.model.migration import MigrationRules
from shipway.model.outcome import Purpose
from shipway.plan.plan import Plan, fingerprint
from shipway.plan.steps import (
    AdoptDeployment,
    AttachEvidence,
    Deploy,
    Migrate,
    MoveTag,
    PublishImage,
    RecordRelease,
    RunChecks,
    Step,
    Verify,
    Watch,
    sentence,
)
from shipway.testing.builders import a_check, a_digest, a_source
from tests.story.telling import PREPROD, SERVICE, A, arn

CHECKS = (a_check("lint"), a_check("unit"))
SHORT, NAME = A.commit[:8], A.name


def a_deploy(purpose: Purpose, *, create: bool) -> Deploy:
    """A deployment step."""
    definition = task_definition(A, PREPROD)
    return Deploy(PREPROD, A, definition, purpose, create=create, after=None)


SENTENCES: list[tuple[Step, str]] = [
    (RunChecks(A.commit, CHECKS), f"check {SHORT}: lint, unit"),
    (RunChecks(A.commit, ()), f"check {SHORT}: nothing declared"),
    (RunChecks(None, CHECKS), "check the working copy: lint, unit"),
    (build_step(SERVICE, a_source("a")), f"build Dockerfile as sha-{A.commit}"),
    (PublishImage("sender", "sha-1"), "push sha-1"),
    (
        AttachEvidence(SERVICE.image, "sender", a_source("a"), A.digest),
        f"attach SBOM and provenance to {A.digest[:19]}",
    ),
    (MoveTag("sender", "branch-main", A.digest), f"point branch-main at {A.digest[:19]}"),
    (RecordRelease(A), f"record release {NAME} as {A.digest[:19]}"),
    (a_deploy(Purpose.DELIVERY, create=False), f"deploy {NAME} to preprod"),
    (a_deploy(Purpose.DELIVERY, create=True), f"deploy {NAME} to preprod, as a new service"),
    (a_deploy(Purpose.ROLLBACK, create=False), f"deploy {NAME} back to preprod"),
    (
        Migrate(PREPROD, A, task_definition(A, PREPROD), MigrationRules(("node", "up.js"), 60.0)),
        f"migrate preprod for {NAME}: node up.js",
    ),
    (AdoptDeployment(PREPROD, A, arn(A)), f"take over the deployment of {NAME} to preprod"),
    (Watch(PREPROD, A, arn(A)), f"watch {NAME} roll out in preprod"),
    (Verify(PREPROD, A), f"verify {NAME} in preprod"),
]


@pytest.mark.parametrize(("step", "said"), SENTENCES, ids=[said for _, said in SENTENCES])
def test_a_step_says_what_it_does(step: Step, said: str) -> None:
    """The sentence of a step names what it works on."""
    assert sentence(step) == said


def test_every_kind_of_step_has_its_sentence() -> None:
    """The table above leaves no kind of step out."""
    assert {type(step) for step, _ in SENTENCES} == set(get_args(Step))


def test_a_plan_is_read_aloud_in_order() -> None:
    """The dry run is the sentence of each step, in the order of the plan."""
    plan = Plan((PublishImage("sender", "sha-1"), RecordRelease(A)))
    assert plan.read_aloud() == ("push sha-1", f"record release {NAME} as {A.digest[:19]}")


def test_a_fingerprint_tells_facts_apart() -> None:
    """None, empty, joined and reordered facts all have fingerprints of their own."""
    lists = [(None,), ("",), ("a", "b"), ("ab",), ("b", "a"), ("a", "b", None), (a_digest(),)]
    assert len({fingerprint(*facts) for facts in lists}) == len(lists)
    assert fingerprint("a", None) == fingerprint("a", None)
