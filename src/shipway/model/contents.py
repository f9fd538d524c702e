"""What was found inside an image: facts from its package databases, no judgement."""

from __future__ import annotations

from enum import Enum

from shipway.model.lazy import dataclass


class PackageKind(Enum):
    """The kind of package database; the values are the types of a package URL."""

    APK = "apk"
    DEB = "deb"
    NPM = "npm"


@dataclass(frozen=True, slots=True)
class Package:
    """One package; `licence` is what it says of itself, "" where it says nothing.

    `architecture` is "" for kinds that have none.
    """

    kind: PackageKind
    name: str
    version: str
    licence: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """The packages of an image, sorted and unique.

    `system` and `system_version` are `ID` and `VERSION_ID` of its os-release, "" where it has
    none. `read` are the kinds whose databases were found, `unread` the names of databases that
    are there and that nobody reads (`rpm`).
    """

    packages: tuple[Package, ...]
    system: str = ""
    system_version: str = ""
    read: tuple[PackageKind, ...] = ()
    unread: tuple[str, ...] = ()
