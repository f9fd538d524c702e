"""Asking the running supervisor: what the verbs and the hook say to its control endpoint."""

from __future__ import annotations

import http.client
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from shipway.errors import LocalIsDown
from shipway.local.control import Accepted, Pulse, token

if TYPE_CHECKING:
    from shipway.local.home import Home
    from shipway.local.instance import Instance

_TIMEOUT_S: Final = 10.0


def post_pushes(
    place: Home, where: Instance, service: str, lines: list[str], options: list[str]
) -> tuple[Accepted, ...]:
    """Hand pushed lines to the running supervisor; return what became of each, in order.

    Raises:
        LocalIsDown: nobody answers, or somebody else does.
    """
    body = {"service": service, "lines": lines, "options": options}
    answer = _ask(place, where, "POST", "/pushes", json.dumps(body))
    return tuple(Accepted(**item) for item in json.loads(answer)["accepted"])


def pulse(place: Home, where: Instance) -> Pulse:
    """Ask the running supervisor how its parts are.

    Raises:
        LocalIsDown: nobody answers, or somebody else does.
    """
    found = json.loads(_ask(place, where, "GET", "/status"))
    return Pulse(bool(found["aws"]), tuple(found["running"]))


def _ask(place: Home, where: Instance, method: str, path: str, body: str | None = None) -> bytes:
    port = where.ports().control
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        headers = {"Authorization": f"Bearer {token(place)}", "Connection": "close"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as problem:
        raise LocalIsDown(f"{where.control} does not answer", hint="shipway local up") from problem
    finally:
        connection.close()
    if response.status != HTTPStatus.OK:
        said = answer.decode(errors="replace")[:200]
        raise LocalIsDown(f"{where.control} refused: {said}", hint="shipway local up")
    return answer
