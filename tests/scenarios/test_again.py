"""Trying again: after a rollback, after a crash in the middle of compose, after down and up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipway.adapters.compose import identity, labels
from tests.scenarios.embedded import Tiny, ecs

pytestmark = pytest.mark.docker

COMPOSE = """\
services:
  forever:
    image: ${BASE_IMAGE}
    entrypoint: ["node", "-e", "setTimeout(() => {}, 120000)"]
    init: true
"""


def test_what_was_rolled_back_can_be_tried_anew(tiny: Tiny) -> None:
    """A delivery leaves it held; whoever insists asks ECS again, once, and hears the same end."""
    good = tiny.deliver_to_production()
    tiny.change("health: 200", "health: 500")
    tiny.commit("Be unwell")
    assert tiny.shipway("deliver").status == 8

    held = tiny.shipway("deliver")
    again = tiny.shipway("promote", "staging")

    assert held.status == 4, held
    assert "is held: it was rolled back" in held.err
    assert again.status == 8, again
    assert tiny.live("staging") == good
    listed = ecs(tiny).list_service_deployments(cluster="staging", service=tiny.name())
    assert len(listed["serviceDeployments"]) == 3


def test_a_promotion_again_is_nothing_to_do(tiny: Tiny) -> None:
    """What is live and verified stays as it is; only another release is a deployment."""
    tiny.deliver_to_production()
    before = len(tiny.events("DeploymentRequested"))

    assert tiny.shipway("promote", "production").status == 0
    assert len(tiny.events("DeploymentRequested")) == before
    assert "nothing to do" in tiny.shipway("plan", "production").out


def test_a_plan_changes_nothing_and_says_everything(tiny: Tiny) -> None:
    """The changes by field, the steps, and exit 11 where that was asked for."""
    tiny.deliver_to_production()
    tiny.change('word: "hello"', 'word: "good day"')
    tiny.commit("Say good day")
    assert tiny.shipway("image").status == 0

    planned = tiny.shipway("plan", "staging", "--exit-code", "--json")

    assert planned.status == 11
    report = json.loads(planned.out)
    assert report["steps"] == [f"deploy {tiny.release()} to staging"]
    changed = {c["field"] for c in report["changes"]}
    own = f"containerDefinitions.{tiny.name()}"
    assert changed == {
        f"{own}.image",
        f"{own}.environment.SHIPWAY_COMMIT",
        f"{own}.environment.SHIPWAY_IMAGE_DIGEST",
        f"{own}.environment.SHIPWAY_RELEASE",
    }
    assert [c["operation"] for c in report["calls"]] == ["RegisterTaskDefinition", "UpdateService"]
    assert tiny.live("staging") != tiny.release()


def test_what_a_killed_check_left_is_removed_by_the_next_run(tiny: Tiny) -> None:
    """Containers and networks of a dead run's compose project are gone after the next run."""
    tiny.write("compose.yml", COMPOSE)
    tiny.change(
        "checks:\n",
        "checks:\n  apart: { compose: compose.yml, exit_code_from: forever }\n",
        "shipway.yaml",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "shipway", "run", "apart"],
        cwd=tiny.folder,
        env=tiny.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        _until_left(tiny, present=True)
        process.kill()

    tiny.shipway("run", "syntax")

    _until_left(tiny, present=False)


def test_down_and_up_brings_everything_back(tiny: Tiny) -> None:
    """Images, services and history survive; what was live answers again."""
    release = tiny.deliver_to_production()
    digest = tiny.ask("production")["digest"]

    assert tiny.shipway("local", "down").status == 0
    assert tiny.shipway("promote", "production").status == 5
    assert tiny.shipway("local", "up").status == 0

    deadline = time.monotonic() + 60
    while (verified := tiny.shipway("verify", "production")).status and time.monotonic() < deadline:
        time.sleep(0.5)
    assert verified.status == 0, verified
    assert tiny.live("production") == release
    assert tiny.ask("production")["digest"] == digest


def test_a_registry_that_died_is_no_verdict(tmp_path: Path, embedded: dict[str, str]) -> None:
    """Exit 5 and what to do; after `up` the same command finishes, and nothing was lost."""
    env = embedded | {"SHIPWAY_STATE": str(tmp_path / "state")}
    tiny = Tiny.fresh(tmp_path / "tiny", env)
    try:
        tiny.commit("Say hello")
        entries = json.loads((tmp_path / "state" / "processes.json").read_text(encoding="utf-8"))
        os.kill(_pid_of("ministack", entries), signal.SIGTERM)
        deadline = time.monotonic() + 30
        while tiny.shipway("local", "status").out.startswith("up") and time.monotonic() < deadline:
            time.sleep(0.2)

        refused = tiny.shipway("image")

        assert refused.status == 5, refused
        assert "shipway local up" in refused.err
        assert not tiny.events("ReleaseRecorded")
        assert tiny.shipway("local", "up").status == 0
        assert tiny.shipway("image").status == 0
    finally:
        tiny.shipway("local", "reset", "--yes")


def _pid_of(name: str, entries: object) -> int:
    """Find a process in the register of those that must not outlive the supervisor."""
    found = [e for e in entries if e["name"] == name] if isinstance(entries, list) else []
    assert found, entries
    return int(found[0]["who"]["pid"])


def _until_left(tiny: Tiny, *, present: bool) -> None:
    """Wait until the service's compose projects have containers, or neither those nor networks.

    Only those of this session's state folder: others have services of the same name.
    """
    ours = f"label={labels.HOME}={identity(Path(tiny.env['SHIPWAY_STATE']))}"
    shown = f'{{{{.Label "{labels.PROJECT}"}}}}'
    deadline = time.monotonic() + 60
    while True:
        found = "".join(
            subprocess.run(
                ["docker", *words, "--filter", ours, "--format", shown],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for words in (["ps", "-a"], *([] if present else [["network", "ls"]]))
        )
        if (f"shipway-{tiny.name()}-" in found) == present:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
