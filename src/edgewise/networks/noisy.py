"""Linear layers whose weights carry learned noise (Fortunato et al., 2018, "Noisy networks for exploration")."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


class NoisyLinear(eqx.Module):
    """y = (mu_w + sigma_w * eps_w) x + mu_b + sigma_b * eps_b, with factorised noise: their equations (9) to (11).

    Attributes:
        weight, bias: means mu.
        weight_scale, bias_scale: noise scales sigma.
    """

    weight: Float[Array, "o i"]
    bias: Float[Array, " o"]
    weight_scale: Float[Array, "o i"]
    bias_scale: Float[Array, " o"]

    def __init__(self, inputs: int, outputs: int, noise: float, key: PRNGKeyArray) -> None:
        """Args: numbers of inputs and outputs, sigma_0 (initial noise scale times sqrt(inputs)), key."""
        weight_key, bias_key = jax.random.split(key)
        limit = inputs**-0.5
        self.weight = jax.random.uniform(weight_key, (outputs, inputs), minval=-limit, maxval=limit)
        self.bias = jax.random.uniform(bias_key, (outputs,), minval=-limit, maxval=limit)
        self.weight_scale = jnp.full((outputs, inputs), noise * limit)
        self.bias_scale = jnp.full((outputs,), noise * limit)

    @property
    def noise_size(self) -> int:
        """Normal numbers that a sample's noise takes: one per input and output."""
        return sum(self.weight.shape)

    def __call__(self, x: Float[Array, "*batch i"], noise: Float[Array, "*batch n"] | None) -> Float[Array, "*batch o"]:
        """Apply the layer.

        As eps_w = f(eps_o) f(eps_i)^T, a sample's noise needs no weights of its own: sigma_w * eps_w acts on x as
        f(eps_o) * (sigma_w (f(eps_i) * x)).

        Args:
            x: samples.
            noise: `noise_size` standard normal numbers for every sample. If None, the mean weights are used.
        """
        mean = x @ self.weight.T + self.bias
        if noise is None:
            return mean
        inner, outer = jnp.split(shaped_noise(noise), [x.shape[-1]], axis=-1)
        return mean + outer * ((inner * x) @ self.weight_scale.T + self.bias_scale)


def shaped_noise(noise: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Noise as f(e) = sign(e) sqrt(|e|) shapes it."""
    return jnp.sign(noise) * jnp.sqrt(jnp.abs(noise))
