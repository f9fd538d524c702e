"""A run that is over can be gone on with, where nothing changed, and looked into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shipway.apply.again import about, asked_again, check_of, enter, find_run, passed_of
from shipway.apply.world import World
from shipway.errors import CheckFailed, RunIsUnknown, WrongUsage
from shipway.model.service import Check
from shipway.plan.steps import RunChecks
from shipway.testing.builders import ROOT, Stage, a_check, a_commit, a_compose_check
from shipway.testing.fakes import Killed, Script
from tests.apply.checking import (
    GREEN,
    RED,
    a_stage,
    acting,
    end_of,
    ended,
    go,
    keyed,
    ran,
    record,
    sources,
    step,
)

RESUMED = "the run that is resumed"


@pytest.fixture
def stage() -> Stage:
    """A checkout with two sources."""
    return a_stage()


def runs(stage: Stage) -> Iterator[tuple[str, str]]:
    """The records on the disk, newest first."""
    for path, text in reversed(stage.files.texts.items()):
        if path.endswith("/run.json"):
            yield path.split("/")[2], text


def resume(stage: Stage, wanted: RunChecks, run: str = "run-2") -> World:
    """Resume the newest run that did not pass, as `shipway resume` does."""
    passed = passed_of(find_run(runs(stage), None))
    return go(stage, wanted, world=stage.world(run, passed=passed))


def broken(stage: Stage, *checks: Check, bad: str = "unit") -> None:
    """A run in which one check fails; the next time it passes. Nothing is in the cache then."""
    acting(stage).turns[bad] = [Script(status=1), Script()]
    with pytest.raises(CheckFailed):
        go(stage, step(*checks))
    stage.cache.entries.clear()


def test_only_what_did_not_pass_runs_again(stage: Stage) -> None:
    """What passed under the same key is taken over, and told to come from the run before."""
    checks = (keyed("lint"), keyed("unit", "lint"), keyed("e2e", "unit"))
    broken(stage, *checks)
    resume(stage, step(*checks))
    assert ran(stage) == ["unit", "e2e"]
    assert sources(stage) == {"lint": RESUMED, "unit": "", "e2e": ""}
    assert end_of(stage).outcome == "passed"


def test_a_changed_key_runs_again(stage: Stage) -> None:
    """What passed is run again once one of its inputs has changed."""
    checks = (keyed("lint"), keyed("unit", "lint"))
    broken(stage, *checks)
    stage.tree.texts["src/a.ts"] = "corrected"
    resume(stage, step(*checks))
    assert ran(stage) == ["lint", "unit"]


def test_a_change_elsewhere_does_not_run_it_again(stage: Stage) -> None:
    """A correction outside the inputs of what passed leaves it passed."""
    checks = (keyed("pack", inputs=("package.json",)), keyed("unit", "pack"))
    broken(stage, *checks)
    stage.tree.texts["src/a.ts"] = "corrected"
    resume(stage, step(*checks))
    assert ran(stage) == ["unit"]


def test_outputs_that_are_gone_run_again(stage: Stage) -> None:
    """What passed is run again where the files that it made are not there any more."""
    build = keyed("build", outputs=("dist",))
    stage.shell.scripts["build"] = Script(writes=((f"{ROOT}/dist/app.js", "built"),))
    checks = (build, keyed("unit", "build"))
    broken(stage, *checks)
    del stage.files.texts[f"{ROOT}/dist/app.js"]
    resume(stage, step(*checks))
    assert ran(stage) == ["build", "unit"]


def test_outputs_that_stand_are_taken_over(stage: Stage) -> None:
    """What passed and whose outputs stand is not run again."""
    stage.shell.scripts["build"] = Script(writes=((f"{ROOT}/dist/app.js", "built"),))
    checks = (keyed("build", outputs=("dist",)), keyed("unit", "build"))
    broken(stage, *checks)
    resume(stage, step(*checks))
    assert ran(stage) == ["unit"]


def test_without_the_cache_what_is_gone_is_made(stage: Stage) -> None:
    """A resumption with --no-cache makes outputs again, though only what passed needs them."""
    stage.shell.scripts["build"] = Script(writes=((f"{ROOT}/dist/app.js", "built"),))
    checks = (keyed("build", outputs=("dist",)), keyed("lint", "build"), keyed("unit"))
    acting(stage).turns["unit"] = [Script(status=1), Script()]
    with pytest.raises(CheckFailed):
        go(stage, step(*checks), world=stage.world(slots=1))
    del stage.files.texts[f"{ROOT}/dist/app.js"]
    resume(stage, step(*checks, use_cache=False))
    assert sorted(ran(stage)) == ["build", "unit"]


def test_without_a_key_the_whole_tree_decides(stage: Stage) -> None:
    """A check that cannot be cached is taken over as long as no file of the checkout changed."""
    checks = (a_check("lint"), a_check("unit", needs=("lint",)))
    broken(stage, *checks)
    resume(stage, step(*checks))
    assert ran(stage) == ["unit"]


def test_without_a_key_any_change_runs_it_again(stage: Stage) -> None:
    """A check that cannot be cached is run again after any change of the checkout."""
    checks = (a_check("lint"), a_check("unit", needs=("lint",)))
    broken(stage, *checks)
    stage.tree.texts["README.md"] = "changed"
    resume(stage, step(*checks))
    assert ran(stage) == ["lint", "unit"]


def test_a_pass_over_inputs_in_motion_runs_again(stage: Stage) -> None:
    """What passed while its inputs changed proves nothing, though they are again what they were."""
    checks = (keyed("lint"), keyed("unit", "lint"))
    shell = acting(stage)
    shell.acts["lint"] = lambda: stage.tree.texts.update({"src/a.ts": "meanwhile"})
    shell.turns["unit"] = [Script(status=1), Script()]
    with pytest.raises(CheckFailed):
        go(stage, step(*checks))
    shell.acts.clear()
    stage.tree.texts["src/a.ts"] = "a"
    resume(stage, step(*checks))
    assert ran(stage) == ["lint", "unit"]


def test_a_killed_run_is_gone_on_with(stage: Stage) -> None:
    """What had passed before the process died is not run again."""

    def die() -> None:
        raise Killed("unit")

    checks = (keyed("lint"), keyed("unit", "lint"))
    shell = acting(stage)
    shell.acts["unit"] = die
    with pytest.raises(Killed):
        go(stage, step(*checks))
    shell.acts.clear()
    stage.cache.entries.clear()
    resume(stage, step(*checks))
    assert ran(stage) == ["unit"]
    assert end_of(stage).outcome == "passed"


def test_resuming_twice_keeps_what_passed(stage: Stage) -> None:
    """What the first resumption took over, the second takes over as well."""
    checks = (keyed("lint"), keyed("unit", "lint"))
    broken(stage, *checks)
    acting(stage).turns["unit"] = [Script(status=1), Script()]
    with pytest.raises(CheckFailed):
        resume(stage, step(*checks), "run-2")
    resume(stage, step(*checks), "run-3")
    assert ran(stage) == ["unit"]


def test_what_was_skipped_runs(stage: Stage) -> None:
    """What the failure kept from starting is not taken for passed."""
    checks = (keyed("unit"), keyed("e2e", "unit"))
    broken(stage, *checks)
    resume(stage, step(*checks))
    assert ran(stage) == ["unit", "e2e"]


def test_a_pass_of_another_check_proves_nothing(stage: Stage) -> None:
    """A name that means another command now is run, though it passed then."""
    broken(stage, keyed("lint"), keyed("unit", "lint"))
    changed = replace(keyed("lint"), command=("lint", "--strict"))
    resume(stage, step(changed, keyed("unit", "lint")))
    assert ran(stage) == ["lint", "unit"]


def test_the_newest_unfinished_run_is_found(stage: Stage) -> None:
    """Without a name the newest run that did not pass altogether is meant."""
    broken(stage, keyed("unit"))
    go(stage, step(keyed("unit"), use_cache=False), "run-2")
    assert find_run(runs(stage), None).run == "run-1"


def test_a_run_is_found_by_the_beginning_of_its_name(stage: Stage) -> None:
    """A named run is found whether it passed or not."""
    go(stage, step(keyed("lint")), "20260102-abcdef")
    assert find_run(runs(stage), "20260102").run == "20260102-abcdef"


def test_where_all_passed_there_is_nothing_to_resume(stage: Stage) -> None:
    """When every run has passed, that is said, with what to do instead."""
    go(stage, step(keyed("lint")))
    with pytest.raises(RunIsUnknown, match="every run that is known has passed"):
        find_run(runs(stage), None)


def test_a_run_of_another_service_is_not_taken_up(stage: Stage) -> None:
    """Of several services on one machine only the named one's runs are meant."""
    broken(stage, keyed("unit"))
    with pytest.raises(RunIsUnknown, match="there is no run of 'other' on this machine"):
        find_run(runs(stage), None, service="other")


