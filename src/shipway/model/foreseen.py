"""What a deployment would ask ECS for, and what there is now; facts only, no judgement."""

from __future__ import annotations

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One call that would change something: its name in the API, and its parameters as JSON."""

    operation: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The requests of a deployment, in order, made by the code that would send them.

    `revision` is the ARN of the revision that would be used again, None where one would be
    registered. `live` is what the service has now, in UpdateService's own fields, as canonical
    JSON; empty where there is no service. `untouched` are the fields of UpdateService that would
    not be sent, sorted.
    """

    revision: str | None
    requests: tuple[Request, ...]
    live: str
    untouched: tuple[str, ...]
