"""Which instance of the embedded default this is, and where its parts answer: `local.json`.

An interface: the command line, the hook and users' own scripts read the file.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from shipway.errors import LocalIsDown
from shipway.local.files import write_whole

if TYPE_CHECKING:
    from shipway.local.home import Home

REGION: Final = "eu-central-1"
ACCOUNT: Final = "000000000000"
_LOOPBACK: Final = "127.0.0.1"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of one instance; 0 where none was chosen yet."""

    aws: int = 0
    ecs: int = 0
    control: int = 0


@dataclass(frozen=True, slots=True)
class Instance:
    """What `local.json` says. `pid` is the supervisor's, `None` while the instance is down."""

    version: int
    instance: str  # 8 hex digits, the same for the life of a state folder
    pid: int | None
    region: str
    account: str
    aws: str
    ecs: str
    registry: str
    control: str
    git: str
    because: str = ""  # why it is down, when nobody asked it to go down

    def ports(self) -> Ports:
        """Return the ports that the addresses name."""
        return Ports(*(int(url.rpartition(":")[2]) for url in (self.aws, self.ecs, self.control)))

    def running(self, pid: int, ports: Ports) -> Instance:
        """Return the same instance, answering at these ports."""
        aws = f"{_LOOPBACK}:{ports.aws}"
        return replace(
            self,
            pid=pid,
            aws=f"http://{aws}",
            ecs=f"http://{_LOOPBACK}:{ports.ecs}",
            registry=aws,
            control=f"http://{_LOOPBACK}:{ports.control}",
            because="",
        )

    def down(self, because: str = "") -> Instance:
        """Return the same instance, not running; its ports are remembered."""
        return replace(self, pid=None, because=because)

    def as_json(self) -> str:
        """Return the text of `local.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read(place: Home) -> Instance | None:
    """Return what `local.json` says, or `None` if there is no usable one.

    Alone it does not tell whether the instance runs: its writer may have been killed.
    """
    try:
        found = json.loads(place.record.read_text(encoding="utf-8"))
        known = {name: found[name] for name in Instance.__slots__ if name in found}
        record = Instance(**known)
        record.ports()
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return record if record.version == _VERSION else None


def read_running(place: Home) -> Instance:
    """Return what `local.json` says of an instance that is up, or was until it was killed.

    Raises:
        LocalIsDown: it is not up.
    """
    record = read(place)
    if record is None or record.pid is None:
        raise LocalIsDown("Shipway's embedded default is not running", hint="shipway local up")
    return record


def read_or_new(place: Home) -> Instance:
    """Return the instance of this state folder, giving it a name of its own at first use."""
    fresh = Instance(
        version=_VERSION,
        instance=secrets.token_hex(4),
        pid=None,
        region=REGION,
        account=ACCOUNT,
        aws="",
        ecs="",
        registry="",
        control="",
        git=str(place.git),
    )
    return read(place) or fresh.running(0, Ports()).down()


def write(place: Home, instance: Instance) -> None:
    """Publish `local.json`, whole or not at all."""
    write_whole(place.record, instance.as_json())
