"""Any environment or game, seen through scaled observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, PRNGKeyArray

from edgewise.environments.bipartite import Bipartite
from edgewise.environments.environment import Environment, Observation, TimeStep
from edgewise.environments.game import Game, GameStep, Observations
from edgewise.environments.spaces import Box, Choices, Dict, Discrete, Entities, Flags, Space
from edgewise.environments.wrapper import Wrapper
from edgewise.numerics.scaling import AnyScaling, FieldScaling, Scaling


def scaling_of(space: Space, span: float) -> AnyScaling | None:
    """What maps each bounded component of an observation to [-span, span]; choices and flags stay as they are.

    Args:
        space: the space of the observation.
        span: largest size of a scaled component.

    Returns:
        None if nothing in it is scaled.
    """
    if isinstance(space, Box):
        return Scaling.of_box(space.low, space.high, span)
    if isinstance(space, Discrete | Choices | Flags):
        return None
    if isinstance(space, Bipartite):
        # One scaling for all columns: it must hold whatever their number.
        space = space.resized(space.sizes[0], 1)
    scalings = ((name, scaling_of(part, span)) for name, part in space.fields.items())
    fields = tuple((name, scaling) for name, scaling in scalings if scaling is not None)
    return FieldScaling(fields) if fields else None


def scaled_space(space: Space, scaling: AnyScaling | None) -> Space:
    """The space of scaled observations; what is scaled has no unit any more."""
    if scaling is None:
        return space
    if isinstance(scaling, Scaling):
        assert isinstance(space, Box)
        low, high = (np.asarray(scaling(jnp.asarray(bound)), np.float32) for bound in (space.low, space.high))
        return Box(low, high)
    assert isinstance(space, Dict | Entities)
    changed = {name: scaled_space(space.fields[name], each) for name, each in scaling.fields}
    return replace(space, fields={**space.fields, **changed})


class ScaledObservations(Wrapper):
    """Maps each bounded component of the observation to [-span, span].

    Attributes:
        environment: inside.
        inputs: scaling of its observations.
    """

    inputs: AnyScaling = eqx.field(static=True)

    def __init__(self, environment: Environment[Any], span: float) -> None:
        """Args: an environment, and the largest size of a scaled component.

        Raises:
            ValueError: if nothing in its observations can be scaled.
        """
        inputs = scaling_of(environment.observation_space, span)
        if inputs is None:
            raise ValueError(f"{environment.observation_space}: holds no numbers that can be scaled")
        self.environment = environment
        self.inputs = inputs

    @property
    def observation_space(self) -> Space:
        return scaled_space(self.environment.observation_space, self.inputs)

    @property
    def scaling(self) -> AnyScaling:
        return self.inputs

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Observation]:
        state, observation = self.environment.reset(key)
        return state, self.inputs(observation)

    def step(self, key: PRNGKeyArray, state: Any, action: Any) -> tuple[Any, TimeStep]:
        state, timestep = self.environment.step(key, state, action)
        return state, replace(timestep, observation=self.inputs(timestep.observation))


class ScaledGame(Game[Any]):
    """Maps each bounded component of every agent's observation to [-span, span].

    Attributes:
        environment: inside.
        inputs: scaling of each agent's observations, of those in whose observations something is scaled.
    """

    environment: Game[Any]
    inputs: dict[str, AnyScaling]

    def __init__(self, environment: Game[Any], span: float) -> None:
        """Args: a game, and the largest size of a scaled component."""
        self.environment = environment
        scalings = {agent: scaling_of(space, span) for agent, space in environment.observation_spaces.items()}
        self.inputs = {agent: scaling for agent, scaling in scalings.items() if scaling is not None}

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        return self.environment.stages

    @property
    def observation_spaces(self) -> dict[str, Space]:
        spaces = self.environment.observation_spaces
        return {agent: scaled_space(space, self.inputs.get(agent)) for agent, space in spaces.items()}

    @property
    def action_spaces(self) -> dict[str, Space]:
        return self.environment.action_spaces

    @property
    def horizon(self) -> int:
        return self.environment.horizon

    @property
    def scalings(self) -> dict[str, AnyScaling]:
        return self.inputs

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Observations]:
        state, observations = self.environment.reset(key)
        return state, self._scale(observations)

    def move(self, key: PRNGKeyArray, state: Any, stage: int, actions: Mapping[str, Any]) -> tuple[Any, GameStep]:
        state, step = self.environment.move(key, state, stage, actions)
        return state, replace(step, observations=self._scale(step.observations))

    def observe(self, state: Any) -> Observations:
        return self._scale(self.environment.observe(state))

    @property
    def privileged_space(self) -> Space:
        return self.environment.privileged_space

    def privileged(self, state: Any) -> Any:
        return self.environment.privileged(state)

    def present(self, state: Any) -> dict[str, Bool[Array, ""]]:
        return self.environment.present(state)

    def _scale(self, observations: Observations) -> Observations:
        return {
            agent: self.inputs[agent](observation) if agent in self.inputs else observation
            for agent, observation in observations.items()
        }
