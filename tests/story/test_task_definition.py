"""A task definition as one document: normalised, merged, compared; each rule by a table."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.environments.taskdef import task_definition
from shipway.model.document import Json, JsonObject, canonical, merged, ordered
from shipway.model.task_definition import Change, definition_of, differences, normalised
from tests.story.telling import PREPROD, A, B

LEAF = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.sampled_from(["", "a", "b"]))
NAMES = st.sampled_from(
    ["name", "value", "environment", "portMappings", "containerPort", "tags", "key", "command"]
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["containerDefinitions", "cpu", "memory", "networkMode", "volumes", "tags"]),
    st.recursive(
        LEAF,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


def a_document(**container: Json) -> JsonObject:
    """One container under awsvpc."""
    own: Json = {"name": "web", "image": "web@sha256:0", **container}
    return {"family": "web", "networkMode": "awsvpc", "containerDefinitions": [own]}


def only_container(document: JsonObject) -> JsonObject:
    """The one container of a normalised document."""
    containers = normalised(document)["containerDefinitions"]
    assert isinstance(containers, list)
    assert isinstance(containers[0], dict)
    return containers[0]


@settings(deadline=None, max_examples=300)
@given(DOCUMENTS)
def test_normalising_twice_is_normalising_once(document: JsonObject) -> None:
    """What is normal stays as it is, whatever the document holds."""
    once = normalised(document)
    assert normalised(once) == once


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS)
def test_normalising_changes_nothing_in_its_argument(document: JsonObject) -> None:
    """The caller's document is left as it was."""
    before = canonical(document)
    normalised(document)
    assert canonical(document) == before


@settings(deadline=None, max_examples=200)
@given(st.randoms(use_true_random=False))
def test_the_order_of_lists_does_not_matter(random: object) -> None:
    """Variables, secrets, ports, mounts and containers may stand in any order."""
    assert hasattr(random, "shuffle")
    lists: dict[str, list[Json]] = {
        "environment": [{"name": n, "value": n} for n in "abc"],
        "secrets": [{"name": n, "valueFrom": n} for n in "xyz"],
        "portMappings": [{"containerPort": n} for n in (80, 9, 3000)],
        "mountPoints": [{"containerPath": n, "sourceVolume": "v"} for n in ("/b", "/a")],
        "dependsOn": [{"containerName": n, "condition": "START"} for n in "ab"],
    }
    first = definition_of(a_document(**{k: list(v) for k, v in lists.items()}), "web")
    for items in lists.values():
        random.shuffle(items)
    again = definition_of(a_document(**{k: list(v) for k, v in lists.items()}), "web")
    assert (first, first.content) == (again, again.content)


def test_the_order_of_a_command_matters() -> None:
    """A command is a list whose order means something."""
    one, other = (definition_of(a_document(command=list(c)), "web") for c in ("ab", "ba"))
    assert [c.field for c in differences(one, other)] == ["containerDefinitions.web.command"]


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ({"cpu": "1 vCPU"}, {"cpu": "1024"}),
        ({"cpu": ".5vcpu"}, {"cpu": "512"}),
        ({"cpu": "256"}, {"cpu": "256"}),
        ({"cpu": 256}, {"cpu": "256"}),
        ({"memory": "2GB"}, {"memory": "2048"}),
        ({"memory": "0.5 gb"}, {"memory": "512"}),
        ({"volumes": [], "placementConstraints": None, "pidMode": None}, {}),
        ({"enableFaultInjection": False}, {}),
        ({"enableFaultInjection": True}, {"enableFaultInjection": True}),
        ({"volumes": [{"name": "v", "host": {}}]}, {"volumes": [{"name": "v"}]}),
        ({"requiresCompatibilities": ["FARGATE", "EC2"]},
         {"requiresCompatibilities": ["EC2", "FARGATE"]}),
    ],
)  # fmt: skip
def test_what_is_written_in_other_words_is_the_same(written: JsonObject, means: JsonObject) -> None:
    """Sizes have one unit, and what ECS takes for absent is absent."""
    assert normalised(written) == means


@pytest.mark.parametrize(
    ("mode", "written", "filled"),
    [
        ("awsvpc", {}, {"protocol": "tcp", "hostPort": 80}),
        ("host", {}, {"protocol": "tcp", "hostPort": 80}),
        ("bridge", {"hostPort": 0}, {"protocol": "tcp"}),
        ("bridge", {"hostPort": 8080}, {"protocol": "tcp", "hostPort": 8080}),
        ("awsvpc", {"protocol": "udp"}, {"protocol": "udp", "hostPort": 80}),
    ],
)
def test_ports_are_filled_in_as_ecs_does(
    mode: str, written: JsonObject, filled: JsonObject
) -> None:
    """The protocol is TCP, and under awsvpc the host's port is the container's."""
    ports: list[Json] = [{"containerPort": 80} | written]
    document = a_document(portMappings=ports) | {"networkMode": mode}
    assert only_container(document)["portMappings"] == [{"containerPort": 80} | filled]


def test_a_container_is_essential_unless_it_says_no() -> None:
    """`essential: false` is kept; a missing one is true."""
    assert only_container(a_document())["essential"] is True
    assert only_container(a_document(essential=False))["essential"] is False


def test_health_checks_have_the_times_of_ecs() -> None:
    """Interval, time-out and retries are filled in; what is said stays."""
    found = only_container(a_document(healthCheck={"command": ["CMD", "x"], "interval": 5}))
    assert found["healthCheck"] == {
        "command": ["CMD", "x"],
        "interval": 5,
        "timeout": 5,
        "retries": 3,
    }


