"""Where results of checks are kept, here and for the team. A part of `shipway.wiring`."""

# ruff: noqa: PLC0415 - imports inside functions, see `shipway.wiring`
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from shipway.adapters import surroundings
from shipway.events.stream import Stream
from shipway.events.types import Warned
from shipway.model.service import EMBEDDED_REGION, RemoteCache
from shipway.wiring.clouds import Later, aws_values, embedded, hide
from shipway.wiring.places import Place, folders

if TYPE_CHECKING:  # named for the type checker; made where they are needed
    from shipway.adapters.clock import SystemClock
    from shipway.adapters.step_cache.layers import Remote
    from shipway.apply.redaction import Redactor
    from shipway.ports import StepCache


def step_cache(
    where: Place,
    environ: Mapping[str, str],
    stream: Stream,
    clock: SystemClock,
    redactor: Redactor,
) -> StepCache:
    """Return where results of checks are kept: on this machine, and for the team if it says so."""
    from shipway.adapters.step_cache.folder import FolderCache

    _, folder = folders(environ)
    rules = where.service.cache

    def warn(about: str, message: str) -> None:
        stream.publish(Warned(about, redactor.text(message)))

    local = FolderCache(folder, size=rules.size, clock=clock, warn=warn)
    if rules.remote is None:
        return local
    from shipway.adapters.secret_store import References
    from shipway.adapters.step_cache.layers import LayeredCache

    store = References(environ, str(where.root), lambda: aws_values(where))

    def resolve(reference: str) -> str:
        value = store.resolve(reference)
        hide(redactor, value, "signing key")
        return value

    team = team_cache(where, environ, rules.remote, resolve, clock=clock, warn=warn)
    return LayeredCache(local, cast("Remote", team), warn)


def team_cache(
    where: Place,
    environ: Mapping[str, str],
    rules: RemoteCache,
    resolve: Callable[[str], str],
    *,
    clock: SystemClock,
    warn: Callable[[str, str], None],
) -> Later:
    """Return the team's bucket; only CI of a protected branch gets the key to write to it."""
    from shipway.checks.economy import may_write

    build = surroundings.ci(environ)
    refusal = may_write(rules, branch=build.branch, pull_request=build.pull_request, ci=build.there)

    def endpoint() -> str | None:
        return None if where.service.aws else str(embedded(where.state)["aws"])

    def made() -> object:
        from shipway.adapters.aws.step_cache_s3 import Bucket, S3Entries, s3_client

        key = rules.signing_key
        return S3Entries(
            lambda: s3_client(rules.region or EMBEDDED_REGION, endpoint()),
            Bucket(rules.bucket, rules.prefix),
            public_key=rules.public_key,
            signing_key=None if refusal or key is None else lambda: resolve(key),
            clock=clock,
            warn=warn,
        )

    return Later(made)
