"""May this release enter that environment? Yes, or no with every reason and what would change it.

A pure answer from the ledger: whoever asks, Jenkins, a terminal or a page, gets the same one.
"""

from __future__ import annotations

from shipway.ledger import History, Opinion
from shipway.model.lazy import dataclass
from shipway.model.release import Release
from shipway.model.service import Environment, Service


@dataclass(frozen=True, slots=True)
class Yes:
    """It may enter; `approved_by` in the order of approval, empty where nobody had to."""

    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class No:
    """It may not; `reasons` is never empty, and each says what would change the answer."""

    reasons: tuple[str, ...]


def may_enter(
    service: Service, environment: Environment, release: Release, history: History
) -> Yes | No:
    """Ask the gate of an environment about a release."""
    reasons: list[str] = []
    if environment.after and not history.verified_in(environment.after, release.name):
        reasons.append(
            f"{release.name} was never verified in {environment.after}: "
            f"`shipway deliver` or `shipway promote {environment.after} --release {release.name}`"
        )
    opinions = history.opinions_on(environment.name, release.digest)
    reasons += [
        f"{o.by} rejected it{': ' + o.comment if o.comment else ''}"
        for o in opinions
        if not o.agrees
    ]
    approved_by = _valid_approvals(service, environment, release, opinions)
    reasons += _missing(environment, release, approved_by)
    return No(tuple(reasons)) if reasons else Yes(approved_by)


def _valid_approvals(
    service: Service, environment: Environment, release: Release, opinions: tuple[Opinion, ...]
) -> tuple[str, ...]:
    gate = environment.gate
    members = service.members(gate.groups) if gate and gate.groups else None
    return tuple(
        o.by
        for o in opinions
        if o.agrees and (members is None or o.by in members) and not is_author(o.by, release)
    )


def _missing(environment: Environment, release: Release, have: tuple[str, ...]) -> list[str]:
    gate = environment.gate
    if gate is None or len(have) >= gate.approvals:
        return []
    whose = f" of {' or '.join(gate.groups)}" if gate.groups else ""
    who = " --as NAME" if gate.groups else ""
    command = f"shipway approve {environment.name} --release {release.name}{who}"
    return [f"{len(have)} of {gate.approvals} approvals{whose}: `{command}`"]


def is_author(who: str, release: Release) -> bool:
    """Tell whether somebody wrote the commit: nobody approves their own work.

    `who` is compared with the git author's name, mail and the mail's local part.
    """
    name, _, rest = release.author.partition("<")
    mail = rest.rstrip("> ").strip()
    return who.casefold() in {
        text.strip().casefold() for text in (name, mail, mail.partition("@")[0]) if text.strip()
    }
