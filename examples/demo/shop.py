"""The tools of the demonstration: the commits it makes, its git repository, and `shipway`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

WHO = ("-c", "user.name=Dora Demo", "-c", "user.email=dora@example.com")


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of the sample: `old` stands exactly once in `file` and becomes `new`."""

    subject: str
    story: str
    file: str
    old: str
    new: str


IMPROVEMENT = Change(
    subject="Keep answers about health out of caches",
    story="A good change, promoted while the requests go on",
    file="src/app.ts",
    old='  app.get("/healthz", () => ({ status: "ok" }));\n',
    new=(
        '  app.get("/healthz", (_request, reply) =>\n'
        '    reply.header("cache-control", "no-store").send({ status: "ok" }),\n'
        "  );\n"
    ),
)
CRASH = Change(
    subject="Forget to handle a lost connection",
    story="A commit whose container crashes 3 s after its start: all its tests are green",
    file="src/main.ts",
    old='  log.info({ version: settings.version }, "ready");\n',
    new=(
        '  log.info({ version: settings.version }, "ready");\n'
        "  setTimeout(() => {\n"
        '    fail(new Error("lost the connection, and nobody was listening"));\n'
        "  }, 3_000);\n"
    ),
)
BAD_HEALTH = Change(
    subject="Trust a variable that only laptops lack",
    story="A commit that is well everywhere but in an environment, where /healthz turns 500",
    file="src/app.ts",
    old=IMPROVEMENT.new,
    new=(
        '  app.get("/healthz", (_request, reply) => {\n'
        '    const sick = "SHIPWAY_ENVIRONMENT" in process.env;\n'
        "    return reply\n"
        "      .code(sick ? 500 : 200)\n"
        '      .header("cache-control", "no-store")\n'
        '      .send({ status: "ok" });\n'
        "  });\n"
    ),
)


@dataclass(slots=True)
class Repository:
    """A fresh git repository that holds the sample, and pushes to the embedded default."""

    folder: Path
    environment: dict[str, str]
    _pushed_to: str = ""

    @classmethod
    def fresh(cls, folder: Path, sample: Path, environment: dict[str, str]) -> Repository:
        """Copy the sample into a new repository, in place of what an earlier demo left."""
        shutil.rmtree(folder, ignore_errors=True)
        ignore = shutil.ignore_patterns("node_modules", "dist", "reports", "coverage")
        shutil.copytree(sample, folder, ignore=ignore)
        repository = cls(folder, environment)
        repository.git("init", "-q", "-b", "main")
        return repository

    def commit(self, subject: str, change: Change | None = None) -> str:
        """Make a commit, with an edit where one is given, and return its id."""
        if change is not None:
            path = self.folder / change.file
            text = path.read_text(encoding="utf-8")
            if text.count(change.old) != 1:
                raise SystemExit(f"the sample has changed: {change.file} lacks {change.old!r}")
            path.write_text(text.replace(change.old, change.new), encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def push(self) -> None:
        """Push, and show what the delivery says."""
        if not self._pushed_to:
            state = Path(self.environment["SHIPWAY_STATE"])
            self._pushed_to = str(state / "git" / "sender.git")
            self.git("remote", "add", "shipway", self._pushed_to)
        print("  $ git push shipway main", flush=True)
        subprocess.run(
            ["git", "push", "shipway", "main"],
            cwd=self.folder,
            env=self.environment,
            check=True,
        )

    def take_back(self) -> None:
        """Undo the last commit by a new one, as a team would; it is pushed with the next."""
        self.git("revert", "--no-edit", "HEAD")

    def subject(self) -> str:
        """Return the first line of the newest commit message."""
        return self.git("log", "-1", "--format=%s")

    def git(self, *words: str) -> str:
        """Run git here and return what it says."""
        done = subprocess.run(
            ["git", *WHO, *words],
            cwd=self.folder,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class State:
    """What `shipway status` says of one environment."""

    name: str
    live: str
    last_release: str
    purpose: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Version:
    """What `/version` answers."""

    commit: str
    digest: str

    def __str__(self) -> str:
        """Show both as people compare them."""
        return f"commit {self.commit[:8]}, digest {self.digest[:19]}"


@dataclass(slots=True)
class Shipway:
    """The `shipway` program, in one folder and with one set of surroundings."""

    environment: dict[str, str]
    cwd: Path = field(default_factory=Path.cwd)

    def run(self, *words: str, quiet: bool = False) -> None:
        """Show a command, run it, and let it speak; it must succeed."""
        if not quiet:
            print(f"  $ shipway {' '.join(words)}", flush=True)
        subprocess.run(
            [sys.executable, "-m", "shipway", *words],
            cwd=self.cwd,
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.DEVNULL if quiet else None,
        )

    def text(self, *words: str) -> str:
        """Run a command and return its result."""
        done = subprocess.run(
            [sys.executable, "-m", "shipway", *words],
            cwd=self.cwd,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout.strip()

    def environment_states(self) -> list[State]:
        """Return what is where."""
        report = json.loads(self.text("status", "--json"))
        return [
            State(
                name=e["environment"],
                live=e["live"]["release"] if e["live"] else "nothing",
                last_release=e["last"]["release"] if e["last"] else "nothing",
                purpose=e["last"]["purpose"] if e["last"] else "",
                outcome=(e["last"]["outcome"] or "under way") if e["last"] else "never tried",
            )
            for e in report["environments"]
        ]

    def environment_state(self, name: str) -> State:
        """Return what is in one environment."""
        return next(s for s in self.environment_states() if s.name == name)

    def version(self, name: str) -> Version:
        """Ask an environment which version answers there."""
        address = self.text("url", name)
        with urllib.request.urlopen(f"{address}/version", timeout=10) as answer:  # noqa: S310 - our own loopback address
            found = json.load(answer)
        return Version(found["commit"], found["digest"])
