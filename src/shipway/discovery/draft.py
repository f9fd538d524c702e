"""What is going to be written: checks in the making, and what could not be known about them."""

from __future__ import annotations

from shipway.model.lazy import dataclass

INSTALL = "install"


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A check as `shipway.yaml` will say it; either `run` or `compose` is given.

    `needs` may name checks that nobody drafts: they are left out in the end. `notes` are whole
    sentences, written as comments above the check.
    """

    name: str
    run: str = ""
    compose: str = ""
    exit_code_from: str = ""
    needs: tuple[str, ...] = (INSTALL,)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    junit: str = ""
    env: tuple[tuple[str, str], ...] = ()
    cache: str = ""
    through_shell: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageDraft:
    """How the image will be built, as far as its Dockerfile says."""

    dockerfile: str = "Dockerfile"
    context: str = "."
    build_args: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerDraft:
    """What the container listens on and answers, with the notes about each."""

    port: int
    health: str
    port_notes: tuple[str, ...] = ()
    health_notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about a key of `shipway.yaml`: what was not known, or chosen among several."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What `shipway init` would write; `compose` is empty where no such file is needed."""

    configuration: str
    compose: str
    remarks: tuple[Remark, ...]
