"""Action-value networks and their loss."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Transition
from edgewise.networks.mlp import MLP


class ActionValue(eqx.Module):
    """Q_1, Q_2, ... of equation (38): networks of one shape that value an action.

    Attributes:
        networks: usually two.
    """

    networks: tuple[MLP, ...]

    def __init__(
        self, observation_size: int, action_size: int, hidden: Sequence[int], key: PRNGKeyArray, count: int = 2
    ) -> None:
        """Args: sizes of observation and action, widths of the hidden layers, key, number of networks."""
        sizes = (observation_size + action_size, *hidden, 1)
        self.networks = tuple(MLP(sizes, k) for k in jax.random.split(key, count))

    def __call__(
        self, observation: Float[Array, "*batch o"], action: Float[Array, "*batch a"]
    ) -> Float[Array, n * batch]:
        """All values of every sample."""
        joint = jnp.concatenate([observation, action], axis=-1)
        return jnp.stack([network(joint)[..., 0] for network in self.networks])


def critic_objective(critic: ActionValue, batch: Transition, goal: Float[Array, " b"]) -> Float[Array, ""]:
    """Sum of all critics' mean squared errors against the TD target: equation (39)."""
    return ((critic(batch.observation, batch.action) - goal) ** 2).mean(1).sum()


class TwinActionValues(eqx.Module):
    """Q_1 and Q_2 of every action of a finite set, two networks of one shape (D2SAC paper, section 5.2).

    Attributes:
        networks: both.
    """

    networks: tuple[MLP, MLP]

    def __init__(self, observation_size: int, actions: int, hidden: Sequence[int], key: PRNGKeyArray) -> None:
        """Args: components of an observation, number of actions, widths of the hidden layers, key."""
        first, second = jax.random.split(key)
        sizes = (observation_size, *hidden, actions)
        self.networks = (MLP(sizes, first), MLP(sizes, second))

    def __call__(self, observation: Float[Array, "*batch o"]) -> Float[Array, "2 *batch a"]:
        """Both values of every action."""
        return jnp.stack([network(observation) for network in self.networks])
