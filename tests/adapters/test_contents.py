"""What is found in an image: packages of three kinds, out of one stream, with bounded memory."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from shipway.adapters.docker import DockerEngine
from shipway.adapters.docker.packages import MOST_JSON, read_packages
from shipway.adapters.shell import LocalShell
from shipway.model.contents import Contents, Package, PackageKind
from tests.adapters.repositories import committed

NPM, DEB, APK = PackageKind.NPM, PackageKind.DEB, PackageKind.APK
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Description: GNU C Library
 Version: of nothing
Version: 2.36-9+deb12u10

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: tzdata
Status: hold ok installed
Architecture: all
Version: 2025b-0
"""
INSTALLED = "C:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\n\nP:busybox\nV:1.36\nL:GPL-2.0-only\n\n"


def found_in(files: dict[str, str | bytes]) -> Contents:
    """Read a file system that holds these files."""
    return read_packages(io.BytesIO(packed(files)))


def packed(files: dict[str, str | bytes]) -> bytes:
    """A tar of these files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            text = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return data.getvalue()


def package_json(name: str, version: str, **more: object) -> str:
    """A package.json."""
    return json.dumps({"name": name, "version": version, **more})


def test_node_packages_are_found_wherever_they_are() -> None:
    """Plain, scoped and nested packages and those in pnpm's store count, each version once."""
    found = found_in(
        {
            "app/node_modules/a/package.json": package_json("a", "1.0.0"),
            "app/node_modules/@s/b/package.json": package_json("@s/b", "2.0.0"),
            "app/node_modules/a/node_modules/c/package.json": package_json("c", "3.0.0"),
            "app/node_modules/.pnpm/a@1/node_modules/a/package.json": package_json("a", "1.0.0"),
            "node_modules/a/package.json": package_json("a", "1.0.1"),
        }
    )
    assert [(p.name, p.version) for p in found.packages] == [
        ("@s/b", "2.0.0"),
        ("a", "1.0.0"),
        ("a", "1.0.1"),
        ("c", "3.0.0"),
    ]
    assert found.read == (NPM,)


@pytest.mark.parametrize(
    "files",
    [
        {"app/package.json": package_json("app", "1.0.0")},
        {"app/node_modules/a/lib/package.json": package_json("inner", "1.0.0")},
        {"app/node_modules/a/package.json": '{"type": "module"}'},
        {"app/node_modules/a/package.json": "no JSON"},
        {"app/node_modules/a/package.json": "[" * 100_000},
        {"app/node_modules/a/package.json": b"\xff\xfe"},
        {"app/node_modules/a/package.json": '{"name": 1, "version": []}'},
        {"app/node_modules/a/package.json": package_json("a", "1", x="x" * MOST_JSON)},
    ],
    ids=["own", "inside", "nameless", "text", "deep", "binary", "types", "huge"],
)
def test_what_is_no_package_is_passed_over(files: dict[str, str | bytes]) -> None:
    """Files that only have the name of a package's are no packages, and no error."""
    assert found_in(files).packages == ()


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"license": "MIT"}, "MIT"),
        ({"license": {"type": "ISC", "url": "x"}}, "ISC"),
        ({"licenses": [{"type": "MIT"}, {"type": "Apache-2.0"}]}, "MIT OR Apache-2.0"),
        ({"license": 7}, ""),
        ({}, ""),
    ],
)
def test_licences_are_read_in_every_form(fields: dict[str, object], licence: str) -> None:
    """The text of today, the object and the list of old packages are all understood."""
    file = package_json("a", "1.0.0", **fields)
    assert found_in({"node_modules/a/package.json": file}).packages[0].licence == licence


def test_debian_packages_are_those_that_are_installed() -> None:
    """Packages that were removed are not in the image; text that goes on is no field."""
    found = found_in(
        {
            "var/lib/dpkg/status": STATUS,
            "etc/os-release": 'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n',
        }
    )
    assert found == Contents(
        packages=(
            Package(DEB, "libc6", "2.36-9+deb12u10", architecture="amd64"),
            Package(DEB, "tzdata", "2025b-0", architecture="all"),
        ),
        system="debian",
        system_version="12",
        read=(DEB,),
    )


def test_distroless_packages_are_found() -> None:
    """Images without dpkg list each package in a file of its own, beside its checksums."""
    found = found_in(
        {
            "./var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12.4\n",
            "./var/lib/dpkg/status.d/base.md5sums": "Package: not\nVersion: me\n",
        }
    )
    assert [p.name for p in found.packages] == ["base-files"]


