"""The words of `docker build` for each builder, and what its complaints mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shipway.adapters.docker.client import Builder
from shipway.model.release import BUILD_CACHE, Commit
from shipway.model.service import ImageRules

_NOT_THERE = re.compile(
    r'"/(?P<buildkit>[^"]+)":? not found'
    r"|COPY failed: .*?\bstat (?P<legacy>[^:]+): file does not exist"
)
_NEEDS_BUILDKIT = re.compile(r"option requires BuildKit")


def build_command(
    builder: Builder,
    image: ImageRules,
    *,
    commit: Commit,
    reference: str,
    labels: tuple[tuple[str, str], ...],
    secret_files: Mapping[str, str],
    cache: tuple[str, ...],
) -> tuple[str, ...]:
    """Return the arguments after `docker`; values of build arguments and secrets are not in them.

    Source: Docker's manual, `docker build` of 20.10 and `docker buildx build`.
    """
    words = ["build", "-f", image.dockerfile, "-t", reference]
    for key, value in labels:
        words += ["--label", f"{key}={value}"]
    for name in image.build_args:
        words += ["--build-arg", name]  # docker takes the value from our environment
    words += ["--build-arg", f"COMMIT={commit}"]
    if builder.is_buildkit:
        words += ["--progress", "plain"]
    else:
        words.append("--force-rm")  # or a build that fails leaves its container behind
    for name, file in secret_files.items():
        words += ["--secret", f"id={name},src={file}"]
    if builder.is_plug_in:
        words.append("--load")
    if image.registry_cache:
        words += _cache_words(builder, reference.rpartition(":")[0], cache)
    return (*words, image.context)


def _cache_words(builder: Builder, repository: str, cache: tuple[str, ...]) -> list[str]:
    """Say where layers may come from, and where the builder keeps its own for others.

    The legacy builder could only use what is pulled first, whole: that costs more than it saves.
    """
    kept = f"type=registry,ref={repository}:{BUILD_CACHE}"
    match builder:
        case Builder.LEGACY:
            return []
        case Builder.BUILDX_APART:
            how = "mode=max,image-manifest=true,oci-mediatypes=true"
            return ["--cache-from", kept, "--cache-to", f"{kept},{how}"]
        case Builder.BUILDX:
            found = [w for ref in cache for w in ("--cache-from", f"type=registry,ref={ref}")]
            return [*found, "--cache-to", "type=inline"]
        case Builder.BUILT_IN:
            found = [word for ref in cache for word in ("--cache-from", ref)]
            return [*found, "--build-arg", "BUILDKIT_INLINE_CACHE=1"]


def hint_for(lines: tuple[str, ...], image: ImageRules, commit: Commit) -> str:
    """Return what to do about a build that said this; "" where the builder's words say it all."""
    text = "\n".join(lines)
    if _NEEDS_BUILDKIT.search(text):
        return "install docker's buildx plug-in: the builder without it knows no such mounts"
    found = _NOT_THERE.search(text)
    if found is None:
        return ""
    path = found["buildkit"] or found["legacy"]
    if image.needs:
        names = ", ".join(image.needs)
        return f"does .dockerignore leave {path} out, or do the checks in `image.needs` ({names})?"
    return (
        f"{path} is not in commit {commit[:8]}, or .dockerignore leaves it out;"
        " if a check makes it, name that check in `image.needs`"
    )
