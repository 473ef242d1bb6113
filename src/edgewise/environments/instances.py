"""Many instances of one problem: an environment that draws one at every reset, and groups of such of several sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.environment import Action, Environment, Observation, TimeStep
from edgewise.environments.episode import act, begin
from edgewise.environments.spaces import Space, Spaces
from edgewise.numerics.rescaling import Rescaling
from edgewise.numerics.scaling import AnyScaling

Each = TypeVar("Each")
RELATIVE = "relative"
"""In `info`: a measured quantity over its nominal value in the episode's instance."""


def stack(environments: Sequence[Each]) -> Each:
    """Environments of one structure as one whose array leaves have a leading axis of instances.

    Args:
        environments: at least one; all static fields, shapes and types are equal.

    Raises:
        ConfigurationError: if they differ.
    """
    kinds = [_kind(environment) for environment in environments]
    for number, kind in enumerate(kinds):
        if kind != kinds[0]:
            raise ConfigurationError(
                f"instance {number}", type(environments[number]).__name__, "of the sizes of the first instance"
            )
    # NumPy's stack: one transfer for each leaf, and no program for each number of instances.
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack([np.asarray(leaf) for leaf in leaves])), *environments)


def _kind(environment: Any) -> Any:
    leaves, structure = jax.tree.flatten(environment)
    return structure, tuple((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)


class InstanceState(eqx.Module):
    """State of an episode in one of many instances.

    Attributes:
        index: which instance.
        instance: the instance, taken out of the stack once per episode.
        inner: its own state.
    """

    index: Int[Array, ""]
    instance: Any
    inner: Any


class DrawnInstances(Environment[InstanceState]):
    """Draws one of many instances of equal size at every reset, each with the same probability.

    Attributes:
        instances: an environment whose array leaves have a leading axis of instances, as `stack` makes it. Spaces and horizon
            are those of the first instance, so they must be the same for all.
        pinned: the instance that every episode plays. If None, it is drawn.
        nominal: what is a usual value of the measured quantity in each instance, so that large instances do not rule a mean.
            If None, nothing is related to it.
        measured: the name of that quantity in `info`, a cost; `info["relative"]` is it over the nominal value then.
    """

    instances: Environment[Any]
    pinned: Int[Array, ""] | None = None
    nominal: Float[Array, " n"] | None = None
    measured: str = eqx.field(static=True, default="")

    @property
    def count(self) -> int:
        """Number of instances N."""
        return int(jax.tree.leaves(self.instances)[0].shape[0])

    def instance(self, index: Int[Array, ""] | int) -> Environment[Any]:
        """One instance, an environment of its own."""
        chosen: Environment[Any] = jax.tree.map(lambda leaf: leaf[index], self.instances)
        return chosen

    def pin(self, index: Int[Array, ""] | int) -> DrawnInstances:
        """The same, of which every episode plays the instance of that number."""
        return replace(self, pinned=jnp.asarray(index))

    def reset(self, key: PRNGKeyArray) -> tuple[InstanceState, Observation]:
        index_key, reset_key = jax.random.split(key)
        index = jax.random.randint(index_key, (), 0, self.count) if self.pinned is None else self.pinned
        instance = self.instance(0 if self.count == 1 else index)
        inner, observation = instance.reset(reset_key)
        return InstanceState(index, instance, inner), observation

    def step(self, key: PRNGKeyArray, state: InstanceState, action: Action) -> tuple[InstanceState, TimeStep]:
        inner, timestep = state.instance.step(key, state.inner, action)
        if self.nominal is not None:
            relative = timestep.info[self.measured] / self.nominal[state.index]
            timestep = replace(timestep, info=timestep.info | {RELATIVE: relative})
        return InstanceState(state.index, state.instance, inner), timestep

    @property
    def privileged_space(self) -> Space | None:
        return self.instance(0).privileged_space

    def privileged(self, state: InstanceState) -> Any:
        return state.instance.privileged(state.inner)

    @property
    def observation_space(self) -> Space:
        return self.instance(0).observation_space

    @property
    def action_space(self) -> Space:
        return self.instance(0).action_space

    @property
    def horizon(self) -> int:
        return self.instance(0).horizon

    @property
    def action_mask(self) -> bool:
        return self.instance(0).action_mask

    @property
    def rescaling(self) -> Rescaling | None:
        return self.instance(0).rescaling

    @property
    def scaling(self) -> AnyScaling | None:
        return self.instance(0).scaling


class InstanceGroups(eqx.Module):
    """Environments of several sizes, to learn in by turns.

    Attributes:
        groups: at least one; observations and actions may have other sizes in each.
    """

    groups: tuple[Environment[Any], ...]

    @property
    def spaces(self) -> Spaces:
        """Those of the first group."""
        return self.groups[0].spaces

    def split(self, number: int) -> tuple[int, ...]:
        """A number of things, spread evenly over the groups; the first ones get what is left over."""
        count = len(self.groups)
        return tuple(number // count + (place < number % count) for place in range(count))


def in_groups(
    environments: Sequence[Environment[Any]], nominal: Sequence[float] | None = None, measured: str = ""
) -> DrawnInstances | InstanceGroups:
    """Instances of any sizes, grouped by size so that each size is compiled once.

    Args:
        environments: at least one.
        nominal: what is a usual value of the measured quantity in each of them. If None, nothing is related to it.
        measured: name of that quantity in `info`, a cost: less is better.

    Returns:
        One environment if all have the same size, else a group for each size in the order in which they first occur.
    """
    places: dict[Any, list[int]] = {}
    for place, environment in enumerate(environments):
        places.setdefault(_kind(environment), []).append(place)
    groups = tuple(
        DrawnInstances(
            stack([environments[place] for place in group]),
            nominal=None if nominal is None else jnp.asarray([nominal[place] for place in group], dtype=float),
            measured=measured,
        )
        for group in places.values()
    )
    return groups[0] if len(groups) == 1 else InstanceGroups(groups)


def example(environment: Any) -> Any:
    """The first instance of many, an environment of its own; any other environment is its own example."""
    if isinstance(environment, InstanceGroups):
        environment = environment.groups[0]
    return environment.instance(0) if isinstance(environment, DrawnInstances) else environment


class GroupPolicy(eqx.Module):
    """A reference policy in groups of instances.

    Attributes:
        policies: that of each group.
    """

    policies: tuple[Any, ...]


class InstancePolicy(eqx.Module):
    """A reference policy in drawn instances: each instance's own.

    Attributes:
        build: from an instance to its reference policy.
    """

    build: Any = eqx.field(static=True)

    def begin(self, state: InstanceState) -> Any:
        """What the reference policy of the episode's instance remembers at its start."""
        return begin(self.build(state.instance), state.inner)

    def step(
        self, key: PRNGKeyArray, state: InstanceState, observation: Observation, memory: Any
    ) -> tuple[Action, Any]:
        """The action of that policy, and its memory to go on with."""
        return act(self.build(state.instance), key, state.inner, observation, memory)
