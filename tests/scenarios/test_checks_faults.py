"""The machine around the checks fails: no room, a signal, a silent S3. Never a false green."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.contracts.processes import lives, until
from tests.scenarios.checking import CHAIN, Stage, events

WITHIN_S = 15.0
"""Jenkins gives up 20 s after SIGTERM; the issue leaves a margin."""

CHILDREN = """\
  polite: { run: sh polite.sh, mutex: a }
  stubborn: { run: sh stubborn.sh, mutex: b }
"""
POLITE = """\
echo $$ > "$STAGE/polite"
trap 'echo bye; exit 0' TERM INT
echo > "$STAGE/there"
sleep 600 &
wait
"""
STUBBORN = """\
trap '' TERM INT
sleep 600 &
echo $$ > "$STAGE/stubborn"
echo $! > "$STAGE/grandchild"
read -r there < "$STAGE/there"
echo both are there
while :; do wait; done
"""

REMOTE = """\
cache:
  remote:
    bucket: parcels-cache
    public_key: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["TERM", "INT"]
)
def test_a_signal_ends_the_run_and_all_that_it_started(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """Polite and stubborn children are gone within 15 s, and the status tells the signal."""
    stage = Stage.fresh(tmp_path, CHILDREN)
    stage.meeting("there")
    stage.write("polite.sh", POLITE)
    stage.write("stubborn.sh", STUBBORN)
    start = time.monotonic()

    ended = stage.signalled(number, "Output", "both are there", "run")

    assert ended.status == status, ended
    assert time.monotonic() - start < WITHIN_S
    assert not any(lives(stage.number(n)) for n in ("polite", "stubborn", "grandchild"))
    assert stage.outcomes() == {"polite": "aborted", "stubborn": "aborted"}
    [end] = events(ended, "RunEnded")
    assert (end["outcome"], end["exit_status"]) == ("aborted", status)


def test_a_signal_does_not_blame_another_check(tmp_path: Path) -> None:
    """What a signal stopped is told as that: no check is named that would have failed."""
    stage = Stage.fresh(tmp_path, CHILDREN)
    stage.meeting("there")
    stage.write("polite.sh", POLITE)
    stage.write("stubborn.sh", STUBBORN.replace("trap '' TERM INT\n", ""))

    ended = stage.signalled(signal.SIGTERM, "Output", "both are there", "run")

    assert "failed first" not in ended.out + ended.err
    reasons = {str(end["reason"]) for end in events(ended, "CheckEnded")}
    assert reasons == {"the run was stopped"}


def test_killed_with_9_it_leaves_nothing_running(tmp_path: Path) -> None:
    """After kill -9 of `shipway run` the program of its check ends too, if it obeys SIGTERM."""
    stage = Stage.fresh(tmp_path, "  endless: { run: sh endless.sh }\n")
    stage.write("endless.sh", 'echo $$ > "$STAGE/pid"\necho here\nexec sleep 600\n')

    stage.signalled(signal.SIGKILL, "Output", "here", "run")

    until(lambda: not lives(stage.number("pid")), "the check ended")


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """A disk of 256 KiB, mounted for real."""
    folder.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=256k", "none", folder), check=True)
    try:
        yield
    finally:
        subprocess.run(("umount", folder), check=True)


needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root mounts a disk"
)

FILLING = """\
  filling: { run: sh filling.sh }
  beside: { run: sh beside.sh }
  later: { run: say later, needs: [filling] }
"""


@needs_root
def test_a_full_disk_is_no_verdict_and_no_pass(tmp_path: Path) -> None:
    """When a log has no room the run ends with exit 5, names it, and leaves nothing running."""
    stage = Stage.fresh(tmp_path, FILLING)
    stage.meeting("go")
    stage.write("beside.sh", 'echo $$ > "$STAGE/beside"\necho > "$STAGE/go"\nexec sleep 600\n')
    filling = 'read -r go < "$STAGE/go"\necho $$ > "$STAGE/filling"\nexec yes "a line of a log"\n'
    stage.write("filling.sh", filling)

    with _small_disk(stage.state):
        ended = stage.shipway("run")

        assert ended.status == 5, ended
        assert "no space left on device" in ended.err
        assert "filling.log" in ended.err
        assert "make room" in ended.err
    assert not lives(stage.number("filling"))
    assert not lives(stage.number("beside"))
    assert stage.ran() == []


