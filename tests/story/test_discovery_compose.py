"""`shipway init` sees which databases the code needs, and drafts a compose file for its tests."""

from __future__ import annotations

import pytest

from shipway.discovery.reading import SETTINGS, SOURCES, worth_reading
from shipway.discovery.seen import Seen, mapping
from shipway.discovery.yaml_text import Layout, layout
from tests.story.drafting import drafted, package

VITEST = {"test:integration": "vitest run --project integration", "test": "vitest run"}


@pytest.mark.parametrize(
    ("library", "service", "image"),
    [
        ("mongodb", "mongo", "${MONGO_IMAGE:-mongo:7}"),
        ("mongoose", "mongo", "${MONGO_IMAGE:-mongo:7}"),
        ("ioredis", "redis", "${REDIS_IMAGE:-redis:7-alpine}"),
        ("kafkajs", "kafka", "${KAFKA_IMAGE:-apache/kafka:3.9.1}"),
        ("@confluentinc/kafka-javascript", "kafka", "${KAFKA_IMAGE:-apache/kafka:3.9.1}"),
        ("pg", "postgres", "${POSTGRES_IMAGE:-postgres:17-alpine}"),
    ],
)
def test_each_backend_is_put_beside_the_tests(library: str, service: str, image: str) -> None:
    """The tests start when what the code talks to is well, in a network without a way out."""
    found = drafted({"package.json": package(VITEST, "vitest", library), "a.test.ts": ""})
    tests, backend = (mapping(found.compose()[name]) for name in ("tests", service))
    assert tests["depends_on"] == {service: {"condition": "service_healthy"}}
    assert backend["image"] == image
    assert mapping(backend["healthcheck"])["test"]
    assert "internal: true" in found.proposal.compose
    assert "ports:" not in found.proposal.compose
    check = found.compose_check()
    assert (check.file, check.exit_code_from) == ("docker-compose.integration.yml", "tests")
    assert check.junit == "reports/integration.xml"


@pytest.mark.parametrize(
    ("provider", "service"), [("postgresql", "postgres"), ("mongodb", "mongo")]
)
def test_prisma_says_its_database(provider: str, service: str) -> None:
    """Prisma's schema names the provider, whatever library it brings."""
    files = {
        "package.json": package(VITEST, "vitest", "prisma"),
        "prisma/schema.prisma": f'datasource db {{\n  provider = "{provider}"\n}}\n',
        "a.test.ts": "",
    }
    assert service in drafted(files).compose()


def test_the_tests_find_backends_under_the_names_in_the_code() -> None:
    """Variables that the code reads lead to the services; unknown ones are said."""
    files = {
        "package.json": package(VITEST, "vitest", "mongodb", "pg", "kafkajs"),
        "src/a.ts": "env.MONGODB_URI; env.PGHOST; env.PGPORT; env.MONGO_POOL_SIZE;",
        "a.test.ts": "",
    }
    found = drafted(files)
    environment = mapping(mapping(found.compose()["tests"])["environment"])
    assert environment == {
        "MONGODB_URI": "mongodb://mongo:27017/test",
        "PGHOST": "postgres",
        "PGPORT": "5432",
        "KAFKA_BROKERS": "kafka:9092",
    }
    assert "Not known: under which name the code looks for Kafka" in found.proposal.compose


def test_a_stage_for_tests_is_built() -> None:
    """Where the Dockerfile has a stage for tests, they run in it, with its build arguments."""
    files = {
        "package.json": package(VITEST, "vitest", "ioredis"),
        "Dockerfile": "ARG BASE=node:22\nFROM ${BASE} AS tests\nWORKDIR /srv\nFROM ${BASE}\n",
        "a.test.ts": "",
    }
    found = drafted(files)
    tests = mapping(found.compose()["tests"])
    build = {"context": ".", "target": "tests", "args": {"BASE": "${BASE:-node:22}"}}
    assert tests["build"] == build
    assert "./reports:/srv/reports" in str(tests["volumes"])
    assert found.compose_check().needs == ()


def test_without_a_stage_the_installed_checkout_is_used() -> None:
    """Without one, the tests run in the installed checkout, in the image's version of Node."""
    files = {
        "package.json": package(VITEST, "vitest", "ioredis"),
        "Dockerfile": "FROM node:20-alpine\n",
        "a.test.ts": "",
    }
    found = drafted(files)
    tests = mapping(found.compose()["tests"])
    assert (tests["image"], tests["volumes"]) == ("${TESTS_IMAGE:-node:20-slim}", [".:/app"])
    assert "node_modules/.bin/vitest run --project integration" in str(tests["command"])
    assert found.compose_check().needs == ("install",)


