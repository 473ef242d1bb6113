"""Records whose arrays are those of NumPy, outside of compiled code.

Their classes name arrays of JAX, which runtime checks of types would look for: here they are checked by reading alone. Functions
with an argument `numbers` make records of JAX or of NumPy, with the same bits: what is done once with arrays of any size, outside
of compiled code, is done by NumPy, since JAX would compile every step of it for every size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from edgewise.systems.agent_migration.memory import Memory, Seen
    from edgewise.systems.agent_migration.parameters import Parameters
    from edgewise.systems.agent_migration.standing import Standing

    HostParameters: TypeAlias = Parameters
    HostSeen: TypeAlias = Seen
    HostMemory: TypeAlias = Memory
    HostStanding: TypeAlias = Standing
else:
    HostParameters = HostSeen = HostMemory = HostStanding = Any

Record = TypeVar("Record", bound=eqx.Module)


def on_device(record: Record) -> Record:
    """The record with arrays of JAX."""
    moved: Record = jax.tree.map(jnp.asarray, record)
    return moved


def record_in(numbers: Any, kind: type[Record], values: Mapping[str, Any]) -> Record:
    """A record with the given values: arrays of the module `numbers`, `jax.numpy` or `numpy`."""
    return kind(**values) if numbers is jnp else record_of(kind, values)


def with_values(record: Record, values: Mapping[str, Any]) -> Record:
    """The record with other values in some fields."""
    return record_of(type(record), {**vars(record), **values})


def record_of(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """A record of a class with the given values, not checked; those that are missing are None."""
    made = object.__new__(kind)
    own: dict[str, Any] = object.__getattribute__(made, "__dict__")  # past the modules' own way, which takes its time
    for name in _names(kind):
        own[name] = values.get(name)
    return made


@cache
def _names(kind: type[eqx.Module]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))
