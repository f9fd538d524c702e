"""How `LocalShell` ends real programs: nothing that they started survives the call."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipway.adapters.program import GRACE_S
from shipway.adapters.shell import LocalShell
from shipway.errors import DiskIsFull
from shipway.ports import Exit
from tests.contracts.processes import PYTHON, lives, number_in, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="daemons are found in /proc only")

PROMPTLY_S = 2.0  # far less than the grace that a stubborn program has
IGNORE = "import signal, time, os; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
ON = "f = open('pid.new', 'w'); print(os.getpid(), file=f); f.close(); os.rename('pid.new', 'pid')"
ON_SHELL = "echo $$ > pid.new; mv pid.new pid"
STUBBORN = f"{IGNORE}; {ON}; time.sleep(600)"
DAEMON = (
    "import os, time\n"
    "if os.fork():\n"
    "    while not os.path.exists('pid'): time.sleep(0.01)\n"
    "    raise SystemExit\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    f"{ON}\n"
    "time.sleep(600)\n"
)


class Wish:
    """A wish to stop as soon as a file is there."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def wanted(self) -> bool:
        """Tell whether it is time."""
        return self._file.exists()


def start(
    cwd: Path, *command: str, cancel: Wish | None = None, timeout_s: float = 60
) -> tuple[Exit, bytes]:
    """Stream a program and return how it ended with all that it said."""
    said: list[bytes] = []
    done = LocalShell().stream(
        command, cwd=str(cwd), env={}, on_output=said.append, timeout_s=timeout_s, cancel=cancel
    )
    return done, b"".join(said)


def test_a_daemon_that_keeps_the_pipe_is_ended(tmp_path: Path) -> None:
    """A daemon that left the session and holds our pipe neither keeps us waiting nor survives."""
    done, _ = start(tmp_path, PYTHON, "-c", DAEMON)
    assert not lives(number_in(tmp_path / "pid"))
    assert done.status == 0
    assert done.seconds < PROMPTLY_S


def test_a_daemon_without_our_pipe_is_ended(tmp_path: Path) -> None:
    """A daemon that closed everything we could know it by does not survive either."""
    quiet = DAEMON.replace(ON, f"os.closerange(0, 9)\n{ON}")
    done, said = start(tmp_path, PYTHON, "-c", quiet)
    assert (done.status, said) == (0, b"")
    daemon = number_in(tmp_path / "pid")
    until(lambda: not lives(daemon), "the daemon ended")


def test_a_session_of_its_own_is_no_way_out(tmp_path: Path) -> None:
    """A stubborn grandchild in another session is killed with the rest when we are cancelled."""
    done, _ = start(
        tmp_path,
        "sh",
        "-c",
        'setsid "$0" -c "$1" & sleep 600',
        PYTHON,
        STUBBORN,
        cancel=Wish(tmp_path / "pid"),
    )
    assert done.cancelled
    assert not lives(number_in(tmp_path / "pid"))
    assert done.seconds < GRACE_S + 2


def test_what_is_asked_nicely_may_say_goodbye(tmp_path: Path) -> None:
    """What a program still prints on SIGTERM, even more than a pipe holds, is heard."""
    bye = f"trap 'head -c 3000000 /dev/zero; exit 5' TERM; {ON_SHELL}; while :; do sleep 0.1; done"
    done, said = start(tmp_path, "sh", "-c", bye, cancel=Wish(tmp_path / "pid"))
    assert said.count(b"\0") == 3_000_000
    assert (done.status, done.cancelled) == (5, True)


def test_what_we_ended_never_looks_like_success(tmp_path: Path) -> None:
    """A program that answers SIGTERM with 0 was ended all the same, and its status says so."""
    calm = f"trap 'exit 0' TERM; {ON_SHELL}; while :; do sleep 0.1; done"
    done, _ = start(tmp_path, "sh", "-c", calm, cancel=Wish(tmp_path / "pid"))
    assert done.status == 128 + signal.SIGTERM


def test_a_signal_reads_as_shells_tell_it(tmp_path: Path) -> None:
    """A program that was killed, for want of memory perhaps, ends with 137."""
    assert start(tmp_path, "sh", "-c", "kill -9 $$")[0].status == 137


def test_the_last_words_of_a_child_are_heard(tmp_path: Path) -> None:
    """Output of a child that outlives the program for a moment is not cut off."""
    late = "(sleep 0.2; echo last) & echo first"
    assert start(tmp_path, "sh", "-c", late)[1] == b"first\nlast\n"


