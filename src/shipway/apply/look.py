"""Looks at the checkout before any check starts: which checks there are, and under which keys.

It refuses to run or restore anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field, replace
from datetime import datetime, timezone
from hashlib import sha256

from shipway.apply.world import World
from shipway.checks.affected import affected, concerning, narrowed_to
from shipway.checks.expansion import expanded
from shipway.checks.fingerprint import Fingerprint, fingerprint, selected, too_broad
from shipway.checks.graph import narrowed
from shipway.checks.pins import wrong_pin
from shipway.checks.workspace import Package, manifests, packages
from shipway.errors import CheckoutIsUnfit, InputsAreMissing, ToolIsMissing, ToolIsWrong, WrongUsage
from shipway.events.types import Warned
from shipway.model.lazy import dataclass
from shipway.model.service import Check, CommandCheck
from shipway.model.tree import Listing
from shipway.plan.steps import RunChecks

PINNED = ("pnpm", "npm", "yarn")
"""Programs whose version `packageManager` of package.json decides."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before the first check starts.

    `checks` are those to run, expanded over packages, in the order of their declaration. `keys`
    holds a fingerprint for each that can be cached, `unkeyed` for each other the reason why not.
    `tree` stands for the content of the whole checkout, `around` for that of the repository which
    it is only a folder of.
    """

    checks: tuple[Check, ...]
    keys: Mapping[str, Fingerprint] = field(default_factory=dict)
    unkeyed: Mapping[str, str] = field(default_factory=dict)
    tree: str = ""
    around: str = ""


def look(step: RunChecks, world: World) -> Known:
    """Find out what is to run, and under which keys.

    Raises:
        InputsAreMissing: an input glob matches nothing.
        ToolIsMissing, ToolIsWrong: a program is not there, or is another than the pinned one.
        WrongUsage: a check was asked for that there is not.
        CheckoutIsUnfit: checks run in each package, and this is no git checkout.
    """
    refuse_wrong_tools(step.checks, world)
    try:
        listing = world.tree.listing()
    except CheckoutIsUnfit as problem:
        if any(check.per_package for check in step.checks):
            raise  # the packages of a workspace are found through git
        world.publish(Warned("cache", f"{problem.message}: nothing is cached, nothing left out"))
        return Known(step.checks, unkeyed=dict.fromkeys((c.name for c in step.checks), "no git"))
    paths = tuple(sorted(listing.files))
    checks = _chosen(step, paths, world)
    around = _around(world)
    keys, unkeyed = _keys(checks, listing, around, world)
    return Known(checks, keys, unkeyed, _digest(listing) + around, around)


def _packages(paths: tuple[str, ...], world: World) -> tuple[Package, ...]:
    names = manifests(paths)
    if len(names) <= 1:  # one package is no workspace
        return ()
    texts = {name: world.files.read(f"{world.root}/{name}") or "" for name in names}
    return packages(paths, texts)


def _chosen(step: RunChecks, paths: tuple[str, ...], world: World) -> tuple[Check, ...]:
    """Return the checks to run: those asked for and what they need, as far as they are affected."""
    checks = step.checks
    members: tuple[Package, ...] = ()
    if step.since is not None or any(c.per_package for c in checks):
        members = _packages(paths, world)
        checks = expanded(checks, members, paths)
    if step.asked:
        _refuse_unknown(step.asked, checks)
        wanted = tuple(c.name for c in checks if is_meant(c.name, step.asked))
        checks = narrowed(checks, wanted)
    if step.since is None:
        return checks
    changed = affected(members, world.tree.changes(step.since))
    if changed.everything:
        world.publish(Warned("affected", f"everything runs: {changed.everything}"))
    return narrowed_to(checks, changed)


def _refuse_unknown(asked: tuple[str, ...], checks: tuple[Check, ...]) -> None:
    """Refuse a check in a package that has none: running nothing would look like a pass."""
    for name in asked:
        if not any(is_meant(check.name, (name,)) for check in checks):
            kind = name.partition(":")[0]
            known = ", ".join(c.name for c in checks if c.name.partition(":")[0] == kind)
            raise WrongUsage(f"there is no check {name!r}", hint=f"there are: {known}")


def is_meant(name: str, asked: tuple[str, ...]) -> bool:
    """Tell whether somebody asked for a check: by its name, or for it in every package."""
    return name in asked or name.partition(":")[0] in asked


def _around(world: World) -> str:
    """Return what stands for the files outside of our folder that may decide about our checks."""
    found = world.tree.around()
    if found is None:
        return ""
    paths = tuple(sorted(found.listing.files))
    texts = {name: world.files.read(f"{found.top}/{name}") or "" for name in manifests(paths)}
    files = found.listing.files
    chosen = concerning(found.folder, packages(paths, texts), paths)
    return _digest(Listing({path: files[path] for path in chosen}))


def _keys(
    checks: tuple[Check, ...], listing: Listing, around: str, world: World
) -> tuple[dict[str, Fingerprint], dict[str, str]]:
    """Fingerprint each check after all that it needs."""
    keys: dict[str, Fingerprint] = {}
    unkeyed: dict[str, str] = {}
    here = {c.name for c in checks}
    paths = tuple(sorted(listing.files))
    for check in in_order(checks):
        missing = [need for need in check.needs if need in here and need not in keys]
        if not check.inputs:
            unkeyed[check.name] = "it declares no inputs"
        elif missing:
            unkeyed[check.name] = f"it needs {missing[0]}, which cannot be cached"
        else:
            inputs = selected(check, listing, paths)
            broad = too_broad(inputs, len(paths))
            if broad:
                world.publish(Warned(check.name, broad))
            keys[check.name] = _fingerprint(check, inputs, keys, around, world)
    return keys, unkeyed


def _fingerprint(
    check: Check,
    inputs: Mapping[str, str],
    keys: Mapping[str, Fingerprint],
    around: str,
    world: World,
) -> Fingerprint:
    env = {**world.env, **dict(check.env)}  # as in CI is another environment
    return fingerprint(
        replace(check, env=tuple(sorted(env.items()))),
        inputs=inputs,
        tools=_tools(check, world),
        needs={need: keys[need].key for need in check.needs if need in keys},
        platform=world.platform,
        today=today(world),
        around=around,
    )


def today(world: World) -> str:
    """Return the day, UTC, as ISO 8601 writes it."""
    return datetime.fromtimestamp(world.clock.now(), tz=timezone.utc).date().isoformat()  # noqa: UP017 - 3.11 too


def in_order(checks: tuple[Check, ...]) -> list[Check]:
    """Return the checks so that each stands after all that it needs."""
    by_name = {c.name: c for c in checks}
    order: dict[str, Check] = {}
    stack = [(check, False) for check in reversed(checks)]
    while stack:
        check, settled = stack.pop()
        if check.name in order:
            continue
        if settled:
            order[check.name] = check
            continue
        stack.append((check, True))
        stack += [(by_name[n], False) for n in check.needs if n in by_name and n not in order]
    return list(order.values())


def _tools(check: Check, world: World) -> dict[str, str]:
    """Return the versions of what runs a check; what the checkout itself installs runs on Node.

    A program that is missing may be installed by a check that is needed. It then has the version
    that it will have, so that the key is the same before and after.
    """
    if not isinstance(check, CommandCheck):
        return {}
    cwd = f"{world.root}/{check.cwd}"
    # nobody knows what a shell will run: most likely something on node
    named = ("sh", "node") if check.shell else (check.command[0],)
    found: dict[str, str] = {}
    for program in named:
        with suppress(ToolIsMissing):
            found[program] = world.tools.version(program, cwd)
    if not found:
        with suppress(ToolIsMissing):
            found[named[0]] = f"node {world.tools.version('node', cwd)}"
    return found


def refuse_wrong_tools(checks: tuple[Check, ...], world: World) -> None:
    """Refuse to run with another package manager than the one that package.json pins.

    Raises:
        ToolIsWrong: saying which is there and which is pinned.
    """
    used = {c.command[0] for c in checks if isinstance(c, CommandCheck)}
    for program in sorted(used.intersection(PINNED)):
        manifest = world.files.read(f"{world.root}/package.json")
        if manifest is None:
            continue
        version = world.tools.version(program, world.root)
        wrong = wrong_pin(manifest, program, version)
        if wrong:
            raise ToolIsWrong(
                wrong, hint="`corepack enable`, or install the pinned version, then run this again"
            )


def is_unchanged(check: Check, known: Known, world: World) -> bool:
    """Tell whether a check's inputs are still what they were when its key was made.

    Of one without a key everything may be an input.
    """
    try:
        listing = world.tree.listing()
        if check.name not in known.keys:
            return _digest(listing) + known.around == known.tree
        now = selected(check, listing)
    except (CheckoutIsUnfit, InputsAreMissing):  # all that one of its globs fitted is gone
        return False
    before = {part for part in known.keys[check.name].parts if part[0].startswith("input ")}
    return before == {(f"input {path}", content) for path, content in now.items()}


def _digest(listing: Listing) -> str:
    digest = sha256()
    for path, content in sorted(listing.files.items()):
        digest.update(f"{path}\0{content}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()
