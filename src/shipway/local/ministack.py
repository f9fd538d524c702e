"""Running ministack, which answers for every AWS service but ECS and load balancing."""

from __future__ import annotations

import http.client
import os
from typing import TYPE_CHECKING, Final

from shipway.errors import OutsideDidNotAnswer
from shipway.local.files import tail
from shipway.local.instance import ACCOUNT, REGION
from shipway.local.processes import start

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.local.home import Home
    from shipway.local.processes import Child

STOP_GRACE_S: Final = 30.0  # it writes its whole state at the end; a kill would lose it
_START_TIMEOUT_S: Final = 30.0
_OK: Final = 200


def launch(python: Path, place: Home, port: int) -> Child:
    """Start ministack on that loopback port, and return at once.

    The environment is ours alone: a variable of the user's must not change where it listens.
    """
    folder = place.state / "ministack"
    for part in ("state", "s3", "tmp"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    env = {
        "PATH": os.defpath,
        "HOME": str(folder / "tmp"),  # or it reads the user's AWS credentials files
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        # These two listen on every interface, whatever BIND_HOST says.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
    }
    command = [str(python), "-P", "-m", "ministack"]
    return start(command, log=place.log("ministack"), env=env, cwd=folder)


def wait_until_ready(child: Child, place: Home, port: int) -> None:
    """Return when it answers.

    Raises:
        OutsideDidNotAnswer: it ended or stayed silent for 30 s; the message holds its last words.
    """
    for _ in range(int(_START_TIMEOUT_S / 0.03)):
        status = child.wait(0.03)
        if status is not None:
            raise _failure(place, f"ministack ended with status {status} while starting")
        if answers(port):
            return
    raise _failure(place, f"ministack did not answer within {_START_TIMEOUT_S:g} s")


def answers(port: int) -> bool:
    """Tell whether ministack answers on that port now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health", headers={"Connection": "close"})
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _failure(place: Home, what: str) -> OutsideDidNotAnswer:
    log = place.log("ministack")
    return OutsideDidNotAnswer(
        f"{what}; its last words:\n{tail(log)}", hint=f"the whole log is {log}"
    )
