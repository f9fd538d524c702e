"""Up, status, down and reset, with the real ministack and the real Docker Engine."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from shipway.local import installation
from shipway.local.processes import run, wait_until

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient

    from shipway.local.instance import Instance
    from tests.local.conftest import Local

BUSYBOX = Path("/bin/busybox")  # Debian's busybox-static: an image needs nothing else


def ecr(where: Instance) -> ECRClient:
    """Return a client of the instance's registry."""
    return boto3.client(
        "ecr",
        endpoint_url=where.aws,
        region_name=where.region,
        aws_access_key_id=where.account,
        aws_secret_access_key="local",  # noqa: S106 -- ministack checks none
    )


def docker(*arguments: str) -> str:
    """Run docker and return what it said."""
    done = run(["docker", *arguments], timeout_s=60)
    assert done.status == 0, done.output
    return done.output.strip()


def import_image(tag: str, folder: Path) -> None:
    """Make the smallest image that can run a shell."""
    archive = folder / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(BUSYBOX, "busybox")
    docker("import", "--change", 'ENTRYPOINT ["/busybox"]', str(archive), tag)


def listening(pids: set[int]) -> set[str]:
    """Return the addresses, as proc(5) writes them, on which the processes listen."""
    inodes = {
        target.removeprefix("socket:[").removesuffix("]")
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if (target := str(link.readlink())).startswith("socket:")
    }
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local_address, _, state, *rest = line.split()
            is_open = state == ("0A" if table.startswith("tcp") else "07")
            if is_open and rest[5] in inodes:
                found.add(local_address.partition(":")[0])
    return found


def test_up_and_down_can_be_repeated(local: Local) -> None:
    """A second `up` finds it up, at the same addresses; a second `down` finds it down."""
    first = json.loads(local.call("up", "--json").stdout)
    again = json.loads(local.call("up", "--json").stdout)
    assert (first.pop("was_up"), again.pop("was_up")) == (False, True)
    assert again == first
    assert json.loads(local.place.record.read_text()) == first
    assert json.loads(local.call("status", "--json").stdout)["aws"] is True
    assert json.loads(local.call("down", "--json").stdout)["was_up"] is True
    assert json.loads(local.call("down", "--json").stdout)["was_up"] is False
    assert json.loads(local.place.record.read_text()) == {**first, "pid": None}
    assert json.loads(local.call("status", "--json").stdout)["up"] is False


def test_everything_listens_on_loopback_only(shared: Local) -> None:
    """No process of the instance can be reached from another machine."""
    assert listening(set(shared.processes())) == {"0100007F"}


def test_images_survive_down_and_up(local: Local, tmp_path: Path) -> None:
    """A pushed image is pulled by its digest after a down and an up, at the same address."""
    where = local.up()
    ecr(where).create_repository(repositoryName="tiny")
    tag = f"{where.registry}/tiny:1"
    import_image(tag, tmp_path)
    try:
        docker("push", tag)
        digest = ecr(where).describe_images(repositoryName="tiny")["imageDetails"][0]["imageDigest"]
        docker("rmi", tag)
        local.call("down")
        assert local.up().registry == where.registry
        docker("pull", f"{where.registry}/tiny@{digest}")
        said = docker("run", "--rm", f"{where.registry}/tiny@{digest}", "echo", "hello")
        assert said == "hello"
    finally:
        run(["docker", "rmi", "-f", tag, f"{where.registry}/tiny@{digest}"], timeout_s=60)


def test_a_taken_port_is_replaced(local: Local) -> None:
    """When another program took a remembered port, `up` takes a new one and says so."""
    before = local.up()
    local.call("down")
    with socket.socket() as squatter:
        # As servers do: connections of the last owner still time out. And who else came first
        # is as good a squatter.
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            squatter.bind(("127.0.0.1", before.ports().aws))
            squatter.listen()
        said = local.call("up").stderr
    after = local.record()
    moved = f"port {before.ports().aws} is taken: aws and the registry moved to {after.ports().aws}"
    assert moved in said
    assert after.ports().aws != before.ports().aws
    assert after.instance == before.instance


def test_of_two_ups_at_once_one_starts_it(local: Local) -> None:
    """Two simultaneous `up`s make one instance; neither breaks the other."""
    both = [local.start("up", "--json") for _ in range(2)]
    ended = []
    for process in both:
        with process:
            process.communicate(timeout=60)
        ended.append(process.returncode)
    assert sorted(ended) in ([0, 6], [0, 0])
    supervisors = [line for line in local.processes().values() if " supervise " in line]
    assert len(supervisors) == 1


