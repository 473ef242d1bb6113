"""Soft actor-critic for a finite set of actions (Christodoulou, 2019)."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.categorical_actor_critic import CategoricalActorCritic, CategoricalActorCriticConfig
from edgewise.policies.categorical import CategoricalPolicy


@dataclass(frozen=True)
class DiscreteSACConfig(CategoricalActorCriticConfig):
    """Configuration of discrete SAC: the defaults keep the published soft value target and one-step returns."""

    soft_target: bool = True
    n_step: int = 1


class DiscreteSAC(CategoricalActorCritic[DiscreteSACConfig, CategoricalPolicy, CategoricalPolicy]):
    """Soft actor-critic with a softmax policy."""

    def new_actor(self, key: PRNGKeyArray) -> CategoricalPolicy:
        c = self.config
        return CategoricalPolicy.create(self.observation_size, self.actions, c.hidden, key, c.masking)

    def policy_of(self, actor: CategoricalPolicy) -> CategoricalPolicy:
        return actor

    def log_probabilities(
        self, actor: CategoricalPolicy, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> Float[Array, "*batch a"]:
        return actor.log_probabilities(observation)
