"""TD3: twin delayed deep deterministic policy gradient (Fujimoto et al., 2018); DDPG is a configuration of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.actor_critic import Optimisers, check_actor_critic, optimisers
from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition, require_box
from edgewise.algorithms.critic import ActionValue, Critic, critic_objective, new_critic
from edgewise.algorithms.optimisers import begin, descend
from edgewise.common.errors import check_integer, check_range
from edgewise.common.plain import ADDED
from edgewise.networks.mlp import soft_update
from edgewise.numerics.batching import same_for_all
from edgewise.policies.deterministic import DeterministicPolicy


@dataclass(frozen=True)
class TD3Config:
    """Configuration of TD3. "TD3" gives the values of Fujimoto et al. (2018), "DDPG" those of Lillicrap et al. (2016)."""

    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics (TD3: 400, 300)."""
    critics: int = 2
    """Value networks; the smallest value of all is used (TD3: 2, DDPG: 1)."""
    delay: int = 2
    """Updates of the critics per update of the actor and of the slow copies (TD3: 2, DDPG: 1)."""
    smoothing: float = 0.2
    """Standard deviation of the noise on the target action (TD3: 0.2, DDPG: 0)."""
    smoothing_clip: float = 0.5
    """Largest size of the noise on the target action (TD3: 0.5)."""
    exploration: float = 0.1
    """Standard deviation of the noise on collected actions (TD3: 0.1)."""
    actor_rate: float = 3e-4
    """Learning rate of the actor at the start (TD3: 1e-3; DDPG: 1e-4)."""
    critic_rate: float = 1e-3
    """Learning rate of the critics at the start (TD3, DDPG: 1e-3)."""
    final_rate: float = 0.05
    """Share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (papers)."""
    batch_size: int = 256
    """Transitions per update (TD3: 100)."""
    discount: float = 0.95
    """Discount factor gamma (TD3, DDPG: 0.99)."""
    target_rate: float = 0.005
    """Soft update tau (TD3: 0.005, DDPG: 0.001)."""
    privileged: bool = field(default=False, metadata=ADDED)
    """Show the critics what only a critic may see, in training, where the environment offers it."""
    layer_norm: bool = field(default=False, metadata=ADDED)
    """Normalise the hidden layers of the critics."""

    def __post_init__(self) -> None:
        check_integer("critics", self.critics, 1)
        check_integer("delay", self.delay, 1)
        check_range("smoothing", self.smoothing, 0)
        check_range("smoothing_clip", self.smoothing_clip, 0)
        check_range("exploration", self.exploration, 0)
        check_actor_critic(self)


class TD3State(eqx.Module):
    """Parameters, optimiser states, and the number of updates done."""

    actor: DeterministicPolicy
    critic: ActionValue
    target_actor: DeterministicPolicy
    target_critic: ActionValue
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    updates: Int[Array, ""]


class TD3(OffPolicyAlgorithm[TD3Config, TD3State]):
    """Deterministic policy gradient with smoothed, delayed targets, for actions in [-1, 1]^A."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        require_box(self.spaces)

    def init(self, key: PRNGKeyArray) -> TD3State:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        actor = DeterministicPolicy.create(self.observation_size, self.action_size, c.hidden, actor_key)
        critic = new_critic(c, self.spaces, critic_key, c.critics)
        return TD3State(
            actor=actor,
            critic=critic,
            target_actor=actor,
            target_critic=critic,
            actor_optimiser=begin(self._optimisers.actor, actor),
            critic_optimiser=begin(self._optimisers.critic, critic),
            updates=jnp.zeros((), int),
        )

    def policy(self, train_state: TD3State) -> DeterministicPolicy:
        return train_state.actor

    def with_policy(self, train_state: TD3State, policy: DeterministicPolicy) -> TD3State:
        return replace(train_state, actor=policy, target_actor=policy)

    def act(
        self, train_state: TD3State, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*batch a"]:
        action = train_state.actor(observation)
        if not explore:
            return action
        noise = self.config.exploration * jax.random.normal(key, action.shape, action.dtype)
        return jnp.clip(action + noise, -1.0, 1.0)

    def update(self, train_state: TD3State, batch: Transition, key: PRNGKeyArray) -> tuple[TD3State, Metrics]:
        target = self.value_target(train_state, batch, key)
        critic, critic_optimiser, critic_loss = self._optimisers.improve_critic(
            critic_objective, train_state.critic, train_state.critic_optimiser, batch, target
        )
        updates = train_state.updates + 1
        state = replace(train_state, critic=critic, critic_optimiser=critic_optimiser, updates=updates)
        due = same_for_all(state.updates % self.config.delay == 0)
        state = jax.lax.cond(due, lambda s: self._improve(s, batch), lambda s: s, state)
        return state, {"critic_loss": critic_loss, "value": target.mean()}

    def value_target(self, train_state: TD3State, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """TD target: the smallest target value of the target actor's action, blurred by clipped noise."""
        c = self.config
        action = train_state.target_actor(batch.next_observation)
        noise = jnp.clip(
            c.smoothing * jax.random.normal(key, action.shape, action.dtype), -c.smoothing_clip, c.smoothing_clip
        )
        value = train_state.target_critic.shown(batch.next_privileged)(
            batch.next_observation, jnp.clip(action + noise, -1.0, 1.0)
        ).min(0)
        return batch.reward + batch.discount * value

    def _improve(self, train_state: TD3State, batch: Transition) -> TD3State:
        c = self.config
        critic = train_state.critic.shown(batch.privileged)
        gradient = jax.grad(actor_objective)(train_state.actor, critic, batch.observation)
        actor, actor_optimiser = descend(
            self._optimisers.actor, train_state.actor, gradient, train_state.actor_optimiser
        )
        return replace(
            train_state,
            actor=actor,
            target_actor=soft_update(train_state.target_actor, actor, c.target_rate),
            target_critic=soft_update(train_state.target_critic, train_state.critic, c.target_rate),
            actor_optimiser=actor_optimiser,
        )

    @property
    def _optimisers(self) -> Optimisers:
        return optimisers(self.config, self.updates, delay=self.config.delay)


def actor_objective(actor: DeterministicPolicy, critic: Critic, observation: Float[Array, "b o"]) -> Float[Array, ""]:
    """Negative mean of the first critic's value of the actor's actions."""
    return -critic(observation, actor(observation))[0].mean()
