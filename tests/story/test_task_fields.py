"""`task:` in shipway.yaml: raw ECS fields, held against the shape that botocore has today."""

from __future__ import annotations

import json

import pytest

from shipway.adapters.aws.shapes import task_definition_shape
from shipway.config import reference
from shipway.config.load import load
from shipway.errors import ConfigurationIsInvalid
from shipway.model.api_shape import Shape

HEAD = """\
service: sender
owner: team
image: { repository: sender }
"""
PLACES = """\
environments:
  preprod: { cluster: preprod }
  production: { cluster: production, task: { cpu: 1 vCPU, pidMode: null } }
"""


def problems(task: str) -> tuple[str, ...]:
    """Every problem of a service-wide `task:`, which begins at line 4."""
    with pytest.raises(ConfigurationIsInvalid) as found:
        load(f"{HEAD}task: {task}\n{PLACES}", task_shape=task_definition_shape)
    return tuple(problem.removeprefix("shipway.yaml:") for problem in found.value.problems)


def fields(task: str, environment: str = "preprod") -> object:
    """What is laid over the definition of an environment."""
    service = load(f"{HEAD}task: {task}\n{PLACES}", task_shape=task_definition_shape)
    place = service.environment(environment)
    assert place is not None
    return json.loads(place.task)


def test_values_have_the_types_that_ecs_wants() -> None:
    """A text becomes the number or truth value that the shape asks for, and no other."""
    written = (
        "{ cpu: 512, enableFaultInjection: true, ephemeralStorage: { sizeInGiB: 30 },"
        " containerDefinitions: [{ name: sender, cpu: 10, dockerLabels: { on: yes },"
        " environment: [{ name: PORT, value: 012 }] }] }"
    )
    assert fields(written) == {
        "cpu": "512",
        "enableFaultInjection": True,
        "ephemeralStorage": {"sizeInGiB": 30},
        "containerDefinitions": [
            {
                "name": "sender",
                "cpu": 10,
                "dockerLabels": {"on": "yes"},
                "environment": [{"name": "PORT", "value": "012"}],
            }
        ],
    }


def test_an_environments_fields_are_laid_over_the_services() -> None:
    """What the environment says wins, and null takes away; elsewhere the service's stays."""
    assert fields("{ cpu: 512, pidMode: task }") == {"cpu": "512", "pidMode": "task"}
    assert fields("{ cpu: 512, pidMode: task }", "production") == {"cpu": "1 vCPU", "pidMode": None}


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (
            "{ pidMod: task }",
            "4:9 task.pidMod ECS knows no field of that name here -> did you mean 'pidMode'?",
        ),
        (
            "{ containerDefinitions: [{ name: sender, portMapping: [] }] }",
            (
                "4:48 task.containerDefinitions[0].portMapping ECS knows no field of that name here"
                " -> did you mean 'portMappings'?"
            ),
        ),
        (
            "{ pidMode: tusk }",
            "4:9 task.pidMode 'tusk' is none of the words that ECS knows -> did you mean 'task'?",
        ),
        (
            "{ ephemeralStorage: { sizeInGiB: 012 } }",
            "4:29 task.ephemeralStorage.sizeInGiB '012' is not a whole number in plain digits",
        ),
        (
            "{ enableFaultInjection: yes }",
            "4:9 task.enableFaultInjection 'yes' is neither true nor false",
        ),
        ("{ volumes: data }", "4:9 task.volumes ECS wants a list here"),
        ("{ runtimePlatform: [] }", "4:9 task.runtimePlatform ECS wants names and values here"),
        ("{ cpu: [1] }", "4:9 task.cpu ECS wants a single value here"),
        (
            "{ revision: 3 }",
            "4:9 task.revision ECS knows no field of that name here",
        ),
    ],
)
def test_what_ecs_does_not_know_is_refused(task: str, told: str) -> None:
    """A wrong field, word or type is told with its place and the closest right one."""
    assert problems(task) == (told,)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (
            "{ family: mine }",
            "4:9 task.family Shipway decides it, from the environment and the ECS service",
        ),
        (
            "{ containerDefinitions: [{ name: sender, image: mine }] }",
            (
                "4:48 task.containerDefinitions[0].image Shipway decides it: the digest of the"
                " release that is deployed"
            ),
        ),
        (
            "{ containerDefinitions: [{ name: proxy }] }",
            (
                "4:32 task.containerDefinitions[0] needs 'image', since it is not the service's own"
                " container ('sender')"
            ),
        ),
        (
            "{ containerDefinitions: [{ image: proxy }] }",
            "4:32 task.containerDefinitions[0] needs 'name': containers are put together by name",
        ),
    ],
)
def test_what_shipway_decides_cannot_be_laid_over(task: str, told: str) -> None:
    """Image and family are decided by the release and the environment, and the message says so."""
    assert problems(task) == (told,)


def test_the_identity_of_a_container_cannot_be_laid_over() -> None:
    """The four variables that say what runs are Shipway's."""
    (told,) = problems(
        "{ containerDefinitions: [{ name: sender,"
        " environment: [{ name: SHIPWAY_COMMIT, value: x }] }] }"
    )
    assert told.endswith("Shipway decides SHIPWAY_COMMIT: it says what runs")


def test_problems_of_an_environment_are_told_there() -> None:
    """The place is that of the environment's own `task:`."""
    with pytest.raises(ConfigurationIsInvalid) as found:
        load(HEAD + PLACES.replace("pidMode", "pidMod"), task_shape=task_definition_shape)
    assert found.value.problems[0].startswith(
        "shipway.yaml:6:59 environments.production.task.pidMod "
    )


def test_the_shape_is_not_made_where_nothing_asks_for_it() -> None:
    """Without `task:` the shape, which is costly, is not made."""

    def costly() -> Shape:
        raise AssertionError("made for nothing")

    service = load(HEAD + "environments: { preprod: { cluster: c } }\n", task_shape=costly)
    assert service.environments[0].task == ""


def test_the_example_of_every_key_is_right_for_ecs() -> None:
    """The `task:` of the reference page holds against botocore's shape."""
    service = load(reference.annotated_example(), task_shape=task_definition_shape)
    production = service.environment("production")
    assert production is not None
    assert '"enableFaultInjection":true' in production.task
