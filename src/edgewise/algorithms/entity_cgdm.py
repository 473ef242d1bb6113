"""CGDM over sets: a diffusion actor that denoises the scores of pairs (CGDM paper, section IV-B, for any number of rows).

A denoising step sees who is coming where in the noisy decision. The critics are shown decisions, never scores, drawn from
the denoised scores, and the values of all choices of a row while the others decide as drawn are weighed by the probabilities of
the row's own choices, through which gradients reach the chain. The entropy of decisions is weighted as in `entity_soft`.
Confidence and consistency are those of (33) to (35).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import Decided, gains
from edgewise.algorithms.entity import held
from edgewise.algorithms.entity_actor_critic import Judge
from edgewise.algorithms.entity_diffusion import EntityDiffusion, EntityDiffusionConfig, logits_of
from edgewise.algorithms.entity_soft import EntitySoftConfig, sampled, soft_objective
from edgewise.common.errors import check_range
from edgewise.diffusion.matching_denoiser import MatchingDenoiser
from edgewise.networks.bipartite import Features
from edgewise.policies.matching_diffusion import decision_consistency


@dataclass(frozen=True)
class EntityCGDMConfig(EntitySoftConfig, EntityDiffusionConfig):
    """Configuration of CGDM over sets; "Table II" is that of the CGDM paper. Values without a source are ours."""

    confidence_sensitivity: float = 1.0
    """Kappa of (34); 0 switches the confidence off."""
    consistency_weight: float = 0.1
    """Rho of (35); 0 switches the consistency term off."""
    exploration: float = 0.05
    actor_rate: float = 3e-4
    batch_size: int = 128

    def __post_init__(self) -> None:
        check_range("confidence_sensitivity", self.confidence_sensitivity, 0)
        check_range("consistency_weight", self.consistency_weight, 0)
        super().__post_init__()


class EntityCGDM(EntityDiffusion[EntityCGDMConfig]):
    """Learns a `MatchingDiffusionPolicy`. The value target holds no entropy."""

    def decide(self, actor: MatchingDenoiser, x: Features, key: PRNGKeyArray) -> Decided:
        chain_key, key = jax.random.split(key)
        scores = self.policy_of(actor).scores(x, actor.condition(x), chain_key)
        return sampled(logits_of(x, scores), x, self.sets, key)

    def actor_objective(
        self,
        actor: MatchingDenoiser,
        judge: Judge,
        seen: Features,
        taken: Decided,
        part: Float[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], Metrics]:
        """Negative objective (35) with the weighted entropy, the confidence (34) held constant; and its parts."""
        c = self.config
        chain_key, confidence_key, loss_key, decision_key = jax.random.split(key, 4)
        policy, condition = self.policy_of(actor), actor.condition(seen)
        logits = logits_of(seen, policy.scores(seen, condition, chain_key))
        decided = sampled(logits, seen, self.sets, decision_key)
        consistency = decision_consistency(policy, seen, condition, _scores(taken), loss_key).mean()
        distance = decision_consistency(held(policy), seen, held(condition), _scores(decided), confidence_key)
        confidence = jnp.exp(-c.confidence_sensitivity * distance)
        gain, temperature = gains(seen, judge(decided)), c.temperature_at(part)
        loss, metrics = soft_objective(logits, gain, seen, self.sets, temperature, confidence, guarded=True)
        told = {"confidence": confidence.mean(), "consistency_loss": consistency}
        return c.consistency_weight * consistency + loss, metrics | told


def _scores(decided: Decided) -> Float[Array, "*b n s"]:
    """The clean scores of a decision."""
    return 2 * jnp.concatenate([decided.choice, decided.switch[..., None, :]], axis=-2) - 1
