"""Any environment, seen through scaled observations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.base import Box, Environment, Space, TimeStep
from edgewise.numerics.scaling import Scaling


class ScaledObservations(Environment[Any]):
    """Maps each bounded component of the observation to [-span, span].

    Attributes:
        environment: inside.
        inputs: scaling of its observations.
    """

    environment: Environment[Any]
    inputs: Scaling = eqx.field(static=True)

    def __init__(self, environment: Environment[Any], span: float) -> None:
        """Args: an environment whose observations are vectors, and the largest size of a scaled component."""
        space = environment.observation_space
        if not isinstance(space, Box):
            raise ValueError(f"{space}: only vectors can be scaled")
        self.environment = environment
        self.inputs = Scaling.of_box(space.low, space.high, span)

    @property
    def observation_space(self) -> Box:
        space = self.environment.observation_space
        assert isinstance(space, Box)
        low, high = (np.asarray(self.inputs(jnp.asarray(bound)), np.float32) for bound in (space.low, space.high))
        return Box(low, high)

    @property
    def action_space(self) -> Space:
        return self.environment.action_space

    @property
    def action_mask(self) -> bool:
        return self.environment.action_mask

    @property
    def horizon(self) -> int:
        return self.environment.horizon

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Float[Array, " o"]]:
        state, observation = self.environment.reset(key)
        return state, self.inputs(observation)

    def step(self, key: PRNGKeyArray, state: Any, action: Any) -> tuple[Any, TimeStep]:
        state, timestep = self.environment.step(key, state, action)
        return state, replace(timestep, observation=self.inputs(timestep.observation))
