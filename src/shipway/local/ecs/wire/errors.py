"""What a handler raises to answer with an AWS error."""

from __future__ import annotations


class AwsError(Exception):
    """An answer with an AWS error code; the client sees `code` and `message`."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class ReplyIsInvalid(Exception):
    """A handler's reply does not fit its operation's shape: a bug of this package."""


def invalid(message: str) -> AwsError:
    """Return ECS's InvalidParameterException."""
    return AwsError("InvalidParameterException", message)


def client_error(message: str) -> AwsError:
    """Return ECS's ClientException."""
    return AwsError("ClientException", message)
