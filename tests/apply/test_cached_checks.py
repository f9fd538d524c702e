"""What ran before under the same key need not run again; what is not sure of it is not kept."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.apply.world import World
from shipway.errors import CheckFailed
from shipway.model.kept import Kept, Past
from shipway.model.service import CacheUse, Check, Quarantine
from shipway.testing.builders import ROOT, Stage, a_check
from shipway.testing.fakes import Script
from shipway.testing.step_cache import Held
from tests.apply.checking import (
    GREEN,
    RED,
    a_stage,
    acting,
    built,
    end_of,
    ended,
    go,
    keyed,
    ran,
    record,
    said,
    sources,
    step,
    warnings,
)

MIXED = (
    '<testsuite name="s"><testcase name="adds"/>'
    '<testcase name="waits"><failure/></testcase></testsuite>'
)


@pytest.fixture
def stage() -> Stage:
    """A checkout with two sources."""
    return a_stage()


def kept(stage: Stage) -> list[str]:
    """The checks of which the cache holds a result."""
    return sorted(held.kept.check for held in stage.cache.entries.values())


def at(stage: Stage, root: Path, run: str = "run-1") -> World:
    """A world whose checkout is a real folder, where outputs can stand."""
    return replace(stage.world(run), root=str(root))


def test_a_second_run_takes_the_result(stage: Stage) -> None:
    """What passed under the same key is not run again, and is told to come from this machine."""
    go(stage, step(keyed("lint")))
    go(stage, step(keyed("lint")), "run-2")
    assert ran(stage) == []
    assert sources(stage) == {"lint": "this machine"}
    assert end_of(stage).checks == ("lint: passed",)


def test_a_hit_gives_back_the_log(stage: Stage) -> None:
    """A restored result brings what the check printed when it ran, as the log of this run."""
    stage.shell.scripts["lint"] = Script(lines=("two warnings",))
    go(stage, step(keyed("lint")))
    go(stage, step(keyed("lint")), "run-2")
    log = ended(stage)["lint"].log
    assert stage.files.texts[log] == "two warnings\n"
    assert log.startswith("/runs/run-2/")


def test_a_hit_gives_back_the_outputs(stage: Stage, tmp_path: Path) -> None:
    """A restored result brings the files that the check made."""
    made = tmp_path / "dist" / "app.js"

    def build() -> None:
        made.parent.mkdir()
        made.write_text("built", encoding="utf-8")

    acting(stage).acts["build"] = build
    check = keyed("build", outputs=("dist",))
    go(stage, step(check), world=at(stage, tmp_path))
    shutil.rmtree(made.parent)
    go(stage, step(check), world=at(stage, tmp_path, "run-2"))
    assert ran(stage) == []
    assert made.read_text(encoding="utf-8") == "built"


def test_a_result_of_the_team_is_told_as_theirs(stage: Stage) -> None:
    """What only the team's cache holds is taken from there, and told so."""
    go(stage, step(keyed("lint")))
    stage.cache.team.update(stage.cache.entries)
    stage.cache.entries.clear()
    go(stage, step(keyed("lint")), "run-2")
    assert sources(stage) == {"lint": "the team"}


def test_a_hit_remembers_what_restoring_took(stage: Stage) -> None:
    """Each restore is a measurement for the next decision, and no run of the check."""
    go(stage, step(keyed("lint")))
    go(stage, step(keyed("lint")), "run-2")
    assert len(stage.memory.restored[False]) == 1
    assert stage.memory.pasts["lint"].outcomes == ("passed",)


def test_a_hit_counts_the_tests_again(stage: Stage) -> None:
    """The tests of a restored report count as those of a run do."""
    stage.shell.scripts["unit"] = Script(writes=((f"{ROOT}/unit.xml", GREEN),))
    go(stage, step(keyed("unit", junit="unit.xml")))
    go(stage, step(keyed("unit", junit="unit.xml")), "run-2")
    assert (sources(stage), end_of(stage).tests) == ({"unit": "this machine"}, 1)


