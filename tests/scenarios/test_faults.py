"""Bad input and faults: each a clear error with its exit code, and nothing half-done."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.embedded import Tiny, ecr, ecs, surroundings

pytestmark = pytest.mark.docker

POINTS = [
    ("CheckStarted", '"check": "wait"'),
    ("StepStarted", "build Dockerfile"),
    ("StepStarted", "push sha-"),
    ("StepEnded", "push sha-"),
    ("ReleaseRecorded", ""),
    ("DeploymentRequested", ""),
    ("DeploymentStarted", ""),
    ("DeploymentMoved", "IN_PROGRESS"),
    ("DeploymentEnded", ""),
    ("StepStarted", "verify"),
]


@pytest.mark.parametrize(("event", "text"), POINTS, ids=[" ".join(p) for p in POINTS])
def test_killed_anywhere_it_is_finished_by_running_again(tiny: Tiny, event: str, text: str) -> None:
    """After kill -9 the same command finishes: one image, one release, one deployment."""
    tiny.deliver_and_kill(event, text)

    again = tiny.shipway("deliver")

    assert again.status == 4, again  # at the gate of production, where it belongs
    assert tiny.live("staging") == tiny.release()
    assert tiny.last("staging")["verified"] == "passed"
    assert len(tiny.events("ReleaseRecorded")) == 1
    assert _images(tiny) == 1
    assert _deployments(tiny, "staging") == 1


def test_two_deliveries_at_once_do_not_mix(tiny: Tiny) -> None:
    """The second says who is at work and exits 6; the first is not disturbed."""
    first = subprocess.Popen(
        [sys.executable, "-u", "-m", "shipway", "deliver", "--json"],
        cwd=tiny.folder,
        env=tiny.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with first:
        for line in first.stdout or ():
            if json.loads(line).get("event") == "CheckStarted":
                break
        second = tiny.shipway("deliver")
        first.communicate(timeout=120)

    assert second.status == 6, second
    assert "is at work here" in second.err
    assert first.returncode == 4


def test_a_dirty_checkout_is_not_delivered(tiny: Tiny) -> None:
    """What no commit holds cannot become a release."""
    tiny.write("note.txt", "not committed")

    refused = tiny.shipway("deliver")

    assert refused.status == 2
    assert "note.txt" in refused.err
    assert "commit" in refused.err


def test_a_detached_head_needs_its_branch_named(tiny: Tiny) -> None:
    """Without a branch there is no branch tag; with `--branch` it goes on."""
    tiny.git("checkout", "-q", "--detach")

    refused = tiny.shipway("image")
    assert refused.status == 2
    assert "--branch" in refused.err
    assert tiny.shipway("image", "--branch", "main").status == 0


def test_a_commit_that_was_never_pushed_is_not_delivered(tiny: Tiny) -> None:
    """What nobody else can check out must not reach an environment."""
    tiny.commit("Only here", push=False)

    refused = tiny.shipway("deliver")

    assert refused.status == 2
    assert "never pushed" in refused.err


def test_a_missing_dockerfile_is_said_before_anything_is_built(tiny: Tiny) -> None:
    """The file is named, and so is the key that would name another."""
    tiny.git("rm", "-q", "Dockerfile")
    tiny.commit("Lose the Dockerfile")

    refused = tiny.shipway("image")

    assert refused.status == 2
    assert "there is no Dockerfile" in refused.err
    assert _images(tiny) == 0


def test_an_image_that_does_not_build_is_a_failure(tiny: Tiny) -> None:
    """The builder's own last words are shown, and no release is recorded."""
    tiny.change("WORKDIR /app", "RUN does-not-exist", "Dockerfile")
    tiny.commit("Break the build")

    failed = tiny.shipway("image")

    assert failed.status == 3
    assert "does-not-exist" in failed.err
    assert not tiny.events("ReleaseRecorded")


def test_a_red_check_stops_everything(tiny: Tiny) -> None:
    """Its name, its last words and how to see it by hand; nothing is built."""
    tiny.change("const http", "const const http")
    tiny.commit("Break the syntax")

    failed = tiny.shipway("deliver")

    assert failed.status == 3
    assert "syntax: exit status 1" in failed.err
    assert "SyntaxError" in failed.err
    assert "shipway run syntax" in failed.err
    assert _images(tiny) == 0


def test_an_engine_that_is_down_is_no_verdict(tiny: Tiny) -> None:
    """A dead engine is exit 5: nothing was wrong with the commit."""
    refused = tiny.shipway("image", extra={"DOCKER_HOST": "unix:///nowhere/docker.sock"})

    assert refused.status == 5, refused
    assert "Docker Engine does not answer" in refused.err
    assert not tiny.events("ReleaseRecorded")


def test_an_unknown_release_is_named(tiny: Tiny) -> None:
    """A name that fits nothing is exit 2, for every verb that takes one."""
    for words in (
        ("deploy", "staging", "--release", "no-such"),
        ("promote", "production", "--release", "no-such"),
        ("rollback", "staging", "--to", "no-such"),
        ("show", "no-such"),
    ):
        refused = tiny.shipway(*words)
        assert refused.status == 2, (words, refused)
        assert "no-such" in refused.err


def test_nothing_is_delivered_while_the_embedded_default_is_down(
    tmp_path: Path, images: dict[str, str], tiny: Tiny
) -> None:
    """Exit 5 and the command that starts it."""
    elsewhere = surroundings(tmp_path / "other", images)

    refused = tiny.shipway("deliver", extra={"SHIPWAY_STATE": elsewhere["SHIPWAY_STATE"]})

    assert refused.status == 5
    assert "shipway local up" in refused.err


def test_sigterm_ends_a_delivery_with_143_and_leaves_nothing(tiny: Tiny) -> None:
    """As Jenkins ends it: never 0, within 15 s, and the next run goes on."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "shipway", "deliver", "--json"],
        cwd=tiny.folder,
        env=tiny.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for line in process.stdout or ():
            if '"DeploymentMoved"' in line:
                break
        process.terminate()
        _, err = process.communicate(timeout=15)

    assert process.returncode == 143, err
    assert tiny.shipway("deliver").status == 4
    assert _deployments(tiny, "staging") == 1


_COMMIT = re.compile("sha-[0-9a-f]{40}")


def _images(tiny: Tiny) -> int:
    """Count the images that the registry holds for this service, not what is attached to them."""
    client = ecr(tiny)
    try:
        found = client.describe_images(repositoryName=tiny.name())["imageDetails"]
    except client.exceptions.RepositoryNotFoundException:
        return 0
    return len(
        {i["imageDigest"] for i in found if any(map(_COMMIT.fullmatch, i.get("imageTags", [])))}
    )


def _deployments(tiny: Tiny, environment: str) -> int:
    """Count the deployments that ECS remembers for this service."""
    found = ecs(tiny).list_service_deployments(cluster=environment, service=tiny.name())
    return len(found["serviceDeployments"])
