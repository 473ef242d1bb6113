"""What a run needs of a training loop, whatever its kind."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray

from edgewise.environments.base import Environment
from edgewise.training.config import TrainingConfig


class Loop(eqx.Module):
    """Pure pieces of a run for one seed; several seeds are a `vmap` over keys and states.

    The state that `start` and `chunk` return has the field `train_state`, which the algorithm made.

    Attributes:
        environment: what to learn in.
        algorithm: the learner.
        config: sizes and budgets.
    """

    environment: eqx.AbstractVar[Environment[Any]]
    algorithm: eqx.AbstractVar[Any]
    config: eqx.AbstractVar[TrainingConfig]

    @abc.abstractmethod
    def start(self, key: PRNGKeyArray) -> Any:
        """Fresh learner and environments."""

    @abc.abstractmethod
    def chunk(self, state: Any) -> tuple[Any, dict[str, Array]]:
        """Collect and learn until the next evaluation; metrics are means over the chunk's updates."""
