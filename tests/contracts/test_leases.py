"""`ports.Leases`, in memory and as locked files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipway.adapters.lease_file import FileLeases
from shipway.errors import LeaseIsHeld
from shipway.ports import Leases
from shipway.testing.fakes import FakeLeases
from tests.contracts.processes import PYTHON, until

HOLDER = """
import sys, time
from shipway.adapters.lease_file import FileLeases
with FileLeases(sys.argv[1]).hold("sender/preprod", owner="robin"):
    open(sys.argv[2], "w").close()
    time.sleep(600)
"""


@pytest.fixture(params=["memory", "file"])
def leases(request: pytest.FixtureRequest, tmp_path: Path) -> Leases:
    """Both kinds of leases."""
    return FileLeases(str(tmp_path / "leases")) if request.param == "file" else FakeLeases()


def test_a_lease_is_for_one(leases: Leases) -> None:
    """Who comes second is told at once who holds it, and where."""
    with leases.hold("sender/preprod", owner="quinn"):
        with pytest.raises(LeaseIsHeld, match="quinn") as found:
            leases.hold("sender/preprod", owner="robin").__enter__()
        assert found.value.where == "sender/preprod"


def test_a_lease_is_given_back(leases: Leases) -> None:
    """After the context, however it ended, somebody else may hold it."""

    def fail_inside() -> None:
        with leases.hold("sender/preprod", owner="quinn"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    with leases.hold("sender/preprod", owner="robin"):
        pass


def test_leases_are_told_by_name(leases: Leases) -> None:
    """Two names are two leases."""
    with (
        leases.hold("sender/preprod", owner="quinn"),
        leases.hold("sender/production", owner="robin"),
    ):
        pass


def test_a_lease_ends_with_its_process(tmp_path: Path) -> None:
    """Another process keeps us out for as long as it lives, and kill -9 gives the lease back."""
    folder, ready = tmp_path / "leases", tmp_path / "ready"
    leases = FileLeases(str(folder))
    with subprocess.Popen((PYTHON, "-c", HOLDER, str(folder), str(ready))) as holder:
        until(ready.exists, "the other process holds the lease")
        with pytest.raises(LeaseIsHeld, match=f"robin \\(pid {holder.pid}\\)"):
            leases.hold("sender/preprod", owner="quinn").__enter__()
        holder.kill()
    with leases.hold("sender/preprod", owner="quinn"):
        pass
