"""A diffusion policy over the box [-1, 1]^A, and its denoising-consistency loss (CGDM paper, section IV-B)."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.diffusion.chain import add_noise, clipped_mean, reverse_chain, squashed_mean
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import Schedule, make_schedule


class DiffusionPolicy(eqx.Module):
    """A policy that denoises noise into an action in [-1, 1]^A, given an observation.

    Attributes:
        denoiser: epsilon_theta.
        schedule: noise levels.
        squash: bound the predicted noise by tanh as printed in (31), instead of clipping the implied clean action.
    """

    denoiser: Denoiser
    schedule: Schedule
    squash: bool = eqx.field(static=True)

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
            "squash": self.squash,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> DiffusionPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        schedule = make_schedule("vp", architecture["denoising_steps"])
        return DiffusionPolicy(Denoiser.blank(architecture), schedule, architecture["squash"])

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Float[Array, "*batch a"]:
        """An action in [-1, 1] for each observation: x_0 of `reverse_chain`; without a key the deterministic one."""
        mean = squashed_mean if self.squash else clipped_mean
        return jnp.clip(reverse_chain(self.denoiser, self.schedule, mean, observation, key)[-1], -1.0, 1.0)


def consistency_loss(
    policy: DiffusionPolicy,
    observation: Float[Array, "*batch o"],
    action: Float[Array, "*batch a"],
    key: PRNGKeyArray,
) -> Float[Array, "*batch"]:
    """Denoising-consistency loss L_BC of each sample: equation (33), the mean over the action's components.

    Each sample gets one step k ~ U{1..K} and one noise. (The paper prints the sum; with 44 components it would make the
    confidence (34) vanish.)
    """
    step_key, noise_key = jax.random.split(key)
    step = jax.random.randint(step_key, action.shape[:-1], 1, policy.schedule.steps + 1)
    noise = jax.random.normal(noise_key, action.shape, action.dtype)
    noisy = add_noise(policy.schedule, action, step, noise)
    return jnp.mean((policy.denoiser(noisy, step, observation) - noise) ** 2, axis=-1)
