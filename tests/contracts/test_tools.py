"""`ports.Tools`, on the fake and on real programs."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from shipway.adapters.shell import LocalShell
from shipway.adapters.tools import InstalledTools
from shipway.errors import ToolIsMissing
from shipway.ports import Tools
from shipway.testing.calls import Misuse
from shipway.testing.checkout import FakeTools

SYSTEM = "/usr/bin:/bin"


class Machine:
    """A checkout and a folder of programs, both empty, beside what every system has."""

    def __init__(self, folder: Path) -> None:
        self.root, self.programs = folder / "checkout", folder / "programs"
        self.cache = folder / "cache"
        self.root.mkdir()
        self.programs.mkdir()

    @property
    def tools(self) -> InstalledTools:
        """The adapter, as a new process would make it."""
        return self.patient(60)

    def patient(self, patience_s: float) -> InstalledTools:
        """The adapter, waiting so long for an answer."""
        path = {"PATH": f"{self.programs}{os.pathsep}{SYSTEM}"}
        return InstalledTools(str(self.root), self.cache, LocalShell(), path, patience_s)

    def install(self, name: str, *lines: str, first: str = "#!/bin/sh") -> Path:
        """Put a program on the path; it notes each time that it is run."""
        return program(self.programs / name, first, f"echo x >> {self.programs}/asked", *lines)

    @property
    def asked(self) -> int:
        """How often a program was run."""
        notes = self.programs / "asked"
        return len(notes.read_text(encoding="utf-8").splitlines()) if notes.exists() else 0


def program(file: Path, *lines: str) -> Path:
    """Write a script that may be run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any program of its own."""
    return Machine(tmp_path)


@pytest.fixture(params=["fake", "real"])
def tools(request: pytest.FixtureRequest, machine: Machine) -> Tools:
    """Both kinds, with one installed program and one of the checkout."""
    if request.param == "fake":
        return FakeTools({"lint": "lint 1.2.3", "own": ""})
    machine.install("lint", "echo lint 1.2.3", "echo more")
    program(machine.root / "node_modules/.bin/own", "#!/bin/sh", "exit 1")
    return machine.tools


def test_an_installed_program_says_its_version(tools: Tools) -> None:
    """The version is the first line that the program says."""
    assert tools.version("lint", ".") == "lint 1.2.3"


def test_a_program_of_the_checkout_has_none(tools: Tools) -> None:
    """What the checkout's own files decide is no version of its own."""
    assert tools.version("own", ".") == ""


def test_a_program_that_is_not_there_is_told(tools: Tools) -> None:
    """What is nowhere on the path is missing, with what to do."""
    with pytest.raises(ToolIsMissing, match="no-such-program") as found:
        tools.version("no-such-program", ".")
    assert found.value.hint


def test_the_fake_complains_of_no_program() -> None:
    """The fake refuses to be asked for nothing."""
    with pytest.raises(Misuse):
        FakeTools().version("", ".")


def test_a_program_is_asked_once(machine: Machine) -> None:
    """What a file said is remembered, in this process and by the next one."""
    machine.install("lint", "echo 1.0")
    tools = machine.tools
    assert [tools.version("lint", "."), tools.version("lint", ".")] == ["1.0", "1.0"]
    assert machine.tools.version("lint", ".") == "1.0"
    assert machine.asked == 1


def test_another_file_is_asked_again(machine: Machine) -> None:
    """An update of the program is noticed by its file."""
    machine.install("lint", "echo 1.0")
    assert machine.tools.version("lint", ".") == "1.0"
    machine.install("lint", "echo 2.0 # longer")
    assert machine.tools.version("lint", ".") == "2.0"


def test_a_warm_answer_starts_nothing_and_is_quick(machine: Machine) -> None:
    """What is remembered costs about a millisecond at most."""
    machine.install("lint", "echo 1.0")
    machine.tools.version("lint", ".")
    tools = machine.tools
    start = time.monotonic()
    for _ in range(100):
        tools.version("lint", ".")
    assert time.monotonic() - start < 0.5
    assert machine.asked == 1


def test_a_pin_of_the_checkout_is_asked_for(machine: Machine) -> None:
    """A program that follows the checkout's pin is asked again when the pin changes."""
    machine.install("pnpm", "grep -o '@[0-9.]*' package.json")
    manifest = machine.root / "package.json"
    for version in ("9.1.0", "10.34.9"):
        manifest.write_text(json.dumps({"packageManager": f"pnpm@{version}"}), encoding="utf-8")
        assert machine.tools.version("pnpm", ".") == f"@{version}"
    manifest.write_text(
        json.dumps({"packageManager": "pnpm@10.34.9", "name": "other"}), encoding="utf-8"
    )
    assert machine.tools.version("pnpm", ".") == "@10.34.9"
    assert machine.asked == 2


def test_a_pin_is_looked_for_up_to_the_root(machine: Machine) -> None:
    """In a folder of the checkout the root's pins count as well."""
    machine.install("node", "cat ../.nvmrc")
    (machine.root / "api").mkdir()
    for version in ("v20.1.0", "v22.0.0"):
        (machine.root / ".nvmrc").write_text(version, encoding="utf-8")
        assert machine.tools.version("node", "api") == version


