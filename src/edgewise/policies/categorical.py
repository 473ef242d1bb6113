"""A policy over a finite set of actions: one network gives their log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.networks.mlp import MLP
from edgewise.numerics.masks import FORBIDDEN_LOGIT, allowed_actions
from edgewise.policies.network import NetworkPolicy


class CategoricalPolicy(NetworkPolicy):
    """Softmax over the outputs of a Mish network.

    Attributes:
        network: observation to one logit per action.
        masked: never choose what the observation's mask forbids; see `allowed_actions`.
    """

    masked: bool = eqx.field(static=True, default=False)

    @staticmethod
    def create(
        observation_size: int, actions: int, hidden: Sequence[int], key: PRNGKeyArray, masked: bool = False
    ) -> CategoricalPolicy:
        """A policy with fresh weights, for the given sizes and widths of the hidden layers."""
        return CategoricalPolicy(MLP((observation_size, *hidden, actions), key), masked)

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        sizes = {"observation_size": self.observation_size, "hidden": self.hidden, "actions": self.outputs}
        return sizes | {"masked": self.masked}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> CategoricalPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return CategoricalPolicy.create(**architecture, key=jax.random.key(0))

    def log_probabilities(self, observation: Float[Array, "*batch o"]) -> Float[Array, "*batch a"]:
        """Logarithm of the probability of every action."""
        logits = self.network(observation)
        if self.masked:
            allowed = allowed_actions(observation, logits.shape[-1])
            logits = jnp.where(allowed, logits, FORBIDDEN_LOGIT)
        return jax.nn.log_softmax(logits)

    def sample(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray) -> Int[Array, "*batch"]:
        """A sampled action for each observation."""
        return jax.random.categorical(key, self.log_probabilities(observation))

    def log_probability_and_entropy(
        self, observation: Float[Array, "*batch o"], action: Int[Array, "*batch"]
    ) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
        """Logarithm of the probability of actions, and the entropy of the distribution they are drawn from."""
        logarithms = self.log_probabilities(observation)
        taken = jnp.take_along_axis(logarithms, action[..., None], axis=-1)[..., 0]
        return taken, -jnp.sum(jnp.exp(logarithms) * logarithms, axis=-1)

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Int[Array, "*batch"]:
        """A sampled action, or without a key the most probable one."""
        return (
            jnp.argmax(self.log_probabilities(observation), axis=-1) if key is None else self.sample(observation, key)
        )
