"""The demonstration: a service travels to production, two bad commits are refused, one goes back.

It does what a person would do, with the same commands, and shows each before it runs it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from examples.demo.load import Load
from examples.demo.shop import BAD_HEALTH, CRASH, IMPROVEMENT, Change, Repository, Shipway, State

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent
APPROVER = "quinn"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the closing table."""

    what: str
    release: str
    preprod: str
    production: str
    seconds: float


def main() -> int:
    """Run the demonstration; return 0 only when everything went as it should."""
    options = _options()
    start = time.monotonic()
    state = _state_folder()
    environment = _environment(state, with_images=not options.public_images)
    shipway = Shipway(environment)
    folder = state.parent / "demo" / "sender"
    try:
        _say("Bring the embedded default up: a registry, ECS, load balancers and git, all local")
        shipway.run("local", "reset", "--yes", quiet=True)
        repository = Repository.fresh(folder, EXAMPLES / "sender", environment)
        shipway.cwd = folder
        shipway.run("local", "up")
        rows, problems = _story(shipway, repository, ask=not options.yes)
        _finish(rows, problems, shipway, time.monotonic() - start)
    finally:
        if options.keep:
            _keep(folder, state)
        else:
            shipway.run("local", "down", quiet=True)
    return 1 if problems else 0


def _story(shipway: Shipway, repository: Repository, *, ask: bool) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    problems: list[str] = []

    _say("1. The first commit: git push delivers it to pre-production, then waits for a person")
    first = repository.commit("Send messages")
    rows.append(_deliver(shipway, repository, first, ask=ask))
    _same_digest(shipway, problems)

    production = shipway.text("url", "production")
    _say("From here on production answers 50 requests a second, and every failure is counted")
    load = Load(f"{production}/version")
    load.start()

    _say(f"2. {IMPROVEMENT.story}")
    second = repository.commit(IMPROVEMENT.subject, IMPROVEMENT)
    rows.append(_deliver(shipway, repository, second, ask=ask))
    rows[-1] = _with_load(rows[-1], load)

    for number, change in ((3, CRASH), (4, BAD_HEALTH)):
        _say(f"{number}. {change.story}")
        rows.append(_refused(shipway, repository, change, second, problems))

    _say("5. Production goes back to the first release, by hand, while the requests go on")
    rows.append(_roll_back(shipway, first))
    count = load.stop()
    if count.failures:
        problems.append(f"{len(count.failures)} requests failed, first: {count.failures[0]}")
    rows.append(Row("load on production", "", "", _count(count.requests, len(count.failures)), 0))
    return rows, problems


def _deliver(shipway: Shipway, repository: Repository, commit: str, *, ask: bool) -> Row:
    start = time.monotonic()
    repository.push()
    release = f"sender-{commit[:8]}"
    state = shipway.environment_state("preprod")
    if ask and not _agreed(release):
        raise SystemExit("not approved: nothing reached production")
    shipway.run("approve", "production", "--release", release, "--as", APPROVER)
    shipway.run("promote", "production", "--release", release)
    live = shipway.environment_state("production")
    return Row(
        repository.subject(),
        release,
        _arrived(state, release),
        _arrived(live, release),
        time.monotonic() - start,
    )


def _refused(
    shipway: Shipway, repository: Repository, change: Change, good: str, problems: list[str]
) -> Row:
    start = time.monotonic()
    commit = repository.commit(change.subject, change)
    repository.push()
    repository.take_back()
    release = f"sender-{commit[:8]}"
    preprod, production = (
        shipway.environment_state("preprod"),
        shipway.environment_state("production"),
    )
    # ECS refuses what dies at once; on a slow machine it may be the acceptance tests that do
    came_back = preprod.purpose == "rollback" and preprod.last_release == f"sender-{good[:8]}"
    refused = preprod.last_release == release and preprod.outcome in {"rolled-back", "failed"}
    fate = "rolled-back" if came_back else preprod.outcome
    if not (refused or came_back):
        problems.append(f"{release} was not refused in pre-production: {fate}")
    problems += [
        f"{state.name} runs {state.live}, not the good release"
        for state in (preprod, production)
        if state.live != f"sender-{good[:8]}"
    ]
    return Row(change.subject, release, fate, "untouched", time.monotonic() - start)


