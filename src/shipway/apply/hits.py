"""Takes from the caches what need not run again, and says where each such result came from."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.apply.check_run import Result, log_of
from shipway.apply.look import Known, in_order, is_meant
from shipway.apply.step_log import LAST_LINES
from shipway.apply.world import World
from shipway.checks import junit
from shipway.checks.economy import worth_restoring
from shipway.checks.verdict import Verdict
from shipway.events.types import Output, Warned
from shipway.model.kept import Kept
from shipway.model.outcome import Outcome
from shipway.model.service import CacheUse, Check
from shipway.plan.steps import RunChecks

HERE, TEAM, IN_PLACE = "this machine", "the team", "in place"
_REPLAYED = 2**18  # bytes of an entry, packed
NOT_NEEDED, RESUMED = "not needed", "the run that is resumed"


def hits(known: Known, step: RunChecks, world: World) -> dict[str, Result]:
    """Restore whatever the caches hold, in the order of the checks, and return those results.

    What nobody asked for, and only makes what nothing else will use, is left out as not needed:
    its key is a part of the keys of all that need it, so it passed when they did.
    """
    found: dict[str, Result] = {}
    for check in known.checks:
        result = _resumed(check, known, world) or _hit(check, known, step, world)
        if result is not None:
            found[check.name] = result
    found.update(_not_needed(known, step, found, world))
    return found


def _resumed(check: Check, known: Known, world: World) -> Result | None:
    """Take over a pass of the run that is resumed, if nothing that it rests on has changed."""
    before = dict(world.passed).get(check.name)
    key = known.keys.get(check.name)
    same = before is not None and before == (key.key if key else known.tree)
    if not same or not all(_is_there(output, world) for output in check.outputs):
        return None
    return _result(check, RESUMED, world)


def _is_there(output: str, world: World) -> bool:
    return world.files.exists(f"{world.root}/{output}")


def _hit(check: Check, known: Known, step: RunChecks, world: World) -> Result | None:
    key = known.keys.get(check.name)
    if key is None or not step.use_cache or check.cache is CacheUse.OFF:
        return None
    if check.cache is CacheUse.IN_PLACE:
        fresh = "CI" in world.env  # as in CI, where the checkout is new and nothing stands there
        there = not fresh and world.cache.in_place(key.key, world.root, check.outputs)
        return _result(check, IN_PLACE, world) if there else None
    kept = world.cache.find(key.key)
    if kept is None or not _is_worth_it(check, kept, world):
        return None
    start = world.clock.monotonic()
    if not world.cache.restore(kept, world.root, log_of(check, world)):
        return None
    seconds = world.clock.monotonic() - start
    world.memory.remember_restore(kept.size, seconds, remote=kept.remote)
    _replay(check, kept, world)
    return _result(check, TEAM if kept.remote else HERE, world)


def _replay(check: Check, kept: Kept, world: World) -> None:
    """Tell the end of the log again; a large entry's is not read for that."""
    if kept.size > _REPLAYED:
        return
    log = world.files.read(log_of(check, world)) or ""
    for line in log.splitlines()[-LAST_LINES:]:
        world.publish(Output(check.name, line))


def _is_worth_it(check: Check, kept: Kept, world: World) -> bool:
    worth, why = worth_restoring(kept, world.memory.recall(check.name, remote=kept.remote))
    if not worth:
        world.publish(Output(check.name, f"not restored: {why}"))
    return worth


def _not_needed(
    known: Known, step: RunChecks, found: Mapping[str, Result], world: World
) -> dict[str, Result]:
    """Find what only prepares for checks that have their results already."""
    followers: dict[str, list[str]] = {}
    for check in known.checks:
        for need in check.needs:
            followers.setdefault(need, []).append(check.name)
    kept_for_image = set(step.build.image.needs) if step.build else set()
    in_use: set[str] = set()  # what runs, and what stands before it, also behind a result
    left_out: dict[str, Result] = {}
    for check in reversed(in_order(known.checks)):
        after = followers.get(check.name, [])
        used = not in_use.isdisjoint(after)
        spare = not is_meant(check.name, step.asked) and check.name not in kept_for_image
        known_to_pass = check.name in known.keys and check.cache is not CacheUse.OFF
        may_be_left = after and spare and known_to_pass and step.use_cache and not step.prepares
        if used or not (check.name in found or may_be_left):
            in_use.add(check.name)
        elif check.name not in found:
            left_out[check.name] = _result(check, NOT_NEEDED, world)
    return left_out


def _result(check: Check, source: str, world: World) -> Result:
    text = world.files.read(f"{world.root}/{check.junit}") if check.junit else None
    restored = source in {HERE, TEAM}
    tests = junit.Tests(total=0, skipped=0, failed=())
    if text is not None and restored:
        tests = junit.read(text)
    now = world.clock.monotonic()
    log = log_of(check, world) if restored else ""
    verdict = Verdict(Outcome.PASSED, "", ())
    return Result(check.name, verdict, tests, now, now, cached=source, log=log)


def keep(check: Check, known: Known, result: Result, world: World) -> None:
    """Keep what a check that passed has made, unless its inputs changed while it ran."""
    key = known.keys.get(check.name)
    clean = result.outcome is Outcome.PASSED and not result.verdict.labels
    if key is None or not clean or check.cache is CacheUse.OFF:
        return
    if check.cache is CacheUse.IN_PLACE:
        world.cache.mark_in_place(key.key, world.root, check.outputs)
        return
    report = world.files.read(f"{world.root}/{check.junit}") if check.junit else None
    if report is not None and world.redactor.text(report) != report:
        world.publish(Warned(check.name, "its report holds a secret: not kept"))
        return
    outputs = (*check.outputs, *([check.junit] if check.junit else []))
    seconds = result.ended - result.started
    kept = Kept(key.key, check.name, seconds, world.run, world.clock.now(), ())
    world.cache.store(kept, world.root, outputs, result.log, world.redactor.holds)
