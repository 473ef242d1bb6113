"""AGOD: a diffusion policy over a finite set of actions (D2SAC paper, section 4).

Equation numbers are those of the D2SAC paper.
"""

from __future__ import annotations

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.diffusion.chain import posterior_mean, reverse_chain, squashed_mean
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import Schedule, make_schedule
from edgewise.numerics.masks import FORBIDDEN_LOGIT, allowed_actions

Prediction = Literal["noise", "clean"]


class CategoricalDiffusionPolicy(eqx.Module):
    """A policy that denoises noise into the logits of a choice, given an observation.

    Attributes:
        denoiser: epsilon_theta.
        schedule: noise levels.
        predicts: what the network's output means: the "noise" in x_k, bounded by tanh, as in (12); or the "clean" logits x_0.
        masked: never choose what the observation's mask forbids; see `allowed_actions`.
    """

    denoiser: Denoiser
    schedule: Schedule
    predicts: Prediction = eqx.field(static=True)
    masked: bool = eqx.field(static=True)

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.denoiser.observation_size

    @property
    def actions(self) -> int:
        """Number of actions."""
        return self.denoiser.action_size

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and switches, for `blank`."""
        return {
            **self.denoiser.architecture,
            "denoising_steps": self.schedule.steps,
            "predicts": self.predicts,
            "masked": self.masked,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> CategoricalDiffusionPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        a = architecture
        schedule = make_schedule("vp", a["denoising_steps"])
        return CategoricalDiffusionPolicy(Denoiser.blank(a), schedule, a["predicts"], a["masked"])

    def chain(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> list[Float[Array, "*batch a"]]:
        """Log-probabilities, softmax (15), of x_K, ..., x_0 of the reverse chain (14); deterministic without a key."""
        mean = squashed_mean if self.predicts == "noise" else posterior_mean
        logits = reverse_chain(self.denoiser, self.schedule, mean, observation, key)
        if self.masked:
            allowed = allowed_actions(observation, self.actions)
            logits = [jnp.where(allowed, x, FORBIDDEN_LOGIT) for x in logits]
        return [jax.nn.log_softmax(x) for x in logits]

    def log_probabilities(
        self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None
    ) -> Float[Array, "*batch a"]:
        """Logarithm of the probability of every action: the end of `chain`."""
        return self.chain(observation, key)[-1]

    def distributions(
        self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None
    ) -> Float[Array, "steps *batch a"]:
        """Probabilities along the reverse chain, from the noise (index 0) to the decision (index K): the paper's Fig. 8."""
        return jnp.exp(jnp.stack(self.chain(observation, key)))

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Int[Array, "*batch"]:
        """A sampled action, or without a key the most probable one."""
        if key is None:
            return jnp.argmax(self.log_probabilities(observation, None), axis=-1)
        chain_key, choice_key = jax.random.split(key)
        return jax.random.categorical(choice_key, self.log_probabilities(observation, chain_key))