def test_alpine_packages_are_found_with_their_licences() -> None:
    """Alpine's one file tells names, versions, architectures and licences."""
    assert found_in({"lib/apk/db/installed": INSTALLED}).packages == (
        Package(APK, "busybox", "1.36", "GPL-2.0-only"),
        Package(APK, "musl", "1.2.4-r2", "MIT", "x86_64"),
    )


def test_a_database_that_nobody_reads_is_named() -> None:
    """An image with rpm packages is not taken for one without packages."""
    found = found_in({"var/lib/rpm/rpmdb.sqlite": b"\0", "usr/lib/sysimage/rpm/x": b""})
    assert (found.packages, found.read, found.unread) == ((), (), ("rpm",))


def test_links_are_not_followed() -> None:
    """A link that has the name of a package file is not read, wherever it leads."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        link = tarfile.TarInfo("node_modules/a/package.json")
        link.type, link.linkname = tarfile.SYMTYPE, "../../../etc/passwd"
        tar.addfile(link)
    assert read_packages(io.BytesIO(data.getvalue())).packages == ()


def test_a_stream_that_breaks_off_is_no_empty_image() -> None:
    """Half an image is an error, never a short list."""
    whole = packed({"node_modules/a/package.json": package_json("a", "1") * 100, "b": b"x" * 9000})
    with pytest.raises(tarfile.TarError):
        read_packages(io.BytesIO(whole[:5000]))


class Endless:
    """A tar stream of many files, made as it is read."""

    def __init__(self, count: int) -> None:
        self._left, self._rest = count, b""

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        while len(self._rest) < size and self._left:
            self._left -= 1
            member = tarfile.TarInfo(f"usr/share/some/folder/with/a/long/name/file-{self._left}")
            self._rest += member.tobuf()
        given, self._rest = self._rest[:size], self._rest[size:]
        return given + b"\0" * (0 if given else 1024)


def test_memory_does_not_grow_with_the_image() -> None:
    """A hundred thousand files cost no more memory than a thousand."""
    read_packages(Endless(1000))  # type: ignore[arg-type]  # it reads, and no more is asked of it
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_packages(Endless(100_000))  # type: ignore[arg-type]  # as above
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.fixture
def image(docker: str, tmp_path: Path) -> Iterator[str]:
    """A real image that holds packages, which is gone afterwards."""
    root = committed(
        tmp_path / "root",
        {
            "Dockerfile": "FROM scratch\nCOPY files /\nLABEL who=ada\n",
            "files/var/lib/dpkg/status": STATUS,
            "files/app/node_modules/a/package.json": package_json("a", "1.0.0", license="MIT"),
        },
    )
    name = f"shipway-test-{uuid4().hex[:12]}:contents"
    env = {"DOCKER_BUILDKIT": "1", "PATH": "/usr/bin:/bin"}
    command = (docker, "build", "-q", "-t", name, str(root))
    subprocess.run(command, check=True, capture_output=True, env=env)
    yield name
    subprocess.run((docker, "rmi", "-f", name), check=False, capture_output=True)


@pytest.mark.docker
def test_a_real_image_is_looked_into(image: str, docker: str, tmp_path: Path) -> None:
    """Packages and labels of an image come through the engine, though it has no command."""
    engine = DockerEngine(str(tmp_path), LocalShell(), docker)
    assert [(p.kind, p.name) for p in engine.contents(image).packages] == [
        (DEB, "libc6"),
        (DEB, "tzdata"),
        (NPM, "a"),
    ]
    assert engine.labels(image) == (("who", "ada"),)


@pytest.mark.docker
def test_an_image_is_looked_into_once(image: str, docker: str, tmp_path: Path) -> None:
    """Under another name of the same image it is the very same answer."""
    engine = DockerEngine(str(tmp_path), LocalShell(), docker)
    found = engine.contents(image)
    other = f"{image}-other"
    subprocess.run((docker, "tag", image, other), check=True)
    try:
        assert engine.contents(other) is found
    finally:
        subprocess.run((docker, "rmi", other), check=True, capture_output=True)


@pytest.mark.docker
def test_no_container_is_left(image: str, docker: str, tmp_path: Path) -> None:
    """After a look nothing is left; what a killed run left behind is no obstacle."""
    engine = DockerEngine(str(tmp_path), LocalShell(), docker)
    asked = (docker, "image", "inspect", "--format", "{{.Id}}", image)
    found = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    name = f"shipway-look-{found.strip().removeprefix('sha256:')[:32]}"
    subprocess.run((docker, "create", "--name", name, image, "x"), check=True, capture_output=True)
    engine.contents(image)
    shown = (docker, "ps", "-a", "--filter", f"ancestor={image}", "--format", "{{.Names}}")
    assert subprocess.run(shown, check=True, capture_output=True, text=True).stdout == ""
