"""A push to the embedded default's repository is a delivery."""

from __future__ import annotations

import http.client
import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from shipway.local import runs, workspace
from shipway.local.home import prepare
from shipway.local.processes import wait_until
from shipway.local.repository import ensure_repository
from shipway.local.supervise import deliver_command

if TYPE_CHECKING:
    from tests.local.conftest import Local


def wait_for_end(local: Local, name: str) -> int:
    """Return the exit status of the run, once it has one."""
    assert wait_until(lambda: runs.exit_status(local.place, name) is not None, timeout_s=20)
    return int((local.place.runs / name / "exit").read_text())


def newest(local: Local) -> str:
    """Return the name of the run that began last."""
    return runs.names(local.place)[-1]


def test_a_push_delivers_exactly_the_pushed_commit(service: Local) -> None:
    """The delivery runs in a checkout of the pushed commit, on its branch, from its origin."""
    commit = service.commit(
        "git rev-parse HEAD; git branch --show-current; git remote get-url origin;"
        "git rev-parse origin/feature/one; git status --porcelain"
    )
    name = service.folder.joinpath("shipway.yaml").read_text().split()[-1]
    said = service.git("push", "shipway", "HEAD:refs/heads/feature/one")
    lines = [line.removeprefix("remote: ").strip() for line in said.splitlines()]
    assert f"delivering: --push {'0' * 40} {commit} refs/heads/feature/one" in lines
    at = lines.index(commit)
    origin = f"file://{service.place.git / name}.git"
    assert lines[at : at + 4] == [commit, "feature/one", origin, commit]
    assert lines[at + 4].endswith(": done")


def test_the_pusher_watches_while_it_happens(service: Local) -> None:
    """What a delivery says reaches the pusher before the delivery ends."""
    go = service.folder / "go"
    service.commit(f"echo waiting; while [ ! -e '{go}' ]; do sleep 0.05; done; echo went")
    with service.start_git("push", "shipway", "main") as push:
        assert push.stdout is not None
        for line in push.stdout:
            if "waiting" in line:
                break
        assert push.poll() is None
        go.touch()
        rest = push.stdout.read()
    assert "went" in rest
    assert push.returncode == 0


def test_a_failed_delivery_does_not_refuse_the_push(service: Local) -> None:
    """The commit stays pushed, and the pusher reads how the delivery ended."""
    commit = service.commit("exit 3")
    said = service.git("push", "shipway", "main")
    assert "failed (exit status 3)" in said
    assert commit in service.git("ls-remote", "shipway", "refs/heads/main")


def test_detach_returns_at_once_and_follow_catches_up(service: Local) -> None:
    """`-o detach` leaves at once; `follow` shows the whole log and ends with its status."""
    go = service.folder / "go"
    service.commit(f"echo begun; while [ ! -e '{go}' ]; do sleep 0.05; done; echo ended; exit 8")
    said = service.git("push", "-o", "detach", "shipway", "main")
    name = newest(service)
    assert f"shipway local follow {name}" in said
    with service.start("follow", name) as following:
        assert following.stdout is not None
        assert following.stdout.readline().startswith("delivering:")
        go.touch()
        assert following.stdout.read().split() == ["begun", "ended"]
    assert following.returncode == 8


def test_a_deleted_branch_delivers_nothing(service: Local) -> None:
    """Deleting a branch says so and starts no run."""
    service.commit("true")
    service.git("push", "shipway", "HEAD:refs/heads/passing")
    before = runs.names(service.place)
    said = service.git("push", "shipway", ":refs/heads/passing")
    assert "passing deleted: nothing to deliver" in said
    assert runs.names(service.place) == before


def test_each_pushed_line_is_a_delivery_of_its_own(service: Local) -> None:
    """Two branches in one push are two deliveries, shown one after the other."""
    service.commit("true")
    said = service.git("push", "shipway", "HEAD:refs/heads/one", "HEAD:refs/heads/two")
    assert said.index("refs/heads/one") < said.index("refs/heads/two")
    assert said.count(": done") == 2


def test_deliveries_of_a_service_wait_for_one_another(service: Local) -> None:
    """A second push waits for the first one's delivery, and both get their own commit."""
    go, log = service.folder / "go", service.folder / "log"
    wait = f"while [ ! -e '{go}' ]; do sleep 0.05; done"
    service.commit(f"echo one in >> '{log}'; {wait}; echo one out >> '{log}'")
    service.git("push", "-o", "detach", "shipway", "main")
    assert wait_until(log.exists, timeout_s=20)
    service.commit(f"echo two in >> '{log}'")
    service.git("push", "-o", "detach", "shipway", "main")
    second = newest(service)
    go.touch()
    assert wait_for_end(service, second) == 0
    assert log.read_text().splitlines() == ["one in", "one out", "two in"]


