"""Structured actions as one array of integers, for libraries that take no dictionaries of actions."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from jaxtyping import Int

from edgewise.common.errors import ConfigurationError


class FlatActions(gymnasium.ActionWrapper[Any, Any, Any]):
    """A `Dict` of choices and flags as one `MultiDiscrete`: the fields one after another, each row by row.

    With Gymnasium's `FlattenObservation` beside it, learners of Stable-Baselines3 act in entity environments.

    Args:
        environment: with a `Dict` of `Discrete`, `MultiDiscrete` and `MultiBinary` spaces as its action space.

    Raises:
        ConfigurationError: for another action space.
    """

    def __init__(self, environment: gymnasium.Env[Any, Any]) -> None:
        super().__init__(environment)
        given = environment.action_space
        fields = given.spaces if isinstance(given, spaces.Dict) else {}
        self._counts = {name: _counts(part) for name, part in fields.items()}
        if not fields or any(counts is None for counts in self._counts.values()):
            raise ConfigurationError("action_space", given, "a Dict of Discrete, MultiDiscrete and MultiBinary spaces")
        self.action_space = spaces.MultiDiscrete(np.concatenate([np.ravel(counts) for counts in self._counts.values()]))

    def action(self, action: Int[np.ndarray, " n"]) -> dict[str, Any]:
        """The fields of an array of integers."""
        shapes = {name: np.shape(counts) for name, counts in self._counts.items()}
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])[:-1]
        pieces = np.split(np.asarray(action), ends)
        return {name: piece.reshape(shape) for piece, (name, shape) in zip(pieces, shapes.items(), strict=True)}


def _counts(space: spaces.Space[Any]) -> Any:
    """How many values each number of an element has; None for another space than those of integers from 0."""
    match space:
        case spaces.Discrete(start=0):
            return space.n
        case spaces.MultiDiscrete() if not space.start.any():
            return space.nvec
        case spaces.MultiBinary():
            return np.full(space.shape, 2)
    return None
