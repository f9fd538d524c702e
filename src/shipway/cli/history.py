"""The verbs that only read the ledger: status, releases, show, log."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from shipway import wiring
from shipway.cli.conduct import here, json_option, tell
from shipway.events.codec import encode_entry
from shipway.events.types import Entry
from shipway.ledger import Attempt, History
from shipway.model.outcome import DeploymentOutcome
from shipway.model.release import Release
from shipway.promotion.why import fate, in_short, why_not
from shipway.views.plain import lines_of
from shipway.views.words import age, moment, short, table


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show what is live in each environment, since when, by whom, and what was tried last."""
    place = here()
    history, now = wiring.history(place), time.time()
    names = [e.name for e in place.service.environments]
    report = [_state(name, history) for name in names]
    rows = [_row(name, history, now) for name in names]
    head = ("environment", "live", "digest", "since", "by", "last try")
    lines = [f"{place.service.name} ({place.service.owner})", *table(rows, head)]
    missing = why_not(place.service, history)
    if missing:
        lines += [
            f"why {missing.release} is not live and well in {missing.environment}:",
            *(f"  {reason}" for reason in missing.reasons),
        ]
    found = {
        "service": place.service.name,
        "environments": report,
        "why_not": asdict(missing) if missing else None,
    }
    tell(found, "\n".join(lines), as_json=as_json)


@click.command()
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@json_option
def releases(*, limit: int, as_json: bool) -> None:
    """List the releases of this service, newest first."""
    place = here()
    history, now = wiring.history(place), time.time()
    newest = list(zip(history.releases, history.recorded_at, strict=True))[::-1][:limit]
    rows = [
        (r.name, short(r.digest), age(now - at), r.branch, _homes(r, history), r.subject[:50])
        for r, at in newest
    ]
    head = ("release", "digest", "made", "branch", "verified in", "subject")
    words = "\n".join(table(rows, head)) if rows else "no releases yet: `shipway deliver`"
    tell({"releases": [asdict(r) | {"name": r.name} for r, _ in newest]}, words, as_json=as_json)


@click.command()
@click.argument("release_name", metavar="R")
@json_option
def show(*, release_name: str, as_json: bool) -> None:
    """Show one release and everything that happened to it."""
    place = here()
    history = wiring.history(place)
    release = history.find(release_name)
    tries = [a for a in history.attempts if a.release == release.name]
    lines = [
        f"{release.name}",
        f"  commit   {release.commit} ({release.branch})",
        f"  subject  {release.subject}",
        f"  author   {release.author}",
        f"  image    {release.image}",
    ]
    lines += [
        f"  {moment(o.at)}  {o.by} {'approved' if o.agrees else 'rejected'} it for {o.environment}"
        f"{': ' + o.comment if o.comment else ''}"
        for o in history.opinions
        if o.release == release.name
    ]
    lines += [f"  {moment(a.at)}  {a.environment}: {fate(a)}, by {a.by}" for a in tries]
    report = {
        **asdict(release),
        "name": release.name,
        "image": release.image,
        "attempts": [_attempt(a) for a in tries],
    }
    tell(report, "\n".join(lines), as_json=as_json)


@click.command()
@click.option("--limit", default=50, show_default=True, help="How many entries.")
@json_option
def log(*, limit: int, as_json: bool) -> None:
    """Show the newest entries of the ledger, newest last."""
    place = here()
    entries = list(wiring.ledger(place.state).entries(place.service.name))[-limit:]
    for entry in entries:
        click.echo(encode_entry(entry) if as_json else _line(entry))
    if not entries and not as_json:
        click.echo("nothing has happened yet: `shipway deliver`")


def _line(entry: Entry) -> str:
    said = [line.strip() for line in lines_of(entry.event, service=entry.service, run=entry.run)]
    fields = asdict(entry.event)
    words = "; ".join(said) or ", ".join(f"{k}={v}" for k, v in fields.items() if v)
    where = getattr(entry.event, "environment", "")
    return f"{moment(entry.at)}  {type(entry.event).__name__:<19}  {where:<10}  {words}".rstrip()


def _row(name: str, history: History, now: float) -> tuple[str, ...]:
    live, last = history.live(name), history.last_attempt(name)
    tried = f"{last.release}: {in_short(last)}" if last else "never"
    if live is None:
        return (name, "-", "-", "-", "-", tried)
    since = age(now - (live.ended_at or live.at))
    if last and last.ended is DeploymentOutcome.ROLLBACK_FAILED:
        return (name, f"uncertain, was {live.release}", "-", "-", "-", tried)
    return (name, live.release, short(live.digest), since, live.by, tried)


def _state(name: str, history: History) -> dict[str, object]:
    live, last = history.live(name), history.last_attempt(name)
    return {
        "environment": name,
        "live": _attempt(live) if live else None,
        "last": _attempt(last) if last else None,
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "environment": attempt.environment,
        "release": attempt.release,
        "digest": attempt.digest,
        "purpose": attempt.purpose.value,
        "by": attempt.by,
        "run": attempt.run,
        "at": attempt.at,
        "deployment": attempt.deployment,
        "outcome": attempt.ended.value if attempt.ended else None,
        "ended_at": attempt.ended_at,
        "reason": attempt.reason,
        "verified": attempt.verified.value if attempt.verified else None,
        "verdict": attempt.verdict,
    }


def _homes(release: Release, history: History) -> str:
    names = dict.fromkeys(a.environment for a in history.attempts)
    return ", ".join(n for n in names if history.verified_in(n, release.name)) or "-"
