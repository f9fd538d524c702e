"""Every problem a user can meet: its code, its exit status, and what to do next.

It knows no cause of its own: adapters and the core raise these, `cli/main.py` alone turns them
into an exit.

    ShipwayError
    ├── WrongUsage ................... 2   asked for something that cannot be meant
    │   ├── ConfigurationIsInvalid         shipway.yaml has problems; all of them, with positions
    │   ├── CheckoutIsUnfit                dirty, detached, not a repository, never pushed
    │   ├── FileIsMissing                  a file that the configuration names is not there
    │   ├── ReleaseIsUnknown               no such release, or the name fits several
    │   ├── EnvironmentIsUnknown
    │   ├── NothingToRollBackTo
    │   ├── NothingIsUnderWay              no deployment that could be continued or turned back
    │   ├── ComposeFileIsUnfit             two runs of it would be in each other's way
    │   ├── ToolIsMissing                  a program that has to be installed
    │   ├── ToolIsWrong                    another version than the one that is pinned
    │   ├── InputsAreMissing               an input glob of a check matches nothing
    │   ├── SecretIsMissing                a reference leads nowhere
    │   ├── SecretIsTooShort               fewer than six characters cannot be hidden
    │   └── RunIsUnknown                   no such run on this machine
    ├── Failed ....................... 3   it ran, and the answer is no
    │   ├── CheckFailed
    │   ├── ImageBuildFailed
    │   ├── TagIsTaken                     an immutable tag already names another image
    │   ├── PreflightRefused               a deployment could not go well; nothing was changed
    │   ├── MigrationFailed                nothing was deployed
    │   ├── DeploymentFailed
    │   └── VerificationFailed
    ├── GateSaidNo ................... 4   an approval is missing, a rule forbids it
    │   └── VerificationIsInconclusive     nobody could say; a person decides
    ├── OutsideDidNotAnswer .......... 5   retry may help
    │   ├── LocalIsDown                    the embedded default is not up
    │   ├── EngineIsDown
    │   ├── DiskIsFull
    │   ├── RegistryDidNotAnswer
    │   ├── AwsDidNotAnswer
    │   └── AccessIsDenied                 AWS answered: not allowed
    ├── LeaseIsHeld .................. 6   somebody else is at work there
    ├── PlanIsStale .................. 7   the world changed since the plan was made
    ├── RolledBack ................... 8   it failed, and what ran before runs again
    ├── RollbackFailed ............... 9   page someone
    ├── Superseded .................. 10   a newer deployment took over
    ├── ChangesArePending ........... 11   `plan --exit-code`
    └── StoppedWatching ............. 12   the deployment goes on without us
    Signalled                              no Exception, so that no library takes it for a failure
    ├── Interrupted ................ 130
    └── Terminated ................. 143
"""

from __future__ import annotations

import re
from typing import ClassVar


class _Told(BaseException):
    """What every problem is told with.

    Args:
        message: what happened, as a sentence without a final full stop.
        hint: what to do next; may be empty where the message says it all.
        where: service, environment, step or file:line:column; may be empty.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    @classmethod
    def code(cls) -> str:
        """Return the kebab-case name that documentation and machines use, from the class name."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()


class ShipwayError(_Told, Exception):
    """A problem that a user can meet and act upon; made of message, hint and where."""


class Signalled(_Told):
    """A signal ends us; made as a `ShipwayError` is.

    Like Python's KeyboardInterrupt it is no `Exception`: libraries catch those, and botocore for
    one makes a failed request of whatever ends it, and tries again.
    """


class WrongUsage(ShipwayError):
    """The command or its input cannot be meant as given."""

    exit_status = 2


class ConfigurationIsInvalid(WrongUsage):
    """`shipway.yaml` has problems; `problems` holds every one, in the order of the file."""

    def __init__(self, problems: tuple[str, ...], *, hint: str = "") -> None:
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__("\n".join((f"shipway.yaml has {count} {noun}", *problems)), hint=hint)
        self.problems = problems


