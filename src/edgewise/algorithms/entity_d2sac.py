"""D2SAC over sets: soft actor-critic whose actor denoises the distribution of every row's choice (D2SAC paper, section 5).

The chain ends in scores x_0; a row chooses a column with the probability softmax(4 x_0), a column is on with sigma(8 x_0). The
critics give the values of all choices of a row while the others decide as drawn, so that (25) of the paper, the mean value plus
the weighted entropy, is exact over a row's own choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import Decided, gains, mean_where
from edgewise.algorithms.entity_actor_critic import Judge
from edgewise.algorithms.entity_diffusion import EntityDiffusion, EntityDiffusionConfig
from edgewise.common.errors import check_range
from edgewise.diffusion.matching_denoiser import MatchingDenoiser
from edgewise.networks.bipartite import Features
from edgewise.policies.matching_diffusion import SHARPNESS, choice_logits


@dataclass(frozen=True)
class EntityD2SACConfig(EntityDiffusionConfig):
    """Configuration of D2SAC over sets. Values without a source are ours."""

    temperature: float = 0.1
    """Weight of the mean entropy of the decisions at the start, against gains of mean size 1."""
    final_temperature: float = 0.1
    """Share of it left at the end of the run; it falls linearly."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0)
        check_range("final_temperature", self.final_temperature, 0, 1)
        super().__post_init__()


class EntityD2SAC(EntityDiffusion[EntityD2SACConfig]):
    """The value target holds no entropy."""

    def decide(self, actor: MatchingDenoiser, x: Features, key: PRNGKeyArray) -> Decided:
        chain_key, key = jax.random.split(key)
        return self._drawn(x, self.policy_of(actor).scores(x, actor.condition(x), chain_key), key)

    def actor_objective(
        self,
        actor: MatchingDenoiser,
        judge: Judge,
        seen: Features,
        taken: Decided,
        part: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics]:
        """Negative mean of gain and weighted entropy; the gradient goes through the whole chain."""
        chain_key, key = jax.random.split(key)
        scores = self.policy_of(actor).scores(seen, actor.condition(seen), chain_key)
        gain = gains(seen, judge(self._drawn(seen, scores, key)))
        logarithms = jax.nn.log_softmax(choice_logits(seen, scores))
        probability = jnp.exp(logarithms)
        gained = mean_where((probability * gain.choice).sum(-1), seen.row_mask)
        spread = -jnp.where(probability > 0, probability * logarithms, 0.0).sum(-1)
        entropy = mean_where(spread, seen.row_mask)
        if self.sets.switch is not None:
            logit = 2 * SHARPNESS * scores[..., -1, :]
            on = jax.nn.sigmoid(logit)
            gained += mean_where(on * gain.switch, seen.column_mask)
            uncertain = -on * jax.nn.log_sigmoid(logit) - (1 - on) * jax.nn.log_sigmoid(-logit)
            entropy += mean_where(uncertain, seen.column_mask)
        c = self.config
        temperature = c.temperature * (1 - (1 - c.final_temperature) * part)
        return -(gained + temperature * entropy), {"gain": gained, "entropy": entropy}

    def _drawn(self, x: Features, scores: Float[Array, "*b n s"], key: PRNGKeyArray) -> Decided:
        scores = jax.lax.stop_gradient(scores)
        choice_key, switch_key = jax.random.split(key)
        place = jax.random.categorical(choice_key, choice_logits(x, scores))
        choice = jax.nn.one_hot(place, scores.shape[-1]) * x.row_mask[..., None]
        on = jax.random.bernoulli(switch_key, jax.nn.sigmoid(2 * SHARPNESS * scores[..., -1, :]))
        return Decided(choice, (on & x.column_mask & (self.sets.switch is not None)).astype(float))
