"""From a raw request to a raw reply: find the operation, check both ways, call its handler."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from shipway.local.ecs.api import (
    alarms,
    balancer_tags,
    balancers,
    clusters,
    deployments,
    listeners,
    services,
    targets,
    task_definitions,
    tasks,
)
from shipway.local.ecs.api.desk import Desk, Handler
from shipway.local.ecs.wire import query
from shipway.local.ecs.wire.errors import AwsError, ReplyIsInvalid
from shipway.local.ecs.wire.shapes import Shapes, shapes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel

    from shipway.local.ecs.document import JsonObject
    from shipway.local.ecs.engine import Engine
    from shipway.local.ecs.faults import Faults

ECS: Mapping[str, Handler] = {
    **clusters.HANDLERS,
    **task_definitions.HANDLERS,
    **services.HANDLERS,
    **deployments.HANDLERS,
    **tasks.HANDLERS,
}
CLOUDWATCH: Mapping[str, Handler] = alarms.HANDLERS
ELB: Mapping[str, Handler] = {
    **balancers.HANDLERS,
    **targets.HANDLERS,
    **listeners.HANDLERS,
    **balancer_tags.HANDLERS,
}
_NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
_ECS_TARGET = "AmazonEC2ContainerServiceV20141113"
_CLOUDWATCH_TARGET = "GraniteServiceVersion20100801"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Service:
    """A service of the JSON protocol: its handlers, its shapes and what its errors are called."""

    handlers: Mapping[str, Handler]
    shapes: Shapes
    invalid: str
    content_type: str


class Dispatcher:
    """Answers requests; thread-safe, one handler at a time (the engine's lock)."""

    def __init__(self, engine: Engine, faults: Faults) -> None:
        self._engine = engine
        self._faults = faults
        ecs, cloudwatch = shapes_of("ecs"), shapes_of("cloudwatch")
        self._json = {
            _ECS_TARGET: _Service(
                ECS, ecs, "InvalidParameterException", "application/x-amz-json-1.1"
            ),
            _CLOUDWATCH_TARGET: _Service(
                CLOUDWATCH, cloudwatch, "InvalidParameterValue", "application/x-amz-json-1.0"
            ),
        }
        self._elb = shapes_of("elbv2")
        self._desk = Desk(engine, ecs, cloudwatch, faults)

    def answer(self, target: str | None, body: bytes) -> Reply:
        """Answer one POST: `X-Amz-Target` names ECS or CloudWatch, a form's Action is ELBv2's."""
        prefix, _, name = (target or "").partition(".")
        if prefix in self._json:
            return self._answer_json(self._json[prefix], name, body)
        if target is None:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            if "Action" in form:
                return self._answer_query(form)
        what = target or "a request without X-Amz-Target or Action"
        text = f"The local control plane speaks only ECS, ELBv2 and alarms, not {what}."
        return _json_error(AwsError("UnknownOperationException", text, 501))

    def _answer_json(self, service: _Service, name: str, body: bytes) -> Reply:
        operation, handler = service.shapes.operation(name), service.handlers.get(name)
        if operation is None or handler is None:
            text = f"{name} does not exist here."
            return _json_error(AwsError("UnknownOperationException", text, 501))
        try:
            self._faults.refuse(name, self._engine.now, query=False)
            request: JsonObject = json.loads(body or b"{}")
            reply = self._handle(handler, request, operation, service.shapes, service.invalid)
        except json.JSONDecodeError as error:
            return _json_error(AwsError("SerializationException", str(error)))
        except AwsError as error:
            return _json_error(error)
        return Reply(200, service.content_type, json.dumps(reply).encode())

    def _answer_query(self, form: Mapping[str, str]) -> Reply:
        name = form["Action"]
        operation, handler = self._elb.operation(name), ELB.get(name)
        if operation is None or handler is None:
            return _xml_error(AwsError("InvalidAction", f"{name} does not exist here.", 501))
        try:
            self._faults.refuse(name, self._engine.now, query=True)
            request = query.parse(form, operation.input_shape)
            reply = self._handle(handler, request, operation, self._elb, "ValidationError")
        except AwsError as error:
            return _xml_error(error)
        # The caller may use a new listener or weight as soon as it has the reply.
        self._engine.balance()
        text = query.render(name, reply, operation.output_shape, _NAMESPACE)
        return Reply(200, "text/xml", text.encode())

    def _handle(
        self,
        handler: Handler,
        request: JsonObject,
        operation: OperationModel,
        shapes: Shapes,
        invalid: str,
    ) -> JsonObject:
        problems = shapes.problems(request, operation.input_shape)
        if problems:
            raise AwsError(invalid, problems)
        with self._engine.lock:
            reply = handler(self._desk, request)
        problems = shapes.problems(reply, operation.output_shape)
        if problems:
            raise ReplyIsInvalid(f"{operation.name}: {problems}")
        self._engine.save()
        return reply


def _json_error(error: AwsError) -> Reply:
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return Reply(error.status, "application/x-amz-json-1.1", body)


def _xml_error(error: AwsError) -> Reply:
    text = query.render_error(error.code, error.message, _NAMESPACE)
    return Reply(error.status, "text/xml", text.encode())