def test_what_a_run_was_asked_for_is_asked_again(stage: Stage) -> None:
    """Names and options of a run are those of its resumption."""
    wanted = step(keyed("lint"), asked=("lint",), use_cache=False, keep_going=True)
    go(stage, wanted)
    assert asked_again(record(stage), (keyed("lint"),)) == wanted


def test_a_commit_to_compare_with_is_compared_with_again(stage: Stage) -> None:
    """A run that looked at changes since a commit is resumed with that commit."""
    wanted = replace(step(keyed("lint")), since=a_commit())
    go(stage, wanted)
    assert asked_again(record(stage), wanted.checks) == wanted


def test_an_unknown_run_is_refused(stage: Stage) -> None:
    """A run of which nothing is known is named in the refusal."""
    go(stage, step(keyed("lint")))
    with pytest.raises(RunIsUnknown, match="'run-7'"):
        find_run(runs(stage), "run-7")


def test_a_damaged_record_is_passed_over(stage: Stage) -> None:
    """A record that cannot be read hides no other one."""
    broken(stage, keyed("unit"))
    texts = [("run-9", '{"version": 1, "run"'), *runs(stage)]
    assert find_run(texts, None).run == "run-1"


def test_a_check_of_a_run_is_found_as_it_is_declared_now(stage: Stage) -> None:
    """To look into a check means its present declaration."""
    go(stage, step(keyed("lint")))
    now = replace(keyed("lint"), command=("lint", "--strict"))
    assert check_of(record(stage), (now,), "lint") == now


