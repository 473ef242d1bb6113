"""Any environment with a finite box of actions, acted on in [-1, 1]."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Space
from edgewise.numerics.rescaling import Rescaling
from edgewise.numerics.scaling import AnyScaling


class RescaledActions(Environment[Any]):
    """Maps every component of an action from [-1, 1] to its bounds.

    Attributes:
        environment: inside.
        outputs: the map.
    """

    environment: Environment[Any]
    outputs: Rescaling = eqx.field(static=True)

    @property
    def observation_space(self) -> Space:
        return self.environment.observation_space

    @property
    def action_space(self) -> Box:
        ones = np.ones(len(self.outputs.low), np.float32)
        return Box(-ones, ones)

    @property
    def action_mask(self) -> bool:
        return self.environment.action_mask

    @property
    def horizon(self) -> int:
        return self.environment.horizon

    @property
    def scaling(self) -> AnyScaling | None:
        return self.environment.scaling

    @property
    def rescaling(self) -> Rescaling:
        return self.outputs

    @property
    def privileged_space(self) -> Space | None:
        return self.environment.privileged_space

    def privileged(self, state: Any) -> Any:
        return self.environment.privileged(state)

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        return self.environment.reset(key)

    def step(self, key: PRNGKeyArray, state: Any, action: Float[Array, " a"]) -> tuple[Any, TimeStep]:
        return self.environment.step(key, state, self.outputs(action))


def with_unit_actions(environment: Environment[Any]) -> Environment[Any]:
    """The environment as learners see it, which act in [-1, 1]; itself if its actions are no box or lie there already.

    Raises:
        ConfigurationError: if its actions are a box without finite bounds, or no vectors.
    """
    box = environment.action_space
    if not isinstance(box, Box) or box.is_unit:
        return environment
    if len(box.shape) != 1 or not (np.isfinite(box.low).all() and np.isfinite(box.high).all()):
        raise ConfigurationError("action_space", str(box), "a vector with finite bounds, for learners act between them")
    return RescaledActions(environment, Rescaling(tuple(map(float, box.low)), tuple(map(float, box.high))))
