"""HAProxy where it is not installed: from an image, with the same promises."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from shipway.errors import ToolIsMissing
from shipway.local import preflight
from shipway.local.ecs.clock import RealClock
from shipway.local.ecs.haproxy import Haproxy
from shipway.local.ecs.haproxy_program import from_image
from tests.local_ecs.ecs_stage import free_port, make_docker

IMAGE = "shipway-test/haproxy:host"
INSTANCE = "haproxy-image-test"


@pytest.fixture(scope="module")
def haproxy_image() -> str:
    """An image of this machine's HAProxy, as the public ones cannot be pulled everywhere."""
    program = shutil.which("haproxy")
    assert program is not None
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for library in re.findall(r"(/\S+\.so\S*)", said):
            tar.add(Path(library).resolve(), library.lstrip("/"))
        tar.add(Path(program).resolve(), "usr/bin/haproxy")
    subprocess.run(
        ["docker", "import", "--change", "ENV PATH=/usr/bin", "-", IMAGE],
        input=buffer.getvalue(),
        check=True,
        capture_output=True,
    )
    return IMAGE


@pytest.mark.docker
def test_it_balances_from_an_image_and_leaves_nothing(image: str, haproxy_image: str) -> None:
    """Listeners, reloads and health checks work as from the PATH; its container ends with it."""
    assert image
    balancer = Haproxy(
        RealClock(),
        program=from_image("docker", haproxy_image, INSTANCE),
        interval_cap_s=0.5,
    )
    stage = make_docker(INSTANCE, balancer)
    try:
        service = stage.steady()
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/", timeout=5) as answer:
            assert answer.status == 200
        _, empty = stage.balanced()  # a reload, and a listener that has nobody behind it
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{empty}/", timeout=5)
        assert refused.value.code == 503
        refused.value.close()
        assert _containers(haproxy_image)
    finally:
        stage.close()
    assert not _containers(haproxy_image)


@pytest.mark.docker
def test_without_haproxy_and_its_image_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither is to be had, the one command that installs it is said."""
    for name in ("docker", "git"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    nowhere = f"127.0.0.1:{free_port()}/no/haproxy:1"

    with pytest.raises(ToolIsMissing) as missing:
        preflight.check({"SHIPWAY_HAPROXY_IMAGE": nowhere})

    assert missing.value.hint == "apt-get install haproxy"


def _containers(image: str) -> str:
    return subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"ancestor={image}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