@needs_root
def test_a_disk_that_is_full_before_is_told_before_anything_runs(tmp_path: Path) -> None:
    """Without room for the first line of the ledger nothing runs, and the exit is 5."""
    stage = Stage.fresh(tmp_path, CHAIN)

    with _small_disk(stage.state):
        (stage.state / "heap").write_bytes(bytes(252 * 1024))
        ended = stage.shipway("run")

        assert ended.status == 5, ended
        assert "Traceback" not in ended.err
    assert stage.ran() == []


@needs_root
def test_a_full_cache_costs_the_cache_and_no_check(tmp_path: Path) -> None:
    """Results that cannot be kept are told once, and the checks pass."""
    stage = Stage.fresh(tmp_path, CHAIN)
    stage.write("src/second", os.urandom(300_000).hex())

    with _small_disk(stage.cache):
        ended = stage.shipway("run")
    assert ended.status == 0, ended
    assert ended.err.count("results are not kept: there is no room") == 1
    assert stage.ran() == ["build", "other", "prepare"]


@contextmanager
def _silent_server() -> Iterator[int]:
    """A server that takes every connection and never answers; gives its port."""
    over = Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.1)
        taken: list[socket.socket] = []

        def take() -> None:
            while not over.is_set():
                try:
                    taken.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = Thread(target=take)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()
            for connection in taken:
                connection.close()


def test_an_s3_that_does_not_answer_is_done_without(tmp_path: Path) -> None:
    """The run goes on green without the team's cache, which it asked once and says once."""
    stage = Stage.fresh(tmp_path, CHAIN, more=REMOTE)
    stage.state.mkdir()
    with _silent_server() as port:
        found = {"pid": 1, "account": "000000000000", "aws": f"http://127.0.0.1:{port}"}
        (stage.state / "local.json").write_text(json.dumps(found), encoding="utf-8")
        start = time.monotonic()

        done = stage.shipway("run")

        # one time-out of 5 s, and none for each of the three checks
        assert time.monotonic() - start < WITHIN_S
    assert done.status == 0, done
    assert done.err.count("the team's cache is not used in this run") == 1
    assert stage.ran() == ["build", "other", "prepare"]


def test_where_there_is_no_s3_the_run_goes_on(tmp_path: Path) -> None:
    """A team's cache that nobody serves is told once, and fails nothing."""
    stage = Stage.fresh(tmp_path, CHAIN, more=REMOTE)

    done = stage.shipway("run")

    assert done.status == 0, done
    assert done.err.count("the team's cache is not used in this run") == 1


def test_a_silent_check_is_told_to_go_on(tmp_path: Path) -> None:
    """While a check prints nothing, a line after five seconds says what runs, as Jenkins wants."""
    stage = Stage.fresh(tmp_path, "  quiet: { run: sleep 7 }\n")

    done = stage.shipway("run")

    assert done.status == 0
    [beat] = [line for line in done.err.splitlines() if " ... " in line]
    assert "quiet" in beat


def test_a_failure_that_nobody_reads_is_no_pass(tmp_path: Path) -> None:
    """Where stdout and stderr are closed in the middle, the status is still not 0."""
    stage = Stage.fresh(tmp_path, "  bad: { run: sh bad.sh }\n")
    stage.write("bad.sh", 'read -r go < "$STAGE/go"\nexit 3\n')
    stage.meeting("go")
    with subprocess.Popen(
        (sys.executable, "-u", "-m", "shipway", "run", "--json"),
        cwd=stage.folder,
        env=stage.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "CheckStarted" in line:
                break
        process.stdout.close()
        (stage.place / "go").write_text("\n", encoding="utf-8")
        process.wait(timeout=60)

    assert process.returncode != 0
    assert stage.outcomes() == {"bad": "failed"}
