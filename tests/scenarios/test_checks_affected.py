"""`--affected` in a workspace: what a change touches runs, in doubt everything, never nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.scenarios.checking import Stage

CHECKS = """\
  unit: { run: say-here unit, per_package: true, inputs: ["src/**"], needs: [^unit] }
  lint: { run: say-here lint, per_package: true, inputs: ["src/**"] }
  docs: { run: say docs, inputs: ["docs/**"] }
"""
HERE = '#!/bin/sh\n[ "$1" = --version ] && echo 1.0.0 || echo "$1:${PWD##*/}" >> "$STAGE/ran"\n'

DEPENDS = {"core": [], "api": ["core"], "web": ["api"], "tool": []}
ALL = sorted(["docs", *(f"{check}:{name}" for check in ("lint", "unit") for name in DEPENDS)])


def _workspace(tmp_path: Path) -> tuple[Stage, str]:
    """Return a workspace of four packages, and its first commit; `web` needs `api` needs `core`."""
    stage = Stage.fresh(tmp_path, CHECKS)
    stage.program("say-here", HERE)
    stage.write("docs/page.md", "A page\n")
    stage.write("package.json", '{ "name": "everything", "private": true }\n')
    stage.write("pnpm-workspace.yaml", "packages:\n  - packages/*\n")
    for name, needs in DEPENDS.items():
        manifest = {"name": f"@acme/{name}", "dependencies": dict.fromkeys(_at_acme(needs), "*")}
        stage.write(f"packages/{name}/package.json", json.dumps(manifest))
        stage.write(f"packages/{name}/src/index.js", f"// {name}\n")
    return stage, stage.commit("All of it")


def _at_acme(names: list[str]) -> list[str]:
    return [f"@acme/{name}" for name in names]


def test_a_changed_package_runs_with_those_that_depend_on_it(tmp_path: Path) -> None:
    """Of four packages the changed one and its dependant run, and what it needs for them."""
    stage, before = _workspace(tmp_path)
    stage.write("packages/api/src/index.js", "// changed\n")
    stage.commit()

    done = stage.shipway("run", "--since", before)

    assert done.status == 0, done
    # the unit tests of `core` are needed by those of `api`
    assert stage.ran() == ["lint:api", "lint:web", "unit:api", "unit:core", "unit:web"]


def test_what_is_not_committed_counts_as_changed(tmp_path: Path) -> None:
    """The working copy is compared, as it is run."""
    stage, before = _workspace(tmp_path)
    stage.write("packages/tool/src/new.js", "// new\n")

    assert stage.shipway("run", "--since", before).status == 0

    assert stage.ran() == ["lint:tool", "unit:tool"]


def test_a_check_of_the_root_runs_for_its_own_inputs(tmp_path: Path) -> None:
    """A change in no package runs everything, since nobody knows who reads that file."""
    stage, before = _workspace(tmp_path)
    stage.write("docs/page.md", "Another page\n")

    done = stage.shipway("run", "--since", before)

    assert stage.ran() == ALL
    assert "everything runs: docs/page.md changed, which lies in no package" in done.err


def test_no_change_runs_nothing_and_passes(tmp_path: Path) -> None:
    """With nothing changed since that commit there is nothing to check, and that is said."""
    stage, before = _workspace(tmp_path)

    done = stage.shipway("run", "--since", before)

    assert done.status == 0
    assert stage.ran() == []
    assert "nothing to check" in done.out


def test_a_shallow_clone_fetches_the_one_commit(tmp_path: Path) -> None:
    """A clone of depth 1 has no older commit; it is fetched, and only what changed runs."""
    stage, before = _workspace(tmp_path)
    for number in range(3):
        stage.write("packages/api/src/index.js", f"// change {number}\n")
        stage.commit()
    clone = stage.elsewhere("clone", "--depth", "1")
    assert clone.git("rev-list", "--count", "HEAD") == "1"

    done = clone.shipway("run", "--since", before)

    assert done.status == 0, done
    assert clone.ran() == ["lint:api", "lint:web", "unit:api", "unit:core", "unit:web"]
    # that one, and not the history between them
    assert clone.git("cat-file", "-t", before) == "commit"
    assert clone.git("rev-list", "--count", "HEAD") == "1"


def test_a_commit_that_the_server_does_not_have_runs_everything(tmp_path: Path) -> None:
    """What cannot be compared with counts as all changed, and that is said."""
    stage, _ = _workspace(tmp_path)
    clone = stage.elsewhere("clone", "--depth", "1")

    done = clone.shipway("run", "--since", "5" * 40)

    assert done.status == 0, done
    assert clone.ran() == ALL
    assert "everything runs: commit 55555555 is not in this clone" in done.err


def test_a_server_that_is_gone_runs_everything(tmp_path: Path) -> None:
    """Where the remote does not answer, everything runs."""
    stage, before = _workspace(tmp_path)
    stage.commit("A second one")
    clone = stage.elsewhere("clone", "--depth", "1")
    shutil.rmtree(stage.folder)

    done = clone.shipway("run", "--since", before)

    assert done.status == 0, done
    assert clone.ran() == ALL
    assert f"everything runs: commit {before[:8]}" in done.err


def test_without_a_release_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """`--affected` before the first release is exit 2, and says how to name a commit."""
    stage, _ = _workspace(tmp_path)

    refused = stage.shipway("run", "--affected")

    assert refused.status == 2
    assert "--since" in refused.err
    assert stage.ran() == []


def test_one_check_can_be_run_in_one_package(tmp_path: Path) -> None:
    """`run unit:packages/api` runs it there with what it needs, and nothing else."""
    stage, _ = _workspace(tmp_path)

    assert stage.shipway("run", "unit:packages/api").status == 0

    assert stage.ran() == ["unit:api", "unit:core"]


def test_a_package_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """A check in an unknown package is exit 2: it must not look as if it had passed."""
    stage, _ = _workspace(tmp_path)

    refused = stage.shipway("run", "unit:packages/nowhere")

    assert refused.status == 2, refused
    assert "there is no check 'unit:packages/nowhere'" in refused.err
    assert "unit:packages/tool" in refused.err
    assert stage.ran() == []


def test_packages_are_not_looked_for_outside_of_git(tmp_path: Path) -> None:
    """A check for each package is refused where the packages cannot be known."""
    stage, _ = _workspace(tmp_path)
    shutil.rmtree(stage.folder / ".git")

    refused = stage.shipway("run")

    assert refused.status == 2, refused
    assert "cannot be read as a git checkout" in refused.err
    assert stage.ran() == []


def _service(stage: Stage, folder: str) -> Stage:
    """Move the service into a package's folder: its file is there, and nowhere else."""
    other = Stage(stage.place, stage.folder / folder, stage.env)
    (stage.folder / "shipway.yaml").unlink()
    other.declare('  unit: { run: say unit, inputs: ["src/**"] }\n')
    return other


