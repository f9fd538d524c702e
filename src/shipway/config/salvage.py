"""As much of a broken `shipway.yaml` as a rollback needs: what is wrong elsewhere must not stop it.

It never guesses: what is kept is right by the same rules, and what is broken is left out whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipway.config.load import load_data
from shipway.config.strict_yaml import Data, parse
from shipway.config.task_part import MakeShape
from shipway.errors import ConfigurationIsInvalid
from shipway.model.service import Service

_NEEDED = ("service", "owner", "branch", "image", "container", "task", "aws")
_ELSEWHERE = ("gate", "migrate", "verify", "bake")
"""Keys of an environment that a rollback can do without, in the order in which it does."""


def salvage(text: str, environment: str, *, task_shape: MakeShape | None = None) -> Service | None:
    """Return a service with only this environment, as far as its part of the file is right.

    Its checks, groups, gates and other environments are left out; None when what a rollback needs
    is broken itself, or the text is no YAML.
    """
    document = parse(text)
    ours = (*_NEEDED, f"environments.{environment}")
    if any(problem.path.startswith(ours) for problem in document.problems):
        return None  # a key that stands twice, say: which of them is meant?
    for candidate in _candidates(document.data, environment):
        try:
            return load_data(candidate, task_shape)
        except ConfigurationIsInvalid:
            continue
    return None


def _candidates(data: Data, environment: str) -> Iterator[dict[str, Data]]:
    """Yield smaller and smaller configurations."""
    whole = data if isinstance(data, dict) else {}
    environments = whole.get("environments")
    own = environments.get(environment) if isinstance(environments, dict) else None
    if not isinstance(own, dict):
        return
    kept: dict[str, Data] = {key: whole[key] for key in _NEEDED if key in whole}
    kept.setdefault("owner", "unknown")
    image = kept.get("image")
    if isinstance(image, dict):  # nothing is built
        kept["image"] = {key: image[key] for key in ("repository",) if key in image}
    left = {key: value for key, value in own.items() if key != "after"}
    yield {**kept, "environments": {environment: dict(left)}}
    for key in _ELSEWHERE:
        if left.pop(key, None) is not None:
            yield {**kept, "environments": {environment: dict(left)}}