def test_what_is_slow_to_restore_runs(stage: Stage) -> None:
    """Where history says that running is cheaper, the check runs, and says why."""
    go(stage, step(keyed("lint")))
    stage.memory.pasts["lint"] = Past(seconds=(0.5,), outcomes=("passed",))
    stage.memory.restored[False] = ((10, 9.0), (10, 9.0))
    go(stage, step(keyed("lint")), "run-2")
    assert ran(stage) == ["lint"]
    assert sources(stage) == {"lint": ""}
    assert said(stage, "lint")[0].startswith("not restored: restoring ")


def test_a_slow_team_says_nothing_of_this_machine(stage: Stage) -> None:
    """What the team's cache takes does not keep a result of this machine from being restored."""
    go(stage, step(keyed("lint")))
    stage.memory.pasts["lint"] = Past(seconds=(0.5,), outcomes=("passed",))
    stage.memory.restored[True] = ((10, 9.0), (10, 9.0))
    go(stage, step(keyed("lint")), "run-2")
    assert sources(stage) == {"lint": "this machine"}


def test_a_slow_team_is_left_alone(stage: Stage) -> None:
    """Where fetching from the team takes longer than running, the check runs."""
    go(stage, step(keyed("lint")))
    stage.cache.team.update(stage.cache.entries)
    stage.cache.entries.clear()
    stage.memory.pasts["lint"] = Past(seconds=(0.5,), outcomes=("passed",))
    stage.memory.restored[True] = ((10, 9.0), (10, 9.0))
    go(stage, step(keyed("lint")), "run-2")
    assert ran(stage) == ["lint"]


def test_no_cache_runs_what_is_kept(stage: Stage) -> None:
    """With --no-cache everything runs, whatever is held."""
    go(stage, step(keyed("lint")))
    go(stage, step(keyed("lint"), use_cache=False), "run-2")
    assert ran(stage) == ["lint"]


def test_no_cache_still_keeps(stage: Stage) -> None:
    """A result of a run with --no-cache serves the next run without it."""
    go(stage, step(keyed("lint"), use_cache=False))
    go(stage, step(keyed("lint")), "run-2")
    assert sources(stage) == {"lint": "this machine"}


def test_what_is_off_is_neither_kept_nor_taken(stage: Stage) -> None:
    """A check with `cache: off` runs each time."""
    check = keyed("lint", cache=CacheUse.OFF)
    go(stage, step(check))
    assert kept(stage) == []
    go(stage, step(check), "run-2")
    assert ran(stage) == ["lint"]


def test_off_does_not_take_what_was_kept_before(stage: Stage) -> None:
    """A result that was kept while the cache was on is not taken once it is off."""
    go(stage, step(keyed("lint")))
    go(stage, step(keyed("lint", cache=CacheUse.OFF)), "run-2")
    assert ran(stage) == ["lint"]


def test_in_place_counts_while_the_outputs_stand(stage: Stage, tmp_path: Path) -> None:
    """Outputs that stand as the check left them need no run, and nothing is stored of them."""
    (tmp_path / "node_modules").mkdir()
    check = keyed("install", outputs=("node_modules",), cache=CacheUse.IN_PLACE)
    go(stage, step(check), world=at(stage, tmp_path))
    go(stage, step(check), world=at(stage, tmp_path, "run-2"))
    assert sources(stage) == {"install": "in place"}
    assert kept(stage) == []


def test_in_place_is_over_once_the_outputs_change(stage: Stage, tmp_path: Path) -> None:
    """Outputs that somebody touched since are made again."""
    (tmp_path / "node_modules").mkdir()
    check = keyed("install", outputs=("node_modules",), cache=CacheUse.IN_PLACE)
    go(stage, step(check), world=at(stage, tmp_path))
    (tmp_path / "node_modules" / "left-pad").mkdir()
    go(stage, step(check), world=at(stage, tmp_path, "run-2"))
    assert ran(stage) == ["install"]


def test_a_changed_input_runs(stage: Stage) -> None:
    """Another content of an input is another key."""
    go(stage, step(keyed("lint")))
    stage.tree.texts["src/a.ts"] = "changed"
    go(stage, step(keyed("lint")), "run-2")
    assert ran(stage) == ["lint"]


