"""All that a program prints is in its log, without secrets; people see as much as they can read."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.apply.checks import run_checks
from shipway.apply.run import conduct
from shipway.apply.step_log import LAST_LINES, StepLog
from shipway.apply.world import World
from shipway.errors import CheckFailed, DiskIsFull
from shipway.events.types import Output, RunEnded
from shipway.model.secret import Secret
from shipway.testing.builders import Stage, a_check
from shipway.testing.calls import Misuse
from shipway.testing.fakes import Script
from shipway.testing.machine import PATIENCE_S
from tests.apply.checking import acting, end_of, ended, go, said, step

PATH = "/runs/run-1/checks/unit.log"
CANARY = "hunter2-hunter2"


@pytest.fixture
def stage() -> Stage:
    """An empty world."""
    return Stage()


def written(stage: Stage, *chunks: bytes, world: World | None = None) -> StepLog:
    """Feed chunks to a log and close it."""
    with StepLog(world or stage.world(), "unit", PATH) as log:
        for chunk in chunks:
            log.feed(chunk)
    return log


def knowing(stage: Stage) -> World:
    """A world with one secret."""
    world = stage.world()
    world.redactor.add(Secret(CANARY, "TOKEN"))
    return world


def test_the_file_holds_everything(stage: Stage) -> None:
    """Every byte is in the file, however many lines there are at once."""
    text = "".join(f"line {n}\n" for n in range(20_000))
    written(stage, text.encode())
    assert stage.files.texts[PATH] == text


def test_what_is_no_line_yet_is_told_at_the_end(stage: Stage) -> None:
    """The last line is told and kept, though no new line ends it."""
    written(stage, b"one\ntw", b"o")
    assert said(stage, "unit") == ["one", "two"]
    assert stage.files.texts[PATH] == "one\ntwo"


def test_a_line_is_told_once_it_is_whole(stage: Stage) -> None:
    """A line that comes in pieces is told in one."""
    with StepLog(stage.world(), "unit", PATH) as log:
        log.feed(b"half")
        before = said(stage, "unit")
        log.feed(b" a line\r\n")
        after = said(stage, "unit")
    assert (before, after) == ([], ["half a line"])


def test_a_whole_line_may_be_added(stage: Stage) -> None:
    """A line of our own goes the way of the program's."""
    with StepLog(stage.world(), "unit", PATH) as log:
        log.line("pulled an image")
    assert said(stage, "unit") == ["pulled an image"]
    assert stage.files.texts[PATH] == "pulled an image\n"


def test_a_character_may_come_in_two_chunks(stage: Stage) -> None:
    """A character that a chunk cuts in two is whole in the line and in the file."""
    data = "é\n".encode()
    written(stage, data[:1], data[1:])
    assert (said(stage, "unit"), stage.files.texts[PATH]) == (["é"], "é\n")


def test_what_is_no_text_is_replaced_for_people(stage: Stage) -> None:
    """Bytes that are no UTF-8 end nothing."""
    written(stage, b"\xff\xfe broken\n")
    assert said(stage, "unit") == ["\ufffd\ufffd broken"]


@settings(deadline=None, max_examples=60, derandomize=True, database=None)
@given(st.lists(st.integers(0, 60), max_size=6))
def test_no_cut_lets_a_secret_through(cuts: list[int]) -> None:
    """Wherever chunks are cut, neither the file, nor a line, nor the last lines hold a secret."""
    stage, data = Stage(), f"before {CANARY} after\n{CANARY}".encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    log = written(stage, *(data[a:b] for a, b in pairwise(places)), world=knowing(stage))
    assert stage.files.texts[PATH] == "before *** after\n***"
    assert said(stage, "unit") == ["before *** after", "***"]
    assert log.last_lines() == log.lines() == ("before *** after", "***")


def test_half_a_secret_at_the_end_is_told(stage: Stage) -> None:
    """What was held back since a secret may begin there is written at the end."""
    written(stage, b"token hunter2-hu", world=knowing(stage))
    assert stage.files.texts[PATH] == "token hunter2-hu"
    assert said(stage, "unit") == ["token hunter2-hu"]


def test_a_flood_is_told_in_part(stage: Stage) -> None:
    """Within a second at most 200 lines are told, and of a chunk the newest."""
    written(stage, "".join(f"{n}\n" for n in range(1000)).encode())
    told = said(stage, "unit")
    assert len(told) == 200
    assert told[-1] == "999"


def test_many_small_chunks_are_a_flood_too(stage: Stage) -> None:
    """The limit is of the second, not of the chunk; how it ended is told all the same."""
    written(stage, *(f"{n}\n".encode() for n in range(1000)))
    assert said(stage, "unit") == [str(n) for n in (*range(200), *range(960, 1000))]


def test_the_next_second_tells_again(stage: Stage) -> None:
    """After a second there is room again for as many lines."""
    with StepLog(stage.world(), "unit", PATH) as log:
        for n in range(3):
            log.feed("".join(f"{n}-{line}\n" for line in range(500)).encode())
            stage.clock.wait(1.0)
    assert len(said(stage, "unit")) == 600


def test_two_floods_do_not_share_their_room(stage: Stage) -> None:
    """A loud check does not silence the one beside it."""
    world = stage.world()
    with StepLog(world, "loud", "/runs/loud.log") as loud, StepLog(world, "quiet", PATH) as quiet:
        loud.feed(b"x\n" * 1000)
        quiet.feed(b"still here\n")
    assert said(stage, "quiet") == ["still here"]


