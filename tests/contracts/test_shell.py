"""`ports.Shell`, on the fake and on real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipway.adapters.shell import LocalShell
from shipway.errors import DiskIsFull, FileIsMissing, ToolIsMissing
from shipway.ports import Exit, Shell
from shipway.testing.fakes import FakeShell, Script
from tests.contracts.processes import PYTHON, lives, number_in, until

TALK = (PYTHON, "-c", "import sys; print('out', flush=True); print('err', file=sys.stderr)")
FAIL = (PYTHON, "-c", "raise SystemExit(7)")
SLEEP = (PYTHON, "-c", "import time; time.sleep(600)")
FAMILY = "sleep 600 & echo $! > child; echo started; wait"


class Wish:
    """A wish to stop as soon as a file is there; by itself when none is named."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def wanted(self) -> bool:
        """Tell whether it is time."""
        return self._file is None or self._file.exists()


@pytest.fixture(params=["fake", "real"])
def shell(request: pytest.FixtureRequest) -> Shell:
    """Both kinds of shell, with the same programs."""
    if request.param == "real":
        return LocalShell()
    scripts = {
        " ".join(TALK): Script(lines=("out", "err")),
        " ".join(FAIL): Script(status=7),
        " ".join(SLEEP): Script(hangs=True, silent=True, seconds=600),
        "no-such-program": Script(missing=True),
    }
    return FakeShell(scripts)


def stream(
    shell: Shell,
    command: tuple[str, ...],
    cwd: Path,
    *,
    timeout_s: float = 60,
    silence_s: float | None = None,
    cancel: Wish | None = None,
) -> tuple[Exit, bytes]:
    """Run a program and return how it ended with every byte that it printed."""
    chunks: list[bytes] = []
    done = shell.stream(
        command,
        cwd=str(cwd),
        env={},
        on_output=chunks.append,
        timeout_s=timeout_s,
        silence_s=silence_s,
        cancel=cancel,
    )
    return done, b"".join(chunks)


def run(
    shell: Shell,
    command: tuple[str, ...],
    cwd: Path,
    *,
    timeout_s: float = 60,
    cancel: Wish | None = None,
    stdin: str = "",
) -> tuple[Exit, list[str]]:
    """Run a program and return how it ended with all that it said."""
    lines: list[str] = []
    done = shell.run(
        command,
        cwd=str(cwd),
        env={"GREETING": "hello"},
        on_line=lines.append,
        timeout_s=timeout_s,
        cancel=cancel,
        stdin=stdin,
    )
    return done, lines


def test_both_streams_are_told(shell: Shell, tmp_path: Path) -> None:
    """Lines of both outputs arrive without their ends, and success is 0."""
    done, lines = run(shell, TALK, tmp_path)
    assert sorted(lines) == ["err", "out"]
    assert (done.status, done.timed_out, done.cancelled) == (0, False, False)


def test_the_exit_status_is_the_programs(shell: Shell, tmp_path: Path) -> None:
    """A failing program is an answer, not an error."""
    assert run(shell, FAIL, tmp_path)[0].status == 7


def test_a_cancelled_program_ends(shell: Shell, tmp_path: Path) -> None:
    """A wish to stop ends the program, and the exit says so."""
    done, _ = run(shell, SLEEP, tmp_path, cancel=Wish())
    assert done.cancelled
    assert done.status != 0


def test_a_program_that_is_not_there_is_told(shell: Shell, tmp_path: Path) -> None:
    """What is not installed is told as a missing tool."""
    with pytest.raises(ToolIsMissing, match="no-such-program"):
        run(shell, ("no-such-program",), tmp_path)


def test_bytes_are_told_as_they_are(shell: Shell, tmp_path: Path) -> None:
    """Streamed output of both streams arrives complete, with its line ends."""
    done, said = stream(shell, TALK, tmp_path)
    assert sorted(said.splitlines(keepends=True)) == [b"err\n", b"out\n"]
    assert (done.status, done.silent) == (0, False)


def test_a_program_that_falls_silent_is_ended(shell: Shell, tmp_path: Path) -> None:
    """No output for too long ends a program, and the exit tells that from a time-out."""
    done, _ = stream(shell, SLEEP, tmp_path, silence_s=0.2)
    assert (done.silent, done.timed_out, done.cancelled) == (True, False, False)
    assert done.status == 128 + signal.SIGTERM


def test_a_cancelled_stream_ends(shell: Shell, tmp_path: Path) -> None:
    """A wish to stop ends a program that is streamed, too."""
    done, _ = stream(shell, SLEEP, tmp_path, cancel=Wish())
    assert (done.cancelled, done.silent) == (True, False)


