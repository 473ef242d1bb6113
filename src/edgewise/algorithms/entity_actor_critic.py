"""What the off-policy learners over sets share: critics of decisions, values of rows, one update.

A row's rewards are those of `TimeStep.credit`; its value target is

    y_v = r_v + gamma^n Q'_v(o', a'),  a' decided by the slow copy of the actor,

with the smallest value of the slow copies of all critics. The actor learns from the critics as they were before the same update,
whose encoded observations are at hand. A batch is divided into pieces that fit a processor's cache; gradients are means over
them, and what is divided by a mean over the batch, by that over its piece.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition
from edgewise.algorithms.decision_value import (
    Decided,
    DecisionValues,
    Values,
    as_action,
    as_numbers,
    mean_where,
    smallest,
)
from edgewise.algorithms.entity import Credit, matching_sets, matching_sizes, privileged_sizes
from edgewise.algorithms.optimisers import begin, descend, falling_adam
from edgewise.algorithms.pieces import divided, pieces_of, summed
from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.environments.spaces import MASK
from edgewise.networks.bipartite import Features
from edgewise.networks.mlp import soft_update
from edgewise.numerics.running import RunningScale
from edgewise.policies.matching import Sets, pack
from edgewise.policies.protocol import DeployablePolicy

Actor = TypeVar("Actor", bound=eqx.Module)
Judge = Callable[[Decided], Values]
"""The smallest values of the critics for decisions on a batch."""
SCALE_RATE = 0.1
"""Weight of the newest batch in the mean and deviation of the value targets."""


@dataclass(frozen=True)
class EntityActorCriticConfig:
    """Common configuration. Values without a source are ours."""

    width: int = 32
    """Numbers of an encoded pair."""
    rounds: int = 2
    """Exchanges of messages between pairs."""
    critics: int = 2
    """Critics, of which the smallest value counts."""
    layer_norm: bool = True
    """Normalise the layers of the critics."""
    privileged: bool = True
    """Show the critics what only a critic may see, in training."""
    credit: Credit = "decomposed"
    """Rewards of a row: "decomposed", what it costs by itself; "team", everyone's."""
    exploration: float = 0.0
    """Probability with which a choice or a switch is redrawn uniformly while experience is collected."""
    actor_rate: float = 1e-3
    """Learning rate of the actor at the start."""
    critic_rate: float = 1e-3
    """Learning rate of the critics at the start."""
    final_rate: float = 0.05
    """Share of both rates left at the end of the run; they fall along a cosine. 1 keeps them."""
    gradient_norm: float = 1.0
    """A gradient of larger norm is shortened to it."""
    batch_size: int = 256
    """Transitions per update."""
    discount: float = 0.9
    """Discount factor gamma."""
    n_step: int = 1
    """Steps that a transition spans."""
    target_rate: float = 0.02
    """Share tau of their distance by which slow copies move towards their networks at an update."""
    deploy_average: bool = True
    """Deploy the slow copy of the actor, an average over its latest updates, instead of the actor itself."""

    def __post_init__(self) -> None:
        check_integer("width", self.width, 4)
        check_integer("rounds", self.rounds, 0)
        check_integer("critics", self.critics, 1)
        check_choice("credit", self.credit, get_args(Credit))
        check_range("exploration", self.exploration, 0, 1)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_range("gradient_norm", self.gradient_norm, 0, open_low=True)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_integer("n_step", self.n_step, 1)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)


Config = TypeVar("Config", bound=EntityActorCriticConfig)


class EntityActorCriticState(eqx.Module, Generic[Actor]):
    """Parameters, optimiser states, the scale of the values, and the number of updates so far; `target_*` are slow copies."""

    actor: Actor
    critic: DecisionValues
    target_actor: Actor
    target_critic: DecisionValues
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    scale: RunningScale
    done: Int[Array, ""]


