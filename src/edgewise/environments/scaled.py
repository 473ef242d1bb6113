"""Any environment or game, seen through scaled observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.game import Game, GameStep, Observations
from edgewise.environments.spaces import Box, Space
from edgewise.numerics.rescaling import Rescaling
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

    @property
    def rescaling(self) -> Rescaling | None:
        return self.environment.rescaling

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Float[Array, " o"]]:
        state, observation = self.environment.reset(key)
        return state, self.inputs(observation)

    def step(self, key: PRNGKeyArray, state: Any, action: Any) -> tuple[Any, TimeStep]:
        state, timestep = self.environment.step(key, state, action)
        return state, replace(timestep, observation=self.inputs(timestep.observation))


class ScaledGame(Game[Any]):
    """Maps each bounded component of every agent's observation to [-span, span].

    Attributes:
        environment: inside.
        inputs: scaling of each agent's observations.
    """

    environment: Game[Any]
    inputs: dict[str, Scaling]

    def __init__(self, environment: Game[Any], span: float) -> None:
        """Args: a game whose observations are vectors, and the largest size of a scaled component."""
        self.environment = environment
        self.inputs = {}
        for agent, space in environment.observation_spaces.items():
            if not isinstance(space, Box):
                raise ValueError(f"{agent}: only vectors can be scaled")
            self.inputs[agent] = Scaling.of_box(space.low, space.high, span)

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        return self.environment.stages

    @property
    def observation_spaces(self) -> dict[str, Space]:
        scaled: dict[str, Space] = {}
        for agent, space in self.environment.observation_spaces.items():
            assert isinstance(space, Box)
            bounds = (
                np.asarray(self.inputs[agent](jnp.asarray(bound)), np.float32) for bound in (space.low, space.high)
            )
            scaled[agent] = Box(*bounds)
        return scaled

    @property
    def action_spaces(self) -> dict[str, Space]:
        return self.environment.action_spaces

    @property
    def horizon(self) -> int:
        return self.environment.horizon

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Observations]:
        state, observations = self.environment.reset(key)
        return state, self._scale(observations)

    def move(self, key: PRNGKeyArray, state: Any, stage: int, actions: Mapping[str, Any]) -> tuple[Any, GameStep]:
        state, step = self.environment.move(key, state, stage, actions)
        return state, replace(step, observations=self._scale(step.observations))

    def observe(self, state: Any) -> Observations:
        return self._scale(self.environment.observe(state))

    def _scale(self, observations: Observations) -> Observations:
        return {agent: self.inputs[agent](observation) for agent, observation in observations.items()}
