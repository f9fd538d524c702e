"""What was deployed is kept whole, so that a rollback needs nothing of today's file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.environments.taskdef import task_definition
from shipway.events.codec import decode_history, encode_event
from shipway.events.types import DeploymentRequested
from shipway.model.document import canonical
from shipway.model.spec import LIMIT, Spec, decode, encode
from shipway.model.task_definition import definition_of
from tests.story.telling import PREPROD, A

SPEC = Spec(task_definition(A, PREPROD), grace_s=10)


def test_a_spec_comes_back_as_it_was() -> None:
    """What is written is read again, equal in every field."""
    assert decode(encode(SPEC)) == SPEC


def test_a_spec_travels_through_the_ledger() -> None:
    """The event's text form keeps it."""
    event = DeploymentRequested("preprod", "r", "d", "delivery", "ada", None, encode(SPEC))
    found = decode_history("DeploymentRequested", encode_event(event))
    assert isinstance(found, DeploymentRequested)
    assert decode(found.spec) == SPEC


def test_an_entry_of_an_older_version_has_none() -> None:
    """Entries without the field stay readable, and say that they hold no spec."""
    old = (
        '{"environment":"preprod","release":"r","digest":"d","purpose":"delivery",'
        '"by":"ada","after":null}'
    )
    found = decode_history("DeploymentRequested", old)
    assert isinstance(found, DeploymentRequested)
    assert decode(found.spec) is None


def test_a_spec_in_which_something_was_hidden_is_not_used() -> None:
    """Text that was changed on its way into the ledger no longer fits its hash."""
    assert decode(encode(SPEC).replace('"preprod"', '"***"', 1)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version":2}', '{"version":1}'])
def test_what_cannot_be_read_is_none(text: str) -> None:
    """Nothing, no JSON and other versions are all the same: there is no spec."""
    assert decode(text) is None


def test_a_spec_has_a_limit() -> None:
    """A text of more than 64 KiB is not written; ECS takes none that long either."""
    large = SPEC.definition.document | {"pidMode": "x" * LIMIT}
    assert encode(replace(SPEC, definition=definition_of(large, "sender"))) == ""
    assert len(canonical(large)) > LIMIT