def test_a_service_that_no_change_touches_runs_nothing(tmp_path: Path) -> None:
    """In a folder of its own, a service is left alone by changes of what it does not need."""
    stage, _ = _workspace(tmp_path)
    api = _service(stage, "packages/api")
    before = stage.commit("The service lives in its folder")
    stage.write("packages/tool/src/index.js", "// changed\n")

    done = api.shipway("run", "--since", before)

    assert (done.status, api.ran()) == (0, [])
    assert "nothing to check: no change since" in done.out


def test_a_service_runs_where_a_package_it_needs_changed(tmp_path: Path) -> None:
    """A change in a package that it depends on runs the checks of a service."""
    stage, _ = _workspace(tmp_path)
    api = _service(stage, "packages/api")
    before = stage.commit("The service lives in its folder")
    stage.write("packages/core/src/index.js", "// changed\n")

    done = api.shipway("run", "--since", before)

    assert (done.status, api.ran()) == (0, ["unit"])


def test_a_service_sees_what_it_depends_on_outside_of_its_folder(tmp_path: Path) -> None:
    """A result is not taken from the cache where a package that the service needs has changed."""
    stage, _ = _workspace(tmp_path)
    api = _service(stage, "packages/api")
    api.shipway("run")
    stage.write("packages/tool/src/index.js", "// nobody needs it\n")
    api.shipway("run")
    assert api.ran() == ["unit"]

    stage.write("packages/core/src/index.js", "// changed\n")
    why = api.shipway("run", "--explain", "unit").out
    api.shipway("run")

    assert api.ran() == ["unit"]
    assert "the rest of the repository changed" in why


def test_the_lockfile_above_a_service_counts(tmp_path: Path) -> None:
    """What lies in no package may decide about every service."""
    stage, _ = _workspace(tmp_path)
    api = _service(stage, "packages/api")
    api.shipway("run")
    stage.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")

    api.shipway("run")

    assert api.ran() == ["unit", "unit"]
