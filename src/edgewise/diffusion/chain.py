"""Forward noising, the reverse chain that generates a decision, and the denoising-consistency loss.

Equation numbers are those of the CGDM paper; the corrected forms of its (30) and (31) are those of the D2SAC paper, (10)
and (12).
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import Schedule


def add_noise(
    schedule: Schedule, clean: Float[Array, "*batch a"], step: Int[Array, "*batch"], noise: Float[Array, "*batch a"]
) -> Float[Array, "*batch a"]:
    """x_k = sqrt(abar_k) x_0 + sqrt(1 - abar_k) eps: equation (26).

    Args:
        schedule: noise levels.
        clean: x_0.
        step: k of each sample, 1..K.
        noise: eps, standard normal.
    """
    level = schedule.alpha_bar[step - 1][..., None]
    return jnp.sqrt(level) * clean + jnp.sqrt(1 - level) * noise


def clean_action(
    schedule: Schedule, noisy: Float[Array, "*batch a"], step: int, predicted: Float[Array, "*batch a"]
) -> Float[Array, "*batch a"]:
    """The action that (26) implies for a predicted noise, clipped to the action box [-1, 1].

    The clip bounds epsilon to what an action in the box allows; the predicted noise is that of the loss (33), so that
    loss and sampler agree.
    """
    level = schedule.alpha_bar[step - 1]
    return jnp.clip((noisy - jnp.sqrt(1 - level) * predicted) / jnp.sqrt(level), -1.0, 1.0)


def posterior_mean(
    schedule: Schedule, noisy: Float[Array, "*batch a"], step: int, clean: Float[Array, "*batch a"]
) -> Float[Array, "*batch a"]:
    """Mean of x_{k-1} given x_k and x_0: equation (30) with sqrt(alpha_k) on x_k (the paper prints sqrt(abar_k))."""
    beta, alpha, level = schedule.beta[step - 1], schedule.alpha[step - 1], schedule.alpha_bar[step - 1]
    before = level / alpha
    return (jnp.sqrt(before) * beta * clean + jnp.sqrt(alpha) * (1 - before) * noisy) / (1 - level)


def noise_mean(
    schedule: Schedule, noisy: Float[Array, "*batch a"], step: int, predicted: Float[Array, "*batch a"]
) -> Float[Array, "*batch a"]:
    """Mean of x_{k-1} given x_k and its noise: EDMSAC paper, equation (53)."""
    beta, alpha, level = schedule.beta[step - 1], schedule.alpha[step - 1], schedule.alpha_bar[step - 1]
    return (noisy - beta / jnp.sqrt(1 - level) * predicted) / jnp.sqrt(alpha)


def squashed_mean(
    schedule: Schedule, noisy: Float[Array, "*batch a"], step: int, predicted: Float[Array, "*batch a"]
) -> Float[Array, "*batch a"]:
    """Mean of x_{k-1} with tanh-bounded noise: equation (31) with 1/sqrt(alpha_k) (the paper prints 1/sqrt(abar_k))."""
    return noise_mean(schedule, noisy, step, jnp.tanh(predicted))


Mean = Callable[[Schedule, Array, int, Array], Array]
"""`mean(schedule, x_k, k, output of the denoiser)`: the mean of x_{k-1}."""


def clipped_mean(
    schedule: Schedule, noisy: Float[Array, "*batch a"], step: int, predicted: Float[Array, "*batch a"]
) -> Float[Array, "*batch a"]:
    """Mean of x_{k-1} whose clean action lies in the box: (30) of `clean_action`."""
    return posterior_mean(schedule, noisy, step, clean_action(schedule, noisy, step, predicted))


def reverse_chain(
    denoiser: Denoiser,
    schedule: Schedule,
    mean: Mean,
    observation: Float[Array, "*batch o"],
    key: PRNGKeyArray | None,
    variance: Float[Array, " k"] | None = None,
) -> list[Float[Array, "*batch a"]]:
    """Run the reverse chain (27): x_K, then (32) for k = K..1, reparameterised so that gradients pass.

    Args:
        denoiser: what is run on every x_k.
        schedule: noise levels.
        mean: how its output gives the mean of x_{k-1}: `clipped_mean`, `squashed_mean` or another.
        observation: the condition.
        key: randomness of x_K and of every step. If None, x_K = 0 and the means are followed.
        variance: the variance of the noise in x_{k-1}, at k - 1. If None, that given x_k and x_0. The last step adds no noise.

    Returns:
        x_K, ..., x_0.
    """
    shape = (schedule.steps, *observation.shape[:-1], denoiser.action_size)
    noise = jnp.zeros(shape, observation.dtype) if key is None else jax.random.normal(key, shape, observation.dtype)
    condition = denoiser.condition(observation)
    return run_chain(lambda x, step: denoiser.denoise(x, jnp.asarray(step), condition), schedule, mean, noise, variance)


def run_chain(
    denoise: Callable[[Array, int], Array],
    schedule: Schedule,
    mean: Mean,
    noise: Float[Array, "k *batch a"],
    variance: Float[Array, " k"] | None = None,
) -> list[Float[Array, "*batch a"]]:
    """The reverse chain of any network.

    Args:
        denoise: `denoise(x_k, k)`.
        schedule: noise levels.
        mean: how what it gives leads to the mean of x_{k-1}.
        noise: the last is x_K, that at k - 2 the noise in x_{k-1}.
        variance: as of `reverse_chain`.

    Returns:
        x_K, ..., x_0.
    """
    variance = schedule.posterior_variance if variance is None else variance
    chain = [noise[-1]]
    for step in range(schedule.steps, 0, -1):
        x = mean(schedule, chain[-1], step, denoise(chain[-1], step))
        chain.append(x if step == 1 else x + jnp.sqrt(variance[step - 1]) * noise[step - 2])
    return chain
