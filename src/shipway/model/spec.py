"""What was deployed, whole: kept in the ledger, so that a rollback needs nothing of today.

It knows one text form, which is read for ever. It refuses to know where the text is kept.
"""

from __future__ import annotations

from shipway.model.document import canonical, parsed
from shipway.model.lazy import dataclass
from shipway.model.task_definition import TaskDefinition, definition_of

LIMIT = 64 * 1024
"""Bytes of a text that is kept; ECS itself takes no larger definition (service quotas)."""

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Spec:
    """All that a deployment asked for: the task definition, and what the service got with it.

    `grace_s` are the seconds in which a failing health check is forgiven. Secrets are references.
    """

    definition: TaskDefinition
    grace_s: int


def encode(spec: Spec) -> str:
    """Return the text for the ledger; empty where it would be longer than `LIMIT` bytes."""
    text = canonical(
        {
            "version": _VERSION,
            "container": spec.definition.container,
            "content": spec.definition.content,
            "graceSeconds": spec.grace_s,
            "taskDefinition": spec.definition.document,
        }
    )
    return text if len(text.encode()) <= LIMIT else ""


def decode(text: str) -> Spec | None:
    """Return what a text of the ledger says, to be deployed again just as it was.

    Read it from the try that is returned to: `decode(attempt.spec)` (`ledger.Attempt`).

    None where there is nothing to rely on: an entry of an older Shipway, one that was too long, or
    one whose content hash no longer fits, because a value in it was hidden before it was written.
    """
    try:
        found = parsed(text)
    except ValueError:
        return None
    document, grace = found.get("taskDefinition"), found.get("graceSeconds")
    if found.get("version") != _VERSION or not isinstance(document, dict):
        return None
    definition = definition_of(document, str(found.get("container", "")))
    fits = definition.content == found.get("content")
    return Spec(definition, grace) if fits and isinstance(grace, int) else None
