"""The verdict on what runs: the digests of running tasks, and the answers of probes."""

from __future__ import annotations

from shipway.model.observed import ProbeAnswer, RunningTask
from shipway.model.release import Release
from shipway.model.service import HttpProbe


def wrong_digests(release: Release, tasks: tuple[RunningTask, ...]) -> str:
    """Return why the running tasks are not this release; empty when every one of them is."""
    if not tasks:
        return "no task is running"
    wrong = [t for t in tasks if t.digest != release.digest]
    if not wrong:
        return ""
    example = wrong[0].digest or "an unknown digest"
    return f"{len(wrong)} of {len(tasks)} tasks run {example}, not {release.digest}"


def wrong_answer(probe: HttpProbe, answer: ProbeAnswer) -> str:
    """Return why an answer is not what the probe asks for; empty when it is."""
    if answer.status is None:
        return f"GET {probe.path}: {answer.problem}"
    if answer.status != probe.status:
        return f"GET {probe.path}: answered {answer.status}, expected {probe.status}"
    return ""