def test_a_changed_stranger_does_not_run(stage: Stage) -> None:
    """What is no input of a check leaves its key alone."""
    go(stage, step(keyed("lint")))
    stage.tree.texts["README.md"] = "changed"
    go(stage, step(keyed("lint")), "run-2")
    assert ran(stage) == []


def test_a_change_below_runs_all_above(stage: Stage) -> None:
    """The key of a check holds those of what it needs."""
    checks = (keyed("install", inputs=("package.json",)), keyed("lint", "install"))
    go(stage, step(*checks))
    stage.tree.texts["package.json"] = '{"name": "x"}'
    go(stage, step(*checks), "run-2")
    assert ran(stage) == ["install", "lint"]


def test_a_broken_entry_runs(stage: Stage) -> None:
    """An entry that cannot be restored is none: the check runs and is told as that."""
    go(stage, step(keyed("lint")))
    stage.cache.broken.update(stage.cache.entries)
    go(stage, step(keyed("lint")), "run-2")
    assert (ran(stage), sources(stage)) == (["lint"], {"lint": ""})


def test_what_needs_a_broken_entry_is_restored_all_the_same(stage: Stage) -> None:
    """A check whose own entry is whole is a hit, though what it needs has to run."""
    checks = (keyed("install"), keyed("lint", "install"))
    go(stage, step(*checks))
    stage.cache.broken.update(k for k, h in stage.cache.entries.items() if h.kept.check != "lint")
    go(stage, step(*checks, asked=("install", "lint")), "run-2")
    assert (ran(stage), sources(stage)["lint"]) == (["install"], "this machine")


def test_what_only_prepares_is_not_needed(stage: Stage) -> None:
    """What nobody asked for, and only hits need, neither runs nor is restored."""
    checks = (keyed("install", cache=CacheUse.IN_PLACE, outputs=("modules",)), *followers())
    go(stage, step(*checks))
    stage.cache.stamps.clear()
    go(stage, step(*checks), "run-2")
    assert ran(stage) == []
    assert sources(stage)["install"] == "not needed"
    assert end_of(stage).outcome == "passed"


def test_what_a_verification_uses_is_made(stage: Stage) -> None:
    """Where a command will verify in this checkout, what only prepares is made all the same."""
    checks = (keyed("install", cache=CacheUse.IN_PLACE, outputs=("modules",)), *followers())
    go(stage, step(*checks))
    stage.cache.stamps.clear()
    go(stage, replace(step(*checks), prepares=True), "run-2")
    assert ran(stage) == ["install"]


def followers() -> tuple[Check, ...]:
    """Two checks that need `install`."""
    return (keyed("lint", "install"), keyed("unit", "install"))


def test_what_one_run_needs_is_needed(stage: Stage) -> None:
    """One check that has to run is enough to run what it needs."""
    checks = (keyed("install", cache=CacheUse.IN_PLACE, outputs=("modules",)), *followers())
    go(stage, step(*checks))
    stage.cache.stamps.clear()
    forget(stage, "unit")
    go(stage, step(*checks), "run-2")
    assert ran(stage) == ["install", "unit"]


def forget(stage: Stage, *names: str) -> None:
    """Drop entries of the cache."""
    gone = [key for key, held in stage.cache.entries.items() if held.kept.check in names]
    for key in gone:
        del stage.cache.entries[key]


@pytest.mark.parametrize("turned", [False, True])
def test_a_whole_chain_is_not_needed(stage: Stage, *, turned: bool) -> None:
    """What prepares for what is not needed is not needed either, in any order of declaration."""
    checks = (keyed("install"), keyed("generate", "install"), keyed("unit", "generate"))
    checks = checks[::-1] if turned else checks
    go(stage, step(*checks))
    forget(stage, "install", "generate")
    go(stage, step(*checks), "run-2")
    assert sources(stage) == {
        "install": "not needed",
        "generate": "not needed",
        "unit": "this machine",
    }


