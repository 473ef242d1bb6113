"""Soft actor-critic for a finite set of actions (Christodoulou, 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.categorical_actor_critic import CategoricalActorCritic, CategoricalActorCriticConfig, sizes
from edgewise.environments.spaces import Spaces
from edgewise.policies.categorical import CategoricalPolicy


@dataclass(frozen=True)
class DiscreteSACConfig(CategoricalActorCriticConfig):
    """Configuration of discrete SAC: the defaults keep the published soft value target and one-step returns."""

    soft_target: bool = True
    n_step: int = 1


class DiscreteSAC(CategoricalActorCritic):
    """Soft actor-critic with a softmax policy."""

    config: DiscreteSACConfig = eqx.field(static=True)
    observation_size: int = eqx.field(static=True)
    actions: int = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: DiscreteSACConfig, spaces: Spaces, updates: int) -> None:
        """Args: configuration, the spaces to learn in, and the updates of the run (for the learning rates)."""
        self.config = config
        self.updates = updates
        self.observation_size, self.actions = sizes(config, spaces)

    def new_actor(self, key: PRNGKeyArray) -> CategoricalPolicy:
        c = self.config
        return CategoricalPolicy.create(self.observation_size, self.actions, c.hidden, key, c.masking)

    def policy_of(self, actor: CategoricalPolicy) -> CategoricalPolicy:
        return actor

    def log_probabilities(
        self, actor: CategoricalPolicy, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> Float[Array, "*batch a"]:
        return actor.log_probabilities(observation)
