"""A diffusion policy over the box [-1, 1]^A that ends with tanh, so that its last step has a density.

Equation numbers are those of the EDMSAC paper.
"""

from __future__ import annotations

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.diffusion.chain import noise_mean, posterior_mean, reverse_chain
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import Schedule, make_schedule
from edgewise.numerics.squashed_normal import squashed_normal
from edgewise.policies.categorical_diffusion import Prediction

ChainNoise = Literal["forward", "posterior"]


class SquashedDiffusionPolicy(eqx.Module):
    """Tanh of the end of a reverse chain, blurred by a last normal noise if it has one.

    Attributes:
        denoiser: xi_theta.
        schedule: noise levels.
        log_deviation: logarithm of the deviation of the noise that the last step adds before tanh. If None, it adds none (54).
        predicts: what the network's output means: the "noise" in x_m as in (53), or the "clean" x_0.
        chain_noise: variance of the noise of the other steps: that of the "forward" process, zeta_m in (54), or the
            "posterior" one of x_{m-1} given x_m and x_0.
    """

    denoiser: Denoiser
    schedule: Schedule
    log_deviation: Float[Array, " a"] | None
    predicts: Prediction = eqx.field(static=True)
    chain_noise: ChainNoise = eqx.field(static=True)

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.denoiser.observation_size

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and switches, for `blank`."""
        return {
            **self.denoiser.architecture,
            "denoising_steps": self.schedule.steps,
            "last_noise": self.log_deviation is not None,
            "predicts": self.predicts,
            "chain_noise": self.chain_noise,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> SquashedDiffusionPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        a = architecture
        deviation = jnp.zeros(a["action_size"]) if a["last_noise"] else None
        schedule = make_schedule("vp", a["denoising_steps"])
        return SquashedDiffusionPolicy(Denoiser.blank(a), schedule, deviation, a["predicts"], a["chain_noise"])

    def centre(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Float[Array, "*batch a"]:
        """x_0 of the reverse chain (54), before tanh; deterministic without a key."""
        mean = noise_mean if self.predicts == "noise" else posterior_mean
        variance = self.schedule.beta if self.chain_noise == "forward" else self.schedule.posterior_variance
        return reverse_chain(self.denoiser, self.schedule, mean, observation, key, variance)[-1]

    def sample_with_density(
        self, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> tuple[Float[Array, "*batch a"], Float[Array, "*batch"]]:
        """A sampled action, differentiable, and the logarithm of its density given all earlier steps of its chain."""
        assert self.log_deviation is not None
        chain_key, last_key = jax.random.split(key)
        mean = self.centre(observation, chain_key)
        return squashed_normal(mean, self.log_deviation, jax.random.normal(last_key, mean.shape, mean.dtype))

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Float[Array, "*batch a"]:
        """An action in [-1, 1] for each observation; without a key the deterministic one."""
        if key is None or self.log_deviation is None:
            return jnp.tanh(self.centre(observation, key))
        return self.sample_with_density(observation, key)[0]
