"""CGDM over sets: a diffusion actor that denoises the scores of pairs (CGDM paper, section IV-B, for any number of rows).

A denoising step sees who is coming where in the noisy decision. The critics are shown decisions, never scores: the values of all
choices of a row while the others decide as denoised are weighed by the smooth form of the row's own choice, through which
gradients reach the chain. Confidence and consistency are those of (33) to (35).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import Decided, gains, mean_where
from edgewise.algorithms.entity import held
from edgewise.algorithms.entity_actor_critic import Judge
from edgewise.algorithms.entity_diffusion import EntityDiffusion, EntityDiffusionConfig
from edgewise.common.errors import check_range
from edgewise.diffusion.matching_denoiser import MatchingDenoiser
from edgewise.networks.bipartite import Features
from edgewise.policies.matching_diffusion import (
    choice_probability,
    decision_consistency,
    switch_probability,
)


@dataclass(frozen=True)
class EntityCGDMConfig(EntityDiffusionConfig):
    """Configuration of CGDM over sets; "Table II" is that of the CGDM paper. Values without a source are ours."""

    confidence_sensitivity: float = 1.0
    """Kappa of (34); 0 switches the confidence off."""
    consistency_weight: float = 0.1
    """Rho of (35); 0 switches the consistency term off."""
    exploration: float = 0.05
    batch_size: int = 128

    def __post_init__(self) -> None:
        check_range("confidence_sensitivity", self.confidence_sensitivity, 0)
        check_range("consistency_weight", self.consistency_weight, 0)
        super().__post_init__()


class EntityCGDM(EntityDiffusion[EntityCGDMConfig]):
    """Learns a `MatchingDiffusionPolicy`."""

    def decide(self, actor: MatchingDenoiser, x: Features, key: PRNGKeyArray) -> Decided:
        return self._decision(x, self.policy_of(actor).scores(x, actor.condition(x), key))

    def actor_objective(
        self,
        actor: MatchingDenoiser,
        judge: Judge,
        seen: Features,
        taken: Decided,
        part: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics]:
        """Negative objective (35), with the confidence (34) held constant under differentiation, and its parts."""
        c = self.config
        chain_key, confidence_key, loss_key = jax.random.split(key, 3)
        policy, condition = self.policy_of(actor), actor.condition(seen)
        scores = policy.scores(seen, condition, chain_key)
        decided = self._decision(seen, scores)
        gain = gains(seen, judge(decided))
        consistency = decision_consistency(policy, seen, condition, _scores(taken), loss_key).mean()
        distance = decision_consistency(held(policy), seen, held(condition), _scores(decided), confidence_key)
        confidence = jnp.exp(-c.confidence_sensitivity * distance)
        gained = (choice_probability(seen, scores) * gain.choice).sum(-1)
        total = mean_where(confidence[:, None] * gained, seen.row_mask)
        if self.sets.switch is not None:
            total += mean_where(confidence[:, None] * switch_probability(scores) * gain.switch, seen.column_mask)
        metrics = {"gain": total, "confidence": confidence.mean(), "consistency_loss": consistency}
        return c.consistency_weight * consistency - total, metrics

    def _decision(self, x: Features, scores: Float[Array, "*b n s"]) -> Decided:
        scores = jax.lax.stop_gradient(scores)
        best = jnp.argmax(jnp.where(x.column_mask[..., None, :], scores[..., :-1, :], -jnp.inf), axis=-1)
        choice = jax.nn.one_hot(best, scores.shape[-1]) * x.row_mask[..., None]
        on = (scores[..., -1, :] > 0) & x.column_mask & (self.sets.switch is not None)
        return Decided(choice, on.astype(float))


def _scores(decided: Decided) -> Float[Array, "*b n s"]:
    """The clean scores of a decision."""
    return 2 * jnp.concatenate([decided.choice, decided.switch[..., None, :]], axis=-2) - 1
