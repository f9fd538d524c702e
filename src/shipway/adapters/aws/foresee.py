"""What a deployment would ask ECS for, from the very functions that make its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shipway.adapters.aws.code_deploy import request_for
from shipway.adapters.aws.ecs_update import create_request, no_service, update_request
from shipway.adapters.aws.place import OTHER, place_traffic, target_group
from shipway.adapters.aws.services import find_service
from shipway.adapters.aws.session import Session, answers
from shipway.adapters.aws.shapes import request_shape
from shipway.adapters.aws.task_definitions import registered, to_api
from shipway.model.api_shape import only
from shipway.model.document import Json, canonical, parsed
from shipway.model.foreseen import Foreseen, Request
from shipway.model.service import Environment
from shipway.model.strategy import Traffic
from shipway.model.task_definition import TaskDefinition

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from mypy_boto3_ecs.type_defs import CreateServiceRequestTypeDef, ServiceTypeDef

NEW_REVISION = "(the new revision)"
"""Stands in a request for the ARN of a revision that is not registered yet."""

NAMED = frozenset({"cluster", "forceNewDeployment", "service", "taskDefinition"})
"""Fields of UpdateService that say which service, and that it is deployed: none is left alone."""

MADE_WITH_IT = "(made with it)"
"""Stands in a request for what the embedded default makes when it is first deployed to."""


class EcsForesight:
    """`ports.Foresight` over the ECS API."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def foresee(self, environment: Environment, definition: TaskDefinition) -> Foreseen:
        """Return the requests that a deployment of this definition would send now."""
        session = self._session
        fields = request_shape("UpdateService", session.ecs.meta.service_model)
        with answers(f"a look at what {environment.name} would be asked for"):
            revision = registered(session.ecs, definition)
            live = find_service(session, environment)
            arn = revision or NEW_REVISION
            last = self._last(environment, definition, arn, live)
        first = Request("RegisterTaskDefinition", _text(to_api(definition, ())))
        sent = parsed(last.parameters)
        return Foreseen(
            revision=revision,
            requests=(last,) if revision else (first, last),
            live=_text(only(cast("Json", live), fields)) if live else "",
            untouched=tuple(
                sorted(n for n, _ in fields.members if live and n not in sent and n not in NAMED)
            ),
        )

    def _last(
        self,
        environment: Environment,
        definition: TaskDefinition,
        arn: str,
        live: ServiceTypeDef | None,
    ) -> Request:
        """Return the one call that starts the deployment."""
        rules = environment.strategy
        if live is None:
            asked = self._creation(environment, definition, arn)
            return Request("CreateService", _text(asked))
        if rules.code_deploy is not None:
            return Request("CreateDeployment", _text(request_for(rules.code_deploy, arn, live)))
        sent = update_request(environment, arn, live, self._traffic(environment))
        return Request("UpdateService", _text(sent))

    def _creation(
        self, environment: Environment, definition: TaskDefinition, arn: str
    ) -> CreateServiceRequestTypeDef:
        if self._session.endpoints is None:
            raise no_service(environment)
        group = target_group(self._session, environment) or MADE_WITH_IT
        return create_request(
            environment,
            arn,
            {
                "targetGroupArn": group,
                "containerName": definition.container,
                "containerPort": definition.port,
            },
            self._traffic(environment),
        )

    def _traffic(self, environment: Environment) -> Traffic | None:
        """Return what shifts traffic, as it is declared or was made; nothing is made here."""
        rules = environment.strategy
        embedded = self._session.endpoints is not None
        if rules.traffic is not None or not rules.kind.shifts_traffic or not embedded:
            return rules.traffic
        if target_group(self._session, environment, OTHER) is None:
            return Traffic(MADE_WITH_IT, MADE_WITH_IT, MADE_WITH_IT, MADE_WITH_IT)
        return place_traffic(self._session, environment)


def _text(request: object) -> str:
    return canonical(cast("Json", request))
