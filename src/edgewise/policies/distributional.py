"""A policy over a finite set of actions that knows the distribution of each one's return (Rainbow's network)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.networks.mlp import MLP, mish
from edgewise.networks.noisy import NoisyLinear


class DistributionalPolicy(eqx.Module):
    """A duelling network with noisy streams that gives a distribution over fixed atoms for every action.

    Attributes:
        trunk: layers that both streams share.
        value, advantage: streams of two noisy layers; one distribution, and one for every action.
        low, high: first and last atom.
        atoms: number of atoms.
    """

    trunk: MLP
    value: tuple[NoisyLinear, NoisyLinear]
    advantage: tuple[NoisyLinear, NoisyLinear]
    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)
    atoms: int = eqx.field(static=True)

    @staticmethod
    def create(
        observation_size: int,
        actions: int,
        hidden: Sequence[int],
        stream: int,
        atoms: int,
        low: float,
        high: float,
        noise: float,
        key: PRNGKeyArray,
    ) -> DistributionalPolicy:
        """A policy with fresh weights.

        Args:
            observation_size: components of an observation.
            actions: number of actions.
            hidden: widths of the shared layers.
            stream: width of the hidden layer of each stream.
            atoms: number of atoms.
            low: the lowest atom, a return.
            high: the highest atom, a return.
            noise: sigma_0 of the noisy layers.
            key: randomness of the weights.
        """
        keys = jax.random.split(key, 5)

        def two(outputs: int, first: PRNGKeyArray, second: PRNGKeyArray) -> tuple[NoisyLinear, NoisyLinear]:
            return NoisyLinear(hidden[-1], stream, noise, first), NoisyLinear(stream, outputs, noise, second)

        return DistributionalPolicy(
            trunk=MLP((observation_size, *hidden), keys[0]),
            value=two(atoms, keys[1], keys[2]),
            advantage=two(actions * atoms, keys[3], keys[4]),
            low=low,
            high=high,
            atoms=atoms,
        )

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.trunk.layers[0].weight.shape[1]

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and atoms, for `blank`."""
        return {
            "observation_size": self.observation_size,
            "actions": self.advantage[1].bias.shape[0] // self.atoms,
            "hidden": [layer.weight.shape[0] for layer in self.trunk.layers],
            "stream": self.value[0].bias.shape[0],
            "atoms": self.atoms,
            "low": self.low,
            "high": self.high,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> DistributionalPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return DistributionalPolicy.create(**architecture, noise=0.0, key=jax.random.key(0))

    @property
    def support(self) -> np.ndarray:
        """The atoms z_1..z_n."""
        return np.linspace(self.low, self.high, self.atoms, dtype=np.float32)

    def log_probabilities(
        self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None
    ) -> Float[Array, "*batch a n"]:
        """Logarithm of the probability of every atom for every action; without a key under the mean weights."""
        features = mish(self.trunk(observation))
        noise = self._noise(observation, key)
        value = self.value[1](mish(self.value[0](features, noise[0])), noise[1])[..., None, :]
        advantage = self.advantage[1](mish(self.advantage[0](features, noise[2])), noise[3])
        advantage = advantage.reshape(*advantage.shape[:-1], -1, self.atoms)
        return jax.nn.log_softmax(value + advantage - advantage.mean(axis=-2, keepdims=True), axis=-1)

    def _noise(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Sequence[Array | None]:
        """Noise of the four layers for every sample, drawn at once; None for each without a key."""
        if key is None:
            return (None,) * 4
        ends = np.cumsum([layer.noise_size for layer in (*self.value, *self.advantage)])
        return jnp.split(jax.random.normal(key, (*observation.shape[:-1], ends[-1])), ends[:-1], axis=-1)

    def values(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Float[Array, "*batch a"]:
        """Value Q of every action: the mean of its distribution."""
        return jnp.exp(self.log_probabilities(observation, key)) @ self.support

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Int[Array, "*batch"]:
        """The action of largest value under sampled noise, or without a key under the mean weights."""
        return jnp.argmax(self.values(observation, key), axis=-1)
