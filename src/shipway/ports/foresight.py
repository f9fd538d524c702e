"""What a deployment would do, without doing it. A part of `shipway.ports`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # for annotations alone: not every command pays for loading them
    from shipway.model.foreseen import Foreseen
    from shipway.model.service import Environment
    from shipway.model.task_definition import TaskDefinition


class Foresight(Protocol):
    """ECS, asked what a deployment would ask of it."""

    def foresee(self, environment: Environment, definition: TaskDefinition) -> Foreseen:
        """Return the requests that a deployment of this definition would send now.

        They are made by the very code that sends them. Only reads; repeatable.

        Raises:
            AccessIsDenied: AWS does not allow the reading.
            AwsDidNotAnswer: there is no usable answer.
            WrongUsage: there is no service, and it is not Shipway's to make it.
        """