def _roll_back(shipway: Shipway, commit: str) -> Row:
    start = time.monotonic()
    release = f"sender-{commit[:8]}"
    shipway.run("rollback", "production", "--to", release)
    live = shipway.environment_state("production")
    return Row("roll back", release, "", _arrived(live, release), time.monotonic() - start)


def _same_digest(shipway: Shipway, problems: list[str]) -> None:
    versions = {name: shipway.version(name) for name in ("preprod", "production")}
    for name, version in versions.items():
        print(f"  {name:<10} /version  {version}")
    if len({v.digest for v in versions.values()}) != 1:
        problems.append("pre-production and production answer with different digests")


def _agreed(release: str) -> bool:
    print(f"\n  You are {APPROVER} of QA. Pre-production runs {release} and is well.")
    try:
        return input("  Approve it for production? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _with_load(row: Row, load: Load) -> Row:
    requests, failures = load.seen()
    print(f"  so far {_count(requests, failures)}")
    return row


def _arrived(state: State, release: str) -> str:
    return "live, verified" if state.live == release else f"runs {state.live}"


def _count(requests: int, failures: int) -> str:
    return f"{requests} requests, {failures} failed"


def _finish(rows: list[Row], problems: list[str], shipway: Shipway, seconds: float) -> None:
    _say("What happened")
    head = ("", "release", "pre-production", "production", "took")
    cells = [
        (r.what, r.release, r.preprod, r.production, f"{r.seconds:.0f} s" if r.seconds else "")
        for r in rows
    ]
    widths = [max(len(row[n]) for row in [head, *cells]) for n in range(len(head))]
    for row in [head, *cells]:
        print("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())
    print()
    shipway.run("status")
    for problem in problems:
        print(f"  PROBLEM: {problem}")
    verdict = "as it should be" if not problems else f"{len(problems)} problems"
    print(f"\n  {verdict}, in {seconds:.0f} s")


def _keep(folder: Path, state: Path) -> None:
    shown = f"export SHIPWAY_STATE={shlex.quote(str(state))}; cd {shlex.quote(str(folder))}"
    program = shutil.which("shipway") or f"{sys.executable} -m shipway"
    _say("It is still up. To look around:")
    print(f"  {shown}")
    print(f"  {program} status | releases | log | show R | plan production --release R")
    print(f"  {program} local down        when you have seen enough")


def _say(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="approve without asking")
    parser.add_argument("--keep", action="store_true", help="leave everything up at the end")
    parser.add_argument(
        "--public-images", action="store_true", help="pull base images instead of making stand-ins"
    )
    return parser.parse_args()


def _state_folder() -> Path:
    home = Path(os.environ.get("HOME") or "~").expanduser()
    base = Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return base / "shipway-demo" / "state"


def _environment(state: Path, *, with_images: bool) -> dict[str, str]:
    """Return the surroundings of every command: a state folder of our own, and base images."""
    found = os.environ | {"SHIPWAY_STATE": str(state), "PYTHONUNBUFFERED": "1"}
    found["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{found.get('PATH', os.defpath)}"
    if with_images:
        _say("Make stand-ins for the public base images, since those may not be to be had here")
        made = subprocess.run(
            [sys.executable, str(EXAMPLES / "images" / "build")],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found |= dict(line.split("=", 1) for line in made.stdout.splitlines() if "=" in line)
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failed:
        command = " ".join(str(word) for word in failed.cmd)
        sys.exit(f"\nThe demonstration ends here: `{command}` failed with {failed.returncode}.")
