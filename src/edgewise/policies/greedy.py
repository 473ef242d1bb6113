"""A policy over a finite set of actions that takes the one of largest value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.networks.mlp import MLP
from edgewise.policies.network import NetworkPolicy


class GreedyPolicy(NetworkPolicy):
    """Arg max over the outputs of a Mish network.

    Attributes:
        network: observation to one value per action.
    """

    @staticmethod
    def create(observation_size: int, actions: int, hidden: Sequence[int], key: PRNGKeyArray) -> GreedyPolicy:
        """A policy with fresh weights, for the given sizes and widths of the hidden layers."""
        return GreedyPolicy(MLP((observation_size, *hidden, actions), key))

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {"observation_size": self.observation_size, "hidden": self.hidden, "actions": self.outputs}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> GreedyPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return GreedyPolicy.create(**architecture, key=jax.random.key(0))

    def values(self, observation: Float[Array, "*batch o"]) -> Float[Array, "*batch a"]:
        """Value Q of every action."""
        return self.network(observation)

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Int[Array, "*batch"]:
        """The action of largest value; a key changes nothing."""
        return jnp.argmax(self.values(observation), axis=-1)
