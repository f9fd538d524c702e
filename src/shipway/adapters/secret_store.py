"""Where references to secrets lead: the environment, a file, or AWS, looked up when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from shipway.errors import SecretIsMissing


class AwsValues(Protocol):
    """What reads secrets and parameters of AWS."""

    def secret(self, name: str) -> str:
        """Return the value of a secret, by its name or ARN; LookupError where there is none."""

    def parameter(self, name: str) -> str:
        """Return the value of a parameter; LookupError where there is none."""


class References:
    """`ports.SecretStore`; a value is never logged, and never part of an error.

    Args:
        environ: our own environment.
        root: the checkout, to which paths of files are relative.
        aws: makes the client of AWS, once one is needed.
    """

    def __init__(self, environ: Mapping[str, str], root: str, aws: Callable[[], AwsValues]) -> None:
        self._environ, self._root, self._aws = environ, Path(root), aws

    def resolve(self, reference: str) -> str:
        """Return the value behind a reference; see `ports.SecretStore`."""
        kind, _, name = reference.partition(":")
        value: str | None
        match kind:
            case "env":
                value, hint = self._environ.get(name), f"set {name} in the environment"
            case "file":
                value, hint = self._text(name), f"write it to {name}"
            case _:
                value, hint = self._from_aws(kind, name.removeprefix("//")), "make it in AWS"
        if not value:
            raise SecretIsMissing(f"there is nothing behind {reference}", hint=hint)
        return value

    def _text(self, name: str) -> str | None:
        try:
            return (self._root / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def _from_aws(self, kind: str, name: str) -> str | None:
        try:
            return self._aws().parameter(name) if kind == "aws+ps" else self._aws().secret(name)
        except LookupError:
            return None