def test_a_verb_at_work_is_not_disturbed(local: Local) -> None:
    """While one verb holds the state folder, others exit 6 and say so."""
    local.place.state.mkdir()
    with (local.place.state / "verbs.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "at work" in local.call("up", expect=6).stderr
        assert "at work" in local.call("down", expect=6).stderr


def test_a_killed_supervisor_leaves_nothing(local: Local, tmp_path: Path) -> None:
    """After kill -9: no process, no container of the instance, its state kept, others untouched."""
    local.start_service("sender")
    where = local.record()
    ecr(where).create_repository(repositoryName="kept")
    local.commit("echo begun; while :; do sleep 1; done")
    local.git("push", "-o", "detach", "shipway", "main")
    log = next(local.place.runs.iterdir()) / "output.log"
    assert wait_until(lambda: "begun" in log.read_text(), timeout_s=20)
    image = f"shipway-test-{where.instance}"
    import_image(image, tmp_path)
    label = "dev.shipway.instance"
    sleep = [image, "sleep", "300"]
    docker("run", "--detach", "--label", f"{label}={where.instance}", *sleep)
    stranger = docker("run", "--detach", "--label", f"{label}={where.instance}0", *sleep)
    try:
        assert where.pid is not None
        os.kill(where.pid, signal.SIGKILL)
        assert wait_until(lambda: local.processes() == {}, timeout_s=40, pause_s=0.1)
        assert local.containers() == []
        assert docker("inspect", "--format", "{{.State.Running}}", stranger) == "true"
        assert (log.parent / "exit").read_text() == "137\n"
        assert "was killed" in local.call("status").stderr
        names = ecr(local.up()).describe_repositories()["repositories"]
        assert [repository["repositoryName"] for repository in names] == ["kept"]
    finally:
        docker("rm", "-f", stranger)
        local.call("down")
        docker("rmi", "-f", image)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_killed_supervisor_and_reaper_leave_no_process(local: Local) -> None:
    """Even with the reaper killed at the same time, the children end; the next `up` works."""
    local.up()
    for pid, command in local.processes().items():
        if " supervise " in command or "reaper" in command:
            os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: local.processes() == {}, timeout_s=20)
    local.up()


def test_the_end_of_ministack_is_not_hidden(local: Local) -> None:
    """When ministack dies, the instance goes down, and `status` says why."""
    local.up()
    stack = next(pid for pid, line in local.processes().items() if line.endswith("-m ministack "))
    os.kill(stack, signal.SIGKILL)
    assert wait_until(lambda: local.processes() == {}, timeout_s=20)
    assert "ministack ended by itself, with status 137" in local.call("status").stderr


def test_the_last_words_of_a_failed_start_are_shown(local: Local, tmp_path: Path) -> None:
    """A ministack that does not start exits 5 with the end of its log, and nothing stays behind."""
    broken = tmp_path / "cache"
    local.place = type(local.place)(local.place.state, broken)
    folder = broken / f"ministack-{installation.VERSION}-py3.{sys.version_info.minor}"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text("#!/bin/sh\necho 'no more memory'\nexit 9\n")
    python.chmod(0o700)
    (folder / "complete").write_text(installation.fingerprint())
    said = local.call("up", expect=5).stderr
    assert "ministack ended with status 9" in said
    assert "no more memory" in said
    assert wait_until(lambda: local.processes() == {}, timeout_s=20)


def test_a_missing_program_is_named(local: Local, tmp_path: Path) -> None:
    """Without HAProxy, `up` exits 2 and says what to install; it changes nothing."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("docker", "git"):
        (tools / name).symlink_to(shutil.which(name) or name)
    local.environ["PATH"] = str(tools)
    said = local.call("up", expect=2).stderr
    assert "1 program is not installed: haproxy" in said
    assert "install haproxy" in said
    assert not local.place.state.exists()


def test_an_engine_that_is_down_is_told_apart(local: Local) -> None:
    """With docker installed but no engine, `up` exits 5 and says how to start it."""
    local.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    assert "start it" in local.call("up", expect=5).stderr
    del local.environ["DOCKER_HOST"]


def test_reset_asks_and_then_deletes_only_its_own(local: Local) -> None:
    """`reset` needs a yes; then it stops all and deletes all but what Shipway did not make."""
    local.up()
    assert "--yes" in local.call("reset", expect=2).stderr
    assert json.loads(local.call("status", "--json").stdout)["up"] is True
    letter = local.place.state / "letter.txt"
    letter.write_text("mine")
    assert str(letter) in local.call("reset", "--yes").stderr
    assert letter.read_text() == "mine"
    letter.unlink()
    local.call("reset", "--yes")
    assert not local.place.state.exists()


def test_reset_refuses_a_folder_of_somebody_else(local: Local) -> None:
    """A folder without Shipway's marker is never touched."""
    work = local.place.state / "work"
    work.mkdir(parents=True)
    assert "was not made by Shipway" in local.call("reset", "--yes", expect=2).stderr
    assert work.exists()
    shutil.rmtree(local.place.state)
