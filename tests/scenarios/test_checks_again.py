"""Going on after a crash or a failure, and looking into the environment of one check."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from tests.scenarios.checking import Stage

CHECKS = """\
  first: { run: say first }
  kept: { run: say kept, inputs: [src/first], cache: off }
  last: { run: sh last.sh, needs: [first, kept] }
"""
LAST = '[ -e "$STAGE/well" ] || exit 3\nsay last\n'
HANGING = '[ -e "$STAGE/well" ] || { echo waiting; exec sleep 600; }\nsay last\n'

INSIDE = """\
  unit:
    run: sh unit.sh
    cwd: src
    env: { MODE: fast }
    secrets: { NPM_TOKEN: env:THE_TOKEN }
"""


def _stage(tmp_path: Path, last: str) -> Stage:
    stage = Stage.fresh(tmp_path, CHECKS)
    stage.write("last.sh", last)
    stage.commit()
    return stage


def _get_well(stage: Stage) -> None:
    """Let the last check pass, without a change of the checkout."""
    (stage.place / "well").touch()


def test_after_a_kill_only_the_rest_runs(tmp_path: Path) -> None:
    """A run that kill -9 ended in the middle is resumed: what had passed by then is taken over."""
    stage = _stage(tmp_path, HANGING)
    killed = stage.signalled(signal.SIGKILL, "Output", "waiting", "run")
    assert killed.status == -signal.SIGKILL
    assert stage.ran() == ["first", "kept"]
    _get_well(stage)

    resumed = stage.shipway("resume")

    assert resumed.status == 0, resumed
    assert stage.ran() == ["last"]
    assert resumed.err.count("cached (the run that is resumed)") >= 2


def test_after_a_failure_only_the_rest_runs(tmp_path: Path) -> None:
    """What failed runs again, also what cannot be cached; what passed does not."""
    stage = _stage(tmp_path, LAST)
    assert stage.shipway("run").status == 3
    assert stage.ran() == ["first", "kept"]
    _get_well(stage)

    assert stage.shipway("resume").status == 0

    assert stage.ran() == ["last"]


def test_a_resumed_run_that_fails_can_be_resumed(tmp_path: Path) -> None:
    """What the first run passed is still known after a second one that failed."""
    stage = _stage(tmp_path, LAST)
    stage.shipway("run")
    stage.shipway("resume")
    stage.ran()
    _get_well(stage)

    assert stage.shipway("resume").status == 0

    assert stage.ran() == ["last"]


def test_what_passed_over_other_inputs_runs_again(tmp_path: Path) -> None:
    """A changed input takes the pass from the check that reads it, and from those that may."""
    stage = _stage(tmp_path, LAST)
    stage.shipway("run")
    stage.ran()
    _get_well(stage)
    stage.write("src/first", "another\n")

    assert stage.shipway("resume").status == 0

    # `first` declares no inputs, so any file may be one
    assert stage.ran() == ["first", "kept", "last"]


def test_what_another_check_reads_takes_no_pass_away(tmp_path: Path) -> None:
    """A check with inputs keeps its pass where another file has changed."""
    stage = _stage(tmp_path, LAST)
    stage.shipway("run")
    stage.ran()
    _get_well(stage)
    stage.write("src/second", "another\n")

    assert stage.shipway("resume").status == 0

    assert stage.ran() == ["first", "last"]


def test_a_resumed_run_does_what_was_asked_for(tmp_path: Path) -> None:
    """Only the named checks of the first run are looked at, and it goes on past failures again."""
    stage = Stage.fresh(
        tmp_path,
        "  a: { run: say a && exit 3, shell: true, mutex: one }\n"
        "  b: { run: say b && exit 4, shell: true, mutex: one }\n"
        "  c: { run: say c }\n",
    )
    assert stage.shipway("run", "a", "b", "--keep-going").status == 3
    assert stage.ran() == ["a", "b"]

    assert stage.shipway("resume").status == 3

    assert stage.ran() == ["a", "b"]


def test_a_run_as_in_ci_is_resumed_as_in_ci(tmp_path: Path) -> None:
    """What the environment promised to the first run it promises to the second."""
    stage = _stage(tmp_path, '[ -e "$STAGE/well" ] || exit 3\nsay "last-$CI"\n')
    stage.shipway("run", "--as-ci")
    stage.ran()
    _get_well(stage)

    assert stage.shipway("resume").status == 0

    assert stage.ran() == ["last-true"]


def test_a_run_that_is_still_at_work_is_not_resumed(tmp_path: Path) -> None:
    """Somebody else's run that goes on is exit 6, and is not disturbed."""
    stage = Stage.fresh(tmp_path, CHECKS)
    stage.write("last.sh", f"{sys.executable} -m shipway resume; echo $? > $STAGE/status\n")

    assert stage.shipway("run").status == 0

    assert stage.number("status") == 6
    assert stage.ran() == ["first", "kept"]


