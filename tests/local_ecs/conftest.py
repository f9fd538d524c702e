"""Planes for the tests of this folder, which share `ecs_stage`."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.local_ecs.ecs_stage import IMAGE, Stage, make_docker, make_virtual

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def image() -> str:
    """Build a tiny image of a static busybox: a shell, a web server, netcat."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "install busybox-static"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(Path(busybox).resolve(), "bin/busybox")
        for name in ("sh", "httpd", "sleep", "cat", "echo", "nc", "printf", "wget", "true", "env"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        page = tarfile.TarInfo("www/index.html")
        page.size = 3
        tar.addfile(page, io.BytesIO(b"ok\n"))
    subprocess.run(
        ["docker", "import", "-", IMAGE],
        input=buffer.getvalue(),
        check=True,
        capture_output=True,
        timeout=60,
    )
    return IMAGE


@pytest.fixture(scope="session")
def docker_stage(image: str) -> Iterator[Stage]:
    """One plane of real containers for all tests that need no plane of their own."""
    assert image
    stage = make_docker("local-ecs-test")
    stage.spares = [stage.serve("good") for _ in range(6)]
    yield stage
    stage.close()


@pytest.fixture
def virtual() -> Iterator[Stage]:
    """A plane of scripted tasks."""
    stage = make_virtual()
    yield stage
    stage.close()


@pytest.fixture(params=["virtual", pytest.param("docker", marks=pytest.mark.docker)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Both kinds of plane, for promises that hold on either."""
    name = "virtual" if request.param == "virtual" else "docker_stage"
    found: Stage = request.getfixturevalue(name)
    yield found
    kept = {service.name for service in found.spares}
    for arn in found.ecs.list_services(cluster="main", maxResults=100)["serviceArns"]:
        shown = found.ecs.describe_services(cluster="main", services=[arn])["services"][0]
        if shown["status"] == "ACTIVE" and shown["serviceName"] not in kept:
            found.ecs.delete_service(cluster="main", service=arn, force=True)