def test_what_stands_behind_a_hit_is_needed(stage: Stage) -> None:
    """What a hit needed is made for the check behind it, which waits: it may use it as well."""
    shell = acting(stage)
    checks = (keyed("install"), keyed("build", "install"), keyed("e2e", "build"))
    go(stage, step(*checks))
    forget(stage, "install", "e2e")
    before: list[set[str]] = []
    shell.acts["e2e"] = lambda: before.append(set(ended(stage)))
    go(stage, step(*checks), "run-2")
    assert ran(stage) == ["install", "e2e"]
    assert sources(stage)["build"] == "this machine"
    assert before == [{"install", "build"}]


def test_what_stands_behind_a_hit_may_fail(stage: Stage) -> None:
    """Where what a hit needed fails, the check behind the hit does not start."""
    checks = (keyed("install"), keyed("build", "install"), keyed("e2e", "build"))
    go(stage, step(*checks))
    forget(stage, "install", "e2e")
    stage.shell.scripts["install"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, step(*checks, keep_going=True), "run-2")
    assert sorted(end_of(stage).checks) == ["build: passed", "e2e: skipped", "install: failed"]


def test_what_is_asked_for_runs(stage: Stage) -> None:
    """A check that somebody named runs, though nothing else needs it to."""
    checks = (keyed("install"), keyed("unit", "install"))
    go(stage, step(*checks))
    forget(stage, "install")
    go(stage, step(*checks, asked=("install", "unit")), "run-2")
    assert ran(stage) == ["install"]


def test_what_the_image_needs_runs(stage: Stage) -> None:
    """What the image takes in is made, though every check that needs it has its result."""
    checks = (keyed("build"), keyed("unit", "build"))
    go(stage, step(*checks))
    forget(stage, "build")
    go(stage, built(*checks, needs=("build",)), "run-2")
    assert ran(stage) == ["build"]


def test_without_the_cache_everything_is_needed(stage: Stage) -> None:
    """With --no-cache nothing is left out as not needed."""
    checks = (keyed("install"), keyed("unit", "install"))
    go(stage, step(*checks))
    go(stage, step(*checks, use_cache=False), "run-2")
    assert ran(stage) == ["install", "unit"]


def test_what_is_off_is_never_left_out(stage: Stage) -> None:
    """A check with `cache: off` means to run each time, so it is not told as not needed."""
    checks = (keyed("audit", cache=CacheUse.OFF), keyed("unit", "audit"))
    go(stage, step(*checks))
    go(stage, step(*checks), "run-2")
    assert ran(stage) == ["audit"]


def test_what_cannot_be_cached_is_never_left_out(stage: Stage) -> None:
    """A check without a key runs, and so does what needs it."""
    checks = (a_check("install"), keyed("unit", "install"))
    go(stage, step(*checks))
    go(stage, step(*checks), "run-2")
    assert ran(stage) == ["install", "unit"]


def test_a_failure_is_not_kept(stage: Stage) -> None:
    """Only what passed is kept, so what failed runs again."""
    stage.shell.scripts["lint"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, step(keyed("lint")))
    assert kept(stage) == []


def test_an_aborted_check_is_not_kept(stage: Stage) -> None:
    """What was stopped by another's failure has proved nothing."""
    stage.shell.scripts["bad"] = Script(status=1)
    stage.shell.scripts["slow"] = Script(hangs=True)
    with pytest.raises(CheckFailed):
        go(stage, step(keyed("slow"), keyed("bad")))
    assert kept(stage) == []


def test_inputs_that_change_meanwhile_are_told(stage: Stage) -> None:
    """A result whose inputs changed while the check ran counts now, and is not kept."""
    acting(stage).acts["lint"] = lambda: stage.tree.texts.update({"src/a.ts": "meanwhile"})
    go(stage, step(keyed("lint")))
    assert end_of(stage).outcome == "passed"
    assert warnings(stage) == [("lint", "its inputs changed while it ran: not kept")]
    assert kept(stage) == []