def test_the_content_hash_knows_no_tags_of_shipway() -> None:
    """Tags of Shipway and AWS leave the hash alone; the user's own, and any field, change it."""

    def content(**more: Json) -> str:
        return definition_of(a_document() | more, "web").content

    ours: Json = [{"key": "shipway:run", "value": "1"}, {"key": "aws:x", "value": "2"}]
    assert content(tags=ours) == content()
    assert content(tags=[{"key": "team", "value": "a"}]) != content()
    assert content(pidMode="task") != content()


def test_tags_that_others_add_are_no_difference() -> None:
    """A tag on what is live that nobody asked for does not make a change pending."""
    live = definition_of(a_document() | {"tags": [{"key": "cost", "value": "1"}]}, "web")
    wanted = definition_of(a_document() | {"tags": [{"key": "team", "value": "a"}]}, "web")
    assert differences(live, wanted) == (Change("tags.team", None, "a"),)


def test_a_variable_that_stands_twice_hides_nothing() -> None:
    """ECS takes a name twice; a difference in either is seen."""

    def twice(second: str) -> JsonObject:
        pairs: list[Json] = [{"name": "A", "value": "1"}, {"name": "A", "value": second}]
        return a_document(environment=pairs)

    assert differences(definition_of(twice("2"), "web"), definition_of(twice("3"), "web"))


@settings(deadline=None, max_examples=300)
@given(DOCUMENTS, DOCUMENTS)
def test_no_difference_goes_unseen(one: JsonObject, other: JsonObject) -> None:
    """Of two definitions nothing differs exactly when they are the same, tags aside."""
    left, right = (definition_of(d | {"tags": None}, "web") for d in (one, other))
    assert (differences(left, right) == ()) is (left == right)


# --- laid over ----------------------------------------------------------------------------------


def test_containers_are_laid_over_by_name() -> None:
    """A field is added to the container of that name, another container is kept, order as told."""
    below = a_document(cpu=1)
    above: JsonObject = {
        "containerDefinitions": [{"name": "side", "image": "x"}, {"name": "web", "user": "1"}]
    }
    assert merged(below, above)["containerDefinitions"] == [
        {"name": "web", "image": "web@sha256:0", "cpu": 1, "user": "1"},
        {"name": "side", "image": "x"},
    ]


def test_other_lists_are_replaced() -> None:
    """A command above stands for the whole command."""
    assert merged({"command": ["a", "b"]}, {"command": ["c"]}) == {"command": ["c"]}


def test_null_leaves_out() -> None:
    """A null laid over a field takes it away."""
    assert normalised(merged({"taskRoleArn": "x"}, {"taskRoleArn": None})) == {}


def test_laying_over_twice_is_laying_over_the_sum() -> None:
    """Service-wide and environment fields may be put together before they are laid over."""
    base = a_document(environment=[{"name": "A", "value": "1"}])
    one: JsonObject = {"containerDefinitions": [{"name": "web", "user": "1"}], "pidMode": "task"}
    two: JsonObject = {"containerDefinitions": [{"name": "web", "user": "2"}], "pidMode": None}
    assert normalised(merged(merged(base, one), two)) == normalised(merged(base, merged(one, two)))


def test_ports_are_laid_over_by_number() -> None:
    """A port above without a protocol is the TCP port below."""
    base: JsonObject = {"portMappings": [{"containerPort": 80, "protocol": "tcp"}]}
    found = merged(base, {"portMappings": [{"containerPort": 80, "name": "http"}]})
    assert found == {"portMappings": [{"containerPort": 80, "protocol": "tcp", "name": "http"}]}


def test_task_fields_are_laid_over_what_shipway_makes() -> None:
    """`task:` adds fields and containers, and changes what Shipway would have said."""
    task = {
        "pidMode": "task",
        "cpu": "1 vCPU",
        "containerDefinitions": [
            {"name": "sender", "user": "1000", "environment": [{"name": "MODE", "value": "raw"}]},
            {"name": "proxy", "image": "envoy@sha256:0"},
        ],
    }
    found = task_definition(A, replace(PREPROD, task=json.dumps(task)))
    assert (found.document["pidMode"], found.document["cpu"]) == ("task", "1024")
    assert dict(found.env)["MODE"] == "raw"
    assert set(found.images) == {"envoy@sha256:0", A.image}


def test_who_a_container_is_cannot_be_laid_over() -> None:
    """Image, family and identity are Shipway's, even if a configuration slipped through."""
    task = {
        "family": "mine",
        "containerDefinitions": [
            {
                "name": "sender",
                "image": "other",
                "environment": [{"name": "SHIPWAY_RELEASE", "value": "x"}],
            }
        ],
    }
    found = task_definition(A, replace(PREPROD, task=json.dumps(task)))
    assert (found.family, found.image) == ("preprod-sender", A.image)
    assert dict(found.env)["SHIPWAY_RELEASE"] == A.name


def test_two_releases_differ_in_image_and_identity() -> None:
    """Nothing else of the document depends on the release."""
    found = differences(task_definition(A, PREPROD), task_definition(B, PREPROD))
    own = "containerDefinitions.sender"
    assert [change.field for change in found] == [
        f"{own}.environment.SHIPWAY_COMMIT",
        f"{own}.environment.SHIPWAY_IMAGE_DIGEST",
        f"{own}.environment.SHIPWAY_RELEASE",
        f"{own}.image",
    ]


def test_sets_of_words_have_no_order() -> None:
    """Capabilities and compatibilities are sets."""
    assert ordered({"add": ["B", "A"]}) == {"add": ["A", "B"]}