def test_the_newest_run_is_resumed_whatever_its_name(tmp_path: Path) -> None:
    """A run that CI gave a name of its own counts by when it ran, not by its letters."""
    stage = _stage(tmp_path, LAST)
    stage.shipway("run", "first", "last", SHIPWAY_RUN="jenkins-7")
    stage.shipway("run")
    newest = stage.record().run

    resumed = stage.shipway("resume")

    assert f"resume {newest}: " in resumed.err


def test_nothing_to_resume_is_said(tmp_path: Path) -> None:
    """Where every run has passed, and where there was none, it is exit 2 with words."""
    stage = Stage.fresh(tmp_path, "  fine: { run: say fine }\n")

    for words in ("there is no run of 'parcels' on this machine", "every run of 'parcels' that is"):
        refused = stage.shipway("resume")
        assert refused.status == 2
        assert words in refused.err
        stage.shipway("run")


def test_a_run_of_another_service_is_not_resumed(tmp_path: Path) -> None:
    """Two services of one machine share the state folder, and resume what is their own."""
    stage = _stage(tmp_path, LAST)
    stage.shipway("run")
    other = Stage(stage.place, tmp_path / "other", stage.env)
    other.declare(CHECKS, service="letters")
    other.git("init", "-q", "-b", "main")

    refused = other.shipway("resume")

    assert refused.status == 2
    assert "there is no run of 'letters' on this machine" in refused.err


def test_a_run_that_nobody_knows_is_named(tmp_path: Path) -> None:
    """`resume` and `debug` answer an unknown run with exit 2."""
    stage = Stage.fresh(tmp_path, "  fine: { run: say fine }\n")

    for words in (("resume", "20200101-1"), ("debug", "20200101-1", "fine")):
        refused = stage.shipway(*words)
        assert refused.status == 2
        assert "'20200101-1'" in refused.err


def _inside(tmp_path: Path) -> Stage:
    """Return a stage whose one check has failed, after it wrote down where it was."""
    stage = Stage.fresh(tmp_path, INSIDE)
    stage.env["THE_TOKEN"] = "a-made-up-token"  # noqa: S105 - made up
    stage.write("src/where.sh", 'echo "$PWD|$MODE|$NPM_TOKEN|$PATH"\n')
    stage.write("src/unit.sh", '. ./where.sh > "$STAGE/where"\nexit 3\n')
    assert stage.shipway("run").status == 3
    return stage


def test_debug_sees_what_the_check_saw(tmp_path: Path) -> None:
    """A command runs in the same folder with the same variables, its secret among them."""
    stage = _inside(tmp_path)

    seen = stage.shipway("debug", stage.record().run, "unit", "--", "sh", "where.sh")

    assert seen.status == 0
    assert seen.out == (stage.place / "where").read_text(encoding="utf-8")
    folder, mode, token, path = seen.out.strip().split("|")
    assert (folder, mode, token) == (str(stage.folder / "src"), "fast", "a-made-up-token")
    assert f"{stage.folder}/node_modules/.bin" in path.split(os.pathsep)


def test_debug_ends_as_the_command_did(tmp_path: Path) -> None:
    """The exit status of the command is that of `shipway debug`."""
    stage = _inside(tmp_path)

    ended = stage.shipway("debug", stage.record().run, "unit", "--", "sh", "unit.sh")

    assert ended.status == 3


def test_debug_tells_a_machine_all_but_the_secrets(tmp_path: Path) -> None:
    """With `--json` it runs nothing, and of secrets it gives the names alone."""
    stage = _inside(tmp_path)
    record = stage.record()

    told = stage.shipway("debug", record.run, "unit", "--json")

    found = json.loads(told.out)
    assert (found["command"], found["folder"]) == ("sh unit.sh", str(stage.folder / "src"))
    assert (found["env"], found["secrets"]) == ({"MODE": "fast"}, ["NPM_TOKEN"])
    assert (found["outcome"], found["log"]) == ("failed", record.checks[0].log)
    assert "a-made-up-token" not in told.out + told.err


def test_debug_names_the_checks_that_the_run_had(tmp_path: Path) -> None:
    """A check that it did not have is exit 2, and those that it had are listed."""
    stage = _inside(tmp_path)

    refused = stage.shipway("debug", stage.record().run, "nuit")

    assert refused.status == 2
    assert "it has: unit" in refused.err
