"""What learners with an actor and critics share: checks of their configuration, optimisers, a state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import equinox as eqx
import jax
import optax
from jaxtyping import Array, Float

from edgewise.algorithms.checks import LearningConfig, check_learning
from edgewise.algorithms.critic import ActionValue
from edgewise.algorithms.optimisers import begin, descend, falling_adam
from edgewise.networks.mlp import soft_update

Actor = TypeVar("Actor")
Network = TypeVar("Network")


class ActorCriticConfig(LearningConfig, Protocol):
    """What the configuration of an actor-critic learner holds."""

    @property
    def actor_rate(self) -> float:
        """Learning rate of the actor at the start."""

    @property
    def critic_rate(self) -> float:
        """Learning rate of the critics at the start."""


class ActorCriticState(eqx.Module, Generic[Actor]):
    """Parameters and optimiser states; `target_*` are the slow copies."""

    actor: Actor
    critic: ActionValue
    target_actor: Actor
    target_critic: ActionValue
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState

    def after(
        self, actor: tuple[Actor, optax.OptState], critic: tuple[ActionValue, optax.OptState], rate: float
    ) -> ActorCriticState[Actor]:
        """The state after an update.

        Args:
            actor: the actor, with the state of its optimiser.
            critic: the critics, with the state of their optimiser.
            rate: share tau of their distance by which the slow copies move towards them.
        """
        return ActorCriticState(
            actor=actor[0],
            critic=critic[0],
            target_actor=soft_update(self.target_actor, actor[0], rate),
            target_critic=soft_update(self.target_critic, critic[0], rate),
            actor_optimiser=actor[1],
            critic_optimiser=critic[1],
        )


class Optimisers(NamedTuple):
    """The optimisers of both networks."""

    actor: optax.GradientTransformation
    critic: optax.GradientTransformation

    def begin(self, actor: Actor, critic: ActionValue) -> ActorCriticState[Actor]:
        """The state of fresh networks; the slow copies are equal to them."""
        return ActorCriticState(actor, critic, actor, critic, begin(self.actor, actor), begin(self.critic, critic))

    def improve_critic(
        self, loss: Callable[..., Array], critic: Network, state: optax.OptState, *arguments: Any
    ) -> tuple[Network, optax.OptState, Float[Array, ""]]:
        """The critics after one step against `loss(critic, *arguments)`, the state of their optimiser, and the loss before."""
        value, gradient = jax.value_and_grad(loss)(critic, *arguments)
        return *descend(self.critic, critic, gradient, state), value

    def improve_actor(
        self, loss: Callable[..., tuple[Array, Any]], actor: Network, state: optax.OptState, *arguments: Any
    ) -> tuple[Network, optax.OptState, Any]:
        """The actor after one step against `loss(actor, *arguments)`, the state of its optimiser, and the loss's second part."""
        (_, parts), gradient = jax.value_and_grad(loss, has_aux=True)(actor, *arguments)
        return *descend(self.actor, actor, gradient, state), parts


def optimisers(config: ActorCriticConfig, updates: int, delay: int = 1, **options: Any) -> Optimisers:
    """Adam for both networks at the rates of the configuration.

    Args:
        config: the configuration of the learner.
        updates: number of updates of the whole run.
        delay: updates of the critics per update of the actor.
        options: the options of `falling_adam`, for both.
    """
    return Optimisers(
        falling_adam(config.actor_rate, config.final_rate, max(updates // delay, 1), **options),
        falling_adam(config.critic_rate, config.final_rate, updates, **options),
    )


def check_actor_critic(config: ActorCriticConfig) -> None:
    """Require the common fields to be in their ranges.

    Raises:
        ConfigurationError: naming the field.
    """
    check_learning(config, "actor_rate", "critic_rate")
