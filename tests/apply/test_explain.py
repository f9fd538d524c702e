"""Why a check would run again: what changed in its key since it last ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shipway.apply.explain import Explanation, explained
from shipway.errors import CheckFailed, WrongUsage
from shipway.model.service import CacheUse, Check
from shipway.testing.builders import Stage, a_check
from shipway.testing.fakes import Script
from tests.apply.checking import a_stage, acting, go, keyed, ran, record, step


@pytest.fixture
def stage() -> Stage:
    """A checkout with two sources."""
    return a_stage()


def why(stage: Stage, *checks: Check, asked: str = "lint") -> Explanation:
    """Explain one check as the stage is now."""
    (found,) = explained(step(*checks, asked=(asked,)), stage.world("run-9"))
    return found


def test_explaining_runs_nothing(stage: Stage) -> None:
    """Somebody who asks why starts no program and keeps no result."""
    why(stage, keyed("lint"))
    assert ran(stage) == []
    assert stage.cache.entries == {}


def test_the_first_time_there_is_nothing_to_compare(stage: Stage) -> None:
    """A check that never ended has a key and no story."""
    found = why(stage, keyed("lint"))
    assert (len(found.key), found.held) == (64, "")
    assert found.changes == ("there is nothing to compare it with: no earlier run is known",)


def test_nothing_changed_says_so(stage: Stage) -> None:
    """After a run the same key is held by this machine, under the key of the record."""
    go(stage, step(keyed("lint")))
    found = why(stage, keyed("lint"))
    assert (found.held, found.changes) == ("this machine", ("nothing changed",))
    assert found.key == record(stage).checks[0].key


def test_what_the_team_holds_is_told(stage: Stage) -> None:
    """A result that only the team's cache holds is told as theirs."""
    go(stage, step(keyed("lint")))
    stage.cache.team.update(stage.cache.entries)
    stage.cache.entries.clear()
    assert why(stage, keyed("lint")).held == "the team"


def test_what_stands_in_place_is_told(stage: Stage, tmp_path: Path) -> None:
    """Outputs that stand as they were made are told as that, and once touched no more."""
    (tmp_path / "modules").mkdir()
    check = keyed("lint", outputs=("modules",), cache=CacheUse.IN_PLACE)
    world = replace(stage.world(), root=str(tmp_path))
    go(stage, step(check), world=world)
    there = replace(stage.world("run-2"), root=str(tmp_path))
    assert [e.held for e in explained(step(check, asked=("lint",)), there)] == ["in place"]
    (tmp_path / "modules" / "new").mkdir()
    assert [e.held for e in explained(step(check, asked=("lint",)), there)] == [""]


def test_a_changed_file_is_named(stage: Stage) -> None:
    """An input that changed, came or went is named by its path."""
    go(stage, step(keyed("lint")))
    stage.tree.texts |= {"src/a.ts": "changed", "src/c.ts": "new"}
    del stage.tree.texts["src/b.ts"]
    found = why(stage, keyed("lint"))
    assert found.held == ""
    assert found.changes == (
        "input src/a.ts changed",
        "input src/b.ts is gone",
        "input src/c.ts was added",
    )


def test_a_changed_command_is_shown(stage: Stage) -> None:
    """The command before and after is shown as a person types it."""
    go(stage, step(keyed("lint")))
    found = why(stage, replace(keyed("lint"), command=("lint", "--fix", "a b")))
    assert found.changes == ("command: lint -> lint --fix 'a b'",)


def test_a_changed_environment_is_named_without_its_value(stage: Stage) -> None:
    """Which variable changed is said; its value, which may be anything, is not."""
    check = replace(keyed("lint"), env=(("LEVEL", "one-value"),))
    go(stage, step(check))
    found = why(stage, replace(check, env=(("LEVEL", "another-value"),)))
    assert found.changes == ("env LEVEL changed",)


