"""Looking after a service on the embedded default, with real containers: what each verb shows."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.embedded import Tiny

pytestmark = pytest.mark.docker


def test_a_delivered_service_is_looked_after(tiny: Tiny) -> None:
    """Tasks run the right release, their log is read, a command runs inside, all is well."""
    release = tiny.deliver_to_production()

    shown = tiny.shipway("tasks", "production")
    assert shown.status == 0, shown
    assert shown.out.count(f"right ({release})") == 2, shown.out

    written = tiny.shipway("logs", "production", "--json")
    events = [json.loads(line) for line in written.out.splitlines()]
    assert [e["text"] for e in events].count("ready") == 2, written
    assert len({e["task"] for e in events}) == 2

    inside = tiny.shipway("exec", "production", "--", "node", "-p", "process.env.SHIPWAY_RELEASE")
    assert (inside.status, inside.out) == (0, f"{release}\n"), inside

    doctor = tiny.shipway("doctor", "production", "--json")
    assert doctor.status == 0, doctor
    weights = {f["weight"] for f in json.loads(doctor.out)["findings"]}
    assert "wrong" not in weights

    speed = tiny.shipway("doctor", "production", "--speed", "--json")
    assert speed.status == 0, speed

    scaled = tiny.shipway("scale", "production", "3")
    assert "changed: tasks 2 -> 3" in scaled.out, scaled

    name = tiny.name()
    read = tiny.shipway("import", f"production/{name}", "--print")
    assert read.status == 0, read
    assert f"service: {name}" in read.out
