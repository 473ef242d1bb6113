"""What a run needs of a training loop, whatever its kind."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray

from edgewise.environments.scaled import ScaledObservations
from edgewise.policies.scaled import ScaledPolicy
from edgewise.training.config import TrainingConfig


class Loop(eqx.Module):
    """Pure pieces of a run for one seed; several seeds are a `vmap` over keys and states.

    The state that `start` and `chunk` return has the field `train_state`, which the algorithm made.

    Attributes:
        environment: what to learn in, as the learner sees it.
        algorithm: the learner.
        config: sizes and budgets.
    """

    environment: eqx.AbstractVar[Any]
    algorithm: eqx.AbstractVar[Any]
    config: eqx.AbstractVar[TrainingConfig]

    @abc.abstractmethod
    def start(self, key: PRNGKeyArray) -> Any:
        """Fresh learner and environments."""

    def policy(self, train_state: Any) -> Any:
        """What is deployed: the algorithm's policy, made to take observations as they are."""
        policy = self.algorithm.policy(train_state)
        seen = self.environment
        return ScaledPolicy(policy, seen.inputs) if isinstance(seen, ScaledObservations) else policy

    @abc.abstractmethod
    def chunk(self, state: Any) -> tuple[Any, dict[str, Array]]:
        """Collect and learn until the next evaluation; metrics are means over the chunk's updates."""
