"""Why a task stopped, in words a person can act upon, and which tasks are not as they should be.

ECS gives codes for few of its reasons, so its sentences are read where there is no code; what is
not understood is told in ECS's own words, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shipway.model.lazy import dataclass
from shipway.model.operations import ContainerState, ServiceEvent, TaskState
from shipway.model.release import Digest

SCALED_IN: Final = "Scaling activity initiated by"
_KILLED, _TERMINATED, _NOT_EXECUTABLE, _NOT_FOUND, _CRASHED = 137, 143, 126, 127, 139


@dataclass(frozen=True, slots=True)
class Why:
    """Why a task stopped.

    `what` is ECS's reason with the exit code, `advice` what to do, empty where nothing is wrong or
    nothing is known. `expected` when ECS or a person meant it to stop; `capacity` when there was
    no room to run it, which no change of the service cures.
    """

    what: str
    advice: str = ""
    expected: bool = False
    capacity: bool = False


# Sources: Amazon ECS Developer Guide, "Stopped tasks error messages", "View stopped task errors",
# "Service event messages". A pattern is looked for in the reasons of task and containers together.
_ADVICE: Final = (
    (r"OutOfMemory", "it needs more memory: raise `container.memory`, or find the leak"),
    (
        r"exec format error|does not match the specified platform|Manifest.*platform",
        "the image is for another processor: build it for the one that the tasks run on",
    ),
    (
        r"CannotPull.*(not found|manifest unknown|does not exist)",
        "the image is not in the registry: was it deleted by a lifecycle rule?",
    ),
    (
        r"CannotPull.*(denied|unauthorized|403|authoriz)",
        "the execution role may not pull: allow ecr:BatchGetImage and GetDownloadUrlForLayer",
    ),
    (
        r"CannotPull.*(timeout|i/o|deadline|dial|connect)",
        "the subnets do not reach the registry: NAT, or VPC endpoints for ECR and S3",
    ),
    (r"CannotPull", "see whether the image exists, and whether the execution role may pull it"),
    (
        r"ResourceInitializationError.*(secret|ssm|asm|parameter)",
        (
            "a secret or parameter cannot be read: see that it exists, that the execution role may "
            "read it, and that the subnets reach it"
        ),
    ),
    (
        r"ResourceInitializationError.*log",
        "the log group cannot be written to: make it, or allow the execution role to",
    ),
    (r"ResourceInitializationError", "something the task needs could not be prepared: see above"),
    (
        r"health checks?",
        (
            "it did not answer its health check: see its last lines, path and port of the check, "
            "and whether `container.grace` is as long as its start"
        ),
    ),
    (r"CannotStart|CannotCreate|ContainerRuntime", "its command or entry point cannot be started"),
)
_CAPACITY: Final = re.compile(
    r"Capacity is unavailable|RESOURCE:|no container instance met|No Container Instances were "
    r"found|insufficient (CPU|memory|capacity)|unable to place a task|"
    r"There were not enough|limit on the number of (tasks|vCPU)|vCPU limit|"
    r"InsufficientFreeAddresses|insufficient free (IP )?addresses|no space for (ENI|IP)",
    re.IGNORECASE,
)
_MEANT: Final = frozenset({"UserInitiated", "TerminationNotice", "SpotInterruption"})
_EXITS: Final = {
    _NOT_EXECUTABLE: "its command is not executable",
    _NOT_FOUND: "its command does not exist in the image",
    _KILLED: "it was killed (SIGKILL): out of memory, or it did not end within its stop timeout",
    _CRASHED: "it crashed (SIGSEGV): a native module, often for another C library",
}


def why_stopped(task: TaskState) -> Why:
    """Say why a stopped task stopped; never empty."""
    ended = [c for c in task.containers if c.exit_code is not None or c.reason]
    said = "; ".join((task.reason, *map(_ending, ended))).strip("; ")
    what = f"{task.stop_code}: {said}" if task.stop_code else said or "ECS gives no reason"
    if task.reason.startswith(SCALED_IN):
        return Why(what, expected=True)
    if is_capacity(said):
        return Why(what, "there is no room for it: see quotas, subnets and capacity", capacity=True)
    if task.stop_code in _MEANT:
        return Why(what, expected=True)
    for text, advice in _ADVICE:
        if re.search(text, said, re.IGNORECASE):
            return Why(what, advice)
    codes = [c.exit_code for c in ended if c.exit_code]
    advice = next((_EXITS[code] for code in codes if code in _EXITS), "")
    return Why(what, advice or ("see its last lines" if codes else ""))


def _ending(container: ContainerState) -> str:
    parts = [f"exit code {container.exit_code}"] if container.exit_code is not None else []
    parts += [container.reason] if container.reason else []
    return f"{container.name}: {', '.join(parts)}"


def is_capacity(text: str) -> bool:
    """Tell whether ECS says that there is no room, no address or no quota for a task."""
    return _CAPACITY.search(text) is not None


def capacity_problems(events: tuple[ServiceEvent, ...]) -> tuple[ServiceEvent, ...]:
    """Return the events about missing capacity since the service was last steady, newest first."""
    recent = []
    for event in events:
        if "has reached a steady state" in event.text:
            break
        recent.append(event)
    return tuple(event for event in recent if is_capacity(event.text))


def digest_words(found: Digest | None, wanted: Digest | None, names: Mapping[Digest, str]) -> str:
    """Say whether a digest is the one that belongs there; `names` are releases by digest."""
    if found is None:
        return "not known yet"
    name = names.get(found, "")
    if wanted is None:
        return name or "no release is live here"
    if found == wanted:
        return f"right ({name})" if name else "right"
    return f"WRONG ({name or 'no release of ours'})"
