"""Task definitions through a real ECS API: nothing that botocore's shape knows is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipway.adapters.aws.shapes import ecs_model, task_definition_shape
from shipway.adapters.aws.task_definitions import described, ensure_registered, to_api
from shipway.model.api_shape import Shape
from shipway.model.document import JsonObject, flat, objects
from shipway.model.task_definition import _SAID_ALWAYS, CONTENT_TAG, definition_of, normalised
from tests.local_ecs.ecs_stage import Stage, make_virtual

RUN = (("shipway:run", "run-1"),)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A plane of scripted tasks, which validates each request against botocore's shapes."""
    made = make_virtual()
    yield made
    made.close()


def values(  # noqa: PLR0911 - one line for each kind of value
    shape: Shape, *, full: bool = False
) -> st.SearchStrategy[Any]:
    """Any value that a shape allows; `full` has every optional field."""
    match shape.kind:
        case "structure" if shape.union:
            return st.one_of(
                [st.fixed_dictionaries({n: values(s, full=full)}) for n, s in shape.members]
            )
        case "structure":
            fields = {name: values(inner, full=full) for name, inner in shape.members}
            needed = {n: v for n, v in fields.items() if full or n in shape.required}
            return st.fixed_dictionaries(
                needed, optional={n: v for n, v in fields.items() if n not in needed}
            )
        case "list" if shape.item:
            return st.lists(values(shape.item, full=full), min_size=1, max_size=2)
        case "map" if shape.item:
            keys = st.sampled_from(["a", "b"])
            return st.dictionaries(keys, values(shape.item), min_size=1, max_size=2)
        case "string" if shape.words:
            return st.sampled_from(shape.words)
        case "string":
            return st.sampled_from(["x", "y", "512"])
        case "boolean":
            return st.sampled_from([True])
        case "integer" | "long":
            return st.integers(1, 9)
        case kind:
            raise AssertionError(f"the shape has values of a new kind: {kind}")


def definitions(*, full: bool) -> st.SearchStrategy[JsonObject]:
    """Definitions that the API takes: one or two containers with different names, no tags."""
    shape = task_definition_shape()
    container = shape.member("containerDefinitions")
    assert container is not None
    assert container.item is not None
    rest = Shape(
        "structure",
        members=tuple((n, s) for n, s in shape.members if n not in _OURS),
    )

    def whole(parts: tuple[JsonObject, JsonObject, JsonObject]) -> JsonObject:
        one, two, more = parts
        return more | {
            "family": "app",
            "containerDefinitions": [
                one | {"name": "one", "image": "i", "essential": True},
                two | {"name": "two", "image": "i"},
            ],
        }

    own = values(container.item, full=full)
    return st.tuples(own, own, values(rest, full=full)).map(whole)


_OURS = ("family", "containerDefinitions", "tags")


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(definition=definitions(full=False))
def test_described_and_registered_again_is_the_same(stage: Stage, definition: JsonObject) -> None:
    """Register, describe, register what was described, describe: the two are one."""
    first = stage.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
    once = described(stage.ecs, first)
    again = stage.ecs.register_task_definition(**to_api(once, RUN))["taskDefinition"]
    twice = described(stage.ecs, again["taskDefinitionArn"])
    assert twice.document | {"tags": 0} == once.document | {"tags": 0}
    assert twice.content == once.content


@settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(definition=definitions(full=True))
def test_every_field_of_the_shape_travels(stage: Stage, definition: JsonObject) -> None:
    """With every field that the shape has, none is lost on the way through Shipway."""
    first = stage.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
    sent = stage.ecs.register_task_definition(**to_api(described(stage.ecs, first), RUN))
    kept = flat(normalised(json.loads(json.dumps(sent["taskDefinition"], default=str))))
    assert flat(normalised(definition)) == {
        path: text for path, text in kept.items() if path.partition(".")[0] in definition
    }


