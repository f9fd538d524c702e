"""Credentials that are found anew when AWS says that they have expired.

Most providers renew theirs in time by themselves. What comes from a file or a variable, or from a
role that was assumed by another program, does not; but whoever wrote it may have written newer
ones since. Nothing is kept frozen for as long as a deployment takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import boto3
import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials

if TYPE_CHECKING:  # a name of the stubs alone
    from botocore.session import _EventHandler

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""Error codes with which AWS services say that a token is over."""

RENEWALS = 3
"""Attempts of one request after which a token that is still expired is told."""

Find = Callable[[], Credentials | None]


class Renewable(Credentials):
    """Credentials behind which others may stand at the next request."""

    def __init__(self, find: Find, found: Credentials) -> None:
        frozen = found.get_frozen_credentials()
        super().__init__(frozen.access_key or "", frozen.secret_key or "", frozen.token)
        self._find, self._found = find, found

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return what the next request is signed with."""
        return self._found.get_frozen_credentials()

    def renew(self) -> bool:
        """Look for credentials again; tell whether there are others than before."""
        before, found = self._found.get_frozen_credentials(), self._find()
        if found is None or found.get_frozen_credentials() == before:
            return False
        self._found = found
        return True


class _Provider:
    """What botocore asks for credentials, once for each session."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.given: Renewable | None = None

    def load_credentials(self) -> Renewable | None:
        """Return credentials, or None when there are none anywhere."""
        found = self._find()
        self.given = Renewable(self._find, found) if found is not None else None
        return self.given

    def on_answer(
        self, response: tuple[object, Mapping[str, object]] | None, attempts: int, **_: object
    ) -> float | None:
        """Have a request repeated at once (0 s), when its token expired and there is another.

        Source: botocore's event `needs-retry`; None leaves the matter to others.
        """
        error = response[1].get("Error") if response is not None else None
        expired = isinstance(error, Mapping) and error.get("Code") in EXPIRED
        if not expired or self.given is None or attempts > RENEWALS:
            return None
        return 0.0 if self.given.renew() else None


def aws_session(region: str) -> boto3.Session:
    """Return a session of AWS itself, whose credentials are those of any AWS tool here."""
    provider = _Provider(lambda: botocore.session.Session().get_credentials())
    core = botocore.session.Session()
    core.register_component("credential_provider", provider)
    core.register("needs-retry", cast("_EventHandler", provider.on_answer))
    return boto3.Session(botocore_session=core, region_name=region)