def test_where_nothing_marks_integration_tests_all_of_them_run() -> None:
    """All tests run beside the databases, and the file says why."""
    files = {"package.json": package({"test": "mocha"}, "mocha", "redis"), "test/a.js": ""}
    found = drafted(files)
    assert "node_modules/.bin/mocha --reporter xunit" in found.proposal.compose
    assert "No test is marked" in found.remarks("checks.integration")


def test_a_dollar_in_a_command_is_not_composes() -> None:
    """Compose puts nothing into the command of the tests."""
    scripts = {"test:integration": "jest --testPathPatterns 'db$'"}
    found = drafted({"package.json": package(scripts, "jest", "redis"), "a.test.js": ""})
    assert "'db$$'" in found.proposal.compose


def test_a_compose_file_that_is_there_is_used() -> None:
    """An existing compose file for tests becomes the check, and none is drafted."""
    files = {
        "package.json": package(VITEST, "vitest", "ioredis"),
        "docker/docker-compose.test.yml": "services:\n  redis: {}\n  api-tests: {}\n",
    }
    found = drafted(files)
    check = found.compose_check()
    assert (check.file, check.exit_code_from) == ("docker/docker-compose.test.yml", "api-tests")
    assert found.proposal.compose == ""


def test_a_compose_file_without_tests_is_said() -> None:
    """Where no service looks like tests, the compose file is no check, and that is said."""
    files = {
        "package.json": package({}, "ms"),
        "compose.integration.yaml": "services: { db: { image: mongo } }",
    }
    found = drafted(files)
    assert "integration" not in found.names()
    assert "which service of compose.integration.yaml" in found.remarks("checks")


def test_a_compose_file_for_development_is_no_check() -> None:
    """A compose file that is not named for tests does not keep one from being drafted."""
    files = {
        "package.json": package(VITEST, "vitest", "redis"),
        "docker-compose.yml": "services: { tests: {} }",
        "a.test.ts": "",
    }
    assert drafted(files).compose_check().file == "docker-compose.integration.yml"


def test_databases_without_tests_are_said() -> None:
    """Where no test could meet the databases, no compose file is drafted, and that is said."""
    found = drafted({"package.json": package({}, "mongodb", "ioredis"), "a.js": ""})
    assert found.proposal.compose == ""
    assert "uses MongoDB, Redis" in found.remarks("checks")


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, Layout(2, '"', 80)),
        ({".prettierrc": "singleQuote: true\ntabWidth: 4\n"}, Layout(4, "'", 80)),
        ({"prettier.config.js": "export default { printWidth: 120 }"}, Layout(2, '"', 120)),
        ({".editorconfig": "[*]\nindent_size = 4\n[*.yml]\nindent_size = 2\n"}, Layout(2, '"', 80)),
    ],
)
def test_yaml_is_written_as_the_repository_wants_it(files: dict[str, str], wanted: Layout) -> None:
    """Indentation, quotes and width are those of Prettier's and the editor's settings."""
    assert layout(Seen("x", tuple(files), files)) == wanted


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("eslint .", "eslint ."),
        ("**/*.ts", '"**/*.ts"'),
        ("no", '"no"'),
        ("1.10", '"1.10"'),
        ("key: value", '"key: value"'),
        ('say "so": now', "'say \"so\": now'"),
        ("@acme/x", '"@acme/x"'),
        ("", '""'),
    ],
)
def test_a_text_stays_a_text(text: str, written: str) -> None:
    """What YAML would read as something else is quoted, with as few escapes as possible."""
    assert Layout().scalar(text) == written


def test_reading_is_bounded_and_begins_where_answers_are_likely() -> None:
    """However large a repository is, settings come first, then the sources that may listen."""
    paths = (*(f"src/part{n}.ts" for n in range(1000)), "src/server.ts", "package.json")
    chosen = [path for path, _ in worth_reading(paths)]
    assert chosen[:2] == ["package.json", "src/server.ts"]
    assert len(chosen) <= SOURCES + SETTINGS
    assert worth_reading(("dist/server.js", "node_modules/a/package.json")) == ()
