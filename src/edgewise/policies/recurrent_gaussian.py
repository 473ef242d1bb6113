"""A policy with a memory over a box: a normal distribution around the output of a network, squashed into the box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.networks.recurrent import Memory, RecurrentNetwork


class RecurrentGaussianPolicy(eqx.Module):
    """Independent normal components z, whose mean is the output of a network; the action is low + (high - low) / (1 + e^-z).

    Attributes:
        network: observation to mean.
        log_deviation: logarithm of the standard deviation of each component of z, the same for every observation.
        low, high: bounds of the action.
    """

    network: RecurrentNetwork
    log_deviation: Float[Array, " a"]
    low: tuple[float, ...] = eqx.field(static=True)
    high: tuple[float, ...] = eqx.field(static=True)

    @staticmethod
    def create(
        observation_size: int,
        hidden: Sequence[int],
        memory: Sequence[int],
        bounds: tuple[Sequence[float], Sequence[float]],
        deviation: float,
        key: PRNGKeyArray,
    ) -> RecurrentGaussianPolicy:
        """A policy with fresh weights.

        Args:
            observation_size: components of an observation.
            hidden: widths of the layers before the memory.
            memory: sizes of the LSTM cells.
            bounds: lowest and highest action.
            deviation: initial standard deviation of z.
            key: the key of the weights.
        """
        low, high = (tuple(map(float, bound)) for bound in bounds)
        network = RecurrentNetwork(observation_size, hidden, memory, len(low), key)
        return RecurrentGaussianPolicy(network, jnp.full(len(low), jnp.log(deviation), float), low, high)

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        size: int = self.network.sizes["inputs"]
        return size

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and bounds, for `blank`."""
        sizes = self.network.sizes
        return {name: sizes[name] for name in ("inputs", "hidden", "memory")} | {
            "low": list(self.low),
            "high": list(self.high),
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> RecurrentGaussianPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        a = architecture
        return RecurrentGaussianPolicy.create(
            a["inputs"], a["hidden"], a["memory"], (a["low"], a["high"]), 1.0, jax.random.key(0)
        )

    def initial_memory(self, batch: tuple[int, ...]) -> Memory:
        """Memory at the start of an episode."""
        return self.network.initial_memory(batch)

    def sample(
        self, observation: Float[Array, "*batch o"], memory: Memory, key: PRNGKeyArray
    ) -> tuple[Float[Array, "*batch a"], Memory]:
        """A sample of z, and the memory to go on with."""
        mean, memory = self.network(observation, memory)
        return mean + jnp.exp(self.log_deviation) * jax.random.normal(key, mean.shape, mean.dtype), memory

    def log_probability_and_entropy(
        self,
        observation: Float[Array, "t c o"],
        sample: Float[Array, "t c a"],
        ended: Bool[Array, "t c"],
        memory: Memory,
    ) -> tuple[Float[Array, "t c"], Float[Array, ""]]:
        """Logarithm of the density of sampled z, and the entropy of the normal distribution.

        Args:
            observation: successive observations of several copies.
            sample: z for each observation.
            ended: whether the episode ended after the observation.
            memory: before the first observation.
        """
        mean = self.network.outputs(observation, ended, memory)
        log_density = jax.scipy.stats.norm.logpdf(sample, mean, jnp.exp(self.log_deviation)).sum(-1)
        return log_density, (self.log_deviation + 0.5 * jnp.log(2 * jnp.pi * jnp.e)).sum()

    def squash(self, z: Float[Array, "*batch a"]) -> Float[Array, "*batch a"]:
        """The action that a sample z stands for."""
        low, high = jnp.asarray(self.low), jnp.asarray(self.high)
        return low + (high - low) * jax.nn.sigmoid(z)

    def step(
        self, observation: Float[Array, "*batch o"], memory: Memory, key: PRNGKeyArray | None
    ) -> tuple[Float[Array, "*batch a"], Memory]:
        """A sampled action, or without a key that of the mean; and the memory to go on with."""
        z, memory = self.network(observation, memory) if key is None else self.sample(observation, memory, key)
        return self.squash(z), memory
