"""What a compose file may say, as `config` prints it: of 1.29, of v2, and of both."""

from __future__ import annotations

import json

import pytest

from shipway.adapters.compose.file import Composition, override, read
from shipway.errors import ComposeFileIsUnfit

TESTS = "  tests: {image: t}\n"


def reading(services: str, rest: str = "") -> Composition:
    """Read services, and what comes after them, as of the project p."""
    said = f"A variable is not set.\nservices:\n{TESTS}{services}{rest}"
    return read(said.splitlines(), project="p", decisive="tests", where="compose.yml")


@pytest.mark.parametrize(
    "port",
    [
        "3000:3000/tcp",
        "127.0.0.1:3000:80/tcp",
        "[::1]:3000:80",
        "{target: 80, published: 3000}",
        '{mode: ingress, target: 80, published: "3000", protocol: tcp}',
    ],
)
def test_a_fixed_host_port_is_named(port: str) -> None:
    """However it is written, the port that two runs would both want is in the error."""
    entry = port if port.startswith("{") else f"'{port}'"
    with pytest.raises(ComposeFileIsUnfit, match="service db publishes the fixed host port 3000"):
        reading(f"  db: {{image: d, ports: [{entry}]}}\n")


@pytest.mark.parametrize(
    "port",
    [
        "'3000'",
        "3000/tcp",
        "'127.0.0.1::90/tcp'",
        "{target: 44}",
        "{target: 80, published: 0}",
        '{target: 50, published: "5000-5005"}',
    ],
)
def test_a_port_that_the_engine_chooses_is_none(port: str) -> None:
    """Without a host port, or with a range to choose from, two runs get different ones."""
    assert reading(f"  db: {{image: d, ports: [{port}]}}\n").services == ("tests", "db")


@pytest.mark.parametrize(
    ("services", "rest", "problem"),
    [
        ("  db: {network_mode: host}\n", "", "service db uses the network of the host"),
        ("  db: {container_name: db}\n", "", "service db has the fixed name 'db'"),
        ("", "volumes: {data: {name: ours}}\n", "volume data has the fixed name 'ours'"),
        ("", "networks: {default: {name: ours}}\n", "network default has the fixed name 'ours'"),
        ("  tests: {restart: on-failure}\n", "", "service tests is restarted when it fails"),
    ],
)
def test_what_two_runs_would_share_is_refused(services: str, rest: str, problem: str) -> None:
    """A name or a network that there is only once, and a deciding service that never ends."""
    with pytest.raises(ComposeFileIsUnfit, match=problem):
        reading(services, rest)


def test_all_problems_are_told_at_once() -> None:
    """One error has a line for each."""
    with pytest.raises(ComposeFileIsUnfit) as found:
        reading("  a: {ports: ['1:1']}\n  b: {ports: ['2:2']}\n")
    assert len(found.value.message.splitlines()) == 3


def test_what_is_not_started_may_say_what_it_wants() -> None:
    """A service behind a profile is for other occasions."""
    assert reading("  debug: {profiles: [debug], ports: ['9229:9229']}\n").built == ()


def test_what_is_external_gets_no_label() -> None:
    """A network or volume that others made is neither labelled nor removed."""
    found = reading(
        "", "networks: {corp: {external: true, name: corp}}\nvolumes: {o: {external: {name: o}}}\n"
    )
    assert found.networks == ("default",)
    assert found.volumes == ()


def test_the_default_network_is_labelled_only_where_it_is_used() -> None:
    """1.29 does not print it, and warns of one that nobody uses."""
    text = "services:\n  tests: {networks: {inside: null}}\nnetworks: {inside: {internal: true}}\n"
    found = read(text.splitlines(), project="p", decisive="tests", where="compose.yml")
    assert found.networks == ("inside",)


def test_an_image_with_a_name_of_its_own_is_left() -> None:
    """Only images that compose names after the project are labelled, and so removed."""
    found = reading("  a: {build: {context: .}}\n  b: {build: {context: .}, image: mine}\n")
    assert found.built == ("a",)


def test_the_second_file_has_the_version_of_the_first() -> None:
    """1.29 merges only files of one version; a dollar in a label is one."""
    text = json.loads(override(reading("", "version: '3.7'\n"), {"home": "a$b"}))
    assert text["version"] == "3.7"
    assert text["services"]["tests"] == {"labels": {"home": "a$$b"}}