def test_a_delivery_outlives_its_pusher(service: Local) -> None:
    """Ctrl-C on the push leaves the delivery running to its end."""
    go = service.folder / "go"
    service.commit(f"echo waiting; while [ ! -e '{go}' ]; do sleep 0.05; done; echo went")
    with service.start_git("push", "shipway", "main") as push:
        assert push.stdout is not None
        for line in push.stdout:
            if "waiting" in line:
                break
        os.killpg(push.pid, signal.SIGINT)
        push.stdout.close()
    go.touch()
    name = newest(service)
    assert wait_for_end(service, name) == 0
    assert runs.log(service.place, name).read_text().endswith("went\n")


def test_modules_in_the_pushed_repository_are_not_imported() -> None:
    """A pushed `json.py` cannot stand in for Python's own: its folder is off the search path."""
    assert deliver_command({})[1:] == ("-P", "-m", "shipway", "deliver")


def test_a_users_own_hooks_folder_does_not_hide_ours(service: Local) -> None:
    """With core.hooksPath set for all of a user's repositories, a push is a delivery still."""
    settings = service.folder / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {service.folder / 'nothing'}\n")
    service.environ = {**service.environ, "GIT_CONFIG_GLOBAL": str(settings)}
    service.commit("true")
    assert "done" in service.git("push", "shipway", "main")


def test_runs_started_by_hand_are_left_alone(local: Local) -> None:
    """A folder of a delivery that no push started is not among the runs that are ended here."""
    (local.place.runs / "20260101-000000-abcd").mkdir(parents=True)
    assert runs.names(local.place) == ()
    assert runs.unfinished(local.place) == ()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer guess"}, 401),
        ({"Authorization": "{token}", "Host": "evil.example"}, 421),
        ({"Authorization": "{token}", "Path": "/pushes"}, 400),
    ],
)
def test_strangers_cannot_start_a_delivery(
    shared: Local, headers: dict[str, str], status: int
) -> None:
    """Without the token, from a foreign host name, or for an unknown service: refused."""
    token = shared.place.token.read_text().strip()
    known = {key: value.format(token=f"Bearer {token}") for key, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", shared.record().ports().control)
    line = f"{'0' * 40} {'1' * 40} refs/heads/main"
    body = json.dumps({"service": "../../escape", "lines": [line], "options": []})
    before = runs.names(shared.place)
    connection.request("POST", "/pushes", body, known)
    assert connection.getresponse().status == status
    connection.close()
    assert runs.names(shared.place) == before


def test_the_token_is_readable_by_its_owner_only(shared: Local) -> None:
    """Other users of the machine cannot read the secret of the control endpoint."""
    assert shared.place.token.stat().st_mode & 0o077 == 0
    assert shared.place.state.stat().st_mode & 0o077 == 0


def test_old_workspaces_are_removed(local: Local) -> None:
    """Of a service's checkouts, the newest ten stay."""
    for index in range(13):
        (local.place.work / "sender" / f"202601{index:02}-000000-0000000").mkdir(parents=True)
    workspace.prune(local.place, "sender")
    left = sorted(path.name for path in (local.place.work / "sender").iterdir())
    assert [name[6:8] for name in left] == [f"{index:02}" for index in range(3, 13)]


def test_a_push_while_it_is_down_is_kept(local: Local) -> None:
    """With nothing running, the commit arrives and the pusher is told what to do."""
    prepare(local.place)
    remote = ensure_repository(local.place, "sender")
    local.git("init", "--quiet", "--initial-branch=main")
    commit = local.commit("true")
    said = local.git("push", str(remote), "main")
    assert "is not running" in said
    assert "shipway local up" in said
    assert commit in local.git("ls-remote", str(remote))


def test_down_ends_a_running_delivery_and_refuses_the_next(local: Local) -> None:
    """Going down sends SIGTERM to what runs, and says of what waits that it never began."""
    local.start_service("sender")
    local.commit(
        "trap 'echo asked to end; exit 143' TERM; echo begun; while :; do sleep 0.05; done"
    )
    local.git("push", "-o", "detach", "shipway", "main")
    first = newest(local)
    local.git("push", "-o", "detach", "shipway", "HEAD:refs/heads/second")
    second = newest(local)
    log = runs.log(local.place, first)
    assert wait_until(lambda: "begun" in log.read_text(), timeout_s=20)
    local.call("down")
    assert runs.exit_status(local.place, first) == 143
    assert "asked to end" in log.read_text()
    assert runs.exit_status(local.place, second) == 143
    assert "not started" in runs.log(local.place, second).read_text()
