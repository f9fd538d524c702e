"""`model.lazy.dataclass` is the standard library's, but for the moment when it compiles."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import ClassVar

import pytest

from shipway.model import lazy


@lazy.dataclass(frozen=True, slots=True)
class Point:
    """With defaults of both kinds, and what is no field."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)

    @property
    def both(self) -> int:
        """Something of its own."""
        return self.x + self.y


@lazy.dataclass(frozen=True, slots=True)
class Named(Point):
    """A subclass."""

    name: str = "?"


@lazy.dataclass(frozen=True, slots=True, kw_only=True)
class ByName:
    """Keywords alone; the one without a default stands last."""

    a: int = 1
    b: int


@dataclass(frozen=True, slots=True)
class Plain:
    """The standard library's own, to compare with."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)


def message(work: Callable[[], object]) -> str:
    """What is said of it."""
    with pytest.raises((TypeError, FrozenInstanceError, AttributeError)) as caught:
        work()
    return str(caught.value).replace("Plain", "Point")


def test_values_are_made_compared_and_shown_as_usual() -> None:
    """By place and by name, equal by value, hashed by value, shown in full."""
    assert Point(1).both == 3
    assert Point(1) == Point(x=1, y=2, tags=[]) != Point(2)
    assert repr(Point(1, 5, ["a"])) == "Point(x=1, y=5, tags=['a'])"
    assert repr(Point(1)) == repr(Plain(1)).replace("Plain", "Point")
    assert hash(ByName(b=1)) == hash(ByName(b=1))
    other: object = Plain(1)
    assert Point(1) != other
    assert Point(1).tags is not Point(1).tags


@pytest.mark.parametrize(
    "wrong",
    [
        lambda cls: cls(),
        lambda cls: cls(1, 2, [], 4),
        lambda cls: cls(1, z=3),
        lambda cls: cls(1, x=3),
        lambda cls: setattr(cls(1), "x", 2),
        lambda cls: delattr(cls(1), "x"),
        lambda cls: hash(cls(1)),
    ],
)
def test_mistakes_are_refused_in_the_same_words(wrong: Callable[[type], object]) -> None:
    """Wrong arguments, assignments, deletions, a hash of what has none."""
    assert message(lambda: wrong(Point)) == message(lambda: wrong(Plain))


def test_the_helpers_of_the_standard_library_work() -> None:
    """`fields`, `replace`, `asdict`, copies, pickles and patterns."""
    one = Point(1, tags=["a"])
    assert is_dataclass(one)
    assert [f.name for f in fields(one)] == ["x", "y", "tags"]
    assert replace(one, y=9) == Point(1, 9, ["a"])
    assert asdict(one) == {"x": 1, "y": 2, "tags": ["a"]}
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own
    assert copy.copy(one) == copy.deepcopy(one) == one
    match one:
        case Point(x, y):
            assert (x, y) == (1, 2)
    with pytest.raises(AttributeError):
        object.__setattr__(one, "other", 1)  # slots: there is no place for it


def test_a_subclass_has_the_fields_of_both() -> None:
    """Whichever of the two was made first."""
    assert Named(1, 2, [], "n") == Named(1, name="n")
    assert repr(Named(1)) == "Named(x=1, y=2, tags=[], name='?')"
    assert Point(1) != Named(1)
    assert pickle.loads(pickle.dumps(Named(3))) == Named(3)  # noqa: S301 - our own


def test_keywords_alone() -> None:
    """`kw_only` is kept: places are refused."""
    assert ByName(b=4) == ByName(a=1, b=4)
    with pytest.raises(TypeError):
        ByName(1, 2)  # type: ignore[call-arg]  # that is the point


def test_what_is_not_frozen_is_left_to_the_standard_library() -> None:
    """It can be changed."""

    @lazy.dataclass(slots=True)
    class Open:
        value: int

    one = Open(1)
    one.value = 2
    assert one == Open(2)
