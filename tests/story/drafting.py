"""A repository as a small dict, and what `shipway init` drafts for it, for the story's tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from shipway.config.load import load
from shipway.discovery.draft import Proposal
from shipway.discovery.proposal import propose
from shipway.discovery.seen import Seen, mapping
from shipway.model.service import CommandCheck, ComposeCheck, Service


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was drafted, as text and as the service that it declares."""

    proposal: Proposal
    service: Service

    def check(self, name: str) -> CommandCheck:
        """Return a command check by its name."""
        found = next(c for c in self.service.checks if c.name == name)
        assert isinstance(found, CommandCheck)
        return found

    def compose_check(self) -> ComposeCheck:
        """Return the only compose check."""
        (found,) = (c for c in self.service.checks if isinstance(c, ComposeCheck))
        return found

    def names(self) -> list[str]:
        """Return the names of the checks, in their order."""
        return [c.name for c in self.service.checks]

    def run(self, name: str) -> str:
        """Return a check's command as one line."""
        return " ".join(self.check(name).command)

    def remarks(self, key: str) -> str:
        """Return all that is said about a key."""
        return " ".join(r.text for r in self.proposal.remarks if r.key == key)

    def compose(self) -> Mapping[str, object]:
        """Return the services of the compose file that is drafted."""
        return mapping(mapping(yaml.safe_load(self.proposal.compose)).get("services"))


def drafted(files: Mapping[str, object], *, branch: str | None = "main") -> Drafted:
    """Draft for a repository: its files, each a text or the data of a JSON file."""
    texts = {
        path: text if isinstance(text, str) else json.dumps(text) for path, text in files.items()
    }
    proposal = propose(Seen("parcels", tuple(sorted(texts)), texts, branch))
    return Drafted(proposal, load(proposal.configuration))


def package(scripts: Mapping[str, str] | None = None, *names: str, **keys: object) -> object:
    """Return the data of a package.json that depends on some packages."""
    return {"scripts": scripts or {}, "devDependencies": dict.fromkeys(names, "^9.0.0"), **keys}
