"""Action-value networks and their losses."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Transition
from edgewise.networks.mlp import MLP


class ActionValue(eqx.Module):
    """Q_1, Q_2, ... of equation (38) of the CGDM paper: networks of one shape that value an action.

    Attributes:
        networks: usually two.
    """

    networks: tuple[MLP, ...]

    def __init__(
        self, observation_size: int, action_size: int, hidden: Sequence[int], key: PRNGKeyArray, count: int = 2
    ) -> None:
        """Args: sizes of observation and action, widths of the hidden layers, key, number of networks."""
        self.networks = ensemble((observation_size + action_size, *hidden, 1), count, key)

    def __call__(
        self, observation: Float[Array, "*batch o"], action: Float[Array, "*batch a"]
    ) -> Float[Array, n * batch]:
        """All values of every sample."""
        joint = jnp.concatenate([observation, action], axis=-1)
        return jnp.stack([network(joint)[..., 0] for network in self.networks])


class TwinActionValues(eqx.Module):
    """Q_1 and Q_2 of every action of a finite set, two networks of one shape (D2SAC paper, section 5.2).

    Attributes:
        networks: both.
    """

    networks: tuple[MLP, ...]

    def __init__(self, observation_size: int, actions: int, hidden: Sequence[int], key: PRNGKeyArray) -> None:
        """Args: components of an observation, number of actions, widths of the hidden layers, key."""
        self.networks = ensemble((observation_size, *hidden, actions), 2, key)

    def __call__(self, observation: Float[Array, "*batch o"]) -> Float[Array, "2 *batch a"]:
        """Both values of every action."""
        return jnp.stack([network(observation) for network in self.networks])


def ensemble(sizes: Sequence[int], count: int, key: PRNGKeyArray) -> tuple[MLP, ...]:
    """`count` networks with layers of the given sizes, each with weights of its own."""
    return tuple(MLP(sizes, each) for each in jax.random.split(key, count))


def critic_objective(critic: ActionValue, batch: Transition, target: Float[Array, " b"]) -> Float[Array, ""]:
    """Sum of all critics' mean squared errors against the TD target: equation (39) of the CGDM paper."""
    return ((critic(batch.observation, batch.action) - target) ** 2).mean(1).sum()