class EntityActorCritic(OffPolicyAlgorithm[Config, EntityActorCriticState[Actor]], Generic[Config, Actor]):
    """An actor that decides for all rows and columns, and critics that value every row."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        matching_sets(self.spaces)

    @abc.abstractmethod
    def new_actor(self, key: PRNGKeyArray) -> Actor:
        """A fresh actor."""

    @abc.abstractmethod
    def policy_of(self, actor: Actor) -> DeployablePolicy:
        """What is deployed of an actor."""

    @abc.abstractmethod
    def actor_of(self, policy: Any) -> Actor:
        """The actor of a deployed policy."""

    @abc.abstractmethod
    def decide(self, actor: Actor, x: Features, key: PRNGKeyArray) -> Decided:
        """Sampled decisions."""

    @abc.abstractmethod
    def actor_objective(
        self, actor: Actor, judge: Judge, seen: Features, taken: Decided, part: Float[Array, ""], key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], Metrics]:
        """What the actor minimises, and what to report.

        Args:
            actor: who decides.
            judge: values of decisions on this batch; constants under differentiation.
            seen: what the actor sees.
            taken: the decisions in the batch.
            part: share of the run's updates that are done, 0 to 1.
            key: randomness.
        """

    @property
    def sets(self) -> Sets:
        """Names of what the policy reads and decides."""
        return matching_sets(self.spaces)

    def init(self, key: PRNGKeyArray) -> EntityActorCriticState[Actor]:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        more = privileged_sizes(self.spaces) if c.privileged else (0, 0, 0)
        sizes = tuple(a + b for a, b in zip(matching_sizes(self.spaces), more, strict=True))
        actor = self.new_actor(actor_key)
        critic = DecisionValues(sizes, c.width, c.rounds, c.layer_norm, critic_key, c.critics)
        return EntityActorCriticState(
            actor=actor,
            critic=critic,
            target_actor=actor,
            target_critic=critic,
            actor_optimiser=begin(self._optimiser(c.actor_rate), actor),
            critic_optimiser=begin(self._optimiser(c.critic_rate), critic),
            scale=RunningScale.fresh(),
            done=jnp.zeros((), int),
        )

    def policy(self, train_state: EntityActorCriticState[Actor]) -> DeployablePolicy:
        return self.policy_of(train_state.target_actor if self.config.deploy_average else train_state.actor)

    def with_policy(self, train_state: EntityActorCriticState[Actor], policy: Any) -> EntityActorCriticState[Actor]:
        actor = self.actor_of(policy)
        return replace(train_state, actor=actor, target_actor=actor)

    def act(
        self, train_state: EntityActorCriticState[Actor], observation: Any, key: PRNGKeyArray, explore: bool
    ) -> dict[str, Array]:
        if not explore:
            action: dict[str, Array] = self.policy(train_state)(observation, None)
            return action
        key, redraw_key = jax.random.split(key)
        x = pack(observation, self.sets)
        return as_action(self.sets, self.redrawn(self.decide(train_state.actor, x, key), x, redraw_key))

    def redrawn(self, decided: Decided, x: Features, key: PRNGKeyArray) -> Decided:
        """Decisions of which each is drawn uniformly instead with the probability `exploration`."""
        rate = self.config.exploration
        if not rate:
            return decided
        where_key, choice_key, flip_key, switch_key = jax.random.split(key, 4)
        shape = decided.choice.shape
        logits = jnp.broadcast_to(jnp.where(x.column_mask, 0.0, -jnp.inf)[..., None, :], shape)
        choice = jax.nn.one_hot(jax.random.categorical(choice_key, logits), shape[-1]) * x.row_mask[..., None]
        where = jax.random.bernoulli(where_key, rate, (*shape[:-1], 1))
        flip = jax.random.bernoulli(flip_key, rate, decided.switch.shape)
        switch = jax.random.bernoulli(switch_key, 0.5, decided.switch.shape) & x.column_mask & bool(self.sets.switch)
        return Decided(jnp.where(where, choice, decided.choice), jnp.where(flip, switch.astype(float), decided.switch))

    @property
    def breadth(self) -> int:
        """Arrays of the size of an encoded observation that the update holds at a time, about."""
        return 2 * self.config.critics

    def update(
        self, train_state: EntityActorCriticState[Actor], batch: Transition, key: PRNGKeyArray
    ) -> tuple[EntityActorCriticState[Actor], Metrics]:
        c, s = self.config, train_state
        target_keys, actor_keys = (jax.random.split(each, len(batch.reward)) for each in jax.random.split(key))
        rows, columns = (batch.observation[name][MASK].shape[-1] for name in (self.sets.rows, self.sets.columns))
        pieces = pieces_of(len(batch.reward), rows * columns * self.breadth)
        targets = jax.lax.map(
            lambda part: self.value_target(s, part[0], part[1][0]), divided((batch, target_keys), pieces)
        )
        target = targets.reshape(-1, rows)
        scale = s.scale.follow(target, SCALE_RATE)
        sample = batch, scale.to_unit(target), actor_keys
        total = summed(lambda part: self.gradients(s, *part), sample, pieces)
        gradient, actor_gradient, metrics = jax.tree.map(lambda each: each / pieces, total)
        critic, critic_optimiser = descend(self._optimiser(c.critic_rate), s.critic, gradient, s.critic_optimiser)
        actor, actor_optimiser = descend(self._optimiser(c.actor_rate), s.actor, actor_gradient, s.actor_optimiser)
        after = EntityActorCriticState(
            actor=actor,
            critic=critic,
            target_actor=soft_update(s.target_actor, actor, c.target_rate),
            target_critic=soft_update(s.target_critic, critic, c.target_rate),
            actor_optimiser=actor_optimiser,
            critic_optimiser=critic_optimiser,
            scale=scale,
            done=s.done + 1,
        )
        return after, metrics | {"value": scale.mean}

    def gradients(
        self,
        train_state: EntityActorCriticState[Actor],
        batch: Transition,
        target: Float[Array, "b v"],
        keys: Key[Array, " b"],
    ) -> tuple[DecisionValues, Actor, Metrics]:
        """Gradients of critics and actor on a piece of a batch, and what to report.

        Args:
            train_state: before the update.
            batch: the piece.
            target: of the values of rows, on the scale of the critics.
            keys: randomness.
        """
        s = train_state
        seen = pack(batch.observation, self.sets)
        shown = self._critic_sees(batch.observation, batch.privileged)
        taken = as_numbers(seen, self.sets, batch.action)
        (loss, encoded), gradient = jax.value_and_grad(critic_objective, has_aux=True)(s.critic, shown, taken, target)

        def judge(decided: Decided) -> Values:
            return jax.lax.stop_gradient(smallest(s.critic.judge(encoded, shown.row_mask, decided)))

        part = s.done / max(self.updates, 1)
        actor_gradient, metrics = jax.grad(self.actor_objective, has_aux=True)(
            s.actor, judge, seen, taken, part, keys[0]
        )
        return gradient, actor_gradient, metrics | {"critic_loss": loss}

    def value_target(
        self, train_state: EntityActorCriticState[Actor], batch: Transition, key: PRNGKeyArray
    ) -> Float[Array, "b v"]:
        """The target of every row's value."""
        shown = self._critic_sees(batch.next_observation, batch.next_privileged)
        decided = self.decide(train_state.target_actor, pack(batch.next_observation, self.sets), key)
        critic = train_state.target_critic
        value = smallest(critic.judge(critic.encode(shown), shown.row_mask, decided)).row
        return self.row_rewards(batch, shown) + batch.discount[:, None] * train_state.scale.from_unit(value)

    def row_rewards(self, batch: Transition, x: Features) -> Float[Array, "b v"]:
        """The rewards of rows; what columns cost by themselves is spread evenly over the rows."""
        if self.config.credit == "team":
            return jnp.broadcast_to(batch.reward[:, None], x.row_mask.shape)
        rows: Array = batch.credit["rows"]
        if "columns" not in batch.credit:
            return rows
        return rows + (batch.credit["columns"].sum(-1) / jnp.maximum(x.row_mask.sum(-1), 1))[:, None]

    def _critic_sees(self, observation: Any, privileged: Any) -> Features:
        return pack(observation, self.sets, privileged if self.config.privileged else None)

    def _optimiser(self, rate: float) -> optax.GradientTransformation:
        return falling_adam(rate, self.config.final_rate, self.updates, clip=self.config.gradient_norm)


def critic_objective(
    critic: DecisionValues, shown: Features, taken: Decided, target: Float[Array, "b v"]
) -> tuple[Float[Array, ""], Float[Array, "n b v s w"]]:
    """Sum over the critics of their mean squared error over rows; and the encoded observations, for further use."""
    encoded = critic.encode(shown)
    value = critic.judge(encoded, shown.row_mask, taken).row
    return len(value) * mean_where((value - target) ** 2, shown.row_mask), encoded
