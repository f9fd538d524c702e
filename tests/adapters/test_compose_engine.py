"""Compose with the real engine: health, exits, logs, ports, and that nothing stays."""

from __future__ import annotations

import pytest

from shipway.errors import ComposeFileIsUnfit
from tests.adapters.compose_project import AFTER_DB, HEALTHY, Project, image, project

__all__ = ["image", "project"]

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("status", [0, 1, 7])
def test_the_exit_of_the_deciding_service_is_ours(project: Project, status: int) -> None:
    """What the named service ends with is the result, whatever the others do."""
    project.write(
        f'  tests: {{ image: IMAGE, command: [sh, -c, "echo tested; exit {status}"] }}\n'
        "  other: { image: IMAGE, command: [sh, -c, exit 3] }\n"
    )
    assert project.run().status == status
    assert "tested\n" in project.told
    assert project.left() == []


def test_it_starts_when_what_it_needs_is_healthy(project: Project) -> None:
    """The deciding service finds its dependency up, since it was not started before."""
    project.write(
        HEALTHY + "    volumes: [shared:/shared]\n"
        "  tests:\n    image: IMAGE\n    command: [sh, -c, echo it is up]\n"
        + AFTER_DB
        + "volumes: { shared: {} }\n"
    )
    assert project.run().status == 0
    assert "it is up" in project.told
    assert project.left() == []


def test_a_migration_may_end_before(project: Project) -> None:
    """A service that does its work and ends stops nobody else."""
    project.write(
        "  migration: { image: IMAGE, command: [sh, -c, echo migrated] }\n"
        "  tests:\n    image: IMAGE\n    command: [sh, -c, sleep 1; exit 0]\n"
        "    depends_on: { migration: { condition: service_completed_successfully } }\n"
    )
    assert project.run().status == 0


def test_what_is_never_healthy_is_told_with_its_last_lines(project: Project) -> None:
    """The check fails and says which service was not healthy, what its check and its log say."""
    project.write(
        "  db:\n    image: IMAGE\n"
        '    command: [sh, -c, "echo no room for the journal; sleep 100"]\n'
        '    healthcheck: { test: "echo refused; false", interval: 0.2s, retries: 2 }\n'
        "  tests:\n    image: IMAGE\n    command: [sh, -c, exit 0]\n" + AFTER_DB
    )
    assert project.run().status == 1
    assert "service db is not healthy (refused)" in project.told
    assert "  no room for the journal" in project.told
    assert project.left() == []


def test_each_log_is_kept_on_failure(project: Project) -> None:
    """Each service has a file with what it said, and what it said that is not the check's own."""
    project.write(
        '  db: { image: IMAGE, command: [sh, -c, "echo from the db; exit 3"] }\n'
        '  tests: { image: IMAGE, command: [sh, -c, "sleep 1; echo from the tests; exit 1"] }\n'
    )
    project.run()
    assert "from the db" in project.log("db")
    assert "from the tests" in project.log("tests")
    assert "service db ended with exit status 3" in project.told


def test_nothing_is_kept_of_success(project: Project) -> None:
    """A check that passed leaves no folder of logs."""
    project.write('  tests: { image: IMAGE, command: [sh, -c, "echo well"] }\n')
    project.run()
    assert not (project.root / "logs").exists()


def test_a_long_log_is_cut_at_its_beginning(project: Project) -> None:
    """Of a service that said more than the limit, the end is kept, and that it is cut."""
    project.write(
        "  db:\n    image: IMAGE\n"
        "    command: [sh, -c, \"head -c 6000000 /dev/zero | tr '\\\\0' x; echo; echo end\"]\n"
        '  tests: { image: IMAGE, command: [sh, -c, "sleep 2; exit 1"] }\n'
    )
    project.run()
    kept = project.log("db")
    assert len(kept) < 4_300_000
    assert kept.startswith("(what it said before is left out)")
    assert kept.endswith(" end\n")


def test_a_fixed_host_port_is_refused(project: Project) -> None:
    """Two runs could not be up at once: service and port are named, and nothing starts."""
    project.write(
        '  db: { image: IMAGE, ports: ["3000:3000"] }\n'
        "  tests: { image: IMAGE, command: [sh, -c, exit 0] }\n"
    )
    with pytest.raises(ComposeFileIsUnfit, match="service db publishes the fixed host port 3000"):
        project.run()


def test_a_port_that_the_engine_chooses_is_fine(project: Project) -> None:
    """Only the container's port is given, or an address without one, or it is exposed."""
    project.write(
        '  db: { image: IMAGE, command: [sleep, "100"], init: true,'
        ' ports: ["3000", "127.0.0.1::90"], expose: ["80"] }\n'
        "  tests: { image: IMAGE, command: [sh, -c, exit 0], depends_on: [db] }\n"
    )
    assert project.run().status == 0


def test_an_unknown_deciding_service_is_refused(project: Project) -> None:
    """Nothing is started for a service that there is not; those that there are, are named."""
    project.write("  unit: { image: IMAGE }\n  db: { image: IMAGE }\n")
    with pytest.raises(ComposeFileIsUnfit, match=r"no service 'tests'.*there are: db, unit"):
        project.run()
    assert project.said == b""


@pytest.mark.parametrize("version", ["2", "3"])
def test_any_version_of_the_format_gets_our_labels(project: Project, version: str) -> None:
    """Whatever `version` a file has, all that it makes is removed by our label."""
    project.write(
        "  tests: { image: IMAGE, command: [sh, -c, exit 0], volumes: ['shared:/s'] }\n"
        "networks: { default: {} }\nvolumes: { shared: {} }\n",
        version=version,
    )
    assert project.run().status == 0
    assert project.left() == []


def test_the_checks_environment_fills_the_file(project: Project) -> None:
    """A variable of the check reaches the file's `${...}`."""
    project.write("  tests: { image: IMAGE, command: [sh, -c, 'echo is-${TOKEN:?}'] }\n")
    project.run(env={"TOKEN": "abc"})
    assert "is-abc" in project.told


def test_a_file_that_compose_refuses_is_told(project: Project) -> None:
    """What compose says of an invalid file is in the error, and nothing starts."""
    project.write("  tests: { image: '${NOT_SET_HERE:?is needed}' }\n")
    with pytest.raises(ComposeFileIsUnfit, match="NOT_SET_HERE"):
        project.run()