def test_an_endless_line_is_cut_for_people(stage: Stage) -> None:
    """Of a line without an end people see its end, and the file holds the whole."""
    written(stage, *([b"x" * 10_000] * 50), b"y" * 5000, b"\n")
    assert said(stage, "unit") == ["y" * 4096]
    assert len(stage.files.texts[PATH]) == 505_001


def test_memory_stays_in_bounds(stage: Stage) -> None:
    """Of a large output only its beginning and its end are held."""
    log = written(stage, *[b"y" * 99 + b"\n"] * 5000)
    assert sum(map(len, log.lines())) <= 2 * 64 * 2**10


def test_the_last_lines_are_the_newest(stage: Stage) -> None:
    """The last 40 lines are at hand, oldest first, though few of them were told."""
    log = written(stage, *(f"{n}\n".encode() for n in range(5000)))
    assert log.last_lines() == tuple(str(n) for n in range(5000 - LAST_LINES, 5000))


def test_beginning_and_end_are_at_hand(stage: Stage) -> None:
    """Of a large output the first lines are held as well as the last."""
    log = written(stage, b"error: first\n", b"noise\n" * 100_000, b"last\n")
    assert (log.lines()[0], log.lines()[-1]) == ("error: first", "last")


def test_no_output_leaves_an_empty_file(stage: Stage) -> None:
    """A program that prints nothing has a log all the same."""
    log = written(stage)
    assert (stage.files.texts[PATH], log.last_lines(), said(stage, "unit")) == ("", (), [])


def test_a_log_begins_anew(stage: Stage) -> None:
    """What stood in the file before is gone."""
    stage.files.texts[PATH] = "of an earlier run"
    written(stage, b"new\n")
    assert stage.files.texts[PATH] == "new\n"


def test_a_closed_log_takes_nothing(stage: Stage) -> None:
    """The file is closed when the log ends."""
    log = written(stage, b"one\n")
    with pytest.raises(Misuse, match="closed"):
        log.feed(b"two\n")


def test_the_file_is_closed_on_a_full_disk(stage: Stage) -> None:
    """A disk without room ends the log with its own error, and the file is closed."""
    log = StepLog(stage.world(), "unit", PATH)
    stage.files.full = True
    with pytest.raises(DiskIsFull), log:
        log.feed(b"no room\n")
    stage.files.full = False
    with pytest.raises(Misuse, match="closed"):
        log.feed(b"more\n")


def fill(stage: Stage, once: Barrier | None = None) -> None:
    """Leave no room on the disk, once another program has begun."""
    if once:
        once.wait(PATIENCE_S)
    stage.files.full = True


def test_a_full_disk_ends_the_run_with_five(stage: Stage) -> None:
    """A check whose log has no room has no answer, and the run ends as retryable."""
    acting(stage).acts["unit"] = lambda: fill(stage)
    stage.shell.scripts["unit"] = Script(lines=("a line",))
    world = stage.world()
    with pytest.raises(DiskIsFull):
        conduct(world, "run", "", lambda: run_checks(step(a_check("unit")), world))
    assert ended(stage)["unit"].outcome == "errored"
    assert [e.exit_status for e in stage.events if isinstance(e, RunEnded)] == [5]


def meet(barrier: Barrier) -> None:
    """Wait for the other program."""
    barrier.wait(PATIENCE_S)


def test_a_full_disk_stops_the_others(stage: Stage) -> None:
    """What runs beside a check whose log has no room is stopped, and nothing passes by it."""
    shell, both = acting(stage), Barrier(2)
    shell.acts = {"slow": lambda: meet(both), "unit": lambda: fill(stage, both)}
    shell.scripts = {"unit": Script(lines=("a line",)), "slow": Script(hangs=True)}
    with pytest.raises(DiskIsFull):
        go(stage, step(a_check("slow"), a_check("unit")))
    assert end_of(stage).outcome == "failed"
    assert ended(stage)["slow"].outcome == "aborted"


def test_the_first_error_is_found_however_long_ago(stage: Stage) -> None:
    """The failure shows the first error, though thousands of lines came after it."""
    noise = b"".join(f"at line {n}\n".encode() for n in range(20_000))
    output = b"src/a.ts(3,1): error TS2304: Cannot find name\n" + noise
    stage.shell.scripts["types"] = Script(status=1, output=output)
    with pytest.raises(CheckFailed) as found:
        go(stage, step(a_check("types")))
    assert "first error: src/a.ts(3,1): error TS2304: Cannot find name" in found.value.message
    assert "at line 19999" in found.value.message


def test_a_check_prints_its_secret_in_vain(stage: Stage) -> None:
    """The secret that a check was given is in its environment, and neither told nor kept."""
    stage.secrets.values["env:TOKEN"] = CANARY
    stage.shell.scripts["unit"] = Script(status=1, lines=(f"token={CANARY}",))
    check = replace(a_check("unit"), secrets=(("TOKEN", "env:TOKEN"),))
    with pytest.raises(CheckFailed) as found:
        go(stage, step(check))
    assert dict(stage.shell.ran[0].env)["TOKEN"] == CANARY
    assert "token=***" in found.value.message
    assert [e for e in stage.events if CANARY in str(e)] == []
    assert [path for path, text in stage.files.texts.items() if CANARY in text] == []


def test_only_outputs_tell_lines(stage: Stage) -> None:
    """Each line is one event, under the name of the check."""
    written(stage, b"a\n\nb\n")
    assert stage.events == [Output("unit", "a"), Output("unit", ""), Output("unit", "b")]
