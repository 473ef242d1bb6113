"""D2SAC over sets: soft actor-critic whose actor denoises the distribution of every row's choice (D2SAC paper, section 5).

The chain ends in scores x_0; a row chooses a column with the probability softmax(4 x_0), a column is on with sigma(8 x_0).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import Decided, gains
from edgewise.algorithms.entity_actor_critic import Judge
from edgewise.algorithms.entity_diffusion import EntityDiffusion, EntityDiffusionConfig, logits_of
from edgewise.algorithms.entity_soft import EntitySoftConfig, Logits, sampled, soft_objective
from edgewise.diffusion.matching_denoiser import MatchingDenoiser
from edgewise.networks.bipartite import Features


@dataclass(frozen=True)
class EntityD2SACConfig(EntitySoftConfig, EntityDiffusionConfig):
    """Configuration of D2SAC over sets. Values without a source are ours."""


class EntityD2SAC(EntityDiffusion[EntityD2SACConfig]):
    """The value target holds no entropy."""

    def decide(self, actor: MatchingDenoiser, x: Features, key: PRNGKeyArray) -> Decided:
        chain_key, key = jax.random.split(key)
        return sampled(self._logits(actor, x, chain_key), x, self.sets, key)

    def actor_objective(
        self,
        actor: MatchingDenoiser,
        judge: Judge,
        seen: Features,
        taken: Decided,
        part: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics]:
        """See `soft_objective`; the gradient goes through the whole chain."""
        chain_key, key = jax.random.split(key)
        logits = self._logits(actor, seen, chain_key)
        gain = gains(seen, judge(sampled(logits, seen, self.sets, key)))
        return soft_objective(logits, gain, seen, self.sets, self.config.temperature_at(part), guarded=True)

    def _logits(self, actor: MatchingDenoiser, x: Features, key: PRNGKeyArray) -> Logits:
        return logits_of(x, self.policy_of(actor).scores(x, actor.condition(x), key))
