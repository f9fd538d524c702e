"""What a plan tells of a deployment: changes, causes, drift; nothing that is secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.adapters.aws.shapes import ecs_model, request_shape
from shipway.environments.forecast import TRIGGERS, forecast
from shipway.environments.taskdef import task_definition
from shipway.model.document import Json, JsonObject, canonical
from shipway.model.foreseen import Foreseen, Request
from shipway.model.secret_names import HIDDEN, shown
from shipway.model.service import Environment
from shipway.model.spec import Spec
from shipway.model.task_definition import Change
from tests.story.telling import PREPROD, A, B

ONE, OTHER = task_definition(A, PREPROD), task_definition(B, PREPROD)
PUT = Spec(ONE, grace_s=10)


def foreseen(live: JsonObject | None = None, **sent: Json) -> Foreseen:
    """What would be sent with an update, beside what there is."""
    asked: JsonObject = {"service": "sender", "taskDefinition": "arn:1"}
    parameters = canonical(asked | sent)
    request = Request("UpdateService", parameters)
    return Foreseen("arn:1", (request,), canonical(live) if live else "", ("desiredCount",))


def with_env(**env: str) -> Environment:
    """The environment with other variables."""
    container = replace(PREPROD.container, env=tuple(env.items()))
    return replace(PREPROD, container=container)


def test_nothing_is_pending_where_all_is_as_it_should_be() -> None:
    """The same definition and the same attributes are no change, whatever else the service has."""
    live: JsonObject = {"healthCheckGracePeriodSeconds": 10, "desiredCount": 7}
    found = forecast(ONE, ONE, PUT, foreseen(live, healthCheckGracePeriodSeconds=10))
    assert (found.pending, found.because, found.drift) == (False, (), ())


def test_another_definition_starts_a_deployment() -> None:
    """A changed task definition is a cause."""
    found = forecast(ONE, OTHER, PUT, foreseen({"desiredCount": 1}))
    assert (found.pending, found.because) == (True, ("taskDefinition",))


@pytest.mark.parametrize(
    ("field", "value", "starts"),
    [
        ("platformVersion", "1.4.0", True),
        ("loadBalancers", [{"containerName": "sender"}], True),
        ("deploymentConfiguration", {"maximumPercent": 150}, False),
        ("healthCheckGracePeriodSeconds", 60, False),
        ("placementConstraints", [{"type": "distinctInstance"}], False),
    ],
)
def test_only_some_attributes_start_a_deployment(field: str, value: Json, *, starts: bool) -> None:
    """What UpdateService says of each attribute is what the plan says."""
    found = forecast(ONE, ONE, PUT, foreseen({"desiredCount": 1}, **{field: value}))
    assert found.pending
    assert bool(found.because) is starts


def test_every_trigger_is_a_field_of_the_api() -> None:
    """The list of causes names only what the installed SDK knows."""
    assert {name for name, _ in request_shape("UpdateService", ecs_model()).members} >= TRIGGERS


def test_only_what_would_be_sent_is_compared() -> None:
    """What the service has and nobody sends stays as it is, and is no change."""
    live: JsonObject = {
        "deploymentConfiguration": {"maximumPercent": 200, "bakeTimeInMinutes": 5},
        "desiredCount": 3,
    }
    found = forecast(
        ONE, ONE, None, foreseen(live, deploymentConfiguration={"maximumPercent": 150})
    )
    assert found.service == (Change("deploymentConfiguration.maximumPercent", "200", "150"),)


def test_drift_is_what_the_ledger_did_not_put_there() -> None:
    """Live differs from what was put there; without a record of it nothing is said."""
    changed = task_definition(A, replace(PREPROD, task='{"pidMode":"task"}'))
    assert forecast(changed, OTHER, None, foreseen()).drift is None
    assert forecast(changed, OTHER, PUT, foreseen()).drift == (Change("pidMode", None, "task"),)


def test_a_grace_period_that_somebody_changed_is_drift() -> None:
    """What the service got with the definition is compared too."""
    live: JsonObject = {"healthCheckGracePeriodSeconds": 99}
    found = forecast(ONE, ONE, PUT, foreseen(live))
    assert found.drift == (Change("healthCheckGracePeriodSeconds", "10", "99"),)


def test_values_of_secrets_are_hidden_in_changes_and_calls() -> None:
    """A variable named like a secret, and a password in a URL, are nowhere in the forecast."""
    here = with_env(API_TOKEN="open-sesame", DB="postgres://me:open-sesame@db/x")  # noqa: S106 - made up
    wanted = task_definition(A, here)
    request = Request("RegisterTaskDefinition", wanted.text)
    found = forecast(None, wanted, None, replace(foreseen(), requests=(request,)))
    assert "open-sesame" in wanted.text
    assert "open-sesame" not in repr(found)
    changes = {c.field: c.after for c in found.changes}
    assert changes["containerDefinitions.sender.environment.API_TOKEN"] == HIDDEN
    assert changes["containerDefinitions.sender.environment.DB"] == "postgres://me:(hidden)@db/x"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MODE", "plain", "plain"),
        ("db_password", "x", HIDDEN),
        ("splunk-token", "x", HIDDEN),
        ("URL", "https://example.test/a:b@c", "https://example.test/a:b@c"),
        ("URL", "redis://:pw@host", "redis://:(hidden)@host"),
    ],
)
def test_what_is_shown_of_a_value(name: str, value: str, told: str) -> None:
    """Names decide, whatever their case; of a URL only the password goes."""
    assert shown(name, value) == told
