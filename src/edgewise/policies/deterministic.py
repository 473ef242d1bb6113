"""A policy over the box [-1, 1]^A without randomness: tanh of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.networks.mlp import MLP
from edgewise.policies.network import NetworkPolicy


class DeterministicPolicy(NetworkPolicy):
    """Tanh of the output of a Mish network.

    Attributes:
        network: observation to one output per component of the action.
    """

    @staticmethod
    def create(
        observation_size: int, action_size: int, hidden: Sequence[int], key: PRNGKeyArray
    ) -> DeterministicPolicy:
        """A policy with fresh weights, for the given sizes and widths of the hidden layers."""
        return DeterministicPolicy(MLP((observation_size, *hidden, action_size), key))

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {"observation_size": self.observation_size, "hidden": self.hidden, "action_size": self.outputs}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> DeterministicPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return DeterministicPolicy.create(**architecture, key=jax.random.key(0))

    def __call__(
        self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None = None
    ) -> Float[Array, "*batch a"]:
        """The action, with a key or without."""
        return jnp.tanh(self.network(observation))
