"""What a look before a deployment can find: stable codes, what, where, and how to put it right."""

from __future__ import annotations

from enum import Enum

from shipway.model.lazy import dataclass
from shipway.model.preflight import Unknown

COULD_NOT_BE_CHECKED = "could-not-be-checked"


class Weight(Enum):
    """Whether a finding ends the deployment before it begins."""

    REFUSE = "refuse"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as a deployment needs it; `code` never changes, `how` puts it right."""

    weight: Weight
    code: str
    what: str
    where: str
    how: str

    @property
    def message(self) -> str:
        """What is wrong, and how to put it right."""
        return f"{self.what} -> {self.how}"

    def advice(self) -> str:
        """Say it as a plan does, with what would come of it."""
        effect = "would be refused" if self.weight is Weight.REFUSE else "warning"
        return f"{effect}: {self.words()}"

    def report(self) -> dict[str, str]:
        """Return it for machines."""
        return {
            "weight": self.weight.value,
            "code": self.code,
            "what": self.what,
            "where": self.where,
            "how": self.how,
        }

    def words(self) -> str:
        """Say it all in one line, with the code that `--despite` takes."""
        return f"{self.where}: {self.message} ({self.code})"


def refuse(code: str, what: str, where: str, how: str) -> Finding:
    """Return a finding that ends the deployment before it begins."""
    return Finding(Weight.REFUSE, code, what, where, how)


def unasked(where: str, seen: Unknown) -> Finding:
    """Return the warning that nobody could say: never the same as "not there"."""
    how = "let this identity look at it, or look yourself"
    return Finding(
        Weight.WARN, COULD_NOT_BE_CHECKED, f"could not be checked: {seen.why}", where, how
    )


def short(arn: str) -> str:
    """Return the part of an ARN that people know a thing by."""
    resource = arn.split(":", 5)[-1]
    return resource.partition("/")[2] or resource
