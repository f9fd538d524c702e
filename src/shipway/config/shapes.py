"""What the parts of the schema are made of: strictness, and the few shapes that many keys have."""

from __future__ import annotations

import re
from typing import Annotated, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

NAME = r"^[a-z][a-z0-9-]{0,31}$"
DIGITS = re.compile(r"-?(0|[1-9][0-9]*)\Z")

Name = Annotated[str, Field(pattern=NAME)]


def _words(value: object) -> object:
    """Let one word stand for a list of one; nothing else is guessed."""
    return [value] if isinstance(value, str) else value


def _flag(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Flag = Annotated[bool, BeforeValidator(_flag), Field(strict=True)]
Statuses = Annotated[
    list[Annotated[int, Field(ge=100, le=599)]],
    Field(min_length=1),
    BeforeValidator(_words, json_schema_input_type=int | list[int]),
]
People = Annotated[list[str], BeforeValidator(_words, json_schema_input_type=str | list[str])]
EcsFields = Annotated[
    dict[str, object], WithJsonSchema({"type": "object", "additionalProperties": True})
]
Text = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]


class Part(BaseModel):
    """A mapping in which every key is known; once read, it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _plain_digits(cls, value: object, asked: ValidationInfo) -> object:
        """Refuse a number that two people could read as two: `012`, `1_000`, `3.0`."""
        wanted = cls.model_fields[asked.field_name or ""].annotation
        whole = wanted is int or int in get_args(wanted)
        if whole and isinstance(value, str) and not DIGITS.match(value):
            raise PydanticCustomError("plain_digits", "not a whole number in plain digits")
        return value


def one_of(*keys: str) -> ConfigDict:
    """Let editors know what `crosscheck` tells in better words: exactly one of some keys."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in keys]})
