"""Asks AWS for one fact: what could not be asked becomes `Unknown`, and is never "not there"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from shipway.adapters.aws.session import code_of, is_denied
from shipway.errors import OutsideDidNotAnswer
from shipway.model.preflight import Unknown

Fact = TypeVar("Fact")


def asked(
    look: Callable[[], Fact], *, absent: frozenset[str] = frozenset()
) -> Fact | Unknown | None:
    """Return what a look found; None where AWS answered with one of the `absent` codes."""
    try:
        return look()
    except ClientError as error:
        code = code_of(error)
        if code in absent:
            return None
        if is_denied(error):
            return Unknown(f"this identity may not call {error.operation_name} ({code})")
        return Unknown(f"AWS answered {error.operation_name} with {code}")
    except (BotoCoreError, OutsideDidNotAnswer) as problem:
        return Unknown(f"no answer: {problem}")
