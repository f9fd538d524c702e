"""ECR: where images are, under which digests. On the embedded default the same API on loopback."""

from __future__ import annotations

import base64
from collections.abc import Callable

from botocore.exceptions import ClientError

from shipway.adapters.aws.referrers import Place, Referrers
from shipway.adapters.aws.session import Session, answers, code_of
from shipway.errors import RegistryDidNotAnswer
from shipway.model.release import Digest
from shipway.ports import Document, Refused

LogIn = Callable[[str, str, str], None]
"""Called with registry, user and password."""

_ABSENT = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})


class EcrRegistry:
    """`ports.Registry` over the ECR API.

    Args:
        session: the clients.
        account: tells the account that owns the repositories, when it is first needed.
        log_in: lets the engine push to AWS; never called on the embedded default.
        moving: prefixes of tags that may move; all others are made immutable where ECR can.
    """

    def __init__(
        self, session: Session, account: Callable[[], str], log_in: LogIn, moving: tuple[str, ...]
    ) -> None:
        self._session, self._account = session, account
        self._log_in, self._moving = log_in, moving

    def address(self, repository: str) -> str:
        """Return the address that the engine pushes to."""
        endpoints = self._session.endpoints
        if endpoints is None:
            return self.name(repository)
        return f"{endpoints.registry}/{repository}"

    def name(self, repository: str) -> str:
        """Return ECR's own name of a repository, as a task definition writes it."""
        return f"{self._account()}.dkr.ecr.{self._session.region}.amazonaws.com/{repository}"

    def ensure(self, repository: str) -> None:
        """Make the repository if it is not there, with tags that never move but for the moving."""
        with answers(f"creating repository {repository}"):
            try:
                self._session.ecr.create_repository(
                    repositoryName=repository,
                    imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                    imageTagMutabilityExclusionFilters=[
                        {"filterType": "WILDCARD", "filter": f"{prefix}*"}
                        for prefix in self._moving
                    ],
                )
            except ClientError as error:
                if code_of(error) != "RepositoryAlreadyExistsException":
                    raise

    def log_in(self) -> None:
        """Let the engine push; the embedded default asks for no password."""
        if self._session.endpoints is None:
            registry, user, password = self._token()
            self._log_in(registry, user, password)

    def attached(self, repository: str, digest: Digest) -> frozenset[str]:
        """Return the kinds of documents that are attached to a digest."""
        return self._referrers(repository).kinds(digest)

    def attach(
        self, repository: str, digest: Digest, documents: tuple[Document, ...]
    ) -> Refused | None:
        """Attach documents to a digest; see `ports.Registry`."""
        return self._referrers(repository).attach(digest, documents)

    def digest(self, repository: str, tag: str) -> Digest | None:
        """Return what a tag names; None when there is no such tag or no repository."""
        with answers(f"a look for {repository}:{tag}"):
            try:
                found = self._session.ecr.describe_images(
                    repositoryName=repository, imageIds=[{"imageTag": tag}]
                )["imageDetails"]
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
        return Digest(found[0]["imageDigest"]) if found else None

    def point(self, repository: str, tag: str, digest: Digest) -> None:
        """Make a moving tag name a digest: put the same manifest again under another tag."""
        if self.digest(repository, tag) == digest:
            return
        ecr = self._session.ecr
        with answers(f"pointing {repository}:{tag}"):
            images = ecr.batch_get_image(
                repositoryName=repository, imageIds=[{"imageDigest": digest}]
            )["images"]
            if not images:
                raise RegistryDidNotAnswer(
                    f"{digest} is not in the registry any more", where=repository
                )
            ecr.put_image(
                repositoryName=repository,
                imageManifest=images[0]["imageManifest"],
                imageManifestMediaType=images[0].get(
                    "imageManifestMediaType",
                    "application/vnd.docker.distribution.manifest.v2+json",
                ),
                imageTag=tag,
                imageDigest=digest,
            )

    def _referrers(self, repository: str) -> Referrers:
        endpoints = self._session.endpoints
        if endpoints is not None:
            return Referrers(Place(f"http://{endpoints.registry}/v2/{repository}", None))
        registry, user, password = self._token()
        return Referrers(Place(f"https://{registry}/v2/{repository}", (user, password)))

    def _token(self) -> tuple[str, str, str]:
        """Return the registry of our account, and a user and password that open it for hours."""
        with answers("a registry log-in"):
            found = self._session.ecr.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(found["authorizationToken"]).decode().partition(":")
        return found["proxyEndpoint"].removeprefix("https://"), user, password
