"""The keys of a check, and of the cache that keeps its results; a part of `config.schema`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shipway.config.shapes import Flag, Part, People, Text, one_of


class QuarantinePart(Part):
    """A test that is known to fail, and may until somebody's deadline."""

    test: str = Field(min_length=1, description="Name of the test, as the report writes it.")
    owner: str = Field(min_length=1, description="Who repairs it.")
    reason: str = Field(min_length=1, description="Why it is not repaired yet.")
    expires: str = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}$", description="Day from which it fails the check again."
    )


class CheckPart(Part):
    """One check: either a command (`run`) or a compose file (`compose`).

    Paths and globs are relative to `cwd`; one that begins with `/` starts at the root.
    """

    model_config = one_of("run", "compose")

    run: str | None = Field(
        default=None,
        min_length=1,
        description="Command, run in the root without a shell, `node_modules/.bin` on its path.",
    )
    compose: str | None = Field(
        default=None,
        min_length=1,
        description="Compose file; its services start in an isolated network and are torn down.",
    )
    exit_code_from: str | None = Field(
        default=None,
        description="With `compose`: the service whose exit code decides.",
    )
    needs: list[str] = Field(default=[], description="Checks that must have passed before.")
    inputs: list[str] = Field(
        default=[],
        description="Globs of the files that decide the result; without any it always runs.",
    )
    outputs: list[str] = Field(default=[], description="Files that it makes; no other check may.")
    junit: str | None = Field(default=None, description="JUnit file that the check writes.")
    timeout: int = Field(default=600, gt=0, le=7200, description="Seconds until it is stopped.")
    silence: int | None = Field(
        default=None, gt=0, le=7200, description="Seconds without output until it is stopped."
    )
    cwd: str = Field(default=".", min_length=1, description="Folder to run in.")
    shell: Flag = Field(
        default=False, description="Run it with `sh -c`, for what really needs a shell."
    )
    env: dict[str, Text] = Field(default={}, description="Environment variables.")
    secrets: dict[str, str] = Field(
        default={},
        description="Variable to where its value is: `env:NAME`, `file:PATH`, `aws+sm://NAME` or "
        "`aws+ps://NAME`. Never a value, never part of a key.",
    )
    mutex: People = Field(
        default=[], description="Names of what two checks must not use at once, as a port."
    )
    retries: int = Field(
        default=0,
        ge=0,
        le=5,
        description="Tries more where the infrastructure failed; a failing test is never retried.",
    )
    cache: Literal["on", "in-place", "off"] = Field(
        default="on",
        description="`in-place`: outputs are too large to copy and are trusted where they stand.",
    )
    quarantine: list[QuarantinePart] = Field(
        default=[], description="Tests that may fail for now; with `junit` only."
    )
    per_package: Flag = Field(
        default=False,
        description="Run it in each package of the workspace that has its `inputs`; "
        "`^NAME` in `needs` is that check of the packages it depends on.",
    )


class RemoteCachePart(Part):
    """The team's S3 bucket for results of checks."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="Its name.")
    prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._/-]*$",
        description="What the names of objects begin with.",
    )
    region: str = Field(
        default="", description="Region of the bucket; that of `aws` where not given."
    )
    public_key: str = Field(
        pattern=r"^[A-Za-z0-9+/]{43}=$",
        description="Ed25519 key, base64, which every entry's signature must fit.",
    )
    signing_key: str | None = Field(
        default=None,
        description="Where the private key is (as a check's secret), for builds that may write.",
    )
    branches: list[str] = Field(
        default=[], description="Branches that may write; the delivered one where not given."
    )


class CachePart(Part):
    """Where results of checks are kept."""

    size: int = Field(default=5, gt=0, le=1000, description="GiB on this machine at most.")
    remote: RemoteCachePart | None = Field(default=None, description="The team's, in S3.")
