"""The bill of materials of an image: what its package databases name, as CycloneDX 1.6.

It never claims to be complete: files that no package database knows (a program that was copied
in, code that a bundler put into one file) are in the image and not in the document, and it says so.
"""

from __future__ import annotations

import json
from uuid import NAMESPACE_URL, uuid5

from shipway import __version__
from shipway.model.contents import Contents, Package, PackageKind
from shipway.model.release import Digest, Source

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_~")

KIND = "application/vnd.cyclonedx+json"

_SPDX = frozenset(
    (
        *("AFL-2.1", "AGPL-3.0-only", "Apache-2.0", "Artistic-2.0"),
        *("BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
        *("CC-BY-3.0", "CC-BY-4.0", "CC0-1.0"),
        *("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
        *("MIT", "MIT-0", "MPL-2.0"),
        *("EPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC"),
        *("0BSD", "OFL-1.1", "Python-2.0", "Unlicense", "W3C", "WTFPL", "Zlib"),
    )
)
"""The SPDX ids that images are full of; any other text is a name, which is no less true."""


def bill_of_materials(
    service: str, source: Source, repository: str, digest: Digest, contents: Contents
) -> str:
    """Return the document; the same image always has the same.

    Source: the CycloneDX 1.6 JSON schema.
    """
    image = f"{service}@{digest}"
    components = [_component(package, contents) for package in contents.packages]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{repository}@{digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": source.committed_at,
            "tools": {
                "components": [{"type": "application", "name": "shipway", "version": __version__}]
            },
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": service,
                "version": source.commit,
                "purl": f"pkg:oci/{service}@{_quoted(digest)}?repository_url={_quoted(repository)}",
                "hashes": [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}],
            },
            "properties": _what_was_read(contents),
        },
        "components": components,
        "compositions": [
            {
                "aggregate": "incomplete",
                "assemblies": [image, *(component["bom-ref"] for component in components)],
            }
        ],
    }
    return json.dumps(document, indent=1, sort_keys=True)


def package_url(package: Package, system: str, system_version: str) -> str:
    """Return the package URL of a package of an image with that operating system.

    Source: the package URL specification, types npm, deb and apk.
    """
    version = _quoted(package.version)
    if package.kind is PackageKind.NPM:
        scope, slash, name = package.name.rpartition("/")
        return f"pkg:npm/{_quoted(scope)}{slash}{_quoted(name)}@{version}"
    usual = "debian" if package.kind is PackageKind.DEB else "alpine"
    url = f"pkg:{package.kind.value}/{system or usual}/{_quoted(package.name)}@{version}"
    told = [("arch", package.architecture)] if package.architecture else []
    if system_version:
        told.append(("distro", f"{system}-{system_version}"))
    query = "&".join(f"{key}={_quoted(value)}" for key, value in told)
    return f"{url}?{query}" if query else url


def _component(package: Package, contents: Contents) -> dict[str, object]:
    url = package_url(package, contents.system, contents.system_version)
    made: dict[str, object] = {
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "purl": url,
    }
    if package.licence:
        key = "id" if package.licence in _SPDX else "name"
        made["licenses"] = [{"license": {key: package.licence}}]
    return made


def _what_was_read(contents: Contents) -> list[dict[str, str]]:
    """Say of each kind of package database whether it was there: an empty list proves nothing."""
    found = [
        (kind.value, "read" if kind in contents.read else "not in the image")
        for kind in PackageKind
    ]
    found += [(name, "in the image, and not read") for name in contents.unread]
    return [{"name": f"shipway:packages:{name}", "value": what} for name, what in found]


def _quoted(text: str) -> str:
    """Return a text as a package URL holds it: percent-encoded, but for what needs none."""
    return "".join(chr(each) if each in _PLAIN else f"%{each:02X}" for each in text.encode())
