"""A policy over a finite set of actions: one network gives their log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.networks.mlp import MLP
from edgewise.numerics.masks import FORBIDDEN, allowed_actions


class CategoricalPolicy(eqx.Module):
    """Softmax over the outputs of a Mish network.

    Attributes:
        network: observation to one logit per action.
        masked: never choose what the observation's mask forbids; see `allowed_actions`.
    """

    network: MLP
    masked: bool = eqx.field(static=True, default=False)

    @staticmethod
    def create(
        observation_size: int, actions: int, hidden: Sequence[int], key: PRNGKeyArray, masked: bool = False
    ) -> CategoricalPolicy:
        """A policy with fresh weights, for the given sizes and widths of the hidden layers."""
        return CategoricalPolicy(MLP((observation_size, *hidden, actions), key), masked)

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.network.layers[0].weight.shape[1]

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        widths = [layer.weight.shape[0] for layer in self.network.layers]
        return {
            "observation_size": self.observation_size,
            "hidden": widths[:-1],
            "actions": widths[-1],
            "masked": self.masked,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> CategoricalPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        a = architecture
        return CategoricalPolicy.create(
            a["observation_size"], a["actions"], a["hidden"], jax.random.key(0), a["masked"]
        )

    def log_probabilities(self, observation: Float[Array, "*batch o"]) -> Float[Array, "*batch a"]:
        """Logarithm of the probability of every action."""
        logits = self.network(observation)
        if self.masked:
            allowed = allowed_actions(observation, logits.shape[-1])
            logits = jnp.where(allowed, logits, FORBIDDEN)
        return jax.nn.log_softmax(logits)

    def draw(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray) -> Int[Array, "*batch"]:
        """A sampled action."""
        return jax.random.categorical(key, self.log_probabilities(observation))

    def judge(
        self, observation: Float[Array, "*batch o"], action: Int[Array, "*batch"]
    ) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
        """Logarithm of the probability of actions, and the entropy of the distribution they are drawn from."""
        logarithms = self.log_probabilities(observation)
        taken = jnp.take_along_axis(logarithms, action[..., None], axis=-1)[..., 0]
        return taken, -jnp.sum(jnp.exp(logarithms) * logarithms, axis=-1)

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Int[Array, "*batch"]:
        """A sampled action, or without a key the most probable one."""
        return jnp.argmax(self.log_probabilities(observation), axis=-1) if key is None else self.draw(observation, key)