def test_what_switches_by_itself_is_asked_each_time(machine: Machine) -> None:
    """A shim that follows settings outside the checkout is not remembered by another process."""
    shim = machine.install("node", "echo v20.1.0")
    shims = machine.programs / "shims"
    shims.mkdir()
    shim.rename(shims / "node")
    path = {"PATH": f"{shims}{os.pathsep}{SYSTEM}"}
    for _ in range(2):
        tools = InstalledTools(str(machine.root), machine.cache, LocalShell(), path)
        assert [tools.version("node", "."), tools.version("node", ".")] == ["v20.1.0", "v20.1.0"]
    assert machine.asked == 2


@pytest.mark.parametrize("says", ["echo 1; exit 2", "echo usage: wait", "echo 1; sleep 600"])
def test_a_program_that_does_not_say_is_its_content(machine: Machine, says: str) -> None:
    """A program that fails, says no version, or does not answer in time is known by its content."""
    file = machine.install("odd", says)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert machine.patient(1).version("odd", ".") == f"sha256:{digest}"


def test_warnings_are_no_version(machine: Machine) -> None:
    """What a runtime warns of before, with its process number in it, is passed over."""
    machine.install("lint", "echo '(node:4711) ExperimentalWarning: x'", "echo v3.1")
    assert machine.tools.version("lint", ".") == "v3.1"


def test_a_script_has_its_interpreters_version(machine: Machine) -> None:
    """A script for node adds node's version to its own; one in the checkout has that alone."""
    machine.install("node", 'if [ "$1" = --version ]; then echo v20.1.0; else sh "$@"; fi')
    machine.install("pnpm", "echo 10.34.9", first="#!/usr/bin/env node")
    program(machine.root / "node_modules/.bin/eslint", "#!/usr/bin/env -S node --no-warnings")
    assert machine.tools.version("pnpm", ".") == "10.34.9, node v20.1.0"
    assert machine.tools.version("eslint", ".") == "node v20.1.0"


def test_a_wrapper_that_starts_node_has_nodes_version(machine: Machine) -> None:
    """The shell wrappers that pnpm installs count as scripts for node."""
    machine.install("node", "echo v20.1.0")
    wrapper = ("#!/bin/sh", 'if [ -x "$basedir/node" ]; then', '  exec "$basedir/node" x "$@"')
    rest = ("else", '  exec node  "$basedir/../eslint/bin/eslint.js" "$@"', "fi")
    program(machine.root / "node_modules/.bin/eslint", *wrapper, *rest)
    assert machine.tools.version("eslint", ".") == "node v20.1.0"


def test_a_wrapper_of_its_own_name_ends(machine: Machine) -> None:
    """A wrapper called node that starts node is not followed for ever."""
    program(machine.root / "node_modules/.bin/node", "#!/bin/sh", 'exec node "$@"')
    assert machine.tools.version("node", ".") == "node"


def test_programs_of_the_folder_come_first(machine: Machine) -> None:
    """A package's own program is found before the root's, and that before the path's."""
    machine.install("lint", "echo 1.0")
    (machine.root / "api").mkdir()
    assert machine.tools.version("lint", "api") == "1.0"
    program(machine.root / "node_modules/.bin/lint", "#!/bin/sh")
    assert machine.tools.version("lint", "api") == ""
    machine.install("node", "echo v20.1.0")
    program(machine.root / "api/node_modules/.bin/lint", "#!/usr/bin/env node")
    assert machine.tools.version("lint", "api") == "node v20.1.0"


def test_a_path_is_meant_from_the_folder(machine: Machine) -> None:
    """A program that is named by a path is looked for from the check's folder."""
    program(machine.root / "api/tool", "#!/bin/sh")
    assert machine.tools.version("./tool", "api") == ""
    with pytest.raises(ToolIsMissing):
        machine.tools.version("./tool", ".")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1, "said": 3}', '{"format": 99}'])
def test_a_damaged_memory_is_none(machine: Machine, text: str) -> None:
    """What cannot be read is asked again, and then written anew."""
    machine.install("lint", "echo 1.0")
    machine.cache.mkdir()
    (machine.cache / "tools.json").write_text(text, encoding="utf-8")
    assert machine.tools.version("lint", ".") == "1.0"
    assert machine.tools.version("lint", ".") == "1.0"
    assert machine.asked == 1


def test_a_memory_that_cannot_be_written_is_done_without(machine: Machine) -> None:
    """Where the cache is no folder, each process asks for itself."""
    machine.install("lint", "echo 1.0")
    machine.cache.write_text("in the way", encoding="utf-8")
    assert machine.tools.version("lint", ".") == "1.0"


def test_the_real_node_is_known(machine: Machine) -> None:
    """The node and npm of this machine say versions that look like ones."""
    tools = InstalledTools(str(machine.root), machine.cache, LocalShell(), os.environ)
    node = tools.version("node", ".")
    assert node.startswith("v")
    npm = tools.version("npm", ".")
    assert npm[0].isdigit()
    assert npm.endswith(f", node {node}")
