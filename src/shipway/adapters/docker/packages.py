"""Reads the package databases of npm, Debian and Alpine out of a file system in tar form.

It reads names, versions and licences, from one pass over the stream; of other files it looks at
the name only. Sizes are bounded: what claims to be a package file and is larger is passed over.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from shipway.model.contents import Contents, Package, PackageKind

MOST_JSON = 1 << 20
MOST_DATABASE = 64 << 20
_AT_ONCE = 1 << 20
"""How much of the stream is read at once: with the usual 10 KiB the reading takes twice as long."""

_NPM = re.compile(r"(?:^|/)node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json$")
_DPKG = re.compile(r"^var/lib/dpkg/(?:status|status\.d/[^/]+)$")
_DPKG_EXTRA = re.compile(r"\.(?:md5sums|list|conffiles)$")
_APK = "lib/apk/db/installed"
_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_UNREAD = re.compile(r"^(?:var|usr)/lib/(?:sysimage/)?(rpm|pacman)/")


@dataclass(slots=True)
class _Found:
    packages: set[Package] = field(default_factory=set)
    read: set[PackageKind] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    system: dict[str, str] = field(default_factory=dict)

    def add(self, kind: PackageKind, packages: Iterator[Package]) -> None:
        self.read.add(kind)
        self.packages.update(packages)


def read_packages(stream: IO[bytes]) -> Contents:
    """Read one tar stream to its end and return what its package databases name.

    Raises:
        tarfile.TarError: it is no tar stream, or it ends too early.
    """
    found = _Found()
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_AT_ONCE) as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined]  # or it remembers every file of the image
            name = member.name.removeprefix("./")
            if unread := _UNREAD.match(name):
                found.unread.add(unread[1])
            if member.isfile():
                _take(name, member, tar, found)
    return Contents(
        packages=tuple(sorted(found.packages, key=_order)),
        system=found.system.get("ID", ""),
        system_version=found.system.get("VERSION_ID", ""),
        read=tuple(sorted(found.read, key=lambda kind: kind.value)),
        unread=tuple(sorted(found.unread)),
    )


def _order(package: Package) -> tuple[str, ...]:
    return (package.kind.value, package.name, package.version, package.architecture)


def _take(name: str, member: tarfile.TarInfo, tar: tarfile.TarFile, found: _Found) -> None:
    if _NPM.search(name):
        if member.size <= MOST_JSON:
            found.add(PackageKind.NPM, _npm(_bytes(member, tar)))
    elif member.size > MOST_DATABASE:
        return
    elif _DPKG.match(name) and not _DPKG_EXTRA.search(name):
        found.add(PackageKind.DEB, _deb(_text(member, tar)))
    elif name == _APK:
        found.add(PackageKind.APK, _apk(_text(member, tar)))
    elif name in _OS_RELEASE:
        pairs = (line.partition("=") for line in _text(member, tar).splitlines())
        found.system.update({key: value.strip("\"'") for key, _, value in pairs if key})


def _bytes(member: tarfile.TarInfo, tar: tarfile.TarFile) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _text(member: tarfile.TarInfo, tar: tarfile.TarFile) -> str:
    return _bytes(member, tar).decode("utf-8", "replace")


def _npm(data: bytes) -> Iterator[Package]:
    """Read a package.json; many that tests bring along are no packages, or no JSON."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(found, dict):
        return
    name, version = found.get("name"), found.get("version")
    if isinstance(name, str) and isinstance(version, str) and name and version:
        yield Package(PackageKind.NPM, name, version, _licence(found))


def _licence(found: dict[str, object]) -> str:
    """Return the licence: a text, or in old packages an object with a type, or a list of them."""
    told = found.get("license") or found.get("licenses")
    several = told if isinstance(told, list) else [told]
    names = [each.get("type") if isinstance(each, dict) else each for each in several]
    return " OR ".join(name for name in names if isinstance(name, str))


def _stanzas(text: str, mark: str) -> Iterator[dict[str, str]]:
    """Split a database into its entries; lines that go on are left out, none of ours does."""
    for block in text.split("\n\n"):
        pairs = (line.partition(mark) for line in block.splitlines() if line[:1].strip())
        if fields := {key: value.strip() for key, found, value in pairs if found}:
            yield fields


def _deb(text: str) -> Iterator[Package]:
    for entry in _stanzas(text, ":"):
        # distroless images write no status: what they list is there
        is_there = entry.get("Status", "install ok installed").endswith(" installed")
        if is_there and entry.get("Package") and entry.get("Version"):
            yield Package(
                PackageKind.DEB,
                entry["Package"],
                entry["Version"],
                architecture=entry.get("Architecture", ""),
            )


def _apk(text: str) -> Iterator[Package]:
    for entry in _stanzas(text, ":"):
        if entry.get("P") and entry.get("V"):
            yield Package(
                PackageKind.APK, entry["P"], entry["V"], entry.get("L", ""), entry.get("A", "")
            )