def test_what_needs_inputs_in_motion_is_not_kept(stage: Stage) -> None:
    """A check whose own inputs stood still is not kept if those of what it needs did not."""
    acting(stage).acts["install"] = lambda: stage.tree.texts.update({"package.json": "{ }"})
    go(stage, step(keyed("install", inputs=("package.json",)), keyed("lint", "install")))
    said = "inputs of 'install', which it needs, changed while it ran: not kept"
    assert warnings(stage)[1] == ("lint", said)
    assert kept(stage) == []


def test_inputs_that_go_meanwhile_are_told(stage: Stage) -> None:
    """A check during which all its inputs go ends as any other, and is not kept."""
    acting(stage).acts["lint"] = stage.tree.texts.clear
    go(stage, step(keyed("lint")))
    assert end_of(stage).checks == ("lint: passed",)
    assert [about for about, _ in warnings(stage)] == ["lint"]
    assert kept(stage) == []


def test_a_program_that_a_check_installs_changes_no_key(stage: Stage) -> None:
    """A check whose program another one installs is kept, and found again by the next run."""
    installed = {"lint": "node v20.20.2"}
    acting(stage).acts["install"] = lambda: stage.tools.versions.update(installed)
    checks = (keyed("install"), keyed("lint", "install"))
    go(stage, step(*checks))
    assert warnings(stage) == []
    go(stage, step(*checks), "run-2")
    assert sources(stage)["lint"] == "this machine"


def test_a_quarantined_pass_is_not_kept(stage: Stage) -> None:
    """A pass that a quarantine allowed is looked at anew each time."""
    stage.shell.scripts["unit"] = Script(status=1, writes=((f"{ROOT}/unit.xml", MIXED),))
    entry = Quarantine("waits", "ada", "slow broker", "2099-01-01")
    go(stage, step(replace(keyed("unit", junit="unit.xml"), quarantine=(entry,))))
    assert ended(stage)["unit"].labels == ("quarantined: waits (ada, until 2099-01-01)",)
    assert kept(stage) == []


def test_a_flaky_failure_is_not_kept(stage: Stage) -> None:
    """A test that passes the second time has failed all the same, with a label."""
    shell = acting(stage)
    shell.turns["unit"] = [
        Script(status=1, writes=((f"{ROOT}/unit.xml", RED),)),
        Script(writes=((f"{ROOT}/unit.xml", GREEN),)),
    ]
    with pytest.raises(CheckFailed):
        go(stage, step(replace(keyed("unit", junit="unit.xml"), retries=1)))
    assert ended(stage)["unit"].labels == ("flaky: adds",)
    assert kept(stage) == []


def test_what_is_kept_says_where_it_is_from(stage: Stage) -> None:
    """An entry names its check, the run that made it and the key that the record shows."""
    go(stage, step(keyed("lint")))
    (held,) = stage.cache.entries.values()
    assert (held.kept.check, held.kept.run) == ("lint", "run-1")
    assert held.kept.key == record(stage).checks[0].key


def test_no_secret_enters_an_entry(stage: Stage) -> None:
    """The log that is kept holds no value of a secret."""
    stage.secrets.values["env:TOKEN"] = "hunter2-hunter2"
    stage.shell.scripts["lint"] = Script(lines=("token hunter2-hunter2",))
    go(stage, step(replace(keyed("lint"), secrets=(("TOKEN", "env:TOKEN"),))))
    (held,) = stage.cache.entries.values()
    assert held.log == "token ***\n"


def test_a_stranger_under_the_key_is_taken_as_it_is(stage: Stage) -> None:
    """The key alone decides: whoever made an entry, it is restored where the key is the same."""
    go(stage, step(keyed("lint")))
    ((key, held),) = stage.cache.entries.items()
    theirs = Kept(key, "style", 3.0, "run-of-another", 0.0, ())
    stage.cache.entries[key] = Held(theirs, held.contents, "theirs\n")
    go(stage, step(keyed("lint")), "run-2")
    assert stage.files.texts[ended(stage)["lint"].log] == "theirs\n"


def test_the_cache_is_closed_at_the_end(stage: Stage) -> None:
    """Uploads are waited for at the end of each run, also of one that failed."""
    stage.shell.scripts["lint"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, step(keyed("lint")))
    assert stage.cache.closed
