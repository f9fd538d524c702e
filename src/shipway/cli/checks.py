"""`shipway run`, `resume` and `debug`: the checks of the working copy, and what failed of them."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from shipway import wiring
from shipway.apply.explain import Explanation, explained
from shipway.apply.look import look
from shipway.apply.run_record import AS_CI, RECORD
from shipway.apply.runner import apply
from shipway.apply.world import World
from shipway.checks.graph import narrowed
from shipway.checks.record import decode
from shipway.cli.conduct import act, here, json_option, tell
from shipway.errors import LeaseIsHeld, WrongUsage
from shipway.model.release import Commit
from shipway.model.service import Check, ComposeCheck
from shipway.plan.plan import Plan
from shipway.plan.steps import RunChecks
from shipway.wiring import Place, Wishes

NAMED = 20
"""How many checks are told by name; of more, only how many there are."""


@click.command()
@click.argument("checks", nargs=-1)
@click.option("--affected", is_flag=True, help="Only what changed since the newest release.")
@click.option("--since", metavar="COMMIT", help="Only what changed since this commit.")
@click.option("--no-cache", is_flag=True, help="Run everything; results are kept nonetheless.")
@click.option("--as-ci", is_flag=True, help="As in CI: CI=true, no drawing, no trust in place.")
@click.option("--keep-going", is_flag=True, help="Do not stop at the first failure.")
@click.option("--explain", metavar="CHECK", help="Run nothing; say what changed in its key.")
@click.option("-v", "--verbose", is_flag=True, help="Print all that every check says.")
@json_option
def run(
    *,
    checks: tuple[str, ...],
    affected: bool,
    since: str | None,
    no_cache: bool,
    as_ci: bool,
    keep_going: bool,
    explain: str | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run CHECKS and what they need, or all of them, on the working copy as it is."""
    place = here()
    if explain is not None:
        _explain(place, explain, as_json=as_json)
        return
    commit = _since(place, since) if affected or since else None
    touched = wiring.is_touched(place, commit) if commit else None
    if commit and touched is False:
        words = f"nothing to check: no change since {commit[:8]} touches {place.service.name}"
        tell({"passed": []}, words, as_json=as_json)
        return
    step = RunChecks(
        None,  # a working copy proves nothing about its commit
        wanted(place, checks),
        asked=checks,
        since=None if touched else commit,  # what it is made of may lie outside of its folder
        use_cache=not no_cache,
        keep_going=keep_going,
    )
    words = " ".join(("run", *checks))
    _act(place, words, step, Wishes(as_ci=as_ci), as_json=as_json, verbose=verbose)


@click.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@json_option
@click.pass_context
def resume(context: click.Context, *, run_name: str | None, as_json: bool) -> None:
    """Run again what did not pass in RUN, or in the newest run that did not pass.

    What passed is taken over where nothing that it rests on has changed since.
    """
    from shipway.apply.again import asked_again, find_run, passed_of  # noqa: PLC0415 - not for `run`

    place = here()
    record = find_run(wiring.run_records(place), run_name, service=place.service.name)
    if record.run in wiring.leases(place).held("run"):
        raise LeaseIsHeld(f"run {record.run} is still at work", hint="wait for its end, or stop it")
    verb = record.command.partition(" ")[0]
    wishes = Wishes(as_ci=AS_CI in record.flags, passed=passed_of(record))
    if verb in {"deliver", "image"}:
        from shipway.cli import deliver  # noqa: PLC0415 - checks alone must not wait for it

        context.obj = wishes
        context.invoke(deliver.deliver if verb == "deliver" else deliver.image, as_json=as_json)
        return
    step = asked_again(record, wanted(place, record.asked))
    _act(place, f"resume {record.run}", step, wishes, as_json=as_json)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("run_name", metavar="RUN")
@click.argument("step_name", metavar="CHECK")
@click.argument("command", nargs=-1)
@json_option
def debug(*, run_name: str, step_name: str, command: tuple[str, ...], as_json: bool) -> None:
    """Open the environment that CHECK had in RUN: a shell there, or run COMMAND.

    The same folder and variables, its secrets resolved anew; for a compose check, a container of
    the deciding service beside all that it depends on. With --json it only says what that is.
    """
    from shipway.apply.again import about, check_of, enter, find_run  # noqa: PLC0415 - not for `run`

    place = here()
    record = find_run(wiring.run_records(place), run_name, service=place.service.name)
    world = wiring.world(place, os.environ, ())
    found = look(RunChecks(None, place.service.checks), world).checks
    check = check_of(record, found, step_name)
    if as_json:
        tell(about(record, check, world), "", as_json=True)
        return
    with wiring.leases(place).hold(f"run/{world.run}", owner=world.actor):
        status = enter(check, command, world)
    raise SystemExit(status)


def wanted(place: Place, names: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the named checks and what they need; all where none is named.

    Raises:
        WrongUsage: naming those that there are.
    """
    checks = place.service.checks
    try:
        return narrowed(checks, tuple(n.partition(":")[0] for n in names)) if names else checks
    except KeyError as unknown:
        known = ", ".join(c.name for c in checks)
        raise WrongUsage(f"there is no check {unknown}", hint=f"there are: {known}") from unknown


def _act(
    place: Place,
    words: str,
    step: RunChecks,
    wishes: Wishes,
    *,
    as_json: bool,
    verbose: bool = False,
) -> None:
    def work(world: World) -> list[str]:
        apply(Plan((step,)), world)
        record = decode(world.files.read(f"{world.folder}/{RECORD}") or "")
        return [check.name for check in record.checks] if record else [c.name for c in step.checks]

    names = act(
        place,
        words,
        "",
        as_json=as_json,
        wishes=wishes,
        verbose=verbose,
        work=work,
        alone=True,
        sweeping=any(isinstance(check, ComposeCheck) for check in step.checks),
    )
    tell({"passed": names}, _passed(names), as_json=as_json)


def _passed(names: list[str]) -> str:
    if not names:
        return "nothing to check"
    return f"passed: {', '.join(names) if len(names) <= NAMED else f'{len(names)} checks'}"


def _since(place: Place, named: str | None) -> Commit:
    """Return the commit to compare with: the named one, or that of the newest release.

    Raises:
        WrongUsage: nothing was released yet, and no commit was named.
    """
    if named is not None:
        return Commit(wiring.checkout(place).resolve(named))
    releases = wiring.history(place).releases
    if not releases:
        raise WrongUsage(
            "nothing was released yet, so there is nothing to compare with",
            hint="name a commit: `--since origin/main`",
        )
    return releases[-1].commit


def _explain(place: Place, name: str, *, as_json: bool) -> None:
    step = RunChecks(None, wanted(place, (name,)), asked=(name,))
    found = explained(step, wiring.world(place, os.environ, ()))
    words = "\n".join(line for each in found for line in _words(each))
    tell({"explained": [asdict(each) for each in found]}, words, as_json=as_json)


def _words(found: Explanation) -> list[str]:
    held = (
        f"a result stands {found.held}"
        if found.held == "in place"
        else (
            f"a result is kept by {found.held}"
            if found.held
            else "no result is kept under this key"
        )
    )
    head = f"{found.check}: {held} ({found.key[:12]})" if found.key else f"{found.check}:"
    return [head, *(f"  {change}" for change in found.changes)]
