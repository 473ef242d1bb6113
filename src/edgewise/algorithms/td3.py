"""TD3: twin delayed deep deterministic policy gradient (Fujimoto et al., 2018); DDPG is a configuration of it."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import OffPolicyAlgorithm, Transition, flat_size
from edgewise.algorithms.critic import ActionValue, critic_objective
from edgewise.algorithms.optimisers import falling_adam
from edgewise.common.errors import check_integer, check_range
from edgewise.environments.spaces import Spaces
from edgewise.networks.mlp import soft_update
from edgewise.numerics.batching import same_for_all
from edgewise.policies.deterministic import DeterministicPolicy


@dataclass(frozen=True)
class TD3Config:
    """Configuration of TD3; each field names the values of Fujimoto et al. (2018) and, for DDPG, of Lillicrap et al. (2016).

    Attributes:
        hidden: widths of the hidden layers of actor and critics (TD3: 400, 300).
        critics: value networks; the smallest value of all is used (TD3: 2, DDPG: 1).
        delay: updates of the critics per update of the actor and of the slow copies (TD3: 2, DDPG: 1).
        smoothing: standard deviation of the noise on the target action (TD3: 0.2, DDPG: 0).
        smoothing_clip: largest size of that noise (TD3: 0.5).
        exploration: standard deviation of the noise on collected actions (TD3: 0.1).
        actor_rate: learning rate at the start (TD3: 1e-3; DDPG: 1e-4).
        critic_rate: learning rate at the start (TD3, DDPG: 1e-3).
        final_rate: share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (papers).
        batch_size: transitions per update (TD3: 100).
        discount: gamma (0.99).
        target_rate: soft update tau (TD3: 0.005, DDPG: 0.001).
    """

    hidden: tuple[int, ...] = (256, 256)
    critics: int = 2
    delay: int = 2
    smoothing: float = 0.2
    smoothing_clip: float = 0.5
    exploration: float = 0.1
    actor_rate: float = 3e-4
    critic_rate: float = 1e-3
    final_rate: float = 0.05
    batch_size: int = 256
    discount: float = 0.95
    target_rate: float = 0.005

    def __post_init__(self) -> None:
        check_range("hidden", self.hidden, 1)
        check_integer("critics", self.critics, 1)
        check_integer("delay", self.delay, 1)
        check_range("smoothing", self.smoothing, 0)
        check_range("smoothing_clip", self.smoothing_clip, 0)
        check_range("exploration", self.exploration, 0)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)


class TD3State(eqx.Module):
    """Parameters, optimiser states, and the number of updates done."""

    actor: DeterministicPolicy
    critic: ActionValue
    target_actor: DeterministicPolicy
    target_critic: ActionValue
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    updates: Int[Array, ""]


class TD3(OffPolicyAlgorithm[TD3State]):
    """Deterministic policy gradient with smoothed, delayed targets, for actions in [-1, 1]^A."""

    config: TD3Config = eqx.field(static=True)
    observation_size: int = eqx.field(static=True)
    action_size: int = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: TD3Config, spaces: Spaces, updates: int) -> None:
        """Args: configuration, the spaces to learn in (vectors), and the updates of the run (for the learning rates)."""
        self.config = config
        self.updates = updates
        self.observation_size = flat_size(spaces.observation)
        self.action_size = flat_size(spaces.action)

    @property
    def discount(self) -> float:
        return self.config.discount

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    def init(self, key: PRNGKeyArray) -> TD3State:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        actor = DeterministicPolicy.create(self.observation_size, self.action_size, c.hidden, actor_key)
        critic = ActionValue(self.observation_size, self.action_size, c.hidden, critic_key, c.critics)
        return TD3State(
            actor=actor,
            critic=critic,
            target_actor=actor,
            target_critic=critic,
            actor_optimiser=self._actor_optimiser.init(actor),
            critic_optimiser=self._critic_optimiser.init(critic),
            updates=jnp.zeros((), int),
        )

    def policy(self, train_state: TD3State) -> DeterministicPolicy:
        return train_state.actor

    def act(
        self,
        train_state: TD3State,
        observation: Float[Array, "*batch o"],
        key: PRNGKeyArray,
        explore: bool,
    ) -> Float[Array, "*batch a"]:
        action = train_state.actor(observation)
        if not explore:
            return action
        noise = self.config.exploration * jax.random.normal(key, action.shape, action.dtype)
        return jnp.clip(action + noise, -1.0, 1.0)

    def update(
        self, train_state: TD3State, batch: Transition, key: PRNGKeyArray
    ) -> tuple[TD3State, dict[str, Float[Array, ""]]]:
        goal = self.value_target(train_state, batch, key)
        critic_loss, gradient = jax.value_and_grad(critic_objective)(train_state.critic, batch, goal)
        step, critic_optimiser = self._critic_optimiser.update(gradient, train_state.critic_optimiser)
        state = TD3State(
            actor=train_state.actor,
            critic=eqx.apply_updates(train_state.critic, step),
            target_actor=train_state.target_actor,
            target_critic=train_state.target_critic,
            actor_optimiser=train_state.actor_optimiser,
            critic_optimiser=critic_optimiser,
            updates=train_state.updates + 1,
        )
        due = same_for_all(state.updates % self.config.delay == 0)
        state = jax.lax.cond(due, lambda s: self._improve(s, batch.observation), lambda s: s, state)
        return state, {"critic_loss": critic_loss, "value": goal.mean()}

    def value_target(self, train_state: TD3State, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """TD target: the smallest target value of the target actor's action, blurred by clipped noise."""
        c = self.config
        action = train_state.target_actor(batch.next_observation)
        noise = jnp.clip(
            c.smoothing * jax.random.normal(key, action.shape, action.dtype), -c.smoothing_clip, c.smoothing_clip
        )
        value = train_state.target_critic(batch.next_observation, jnp.clip(action + noise, -1.0, 1.0)).min(0)
        return batch.reward + batch.discount * value

    def _improve(self, train_state: TD3State, observation: Float[Array, "b o"]) -> TD3State:
        c = self.config
        gradient = jax.grad(actor_objective)(train_state.actor, train_state.critic, observation)
        step, actor_optimiser = self._actor_optimiser.update(gradient, train_state.actor_optimiser)
        actor = eqx.apply_updates(train_state.actor, step)
        return TD3State(
            actor=actor,
            critic=train_state.critic,
            target_actor=soft_update(train_state.target_actor, actor, c.target_rate),
            target_critic=soft_update(train_state.target_critic, train_state.critic, c.target_rate),
            actor_optimiser=actor_optimiser,
            critic_optimiser=train_state.critic_optimiser,
            updates=train_state.updates,
        )

    @property
    def _actor_optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.actor_rate, self.config.final_rate, max(self.updates // self.config.delay, 1))

    @property
    def _critic_optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.critic_rate, self.config.final_rate, self.updates)


def actor_objective(
    actor: DeterministicPolicy, critic: ActionValue, observation: Float[Array, "b o"]
) -> Float[Array, ""]:
    """Negative mean of the first critic's value of the actor's actions."""
    return -critic(observation, actor(observation))[0].mean()