def test_two_are_cancelled_at_once(tmp_path: Path) -> None:
    """Stubborn programs that are cancelled together end together, within one grace."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    wish = Wish(tmp_path / "now")
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(start, f, PYTHON, "-c", STUBBORN, cancel=wish) for f in folders]
        for folder in folders:
            number_in(folder / "pid")
        begun = time.monotonic()
        (tmp_path / "now").touch()
        done = [run.result()[0] for run in runs]
    assert [d.status for d in done] == [128 + signal.SIGKILL] * 2
    assert time.monotonic() - begun < GRACE_S + 1


def test_an_error_while_hearing_ends_everything(tmp_path: Path) -> None:
    """When its output finds no room, a program is asked to end, with all its children."""
    heard = bytearray()

    def refuse(chunk: bytes) -> None:
        heard.extend(chunk)
        if len(heard) > 100_000:
            raise DiskIsFull(f"no room for {len(chunk)} bytes")

    goodbye = "trap 'sleep 0.3; echo > bye; exit 1' TERM"
    chatty = f"{goodbye}; sleep 600 & echo $! > pid; while :; do echo more; done"
    with pytest.raises(DiskIsFull):
        LocalShell().stream(
            ("sh", "-c", chatty), cwd=str(tmp_path), env={}, on_output=refuse, timeout_s=60
        )
    assert not lives(number_in(tmp_path / "pid"))
    assert (tmp_path / "bye").exists(), "it was killed without being asked first"


def test_a_signal_to_us_ends_what_runs(tmp_path: Path) -> None:
    """SIGTERM to us, while a stubborn program runs, ends both within the grace and a second."""
    program = (
        "import signal, sys\n"
        "from shipway.adapters.shell import LocalShell\n"
        "def stop(number, frame): sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        f"LocalShell().stream(({PYTHON!r}, '-c', {STUBBORN!r}), cwd=sys.argv[1], env={{}},"
        " on_output=print, timeout_s=600)\n"
    )
    with subprocess.Popen((PYTHON, "-c", program, str(tmp_path))) as runner:
        child = number_in(tmp_path / "pid")
        begun = time.monotonic()
        runner.terminate()
        assert runner.wait() == 143
    assert not lives(child)
    assert time.monotonic() - begun < GRACE_S + 1.5


def test_a_signal_to_us_ends_what_others_run(tmp_path: Path) -> None:
    """SIGTERM reaches our main thread while others stream stubborn programs: all end in time."""
    program = (
        "import signal, sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from threading import Event\n"
        "from shipway.adapters.shell import LocalShell\n"
        "def stop(number, frame): sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "class Wish(Event): wanted = Event.is_set\n"
        "wish = Wish()\n"
        "def work(folder):\n"
        f"    LocalShell().stream(({PYTHON!r}, '-c', {STUBBORN!r}), cwd=folder, env={{}},"
        " on_output=print, timeout_s=600, cancel=wish)\n"
        "with ThreadPoolExecutor(2) as pool:\n"
        "    try: list(pool.map(work, sys.argv[1:]))\n"
        "    finally: wish.set()\n"
    )
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with subprocess.Popen((PYTHON, "-c", program, *map(str, folders))) as runner:
        children = [number_in(folder / "pid") for folder in folders]
        begun = time.monotonic()
        runner.terminate()
        assert runner.wait() == 143
    assert not any(map(lives, children))
    assert time.monotonic() - begun < GRACE_S + 1.5


def test_much_output_costs_no_memory(tmp_path: Path) -> None:
    """200 MB of output, told in chunks or without a single line end, leave our memory flat."""
    program = (
        "import resource, sys\n"
        "from shipway.adapters.files import DiskFiles\n"
        "from shipway.adapters.shell import LocalShell\n"
        "words = ('head', '-c', '200000000', '/dev/zero')\n"
        "log = DiskFiles().open_log('log')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "LocalShell().stream(words, cwd='.', env={}, on_output=log.write, timeout_s=60)\n"
        "size = [0]\n"
        "def count(line): size[0] += len(line)\n"
        "LocalShell().run(words, cwd='.', env={}, on_line=count, timeout_s=60)\n"
        "print(size[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    said = subprocess.run(
        (PYTHON, "-c", program), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    heard, grown_kb = map(int, said.stdout.split())
    assert (heard, (tmp_path / "log").stat().st_size) == (200_000_000, 200_000_000)
    assert grown_kb < 50_000


def test_a_stream_is_as_quick_as_its_program(tmp_path: Path) -> None:
    """The end of a program is noticed at once, also when its output ended long before."""
    mute = ("sh", "-c", "exec >&- 2>&-; exec sleep 0.01")
    never = Wish(tmp_path / "never")
    taken = [start(tmp_path, *mute, cancel=never)[0].seconds for _ in range(5)]
    assert min(taken) < 0.05  # somebody's wish is looked for every 50 ms, the end is not