def test_what_is_read_only_is_known_from_the_shapes(stage: Stage) -> None:
    """A described definition has fields that cannot be registered; each of them is left out."""
    shown = {name for name, _ in _members("TaskDefinition")}
    taken = {name for name, _ in task_definition_shape().members}
    arn = stage.register("good")
    document = described(stage.ecs, arn).document
    assert "taskDefinitionArn" in shown - taken
    assert set(document) <= taken


def test_flags_that_must_be_said_are_said() -> None:
    """A flag that the API requires is never left out for being false."""

    def required_flags(shape: Shape) -> Iterator[str]:
        for name, inner in shape.members:
            if inner.kind == "boolean" and name in shape.required:
                yield name
            yield from required_flags(inner)
        if shape.item:
            yield from required_flags(shape.item)

    assert set(required_flags(task_definition_shape())) <= _SAID_ALWAYS


def test_an_unchanged_definition_is_not_registered_again(stage: Stage) -> None:
    """The second time, in another order and with other words, the same revision is named."""
    document: JsonObject = {
        "family": "unchanged",
        "cpu": "1 vCPU",
        "containerDefinitions": [
            {
                "name": "web",
                "image": "web@sha256:0",
                "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
            }
        ],
    }
    first = ensure_registered(stage.ecs, definition_of(document, "web"), RUN)
    turned = definition_of(document | {"cpu": "1024", "volumes": []}, "web")
    assert ensure_registered(stage.ecs, turned, (("shipway:run", "run-2"),)) == first
    changed = definition_of(document | {"pidMode": "task"}, "web")
    assert ensure_registered(stage.ecs, changed, RUN) == first.replace(":1", ":2")


def test_a_revision_without_the_tag_is_known_by_its_content(stage: Stage) -> None:
    """Somebody else registered the same: it is used, not registered again."""
    arn = stage.register("good", family="untagged")
    assert ensure_registered(stage.ecs, described(stage.ecs, arn), RUN) == arn


def test_a_tag_that_lies_is_not_believed(stage: Stage) -> None:
    """A revision copied with its tags and changed by hand is not taken for the original."""
    arn = stage.register("good", family="copied")
    wanted = described(stage.ecs, arn)
    forged = to_api(definition_of(wanted.document | {"pidMode": "task"}, "web"), RUN)
    forged["tags"] = [{"key": CONTENT_TAG, "value": wanted.content}]
    lying = stage.ecs.register_task_definition(**forged)["taskDefinition"]["taskDefinitionArn"]
    assert ensure_registered(stage.ecs, wanted, RUN) == arn != lying


def test_a_revision_carries_its_content_and_no_empty_tags(stage: Stage) -> None:
    """What is registered says its hash; a tag without a value is not sent."""
    wanted = definition_of(
        {"family": "tagged", "containerDefinitions": [{"name": "web", "image": "i"}]}, "web"
    )
    arn = ensure_registered(stage.ecs, wanted, (("shipway:commit", ""), *RUN))
    found = stage.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"]
    assert {t["key"]: t["value"] for t in found} == {
        CONTENT_TAG: wanted.content,
        "shipway:run": "run-1",
    }


def test_shipways_own_container_is_the_one_with_a_digest(stage: Stage) -> None:
    """With others before it, the container that knows its digest is Shipway's own."""
    own = {
        "name": "web",
        "image": "w",
        "environment": [{"name": "SHIPWAY_IMAGE_DIGEST", "value": "d"}],
    }
    arn = stage.ecs.register_task_definition(
        family="two", containerDefinitions=[{"name": "a", "image": "p"}, own]
    )["taskDefinition"]["taskDefinitionArn"]
    found = described(stage.ecs, arn)
    assert (found.container, found.image) == ("web", "w")


def _members(name: str) -> list[tuple[str, object]]:
    shape = ecs_model().shape_for(name)
    return list(getattr(shape, "members", {}).items())


def test_the_document_holds_objects_of_the_api(stage: Stage) -> None:
    """What is described is plain JSON, fit for the ledger."""
    found = described(stage.ecs, stage.register("good"))
    assert json.loads(found.text) == found.document
    assert objects(found.document["containerDefinitions"])
