"""AWS, or the embedded default in its place. A part of `shipway.wiring`."""

# ruff: noqa: PLC0415 - imports inside functions, see `shipway.wiring`
from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, cast

from shipway.errors import LocalIsDown
from shipway.model.service import EMBEDDED_REGION
from shipway.wiring.places import Place, folders

if TYPE_CHECKING:  # named for the type checker; made where they are needed
    from shipway.adapters.aws.logs import AwsLogs
    from shipway.adapters.aws.secrets import AwsSecrets
    from shipway.adapters.aws.session import Session
    from shipway.adapters.docker import DockerEngine
    from shipway.apply.redaction import Redactor
    from shipway.ports import Clock, Foresight, Http, Inspector, Orchestrator, Registry
    from shipway.ports.operations import Examination, LiveServices, Operations, Scaling


class Later:
    """Makes a port when it is first used: what needs no AWS must not wait for it to load."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make, self._guard = make, RLock()
        self._made: object | None = None

    def __getattr__(self, name: str) -> object:
        with self._guard:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)


def session_for(where: Place) -> Session:
    """Return the clients: for AWS where `shipway.yaml` names it, else for the embedded default."""
    from shipway.adapters.aws.session import Session

    if where.service.aws is not None:
        return Session(where.service.aws.region, None)
    return embedded_session(where.state)


def embedded_session(state: Path) -> Session:
    """Return clients for the embedded default, which is looked for when the first one is needed."""
    from shipway.adapters.aws.session import Endpoints, Session

    def endpoints() -> Endpoints:
        found = embedded(state)
        return Endpoints(str(found["aws"]), str(found["ecs"]), str(found["registry"]))

    return Session(EMBEDDED_REGION, endpoints)


def live_services(environ: Mapping[str, str], region: str | None) -> LiveServices:
    """Return what describes services of a region; of the embedded default where none is named."""
    from shipway.adapters.aws.live_services import AwsLiveServices
    from shipway.adapters.aws.session import Session

    named = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    session = Session(named, None) if named else embedded_session(folders(environ)[0])
    return AwsLiveServices(session)


def refuse_nowhere(where: Place) -> None:
    """Refuse to begin what could not get anywhere.

    Raises:
        LocalIsDown: the service is delivered to the embedded default, and it is not up.
    """
    if where.service.aws is None:
        embedded(where.state)


def account(where: Place) -> str:
    """Return the AWS account that owns the images."""
    aws = where.service.aws
    return aws.account if aws else str(embedded(where.state)["account"])


def embedded(state: Path) -> Mapping[str, object]:
    """Read `local.json`, in which the embedded default says where it answers."""
    try:
        found = json.loads((state / "local.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        found = {}
    if not isinstance(found, dict) or not found.get("pid"):
        raise LocalIsDown(
            "the embedded default is not running",
            hint="`shipway local up` starts it; to deliver to AWS, add `aws:` to shipway.yaml",
        )
    return found


def orchestrator(where: Place) -> Orchestrator:
    """Return ECS alone, for verbs that only look."""
    from shipway.adapters.aws.ecs import EcsOrchestrator
    from shipway.adapters.clock import SystemClock

    return EcsOrchestrator(session_for(where), SystemClock())


def clock() -> Clock:
    """Return the clock of this machine, for verbs that only look."""
    from shipway.adapters.clock import SystemClock

    return SystemClock()


def operations(where: Place) -> Operations:
    """Return what people ask about a service that runs."""
    from shipway.adapters.aws.operations import EcsOperations

    return EcsOperations(session_for(where))


def scaling(where: Place) -> Scaling:
    """Return what counts and sets the tasks of a service."""
    from shipway.adapters.aws.scaling import EcsScaling

    return EcsScaling(session_for(where))


def examination(where: Place) -> Examination:
    """Return what looks at an environment thoroughly."""
    from shipway.adapters.aws.examination import AwsExamination

    return AwsExamination(session_for(where))


def reachable(where: Place) -> bool:
    """Tell whether there is anything to ask: AWS always, the embedded default when it is up."""
    try:
        refuse_nowhere(where)
    except LocalIsDown:
        return False
    return True


def inspector(where: Place) -> Inspector:
    """Return what looks at everything that a deployment needs, before it begins."""
    from shipway.adapters.aws.preflight import AwsInspector

    return AwsInspector(session_for(where))


def foresight(where: Place) -> Foresight:
    """Return what foresees a deployment."""
    from shipway.adapters.aws.foresee import EcsForesight

    return EcsForesight(session_for(where))


def registry(where: Place, engine: Later, redactor: Redactor) -> Registry:
    """Return the registry; the password that it gives for a push is hidden from then on."""
    from shipway.adapters.aws.ecr import EcrRegistry
    from shipway.image.tags import MOVING_PREFIXES

    def log_in_hidden(registry: str, user: str, password: str) -> None:
        hide(redactor, password, "registry token")
        cast("DockerEngine", engine).log_in(registry, user, password)

    session = session_for(where)
    return EcrRegistry(session, lambda: account(where), log_in_hidden, MOVING_PREFIXES)


def http() -> Http:
    """Return what probes over HTTP."""
    from shipway.adapters.http import HttpProbes

    return HttpProbes()


def aws_values(where: Place) -> AwsSecrets:
    """Return what reads secrets and parameters: AWS, or the embedded default in its place."""
    from shipway.adapters.aws.secrets import account_secrets, aws_secrets

    if where.service.aws is not None:
        return account_secrets(where.service.aws.region)
    found = embedded(where.state)
    return aws_secrets(
        endpoint_url=str(found["aws"]), region=EMBEDDED_REGION, account=str(found["account"])
    )


def redactor_for(environ: Mapping[str, str]) -> Redactor:
    """Return what hides secrets, to begin with those variables that are named like one."""
    from shipway.apply.redaction import Redactor, secret_names
    from shipway.model.secret import Secret

    return Redactor(Secret(environ[name], name) for name in secret_names(environ))


def hide(redactor: Redactor, value: str, name: str) -> None:
    """Hide a value that was obtained while we run; one that is too short protects nothing."""
    from shipway.model.secret import Secret, is_too_short

    if not is_too_short(value):
        redactor.add(Secret(value, name))


def local_secrets(*, endpoint_url: str, region: str, account: str) -> AwsSecrets:
    """Return what resolves secrets for the embedded default's containers."""
    from shipway.adapters.aws.secrets import aws_secrets

    return aws_secrets(endpoint_url=endpoint_url, region=region, account=account)


def local_logs(*, endpoint_url: str, region: str, account: str) -> AwsLogs:
    """Return where the embedded default's containers log to."""
    from shipway.adapters.aws.logs import aws_logs

    return aws_logs(endpoint_url=endpoint_url, region=region, account=account)
