"""The data plane: one HAProxy that follows the layout, and says how the targets are.

Targets change through the runtime socket; a reload happens only when the rendered text changes,
and then hands listening sockets and server states to the new worker.
"""

from __future__ import annotations

import csv
import io
import shutil
import signal
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.local.ecs.balancing import Layout, Target, TargetGroup, TargetHealth, TargetState
from shipway.local.ecs.clock import deadline, expired, pause
from shipway.local.ecs.haproxy_config import backend_name, preamble, render, unhealthy_after_s
from shipway.local.ecs.haproxy_program import Program, from_path
from shipway.local.ecs.processes import Child, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.local.ecs.clock import Clock

START_S = 10.0
ANSWER_S = 5.0
ENDING_S = 3.0
_SERVERS_ONLY = "show stat -1 4 -1"


class HaproxyError(Exception):
    """HAProxy cannot be started, or refused a configuration or a command."""


@dataclass(slots=True)
class _Slot:
    server: str
    since: float
    draining: bool = False
    was_healthy: bool = False


class Haproxy:
    """A `Balancer` on HAProxy 2.4 or later; `program` says how it is started."""

    def __init__(
        self,
        clock: Clock,
        *,
        program: Program | None = None,
        interval_cap_s: float | None = None,
    ) -> None:
        self._clock = clock
        self._program = program or from_path()
        self._cap_s = interval_cap_s
        self._child: Child | None = None
        self._directory: Path | None = None
        self._generation = 0
        self._text = ""
        self._groups: dict[str, TargetGroup] = {}
        self._slots: dict[str, _Slot] = {}

    def start(self) -> None:
        """Start with no listener."""
        # A short path of its own: a unix socket's may have at most 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="shipway-lb-"))
        try:
            self._generation = 1
            self._write("")
            config = str(self._directory / "haproxy.cfg")
            self._child = Child(
                [*self._program(self._directory), "-W", "-q", "-f", config],
                self._directory / "haproxy.log",
            )
            self._await_generation()
        except (OSError, HaproxyError) as error:
            self.close()
            raise HaproxyError(f"HAProxy did not start: {error}") from error

    def apply(self, layout: Layout) -> None:
        """Reload when the text changed; then fill, drain and free slots."""
        text = render(layout, self._cap_s)
        self._groups = {group.arn: group for group in layout.groups}
        self._free([key for key in self._slots if key not in {t.key for t in layout.targets}])
        if text != self._text:
            self._reload(text)
        for target in layout.targets:
            slot = self._slots.get(target.key)
            if slot is None and target.group_arn in self._groups:
                slot = self._fill(target)
            if slot is not None and slot.draining != (target.draining_since is not None):
                slot.draining = not slot.draining
                state = "drain" if slot.draining else "ready"
                self._command(f"set server {slot.server} state {state}")

    def health(self) -> Mapping[str, TargetHealth]:
        """Read the server table; targets without a slot are missing."""
        if not self._slots:
            return {}
        table = io.StringIO(self._command(_SERVERS_ONLY).lstrip("# "))
        rows = {f"{r['pxname']}/{r['svname']}": r for r in csv.DictReader(table)}
        return {
            key: self._judge(key, slot, rows[slot.server])
            for key, slot in self._slots.items()
            if slot.server in rows
        }

    def claim(self, port: int) -> str | None:
        """Try to bind the port."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                return error.strerror or "cannot be bound"
        return None

    def close(self) -> None:
        """End the process and remove its directory."""
        if self._child is not None:
            self._child.end(ENDING_S)
            self._child = None
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None
        self._slots.clear()
        self._text = ""

    def _judge(self, key: str, slot: _Slot, row: Mapping[str, str]) -> TargetHealth:
        sessions = int(row["scur"] or 0)
        if slot.draining:
            return TargetHealth(TargetState.DRAINING, sessions=sessions)
        if row["status"].startswith("UP"):
            slot.was_healthy = True
            return TargetHealth(TargetState.HEALTHY, sessions=sessions)
        group = self._groups[key.split("|", 1)[0]]
        patient = self._clock.now() - slot.since < unhealthy_after_s(group, self._cap_s)
        if patient and not slot.was_healthy:
            return TargetHealth(
                TargetState.INITIAL,
                "Elb.InitialHealthChecking",
                "Initial health checks in progress",
                sessions,
            )
        reason, description = _why(row)
        return TargetHealth(TargetState.UNHEALTHY, reason, description, sessions)

    def _fill(self, target: Target) -> _Slot:
        backend = backend_name(target.group_arn)
        taken = {slot.server for slot in self._slots.values()}
        number = next(n for n in range(1, 100_000) if f"{backend}/s{n}" not in taken)
        slot = self._slots[target.key] = _Slot(f"{backend}/s{number}", self._clock.now())
        server = f"set server {slot.server}"
        # Leaving `maint` counts as up until a check fails. Through `drain` the server gets no
        # request in between, and `health down` makes the first pass of a check its way in.
        self._command(
            f"{server} addr {target.host} port {target.port}; {server} state drain; "
            f"{server} health down; {server} state ready"
        )
        return slot

    def _free(self, keys: list[str]) -> None:
        for key in keys:
            server = self._slots.pop(key).server
            self._command(f"set server {server} state maint; shutdown sessions server {server}")

    def _reload(self, text: str) -> None:
        self._check(text)
        directory = self._home()
        (directory / "servers").write_text(self._command("show servers state"), encoding="utf-8")
        old = directory / f"{self._generation}.sock"
        self._generation += 1
        self._write(text)
        if self._child is None or not self._child.alive:
            raise HaproxyError(f"HAProxy has ended: {self._log()}")
        self._child.signal(signal.SIGUSR2)
        self._await_generation()
        old.unlink(missing_ok=True)
        # Slots of a group that is gone, or that the state file could not restore, start again.
        for key in [k for k in self._slots if k.split("|", 1)[0] not in self._groups]:
            del self._slots[key]

    def _check(self, text: str) -> None:
        """Let HAProxy read the new text first: a refused reload would leave it half-alive."""
        candidate = self._home() / "candidate.cfg"
        candidate.write_text(self._config(text), encoding="utf-8")
        words = [*self._program(self._home()), "-c", "-q", "-f", str(candidate)]
        status, said = run(words, START_S)
        if status != 0:
            raise HaproxyError(f"HAProxy refuses the configuration: {said}")

    def _write(self, text: str) -> None:
        (self._home() / "haproxy.cfg").write_text(self._config(text), encoding="utf-8")
        self._text = text

    def _config(self, text: str) -> str:
        directory = self._home()
        return (
            preamble(
                str(directory / f"{self._generation}.sock"),
                f"generation-{self._generation}",
                str(directory / "servers"),
                str(directory / "idle.sock"),
            )
            + text
        )

    def _await_generation(self) -> None:
        """Wait for the worker of this generation: it is the one that owns this socket."""
        end = deadline(START_S)
        while not expired(end):
            try:
                if f"generation-{self._generation}" in self._command("show info"):
                    return
            except HaproxyError:
                pause(0.01)
            if self._child is None or not self._child.alive:
                break
        raise HaproxyError(f"generation {self._generation} did not come up: {self._log()}")

    def _command(self, line: str) -> str:
        path = self._home() / f"{self._generation}.sock"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(ANSWER_S)
                connection.connect(str(path))
                connection.sendall(line.encode() + b"\n")
                chunks = []
                while chunk := connection.recv(65536):
                    chunks.append(chunk)
        except OSError as error:
            raise HaproxyError(f"HAProxy did not answer: {error}") from error
        return b"".join(chunks).decode(errors="replace")

    def _home(self) -> Path:
        if self._directory is None:
            raise HaproxyError("HAProxy was not started")
        return self._directory

    def _log(self) -> str:
        path = self._home() / "haproxy.log"
        return path.read_text(encoding="utf-8", errors="replace")[-2000:] if path.exists() else ""


def _why(row: Mapping[str, str]) -> tuple[str, str]:
    """Return ELBv2's reason code and description for HAProxy's check status."""
    match row["check_status"].lstrip("* "):
        case "L7STS":
            return (
                "Target.ResponseCodeMismatch",
                f"Health checks failed with these codes: [{row['check_code']}]",
            )
        case "L7TOUT" | "L4TOUT" | "L6TOUT":
            return "Target.Timeout", "Request timed out"
        case _:
            return "Target.FailedHealthChecks", "Health checks failed"
