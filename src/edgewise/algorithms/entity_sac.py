"""Soft actor-critic over sets: a factorised policy for any number of rows and columns.

Discrete soft actor-critic (Christodoulou, 2019) for every row and every column by itself: the critics give the values of all
choices of a row while the others decide as sampled, so that the objective is the exact mean over the row's own choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import Decided, gains, mean_where
from edgewise.algorithms.entity import matching_sizes
from edgewise.algorithms.entity_actor_critic import EntityActorCritic, EntityActorCriticConfig, Judge
from edgewise.common.errors import check_range
from edgewise.networks.bipartite import Features
from edgewise.policies.matching import MatchingPolicy


@dataclass(frozen=True)
class EntitySACConfig(EntityActorCriticConfig):
    """Configuration of soft actor-critic over sets. Values without a source are ours."""

    temperature: float = 0.1
    """Weight of the mean entropy of the decisions at the start, against gains of mean size 1."""
    final_temperature: float = 0.1
    """Share of it left at the end of the run; it falls linearly."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0)
        check_range("final_temperature", self.final_temperature, 0, 1)
        super().__post_init__()


class EntitySAC(EntityActorCritic[EntitySACConfig, MatchingPolicy]):
    """Learns a `MatchingPolicy`. The value target holds no entropy."""

    def new_actor(self, key: PRNGKeyArray) -> MatchingPolicy:
        c = self.config
        return MatchingPolicy.create(self.sets, matching_sizes(self.spaces), c.width, c.rounds, key)

    def policy_of(self, actor: MatchingPolicy) -> MatchingPolicy:
        return actor

    def actor_of(self, policy: MatchingPolicy) -> MatchingPolicy:
        return policy

    def decide(self, actor: MatchingPolicy, x: Features, key: PRNGKeyArray) -> Decided:
        return self._sampled(*actor.logits(x), x, key)

    def actor_objective(
        self,
        actor: MatchingPolicy,
        judge: Judge,
        seen: Features,
        taken: Decided,
        part: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics]:
        """Negative mean of gain and weighted entropy, choices and switches each averaged by themselves."""
        choice, switch = actor.logits(seen)
        gain = gains(seen, judge(self._sampled(choice, switch, seen, key)))
        logarithms, on = jax.nn.log_softmax(choice), jax.nn.sigmoid(switch)
        probability = jnp.exp(logarithms)
        gained = mean_where((probability * gain.choice).sum(-1), seen.row_mask)
        entropy = mean_where(-(probability * logarithms).sum(-1), seen.row_mask)
        if self.sets.switch is not None:
            gained += mean_where(on * gain.switch, seen.column_mask)
            uncertain = -on * jax.nn.log_sigmoid(switch) - (1 - on) * jax.nn.log_sigmoid(-switch)
            entropy += mean_where(uncertain, seen.column_mask)
        c = self.config
        temperature = c.temperature * (1 - (1 - c.final_temperature) * part)
        return -(gained + temperature * entropy), {"gain": gained, "entropy": entropy}

    def _sampled(
        self, choice: Float[Array, "*b v s"], switch: Float[Array, "*b s"], x: Features, key: PRNGKeyArray
    ) -> Decided:
        choice_key, switch_key = jax.random.split(key)
        one = jax.nn.one_hot(jax.random.categorical(choice_key, choice), choice.shape[-1]) * x.row_mask[..., None]
        on = jax.random.bernoulli(switch_key, jax.nn.sigmoid(switch)) & x.column_mask & (self.sets.switch is not None)
        return Decided(one, jax.lax.stop_gradient(on.astype(float)))
