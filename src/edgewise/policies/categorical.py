"""A policy over a finite set of actions: one network gives their log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.numerics.networks import MLP


class CategoricalPolicy(eqx.Module):
    """Softmax over the outputs of a Mish network.

    Attributes:
        network: observation to one logit per action.
    """

    network: MLP

    @staticmethod
    def create(observation_size: int, actions: int, hidden: Sequence[int], key: PRNGKeyArray) -> CategoricalPolicy:
        """A policy with fresh weights, for the given sizes and widths of the hidden layers."""
        return CategoricalPolicy(MLP((observation_size, *hidden, actions), key))

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.network.layers[0].weight.shape[1]

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        widths = [layer.weight.shape[0] for layer in self.network.layers]
        return {"observation_size": self.observation_size, "hidden": widths[:-1], "actions": widths[-1]}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> CategoricalPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        a = architecture
        return CategoricalPolicy.create(a["observation_size"], a["actions"], a["hidden"], jax.random.key(0))

    def log_probabilities(self, observation: Float[Array, "*batch o"]) -> Float[Array, "*batch a"]:
        """Logarithm of the probability of every action."""
        return jax.nn.log_softmax(self.network(observation))

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Int[Array, "*batch"]:
        """A sampled action, or without a key the most probable one."""
        logits = self.network(observation)
        return jnp.argmax(logits, axis=-1) if key is None else jax.random.categorical(key, logits)