def test_a_changed_need_is_named(stage: Stage) -> None:
    """Where what a check needs has changed, that is the reason."""
    checks = (keyed("install", inputs=("package.json",)), keyed("lint", "install"))
    go(stage, step(*checks))
    stage.tree.texts["package.json"] = "{ }"
    assert why(stage, *checks).changes == ("needs install changed",)


def test_a_changed_tool_is_shown(stage: Stage) -> None:
    """The version of a tool before and after is shown."""
    stage.tools.versions["lint"] = "1.0"
    go(stage, step(keyed("lint")))
    stage.tools.versions["lint"] = "2.0"
    assert why(stage, keyed("lint")).changes == ("tool lint: 1.0 -> 2.0",)


def test_a_failure_is_compared_with_too(stage: Stage) -> None:
    """A check that failed has ended: what changed since then is told."""
    stage.shell.scripts["lint"] = Script(status=1)
    with pytest.raises(CheckFailed):
        go(stage, step(keyed("lint")))
    found = why(stage, keyed("lint"))
    assert (found.held, found.changes) == ("", ("nothing changed",))


def test_a_check_that_never_started_is_not_compared_with(stage: Stage) -> None:
    """What was skipped has not ended, so its key of then is no measure."""
    stage.shell.scripts["first"] = Script(status=1)
    checks = (keyed("first"), keyed("lint", "first"))
    with pytest.raises(CheckFailed):
        go(stage, step(*checks))
    assert why(stage, *checks).changes[0].startswith("there is nothing to compare it with")


def test_a_result_of_inputs_in_motion_is_not_compared_with(stage: Stage) -> None:
    """What ran over inputs that changed meanwhile stands for no key."""
    acting(stage).acts["lint"] = lambda: stage.tree.texts.update({"src/a.ts": "meanwhile"})
    go(stage, step(keyed("lint")))
    assert why(stage, keyed("lint")).changes[0].startswith("there is nothing to compare it with")


def test_what_declares_no_inputs_says_so(stage: Stage) -> None:
    """A check that cannot be cached has no key, and the reason is told."""
    found = why(stage, a_check("lint"))
    assert (found.key, found.held) == ("", "")
    assert found.changes == ("it cannot be cached: it declares no inputs",)


def test_what_needs_the_uncacheable_names_it(stage: Stage) -> None:
    """A check that cannot be cached because of another names that other."""
    found = why(stage, a_check("install"), keyed("lint", "install"))
    assert found.changes == ("it cannot be cached: it needs install, which cannot be cached",)


def test_what_is_off_says_so(stage: Stage) -> None:
    """A check with `cache: off` has a key and keeps nothing under it."""
    check = keyed("lint", cache=CacheUse.OFF)
    go(stage, step(check))
    assert why(stage, check).changes == ("nothing changed", "its results are not kept: cache: off")


def test_an_unknown_check_is_refused(stage: Stage) -> None:
    """To explain what there is not is wrong usage, by its name."""
    with pytest.raises(WrongUsage, match="there is no check 'lnit'"):
        why(stage, keyed("lint"), asked="lnit")


def test_a_damaged_note_is_none(stage: Stage) -> None:
    """A note of an earlier key that is damaged explains nothing and ends nothing."""
    go(stage, step(keyed("lint")))
    (note,) = [path for path in stage.files.texts if path.startswith("/runs/keys/")]
    stage.files.texts[note] = stage.files.texts[note][:40]
    assert why(stage, keyed("lint")).changes[0].startswith("there is nothing to compare it with")


def test_no_value_of_a_secret_is_in_a_note(stage: Stage) -> None:
    """What is remembered of a key names a secret and does not hold it."""
    stage.secrets.values["env:TOKEN"] = "hunter2-hunter2"
    go(stage, step(replace(keyed("lint"), secrets=(("TOKEN", "env:TOKEN"),))))
    (note,) = [text for path, text in stage.files.texts.items() if path.startswith("/runs/keys/")]
    assert "secret TOKEN" in note
    assert "hunter2" not in note