def test_what_cannot_hear_ends_the_program(shell: Shell, tmp_path: Path) -> None:
    """An error of whoever hears the output reaches the caller."""

    def refuse(chunk: bytes) -> None:
        raise DiskIsFull(f"no room for {len(chunk)} bytes")

    with pytest.raises(DiskIsFull, match="no room"):
        shell.stream(TALK, cwd=str(tmp_path), env={}, on_output=refuse, timeout_s=60)


def test_the_fake_times_out_as_the_real_one(tmp_path: Path) -> None:
    """At its limit a program is ended, really and in the fake."""
    fake = FakeShell({PYTHON: Script(seconds=600)})
    assert run(fake, SLEEP, tmp_path, timeout_s=0.1)[0].timed_out
    done, _ = run(LocalShell(), SLEEP, tmp_path, timeout_s=0.1)
    assert done.timed_out
    assert done.seconds < 5


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_grandchildren_end_too(tmp_path: Path, how: str) -> None:
    """The whole process group ends with the program, whichever way it is ended."""
    child = tmp_path / "child"
    wish = Wish(child) if how == "cancel" else None
    limit_s = 60 if how == "cancel" else 0.5
    done, lines = run(LocalShell(), ("sh", "-c", FAMILY), tmp_path, timeout_s=limit_s, cancel=wish)
    assert (done.timed_out, done.cancelled) == (how == "timeout", how == "cancel")
    assert lines == ["started"]
    until(lambda: not lives(number_in(child)), "the grandchild ends")


def test_a_child_left_behind_ends_with_the_call(tmp_path: Path) -> None:
    """A program that ends and leaves something running leaves it no longer than the call."""
    leave = ("sh", "-c", "sleep 600 & echo $! > child")
    done, _ = run(LocalShell(), leave, tmp_path)
    assert done.status == 0
    assert done.seconds < 5
    until(lambda: not lives(number_in(tmp_path / "child")), "the child left behind ends")


def test_a_program_that_ignores_being_asked_is_killed(tmp_path: Path) -> None:
    """After the grace, SIGTERM is followed by SIGKILL."""
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True)"
    file = tmp_path / "now"
    program = f"{stubborn}; open({str(file)!r}, 'w').close(); time.sleep(600)"
    done, _ = run(LocalShell(), (PYTHON, "-c", program), tmp_path, cancel=Wish(file))
    assert done.status == 128 + signal.SIGKILL


