"""From a raw request to a raw reply: find the operation, check both ways, call its handler."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from shipway.local.ecs.api import (
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

ECS: Mapping[str, Handler] = {
    **clusters.HANDLERS,
    **task_definitions.HANDLERS,
    **services.HANDLERS,
    **deployments.HANDLERS,
    **tasks.HANDLERS,
}
ELB: Mapping[str, Handler] = {
    **balancers.HANDLERS,
    **targets.HANDLERS,
    **listeners.HANDLERS,
    **balancer_tags.HANDLERS,
}
_NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
_TARGET = "AmazonEC2ContainerServiceV20141113."


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply."""

    status: int
    content_type: str
    body: bytes


class Dispatcher:
    """Answers requests; thread-safe, one handler at a time (the engine's lock)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ecs = shapes_of("ecs")
        self._elb = shapes_of("elbv2")
        self._desk = Desk(engine, self._ecs)

    def answer(self, target: str | None, body: bytes) -> Reply:
        """Answer one POST: ECS when `X-Amz-Target` names it, ELBv2 when the form has an Action."""
        if target is not None and target.startswith(_TARGET):
            return self._answer_json(target.removeprefix(_TARGET), body)
        if target is None:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            if "Action" in form:
                return self._answer_query(form)
        what = target or "a request without X-Amz-Target or Action"
        text = f"The local control plane speaks only ECS and ELBv2, not {what}."
        return _json_error(AwsError("UnknownOperationException", text, 501))

    def _answer_json(self, name: str, body: bytes) -> Reply:
        operation, handler = self._ecs.operation(name), ECS.get(name)
        if operation is None or handler is None:
            text = f"{name} does not exist here."
            return _json_error(AwsError("UnknownOperationException", text, 501))
        try:
            request: JsonObject = json.loads(body or b"{}")
            reply = self._handle(handler, request, operation, self._ecs)
        except json.JSONDecodeError as error:
            return _json_error(AwsError("SerializationException", str(error)))
        except AwsError as error:
            return _json_error(error)
        return Reply(200, "application/x-amz-json-1.1", json.dumps(reply).encode())

    def _answer_query(self, form: Mapping[str, str]) -> Reply:
        name = form["Action"]
        operation, handler = self._elb.operation(name), ELB.get(name)
        if operation is None or handler is None:
            return _xml_error(AwsError("InvalidAction", f"{name} does not exist here.", 501))
        try:
            request = query.parse(form, operation.input_shape)
            reply = self._handle(handler, request, operation, self._elb)
        except AwsError as error:
            return _xml_error(error)
        text = query.render(name, reply, operation.output_shape, _NAMESPACE)
        return Reply(200, "text/xml", text.encode())

    def _handle(
        self, handler: Handler, request: JsonObject, operation: OperationModel, shapes: Shapes
    ) -> JsonObject:
        problems = shapes.problems(request, operation.input_shape)
        if problems:
            code = "InvalidParameterException" if shapes is self._ecs else "ValidationError"
            raise AwsError(code, problems)
        with self._engine.lock:
            reply = handler(self._desk, request)
        problems = shapes.problems(reply, operation.output_shape)
        if problems:
            raise ReplyIsInvalid(f"{operation.name}: {problems}")
        if shapes is self._elb:
            # The caller may use a new listener or weight as soon as it has the reply.
            self._engine.balance()
        self._engine.save()
        return reply


def _json_error(error: AwsError) -> Reply:
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return Reply(error.status, "application/x-amz-json-1.1", body)


def _xml_error(error: AwsError) -> Reply:
    text = query.render_error(error.code, error.message, _NAMESPACE)
    return Reply(error.status, "text/xml", text.encode())
