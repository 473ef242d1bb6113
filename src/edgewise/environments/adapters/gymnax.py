"""Edgewise environments as gymnax environments and the other way round; needs the extra `gymnax`.

Both sides reset themselves, keep the final observation and split the step key in the same way, so `step_autoreset` here
and `step` there follow the same path from the same key.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util
import numpy as np
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from edgewise.common.errors import EdgewiseError, check_integer
from edgewise.common.extras import missing
from edgewise.environments.adapters.gymnax_spaces import to_gymnax_space, typed
from edgewise.environments.adapters.spaces import from_bounds
from edgewise.environments.elements import clipped
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Dict, Discrete, Entities, Space

try:
    from gymnax.environments import environment as gymnax_environment
except ImportError as error:
    raise missing("gymnax", "gymnax", error) from error


class GymnaxParameters(eqx.Module):
    """The parameters that gymnax hands to every function. Sweep the environment's array fields with `jax.vmap`.

    Attributes:
        environment: the Edgewise environment.
        max_steps_in_episode: an episode is truncated here at the latest.
    """

    environment: Environment[Any]
    max_steps_in_episode: Any

    def replace(self, **changes: Any) -> GymnaxParameters:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)


class GymnaxState(eqx.Module):
    """State of an Edgewise environment between gymnax's calls.

    Attributes:
        state: the state of the Edgewise environment.
        observation: the observation of that state.
        truncated: whether the environment itself cut the episode here.
        time: steps done in the episode.
    """

    state: Any
    observation: Any
    truncated: Bool[Array, ""]
    time: Int[Array, ""]


class ToGymnax(gymnax_environment.Environment):  # type: ignore[misc]
    """An Edgewise environment behind gymnax's interface; `default_params` holds the environment.

    Args:
        environment: to adapt.
    """

    def __init__(self, environment: Environment[Any]) -> None:
        super().__init__()
        self._environment = environment

    @property
    def default_params(self) -> GymnaxParameters:
        """The environment, and its horizon as the longest episode."""
        return GymnaxParameters(self._environment, self._environment.horizon)

    @property
    def name(self) -> str:
        """Class of the environment."""
        return type(self._environment).__name__

    @property
    def num_actions(self) -> int:
        """Number of choices, or of components of a continuous action."""
        space = self._environment.action_space
        if isinstance(space, Discrete):
            return space.n
        if isinstance(space, Dict | Entities):
            raise EdgewiseError(f"{self.name}: its actions are a structure, which gymnax cannot count")
        return int(np.prod(space.shape))

    def reset_env(self, key: PRNGKeyArray, params: GymnaxParameters) -> tuple[Any, GymnaxState]:
        """Observation and state of a new episode."""
        state, observation = params.environment.reset(key)
        return observation, GymnaxState(state, observation, jnp.zeros((), dtype=bool), jnp.zeros((), dtype=int))

    def step_env(
        self, key: PRNGKeyArray, state: GymnaxState, action: Any, params: GymnaxParameters
    ) -> tuple[Any, GymnaxState, Any, Bool[Array, ""], dict[str, Any]]:
        """Observation, state, reward, whether the episode terminated, and `info`; truncation is in `is_truncated`.

        Components of an action outside of a box count as its nearest bound.
        """
        action = clipped(params.environment.action_space, action)
        next_state, timestep = params.environment.step(key, state.state, action)
        info = timestep.info | {"discount": 1.0 - timestep.terminated}
        wrapped = GymnaxState(next_state, timestep.observation, timestep.truncated, state.time + 1)
        return timestep.observation, wrapped, timestep.reward, timestep.terminated, info

    def observe(self, key: PRNGKeyArray, state: GymnaxState, action: Any, params: GymnaxParameters) -> Any:
        """The observation of the state."""
        return state.observation

    def is_truncated(self, state: GymnaxState, params: GymnaxParameters) -> Bool[Array, ""]:
        """Whether the environment, or `max_steps_in_episode`, cuts the episode at this state."""
        return jnp.logical_or(state.truncated, state.time >= params.max_steps_in_episode)

    def observation_space(self, params: GymnaxParameters | None = None) -> Any:
        """The observation space in gymnax's terms."""
        return to_gymnax_space(self._environment.observation_space)

    def action_space(self, params: GymnaxParameters | None = None) -> Any:
        """The action space in gymnax's terms."""
        return to_gymnax_space(self._environment.action_space)


class FromGymnax(Environment[Any]):
    """A gymnax environment behind the Edgewise interface.

    Attributes:
        wrapped: the gymnax environment.
        parameters: its parameters, as arrays.
        steps: length of the longest episode.
        observed, acted: its spaces.
    """

    wrapped: Any = eqx.field(static=True)
    parameters: Any
    steps: int = eqx.field(static=True)
    observed: Space = eqx.field(static=True)
    acted: Space = eqx.field(static=True)

    @property
    def horizon(self) -> int:
        """Steps of the longest episode."""
        return self.steps

    @property
    def observation_space(self) -> Space:
        """Space of the observation; a box is float32."""
        return self.observed

    @property
    def action_space(self) -> Space:
        """Space of the action."""
        return self.acted

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Array]:
        """Draw an initial state and return it with its observation."""
        observation, state = self.wrapped.reset_env(key, self.parameters)
        return jax.tree_util.tree_map(_strong, state), self._observation(observation)

    def step(self, key: PRNGKeyArray, state: Any, action: Any) -> tuple[Any, TimeStep]:
        """Advance one step without a reset; `info` keeps the scalars among gymnax's."""
        observation, next_state, reward, terminated, info = self.wrapped.step_env(key, state, action, self.parameters)
        metrics = {str(name): jnp.asarray(value, dtype=float) for name, value in info.items() if jnp.ndim(value) == 0}
        timestep = TimeStep(
            observation=self._observation(observation),
            reward=jnp.asarray(reward, dtype=float),
            terminated=jnp.asarray(terminated, dtype=bool),
            truncated=jnp.asarray(self.wrapped.is_truncated(next_state, self.parameters), dtype=bool),
            info=metrics,
        )
        return jax.tree_util.tree_map(_strong, next_state), timestep

    def _observation(self, observation: Any) -> Any:
        return typed(self.observed, observation)


def to_gymnax(environment: Environment[Any]) -> ToGymnax:
    """An Edgewise environment for code written against gymnax; its parameters are `default_params`."""
    return ToGymnax(environment)


def from_gymnax(environment: Any, parameters: Any = None) -> FromGymnax:
    """A gymnax environment as an Edgewise one: `from_gymnax(*gymnax.make("CartPole-v1"))`.

    Args:
        environment: gymnax environment with single-array spaces.
        parameters: the parameters of the environment; if None, its defaults.

    Raises:
        ConfigurationError: for spaces that are neither boxes nor discrete, or an episode without steps.
    """
    parameters = environment.default_params if parameters is None else parameters
    steps = int(parameters.max_steps_in_episode)
    check_integer("max_steps_in_episode", steps, 1)
    return FromGymnax(
        wrapped=environment,
        parameters=jax.tree_util.tree_map(jnp.asarray, parameters),
        steps=steps,
        observed=from_bounds("observation_space", environment.observation_space(parameters)),
        acted=from_bounds("action_space", environment.action_space(parameters)),
    )


def _strong(leaf: Any) -> Array:
    """An array whose type no longer yields to others, so that a scan can carry it."""
    return jnp.asarray(leaf, dtype=jnp.asarray(leaf).dtype)
