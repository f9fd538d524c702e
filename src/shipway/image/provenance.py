"""How an image was built: which commit, which rules, by whom, as an in-toto statement.

It is a statement and no proof: nobody signed it, and it claims no SLSA level.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from shipway import __version__
from shipway.model.release import Digest, Source
from shipway.model.service import ImageRules

KIND = "application/vnd.in-toto+json"
RUN_LABEL = "dev.shipway.run"
"""The label of an image that says which run built it: another one may come to tell of it."""

BUILD_TYPE = "urn:shipway:build:docker:1"
BUILDER = "urn:shipway:builder"


def provenance(
    image: ImageRules,
    *,
    source: Source,
    repository: str,
    digest: Digest,
    labels: Mapping[str, str],
) -> str:
    """Return the statement about an image, whose own labels are given.

    Names of build arguments and ids of secrets are told, values never. Base images are not among
    the dependencies: no builder here tells their digests.

    Source: in-toto Statement v1; SLSA Provenance v1.
    """
    run = labels.get(RUN_LABEL, "")
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "buildArgs": sorted({*image.build_args, "COMMIT"}),
            "context": image.context,
            "dockerfile": image.dockerfile,
            "from": "working folder" if image.needs else "commit",
            "needs": list(image.needs),
            "secrets": sorted(name for name, _ in image.secrets),
        },
        "resolvedDependencies": [_commit(source)],
    }
    details = {
        "builder": {"id": BUILDER, "version": {"shipway": __version__}},
        "metadata": {"invocationId": run} if run else {},
    }
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": repository, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": definition, "runDetails": details},
    }
    return json.dumps(statement, indent=1, sort_keys=True)


def _commit(source: Source) -> dict[str, str | dict[str, str]]:
    """Name the commit as a dependency; a ResourceDescriptor needs no URI."""
    uri = {"uri": f"git+{source.remote}"} if source.remote else {}
    return {**uri, "digest": {"gitCommit": source.commit}, "name": source.branch}
