"""Any environment with a finite box of actions, acted on in [-1, 1]."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box
from edgewise.environments.wrapper import Wrapper
from edgewise.numerics.rescaling import Rescaling


class RescaledActions(Wrapper):
    """Maps every component of an action from [-1, 1] to its bounds.

    Attributes:
        environment: inside.
        outputs: the map.
    """

    outputs: Rescaling = eqx.field(static=True)

    @property
    def action_space(self) -> Box:
        ones = np.ones(len(self.outputs.low), np.float32)
        return Box(-ones, ones)

    @property
    def rescaling(self) -> Rescaling:
        return self.outputs

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
