"""Soft actor-critic over sets: a factorised policy for any number of rows and columns.

Discrete soft actor-critic (Christodoulou, 2019) for every row and every column by itself, see `entity_soft`.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import Decided, gains
from edgewise.algorithms.entity import matching_sizes
from edgewise.algorithms.entity_actor_critic import EntityActorCritic, Judge
from edgewise.algorithms.entity_soft import EntitySoftConfig, sampled, soft_objective
from edgewise.networks.bipartite import Features
from edgewise.policies.matching import MatchingPolicy


@dataclass(frozen=True)
class EntitySACConfig(EntitySoftConfig):
    """Configuration of soft actor-critic over sets. Values without a source are ours."""


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
        return sampled(actor.logits(x), x, self.sets, key)

    def actor_objective(
        self,
        actor: MatchingPolicy,
        judge: Judge,
        seen: Features,
        taken: Decided,
        part: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics]:
        """See `soft_objective`."""
        logits = actor.logits(seen)
        gain = gains(seen, judge(sampled(logits, seen, self.sets, key)))
        return soft_objective(logits, gain, seen, self.sets, self.config.temperature_at(part))
