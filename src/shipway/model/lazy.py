"""`dataclass`, at a tenth of its price: what it compiles is compiled when it is first needed.

The one of the standard library compiles six functions for each frozen class: a millisecond. A run
of checks loads ninety such classes, and makes values of half of them. Here the methods that are
alike for every class are shared, and `__init__` is compiled with the first value. All else is as
in the standard library: `fields`, `replace`, `asdict`, patterns and pickles work, and type checkers
see its own decorator. Classes that are not both frozen and slotted are left to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING

__all__ = ["dataclass"]


def _decorator(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False, order: bool = False
) -> Callable[[type], type]:
    """Make a class a data class, as `dataclasses.dataclass` does with these arguments."""

    def made(cls: type) -> type:
        if frozen and slots and not order and not hasattr(cls, "__post_init__"):
            return _lazy(cls, kw_only=kw_only)
        return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only, order=order)(cls)

    return made


def _lazy(cls: type, *, kw_only: bool) -> type:
    for name, method in _SHARED.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    decorate = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
    made: type = decorate(cls)

    def first(self: object, *values: object, **named: object) -> None:
        compiled = _initializer(made)
        setattr(made, "__init__", compiled)  # noqa: B010 - a type checker knows no such assignment
        compiled(self, *values, **named)

    setattr(made, "__init__", first)  # noqa: B010 - as above
    return made


def _initializer(cls: type) -> Callable[..., None]:
    """Compile `__init__`; what it refers to has names that no field can have."""
    names: dict[str, object] = {"__set__": object.__setattr__, "__none__": object()}
    parameters, lines = ["__self__"], ["    pass"]
    for field in sorted(dataclasses.fields(cls), key=lambda field: bool(field.kw_only)):
        if field.kw_only and "*" not in parameters:
            parameters.append("*")
        name = value = field.name
        parameter = name
        if field.default is not MISSING:
            names[f"__default_{name}__"] = field.default
            parameter = f"{name}=__default_{name}__"
        elif field.default_factory is not MISSING:
            names[f"__make_{name}__"] = field.default_factory
            parameter = f"{name}=__none__"
            value = f"__make_{name}__() if {name} is __none__ else {name}"
        parameters.append(parameter)
        lines.append(f"    __set__(__self__, {name!r}, {value})")
    head = f"def __init__({', '.join(parameters)}):"
    found: dict[str, Callable[..., None]] = {}
    exec("\n".join([head, *lines]), names, found)  # noqa: S102 - made of names of our own fields
    compiled = found["__init__"]
    compiled.__qualname__ = f"{cls.__qualname__}.__init__"
    return compiled


def _names(value: object) -> tuple[str, ...]:
    cls = type(value)
    found = _NAMES.get(cls)
    if found is None:
        found = tuple(field.name for field in dataclasses.fields(value))  # type: ignore[arg-type]  # of ours alone
        _NAMES[cls] = found
    return found


def _values(self: object) -> tuple[object, ...]:
    return tuple([getattr(self, name) for name in _names(self)])


def _repr(self: object) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in _names(self))
    return f"{type(self).__qualname__}({shown})"


def _eq(self: object, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: object) -> int:
    return hash(_values(self))


def _refuse_set(_: object, name: str, __: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(_: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _setstate(self: object, state: tuple[object, ...]) -> None:
    for name, value in zip(_names(self), state, strict=True):
        object.__setattr__(self, name, value)


_NAMES: dict[type, tuple[str, ...]] = {}
_SHARED = {
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
    "__getstate__": _values,
    "__setstate__": _setstate,
}

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _decorator