def test_a_kill_of_the_parent_leaves_no_child(tmp_path: Path) -> None:
    """On Linux, kill -9 of whoever runs a program ends that program too."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent died")
    program = (
        "import sys; from shipway.adapters.shell import LocalShell;"
        "LocalShell().run(('sh', '-c', 'echo $$ > child; exec sleep 600'), cwd=sys.argv[1],"
        " env={}, on_line=print, timeout_s=600)"
    )
    with subprocess.Popen((PYTHON, "-c", program, str(tmp_path))) as parent:
        child = number_in(tmp_path / "child")
        parent.kill()
    until(lambda: not lives(child), "the child ends")


def test_what_it_reads_is_what_it_is_given(tmp_path: Path) -> None:
    """Standard input is the text that was given, and else empty; the environment is added to."""
    cat = ("sh", "-c", 'cat; echo "$GREETING"')
    assert run(LocalShell(), cat, tmp_path, stdin="secret\n")[1] == ["secret", "hello"]
    assert run(LocalShell(), cat, tmp_path)[1] == ["hello"]


def test_a_program_need_not_read_what_it_is_given(tmp_path: Path) -> None:
    """A program that ends without reading is judged by its exit, not by our broken pipe."""
    done, _ = run(LocalShell(), ("sh", "-c", "exit 3"), tmp_path, stdin="x" * 200_000)
    assert done.status == 3


def test_no_folder_is_told(tmp_path: Path) -> None:
    """A working directory that is not there is told as what it is."""
    with pytest.raises(FileIsMissing, match="no folder to run 'true'"):
        run(LocalShell(), ("true",), tmp_path / "nowhere")


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    """Output in no encoding is told as far as it goes."""
    assert run(LocalShell(), ("printf", r"a\377b\r\n"), tmp_path)[1] == ["a\ufffdb"]


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        (b"one\ntwo", ["one", "two"]),
        (b"one\n\ntwo\n", ["one", "", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"10 %\r20 %\rdone\n", ["10 %", "20 %", "done"]),
        (b"", []),
    ],
)
def test_lines_end_as_terminals_see_them(tmp_path: Path, printed: bytes, lines: list[str]) -> None:
    """Lines end with LF, CRLF or CR; the last one may have no end."""
    (tmp_path / "said").write_bytes(printed)
    assert run(LocalShell(), ("cat", "said"), tmp_path)[1] == lines


def test_characters_are_whole_across_chunks(tmp_path: Path) -> None:
    """A character, or a CRLF, that comes in two writes is told as one."""
    parts = ("printf 'a\\303'", "sleep 0.1", "printf '\\274\\r'", "sleep 0.1", "printf '\\nb'")
    assert run(LocalShell(), ("sh", "-c", "; ".join(parts)), tmp_path)[1] == ["aü", "b"]


def test_an_endless_line_is_told_in_parts(tmp_path: Path) -> None:
    """A line of more than 1 MiB is told in parts, without loss."""
    _, lines = run(LocalShell(), (PYTHON, "-c", "print('x' * 3_000_000)"), tmp_path)
    assert max(map(len, lines)) == 1 << 20
    assert "".join(lines) == "x" * 3_000_000


def test_programs_of_the_checkout_come_first(tmp_path: Path) -> None:
    """A program in `node_modules/.bin` of the working directory is found before the PATH."""
    tool = tmp_path / "node_modules/.bin/true"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho ours\n", encoding="utf-8")
    tool.chmod(0o755)
    assert run(LocalShell(("node_modules/.bin",)), ("true",), tmp_path)[1] == ["ours"]


def test_a_program_with_a_path_is_relative_to_its_directory(tmp_path: Path) -> None:
    """`./tool` is meant from the directory that the program runs in, wherever we are."""
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho mine\n", encoding="utf-8")
    tool.chmod(0o755)
    assert run(LocalShell(), ("./tool",), tmp_path)[1] == ["mine"]


def test_a_short_program_costs_little(tmp_path: Path) -> None:
    """The end of a program is noticed at once."""
    start = time.monotonic()
    run(LocalShell(), ("true",), tmp_path)
    assert time.monotonic() - start < 1


# Questions, which are asked at once and without care for what they could start


def test_questions_are_asked_at_once(tmp_path: Path) -> None:
    """Their answers come in the order of the questions; each has its own status."""
    slow = (PYTHON, "-c", "import time; time.sleep(1.0); print('slow')")
    quick = (
        PYTHON,
        "-c",
        "import sys; print('quick'); print('noise', file=sys.stderr); sys.exit(3)",
    )
    start = time.monotonic()
    answers = LocalShell().ask((slow, slow, quick), cwd=str(tmp_path), env={})
    assert [(done.status, text) for done, text in answers] == [
        (0, b"slow\n"),
        (0, b"slow\n"),
        (3, b"quick\n"),
    ]
    assert time.monotonic() - start < 20  # far more than one second, on a busy machine


def test_a_question_gets_the_environment_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours, with what is added and without what is taken out."""
    monkeypatch.setenv("SHIPWAY_TEST_OURS", "ours")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    names = "SHIPWAY_TEST_OURS GIT_DIR ADDED"
    code = f"import os; print([os.environ.get(name) for name in {names.split()}])"
    asked = ((PYTHON, "-c", code),)
    ((_, said),) = LocalShell().ask(
        asked, cwd=str(tmp_path), env={"ADDED": "a"}, without=("GIT_DIR",)
    )
    assert said == b"['ours', None, 'a']\n"


def test_a_question_without_an_answer_is_given_up(tmp_path: Path) -> None:
    """The others have their answers, and nothing of it is left."""
    asked = (("echo", "here"), ("sh", "-c", "echo $$ > pid; exec sleep 600"))
    (_, here), (done, said) = LocalShell().ask(asked, cwd=str(tmp_path), env={}, timeout_s=3)
    assert (here, said, done.timed_out) == (b"here\n", b"", True)
    assert not lives(int((tmp_path / "pid").read_text(encoding="ascii")))


def test_a_question_to_a_program_that_is_not_there(tmp_path: Path) -> None:
    """Or in a folder that is not there: each has its own error."""
    with pytest.raises(ToolIsMissing):
        LocalShell().ask((("no-such-program",),), cwd=str(tmp_path), env={})
    with pytest.raises(FileIsMissing):
        LocalShell().ask(((PYTHON, "-c", ""),), cwd=str(tmp_path / "none"), env={})
