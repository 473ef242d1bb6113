"""Action-value networks and their losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from edgewise.algorithms.base import Transition, vector_size
from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Spaces
from edgewise.networks.mlp import MLP


class ActionValue(eqx.Module):
    """Q_1, Q_2, ... of equation (38) of the CGDM paper: networks of one shape that value an action.

    Attributes:
        networks: usually two.
        privileged: numbers beside the observation that only they see.
    """

    networks: tuple[MLP, ...]
    privileged: int = eqx.field(static=True)

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        hidden: Sequence[int],
        key: PRNGKeyArray,
        count: int = 2,
        privileged: int = 0,
        layer_norm: bool = False,
    ) -> None:
        """Critics with fresh weights.

        Args:
            observation_size: numbers of an observation.
            action_size: numbers of an action.
            hidden: widths of the hidden layers.
            key: for the weights.
            count: number of networks.
            privileged: numbers beside the observation that only they see, in front of the action.
            layer_norm: whether hidden layers are normalised.
        """
        self.networks = ensemble((observation_size + privileged + action_size, *hidden, 1), count, key, layer_norm)
        self.privileged = privileged

    def __call__(
        self, observation: Float[Array, "*batch o"], action: Float[Array, "*batch a"]
    ) -> Float[Array, n * batch]:
        """All values of every sample."""
        joint = jnp.concatenate([observation, action], axis=-1)
        return jnp.stack([network(joint)[..., 0] for network in self.networks])

    def shown(self, privileged: PyTree[Array]) -> Critic:
        """The critics of these observations: of those that see more, with what only they see of them."""
        return ShownCritic(self, privileged) if self.privileged else self


class ShownCritic(eqx.Module):
    """Critics with what only they see of a batch.

    Attributes:
        critic: the critics.
        privileged: [*batch, p].
    """

    critic: ActionValue
    privileged: Float[Array, "*batch p"]

    def __call__(
        self, observation: Float[Array, "*batch o"], action: Float[Array, "*batch a"]
    ) -> Float[Array, n * batch]:
        """All values of every sample."""
        return self.critic(jnp.concatenate([observation, self.privileged], axis=-1), action)


Critic = ActionValue | ShownCritic
"""`critic(observation, action)`: all values of every sample."""


@runtime_checkable
class CriticConfig(Protocol):
    """What a learner's configuration says of its critics."""

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""

    @property
    def privileged(self) -> bool:
        """Whether they see what only a critic may see, in training."""

    @property
    def layer_norm(self) -> bool:
        """Whether hidden layers are normalised."""


def new_critic(config: CriticConfig, spaces: Spaces, key: PRNGKeyArray, count: int = 2) -> ActionValue:
    """Critics with fresh weights, as a learner's configuration asks for them.

    Args:
        config: the learner's.
        spaces: vectors as observations and as actions.
        key: for the weights.
        count: number of networks.

    Raises:
        ConfigurationError: see `privileged_size`.
    """
    sizes = vector_size("observation_space", spaces.observation), vector_size("action_space", spaces.action)
    more = privileged_size(config.privileged, spaces)
    return ActionValue(*sizes, config.hidden, key, count, more, config.layer_norm)


def privileged_size(asked: bool, spaces: Spaces) -> int:
    """Numbers beside the observation that critics see.

    Args:
        asked: whether they are to see any.
        spaces: of the environment.

    Raises:
        ConfigurationError: if they are asked for, and the environment offers none as a vector.
    """
    if not asked:
        return 0
    if not isinstance(spaces.privileged, Box) or len(spaces.privileged.shape) != 1:
        raise ConfigurationError("privileged", True, "False: the environment has no vector that only a critic may see")
    return spaces.privileged.shape[0]


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


def ensemble(sizes: Sequence[int], count: int, key: PRNGKeyArray, layer_norm: bool = False) -> tuple[MLP, ...]:
    """`count` networks with layers of the given sizes, each with weights of its own."""
    return tuple(MLP(sizes, each, layer_norm) for each in jax.random.split(key, count))


def critic_objective(critic: ActionValue, batch: Transition, target: Float[Array, " b"]) -> Float[Array, ""]:
    """Sum of all critics' mean squared errors against the TD target: equation (39) of the CGDM paper."""
    value = critic.shown(batch.privileged)(batch.observation, batch.action)
    return ((value - target) ** 2).mean(1).sum()