@pytest.mark.parametrize(("name", "declared"), [("unit", ("lint", "unit")), ("lint", ("unit",))])
def test_a_check_that_was_not_there_is_refused(
    stage: Stage, name: str, declared: tuple[str, ...]
) -> None:
    """A check that the run did not have, or that is declared no more, cannot be looked into."""
    go(stage, step(keyed("lint")))
    checks = tuple(keyed(each) for each in declared)
    with pytest.raises(WrongUsage, match=f"run run-1 has no check '{name}'"):
        check_of(record(stage), checks, name)


def test_what_would_be_opened_names_secrets_only(stage: Stage) -> None:
    """Told as JSON, the environment of a check has names of secrets and no value."""
    stage.secrets.values["env:TOKEN"] = "hunter2-hunter2"
    check = replace(
        a_check("lint"), cwd="web", env=(("TZ", "UTC"),), secrets=(("TOKEN", "env:TOKEN"),)
    )
    world = go(stage, step(check))
    told = about(record(stage), check, world)
    assert told == {
        "run": "run-1",
        "check": "lint",
        "command": "lint",
        "folder": f"{ROOT}/web",
        "env": {"TZ": "UTC"},
        "secrets": ["TOKEN"],
        "outcome": "passed",
        "log": "/runs/run-1/checks/lint.log",
    }
    assert "hunter2" not in json.dumps(told)


def test_a_shell_opens_where_the_check_ran(stage: Stage) -> None:
    """Looking into a check starts a shell in its folder, with its environment and secrets."""
    stage.secrets.values["env:TOKEN"] = "hunter2-hunter2"
    check = replace(
        a_check("lint"), cwd="web", env=(("TZ", "UTC"),), secrets=(("TOKEN", "env:TOKEN"),)
    )
    world = go(stage, step(check))
    stage.shell.scripts["sh"] = Script(status=7)
    assert enter(check, (), world) == 7
    opened = stage.shell.ran[-1]
    assert (opened.command, opened.cwd) == (("sh", "-i"), f"{ROOT}/web")
    assert dict(opened.env) == {"TZ": "UTC", "TOKEN": "hunter2-hunter2"}


def test_a_compose_check_is_entered_in_a_project_of_its_own(stage: Stage) -> None:
    """Looking into a compose check uses another project than its run, and the named command."""
    check = a_compose_check("e2e")
    go(stage, step(check))
    assert enter(check, ("env",), stage.world("run-2")) == 0
    assert stage.compose.projects[-1] == "shipway-sender-run-2-e2e"
    assert stage.compose.entered == [("env",)]


def test_a_resumed_report_counts_nothing_that_was_not_made(stage: Stage) -> None:
    """The tests of a check that is taken over were counted by the run that ran them."""
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", GREEN),))
    checks = (keyed("unit", junit="unit.xml"), keyed("e2e", "unit"))
    broken(stage, *checks, bad="e2e")
    stage.files.texts[f"{ROOT}/unit.xml"] = RED
    resume(stage, step(*checks))
    assert ended(stage)["unit"].tests == 0
    assert "/runs/run-2/junit.xml" not in stage.files.texts
