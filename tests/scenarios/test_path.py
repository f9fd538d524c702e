"""The path of a release with real parts: git, engine, registry, ECS control plane, HAProxy."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.scenarios.embedded import Tiny, ecr, ecs

pytestmark = pytest.mark.docker


def test_one_digest_from_the_registry_to_the_running_tasks(tiny: Tiny) -> None:
    """The registry, the release, ECS, the engine and the service itself name one digest."""
    release = tiny.deliver_to_production()

    recorded = json.loads(tiny.shipway("show", release, "--json").out)
    digest = recorded["digest"]
    assert _registry_digest(tiny, f"sha-{tiny.head()}") == digest
    assert _registry_digest(tiny, "branch-main") == digest
    for environment in ("staging", "production"):
        assert _task_digests(tiny, environment) == {digest}
        answer = tiny.ask(environment)
        assert (answer["digest"], answer["commit"]) == (digest, tiny.head())
    assert _engine_digests(recorded["image"]) == {digest}


def test_without_approval_nothing_enters_production(tiny: Tiny) -> None:
    """The gate says no with exit 4, names the command, and counts only the right people."""
    waiting = tiny.shipway("deliver")
    assert waiting.status == 4
    assert "0 of 1 approvals of qa" in waiting.err
    assert f"shipway approve production --release {tiny.release()}" in waiting.err

    assert tiny.shipway("approve", "production", "--as", "mallory").status == 4
    assert tiny.shipway("approve", "production", "--as", "null").status == 2
    assert tiny.shipway("promote", "production").status == 4
    assert tiny.live("production") is None


def test_a_rejection_stands_until_its_author_takes_it_back(tiny: Tiny) -> None:
    """One "no" outweighs another person's "yes"."""
    assert tiny.shipway("deliver").status == 4
    tiny.shipway("approve", "production", "--as", "quinn")
    tiny.shipway("reject", "production", "--as", "quentin", "--comment", "broken on phones")

    refused = tiny.shipway("gate", "production")
    assert refused.status == 4
    assert "quentin rejected it: broken on phones" in refused.err
    tiny.shipway("approve", "production", "--as", "quentin")
    assert tiny.shipway("gate", "production").status == 0


def test_a_second_delivery_of_the_same_commit_changes_nothing(tiny: Tiny) -> None:
    """What is delivered is not built, pushed or deployed again."""
    tiny.deliver_to_production()
    before = len(tiny.events("DeploymentRequested"))

    again = tiny.shipway("deliver")

    assert again.status == 0
    assert len(tiny.events("DeploymentRequested")) == before
    assert len(tiny.events("ReleaseRecorded")) == 1


def test_a_crashing_image_is_rolled_back_before_production(tiny: Tiny) -> None:
    """An image that dies 3 s after its start fails in staging; what ran before runs again."""
    good = tiny.deliver_to_production()
    tiny.change('console.log("ready")', "setTimeout(() => process.exit(1), 3000)")
    tiny.commit("Crash after a while")

    delivered = tiny.shipway("deliver")

    assert delivered.status == 8, delivered
    assert f"{good} runs there again" in delivered.err
    assert "exit 1" in delivered.err
    assert tiny.last("staging")["outcome"] == "rolled-back"
    assert tiny.live("staging") == tiny.live("production") == good


def test_an_unhealthy_image_is_rolled_back_before_production(tiny: Tiny) -> None:
    """An image whose health check answers 500 never takes over."""
    good = tiny.deliver_to_production()
    tiny.change("health: 200", "health: 500")
    tiny.commit("Be unwell")

    delivered = tiny.shipway("deliver")

    assert delivered.status == 8, delivered
    assert tiny.live("staging") == tiny.live("production") == good
    assert tiny.ask("staging")["word"] == "hello"


def test_the_first_release_that_fails_has_nothing_to_return_to(tiny: Tiny) -> None:
    """Without anything before it, a failed deployment is exit 3, not a roll-back."""
    tiny.change("health: 200", "health: 500")
    tiny.commit("Be unwell from the start")

    delivered = tiny.shipway("deliver")

    assert delivered.status == 3, delivered
    assert tiny.live("staging") is None


def test_a_release_that_fails_verification_goes_back_by_itself(tiny: Tiny) -> None:
    """ECS is content, the acceptance test is not: the good release returns and exit is 8."""
    good = tiny.deliver_to_production()
    tiny.change('word: "hello"', 'word: "unacceptable"')
    tiny.commit("Say something else")

    delivered = tiny.shipway("deliver")

    assert delivered.status == 8, delivered
    assert "failed verification and was rolled back" in delivered.err
    assert tiny.live("staging") == good
    assert tiny.ask("staging")["word"] == "hello"


def test_rollback_returns_to_the_last_good_release(tiny: Tiny) -> None:
    """By hand, without a gate, and never back to what was rolled back from."""
    first = tiny.deliver_to_production()
    tiny.change('word: "hello"', 'word: "good day"')
    tiny.commit("Say good day")
    tiny.deliver_to_production()

    back = tiny.shipway("rollback", "production")
    assert back.status == 0, back
    assert tiny.live("production") == first
    assert tiny.ask("production")["word"] == "hello"

    further = tiny.shipway("rollback", "production")
    assert further.status == 2
    assert "no earlier release" in further.err


def test_no_request_fails_while_a_release_replaces_another(tiny: Tiny) -> None:
    """Under at least 500 requests a second, a rolling deployment loses none."""
    tiny.deliver_to_production()
    tiny.change('word: "hello"', 'word: "good day"')
    tiny.commit("Say good day")
    assert tiny.shipway("deliver").status == 4
    tiny.shipway("approve", "production", "--as", "quinn")
    address = tiny.shipway("url", "production").out.strip()

    with ThreadPoolExecutor() as pool:
        load = pool.submit(_wrk, f"{address}/version", seconds=20)
        promoted = tiny.shipway("promote", "production")
        said = load.result()

    assert promoted.status == 0, promoted
    assert tiny.ask("production")["word"] == "good day"
    assert "Non-2xx" not in said, said
    assert "Socket errors" not in said, said
    assert _per_second(said) >= 500, said


def _wrk(url: str, *, seconds: int) -> str:
    done = subprocess.run(
        ["wrk", "-t1", "-c8", f"-d{seconds}s", url], check=True, capture_output=True, text=True
    )
    return done.stdout


def _per_second(said: str) -> float:
    line = next(line for line in said.splitlines() if line.startswith("Requests/sec:"))
    return float(line.split()[1])


def _registry_digest(tiny: Tiny, tag: str) -> str:
    found = ecr(tiny).describe_images(repositoryName=tiny.name(), imageIds=[{"imageTag": tag}])
    return str(found["imageDetails"][0]["imageDigest"])


def _task_digests(tiny: Tiny, environment: str) -> set[str]:
    arns = ecs(tiny).list_tasks(cluster=environment, serviceName=tiny.name())["taskArns"]
    tasks = ecs(tiny).describe_tasks(cluster=environment, tasks=arns)["tasks"]
    return {task["containers"][0]["imageDigest"] for task in tasks}


def _engine_digests(image: str) -> set[str]:
    """Ask the engine for the repository digests of the image that its containers run."""
    name = image.rpartition("@")[0].rpartition("/")[2]
    said = subprocess.run(
        ["docker", "ps", "--no-trunc", "--format", "{{.Image}}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    ours = {line for line in said.splitlines() if f"/{name}@" in line}
    assert ours, said
    return {line.rpartition("@")[2] for line in ours}
