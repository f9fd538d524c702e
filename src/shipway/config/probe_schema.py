"""The schema of `verify`: what must hold after each deployment. A part of `config.schema`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shipway.config.shapes import Part, Statuses, Text, one_of


class BodyPart(Part):
    """What the body of an answer has to be."""

    contains: str = Field(default="", description="A text that stands in it.")
    matches: str = Field(
        default="", description="A regular expression (of Python) that is found in it."
    )
    equals: dict[str, Text] = Field(
        default={}, description="JSON pointer to the value that stands there, as `/status: ok`."
    )


class ProbePart(Part):
    """One thing to verify after a deployment: either `http`, `run` or `alarm`."""

    model_config = one_of("http", "run", "alarm")

    http: str | None = Field(
        default=None, pattern="^/", description="Path to ask for at the environment's address."
    )
    status: Statuses = Field(
        default=[200], description="With `http`: the status it must answer, or several of them."
    )
    method: Literal["GET", "HEAD", "OPTIONS", "POST"] = Field(
        default="GET", description="With `http`: the method, without a body of its own."
    )
    headers: dict[str, Text] = Field(
        default={}, description="With `http`: headers to send; no place for secrets."
    )
    body: BodyPart = Field(
        default=BodyPart(), description="With `http`: what the body of the answer has to be."
    )
    latency: int | None = Field(
        default=None,
        gt=0,
        description="With `http`: milliseconds that 95 of 100 answers must keep to.",
    )
    answers: int = Field(
        default=5, gt=0, le=1000, description="With `http`: how many right answers are wanted."
    )
    retries: int = Field(
        default=0,
        ge=0,
        le=100,
        description="With `http`: wrong answers that are forgiven after the first right one.",
    )
    run: str | None = Field(
        default=None,
        min_length=1,
        description="Acceptance command; `SHIPWAY_URL` holds the environment's address.",
    )
    timeout: int = Field(
        default=60, gt=0, le=3600, description="Seconds for the command, or for each answer."
    )
    alarm: str | None = Field(
        default=None, min_length=1, description="Name of a CloudWatch alarm that must not fire."
    )