class CheckoutIsUnfit(WrongUsage):
    """The working copy cannot be delivered: dirty, detached, never pushed, or no repository."""


class FileIsMissing(WrongUsage):
    """A file that the configuration names does not exist."""


class ComposeFileIsUnfit(WrongUsage):
    """A compose file is invalid, or two runs of it at once would be in each other's way."""


class ReleaseIsUnknown(WrongUsage):
    """No release has that name, or several have."""


class EnvironmentIsUnknown(WrongUsage):
    """`shipway.yaml` declares no environment of that name."""


class NothingToRollBackTo(WrongUsage):
    """No earlier release was verified in that environment."""


class NothingIsUnderWay(WrongUsage):
    """There is no deployment that could be continued or turned back."""


class SecretIsTooShort(WrongUsage):
    """A secret has fewer than six characters, so it cannot be hidden."""


class ToolIsMissing(WrongUsage):
    """A program that Shipway needs is not installed."""


class ToolIsWrong(WrongUsage):
    """A program has another version than the one that the service pins."""


class InputsAreMissing(WrongUsage):
    """An input glob of a check matches no file, so its key would not notice any change."""


class SecretIsMissing(WrongUsage):
    """A reference to a secret leads nowhere."""


class RunIsUnknown(WrongUsage):
    """There is no run of that name on this machine."""


class Failed(ShipwayError):
    """It ran, and the answer is no."""

    exit_status = 3


class CheckFailed(Failed):
    """A check of the service did not pass."""


class ImageBuildFailed(Failed):
    """The image could not be built from this commit."""


class TagIsTaken(Failed):
    """The immutable tag of this commit already names another image."""


class PreflightRefused(Failed):
    """What the deployment needs is not there or not well, so nothing was changed."""


class MigrationFailed(Failed):
    """The migration of a release did not end well, so nothing was deployed."""


class DeploymentFailed(Failed):
    """ECS gave the deployment up, and there was nothing to return to."""


class VerificationFailed(Failed):
    """The deployment stands, but what runs is not what was asked for, or does not answer well."""


class GateSaidNo(ShipwayError):
    """The release may not enter the environment, for the reasons in the message."""

    exit_status = 4


class VerificationIsInconclusive(GateSaidNo):
    """Whether what runs is well could not be found out, so a person has to decide."""


class OutsideDidNotAnswer(ShipwayError):
    """Something outside gave no answer, so there is no verdict; trying again may help."""

    exit_status = 5


class LocalIsDown(OutsideDidNotAnswer):
    """The embedded default is not running."""


class EngineIsDown(OutsideDidNotAnswer):
    """The Docker Engine does not answer."""


class DiskIsFull(OutsideDidNotAnswer):
    """There is no room on a disk that Shipway or a check writes to."""


class RegistryDidNotAnswer(OutsideDidNotAnswer):
    """The image registry does not answer."""


class AwsDidNotAnswer(OutsideDidNotAnswer):
    """An AWS API gave no usable answer."""


class AccessIsDenied(OutsideDidNotAnswer):
    """AWS answered that this identity may not do this; never the same as "not found"."""


class LeaseIsHeld(ShipwayError):
    """Another run is at work in the same place."""

    exit_status = 6


class PlanIsStale(ShipwayError):
    """What the plan was made from is no longer so."""

    exit_status = 7


class RolledBack(ShipwayError):
    """The deployment failed and the release before it runs again."""

    exit_status = 8


class RollbackFailed(ShipwayError):
    """The deployment failed and so did the way back: a person is needed now."""

    exit_status = 9


class Superseded(ShipwayError):
    """A newer deployment replaced this one before it ended."""

    exit_status = 10


class ChangesArePending(ShipwayError):
    """The plan holds changes (`plan --exit-code`)."""

    exit_status = 11


class StoppedWatching(ShipwayError):
    """The time to watch was over; the deployment goes on."""

    exit_status = 12


class Interrupted(Signalled):
    """Ctrl-C."""

    exit_status = 130


class Terminated(Signalled):
    """SIGTERM, as Jenkins sends it."""

    exit_status = 143
