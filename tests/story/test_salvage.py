"""A rollback with a broken shipway.yaml: what it needs is kept, what is broken elsewhere is not."""

from __future__ import annotations

import pytest

from shipway.config.salvage import salvage
from shipway.model.strategy import Strategy

FILE = """\
service: sender
owner: team
container: { port: 80 }
image: { repository: sender }
checks:
  unit: { run: vitest }
environments:
  preprod: { cluster: c }
  production: { cluster: p, after: preprod, strategy: blue_green, gate: { groups: [qa] } }
groups: { qa: [quinn] }
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("{ run: vitest }", "{ rum: vitest }"),
        ("owner: team\n", "owner: team\nownr: team\n"),
        ("owner: team\n", ""),
        ("{ cluster: c }", "{ cluter: c }"),
        ("after: preprod", "after: preprd"),
        ("groups: [qa]", "groups: [nobody]"),
        ("{ repository: sender }", "{ repository: sender, needs: [nothing] }"),
        ("{ qa: [quinn] }", "{ qa: 3, qa: 4 }"),
    ],
)
def test_what_is_broken_elsewhere_is_left_out(right: str, wrong: str) -> None:
    """A mistake in checks, gates, groups or other environments does not stop a rollback."""
    assert right in FILE
    service = salvage(FILE.replace(right, wrong), "production")
    assert service is not None
    assert [e.name for e in service.environments] == ["production"]
    production = service.environments[0]
    assert (production.cluster, production.container.port) == ("p", 80)
    assert production.strategy.kind is Strategy.BLUE_GREEN


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("service: sender", "servce: sender"),
        ("cluster: p", "cluster: []"),
        ("strategy: blue_green", "strategy: bluegreen"),
        ("port: 80", "port: eighty"),
        ("port: 80", "port: 80, port: 81"),
        ("production:", "produktion:"),
        ("checks:", "checks: ]"),
    ],
)
def test_what_a_rollback_needs_is_never_guessed(right: str, wrong: str) -> None:
    """A mistake in what is deployed, or where to, leaves nothing to work with."""
    assert salvage(FILE.replace(right, wrong), "production") is None
