"""A stage for checks: a small repository of its own, and the `shipway` program in front of it.

Checks speak through `say`, a program on the path that writes down that it ran. Where two of them
have to meet, they do so in a named pipe, which needs no clock, but two processors.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shipway.checks.record import RunRecord, decode
from tests.scenarios.embedded import WHO, Ended

SAY = """\
#!/bin/sh
# say NAME [FILE]: write down that a check ran, and make a file
case $1 in --version) echo "say 1.0.0"; exit ;; esac
echo "$1" >> "$STAGE/ran"
echo "$1 was here"
if [ -n "$2" ]; then mkdir -p "$(dirname "$2")" && cat src/* > "$2"; fi
"""

REST = """\
container: { port: 3000, health: /healthz }
image: { repository: parcels }
environments: { staging: { cluster: staging } }
"""

CHAIN = """\
  prepare: { run: say prepare made/prepared, inputs: [src/first], outputs: [made/prepared] }
  build:
    run: say build made/built
    needs: [prepare]
    inputs: [src/second]
    outputs: [made/built]
    env: { MODE: fast }
  other: { run: say other, inputs: [src/third] }
"""
"""Three checks that can be kept: one needs another, and one stands alone."""

_ENGINES = ("CI", "JENKINS_URL", "BUILD_ID", "BUILDKITE", "BRANCH_NAME", "CHANGE_ID", "NO_COLOR")


@dataclass(slots=True)
class Stage:
    """A repository with checks, and folders for state and cache that nobody else uses.

    `place` holds what checks leave for the test: `ran`, and whatever they write to `$STAGE`.
    """

    place: Path
    folder: Path
    env: dict[str, str]

    @classmethod
    def fresh(cls, tmp_path: Path, checks: str, *, more: str = "") -> Stage:
        """Write `shipway.yaml` and some inputs into a new repository, and commit them."""
        place, folder, bins = tmp_path / "stage", tmp_path / "parcels", tmp_path / "bin"
        for made in (place, folder / "src", bins):
            made.mkdir(parents=True)
        stage = cls(place, folder, surroundings(tmp_path, bins))
        stage.program("say", SAY)
        for name in ("first", "second", "third"):
            stage.write(f"src/{name}", f"{name} as it was\n")
        stage.write(".gitignore", "made/\n")
        stage.declare(checks, more=more)
        stage.git("init", "-q", "-b", "main")
        stage.commit()
        return stage

    def declare(self, checks: str, *, more: str = "", service: str = "parcels") -> None:
        """Write `shipway.yaml`; the first check stands in line 4."""
        head = f"service: {service}\nowner: testers\nchecks:\n"
        self.write("shipway.yaml", f"{head}{checks}{REST}{more}")

    def write(self, name: str, text: str) -> None:
        """Write a file of the working copy."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def program(self, name: str, text: str) -> None:
        """Put a program on the path, before all others."""
        path = Path(self.env["PATH"].partition(os.pathsep)[0]) / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def meeting(self, name: str) -> None:
        """Make a named pipe at `$STAGE/NAME`: who reads it waits for who writes it."""
        os.mkfifo(self.place / name)

    def elsewhere(self, name: str, *words: str) -> Stage:
        """Clone this repository beside it; cache, programs and notes are the same ones."""
        other = Stage(self.place, self.folder.with_name(name), dict(self.env))
        self.git("clone", "-q", *words, f"file://{self.folder}", str(other.folder))
        return other

    def commit(self, subject: str = "A change") -> str:
        """Commit all there is, and return its id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        """Run git and return what it says."""
        done = subprocess.run(
            ("git", *WHO, *words),
            cwd=self.folder,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    def shipway(self, *words: str, **extra: str) -> Ended:
        """Run one `shipway` command to its end."""
        done = subprocess.run(
            (sys.executable, "-m", "shipway", *words),
            cwd=self.folder,
            env=self.env | extra,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def signalled(self, number: signal.Signals, event: str, text: str, *words: str) -> Ended:
        """Signal one `shipway` command once it tells that event; let it end as it will."""
        with subprocess.Popen(
            (sys.executable, "-u", "-m", "shipway", *words, "--json"),
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            told = []
            for line in process.stdout or ():
                told.append(line)
                if json.loads(line).get("event") == event and text in line:
                    process.send_signal(number)
                    break
            else:
                raise AssertionError(f"never told {event} {text}: {told[-3:]}")
            out, err = process.communicate(timeout=60)
        return Ended(process.returncode, "".join(told) + out, err)

    def ran(self) -> list[str]:
        """Return the checks that ran since this was asked last, in the order of their words."""
        path = self.place / "ran"
        names = path.read_text(encoding="utf-8").split() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(names)

    def number(self, name: str) -> int:
        """Return the number that a check wrote to `$STAGE/NAME`."""
        return int((self.place / name).read_text(encoding="utf-8"))

    @property
    def state(self) -> Path:
        """The state folder."""
        return Path(self.env["SHIPWAY_STATE"])

    @property
    def cache(self) -> Path:
        """The cache folder."""
        return Path(self.env["SHIPWAY_CACHE"])

    def record(self) -> RunRecord:
        """Return the record of the newest run."""
        newest = max(self.state.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime_ns)
        found = decode(newest.read_text(encoding="utf-8"))
        assert found is not None
        return found

    def outcomes(self) -> dict[str, str]:
        """Return how each check of the newest run ended; nothing where it did not."""
        return {c.name: c.outcome.value if c.outcome else "" for c in self.record().checks}


def surroundings(tmp_path: Path, bins: Path) -> dict[str, str]:
    """Return the environment of a person at a terminal, with folders of the test's own."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if name not in _ENGINES and not name.startswith(("SHIPWAY_", "GIT_", "GITHUB_"))
    }
    return mine | {
        "PATH": f"{bins}{os.pathsep}{os.environ['PATH']}",
        "STAGE": str(tmp_path / "stage"),
        "SHIPWAY_STATE": str(tmp_path / "state"),
        "SHIPWAY_CACHE": str(tmp_path / "cache"),
        "SHIPWAY_ACTOR": "dora",
    }


def events(ended: Ended, kind: str) -> list[dict[str, object]]:
    """Return the events of one kind that `--json` told, in their order."""
    told = (json.loads(line) for line in ended.out.splitlines())
    return [each for each in told if each.get("event") == kind]


def holding(folders: Iterable[Path], text: bytes) -> list[Path]:
    """Return the files below some folders that hold a text, as they are or unpacked."""
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and text in (read := path.read_bytes()) + _unpacked(read)
    ]


def _unpacked(packed: bytes) -> bytes:
    """Return what an entry of the cache holds, which is one zlib stream after another."""
    content = []
    with suppress(zlib.error):
        while packed:
            stream = zlib.decompressobj()
            content.append(stream.decompress(packed))
            packed = stream.unused_data
    return b"".join(content)
