"""Proximal policy optimisation over sets: factorised actions and decomposed credit, for any number of rows and columns.

The clipped objective of Schulman et al. (2017) for every decision by itself: a row's choice gains by the row's own advantage, a
column's switch by the sum of the advantages of the rows that it concerns, less its own price. Rewards of rows ("rows"), the
columns that concern each ("links") and prices of columns ("columns", if there are any) are those of `TimeStep.credit`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.algorithms.advantage import advantages
from edgewise.algorithms.base import Metrics, OnPolicyAlgorithm, Step
from edgewise.algorithms.entity import Credit, RowValue, matching_sets, matching_sizes, privileged_sizes
from edgewise.algorithms.optimisers import begin, descend, falling_adam
from edgewise.algorithms.pieces import pieces_of, summed
from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.networks.bipartite import Features
from edgewise.numerics.running import RunningScale
from edgewise.policies.matching import Decisions, MatchingPolicy, Sets, pack

ADAM_EPSILON = 1e-5
"""Larger than Adam's own 1e-8, as is usual for PPO: small gradients do not move far."""
SCALE_RATE = 0.1
"""Weight of the newest rollout in the mean and deviation of the regression targets."""
SMALLEST_DEVIATION = 1e-6
"""Added to the deviation of advantages before they are divided by it."""


@dataclass(frozen=True)
class EntityPPOConfig:
    """Configuration of PPO over sets. Values without a source are ours."""

    width: int = 32
    """Numbers of an encoded pair."""
    rounds: int = 2
    """Exchanges of messages between pairs."""
    rate: float = 1.5e-3
    """Learning rate of actor and critic at the start."""
    final_rate: float = 0.05
    """Share of it left at the end of the run; it falls along a cosine."""
    discount: float = 0.9
    """Discount factor gamma."""
    trace: float = 0.8
    """Lambda of the advantages."""
    clip: float = 0.2
    """Epsilon; an update gains nothing from moving a probability ratio beyond [1 - epsilon, 1 + epsilon]."""
    epochs: int = 3
    """Passes over a rollout."""
    minibatches: int = 4
    """Gradient steps of a pass."""
    entropy_weight: float = 0.02
    """Weight of the mean entropy of the decisions at the start."""
    final_entropy: float = 0.1
    """Share of it left at the end of the run; it falls linearly."""
    gradient_norm: float = 1.0
    """A gradient of larger norm is shortened to it."""
    credit: Credit = "decomposed"
    """Rewards of a row: "decomposed", what it costs by itself; "team", everyone's."""
    privileged: bool = True
    """Show the critic what only a critic may see, in training."""

    def __post_init__(self) -> None:
        check_integer("width", self.width, 4)
        check_integer("rounds", self.rounds, 0)
        check_range("rate", self.rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1)
        check_range("discount", self.discount, 0, 1)
        check_range("trace", self.trace, 0, 1)
        check_range("clip", self.clip, 0, open_low=True)
        check_integer("epochs", self.epochs, 1)
        check_integer("minibatches", self.minibatches, 1)
        check_range("entropy_weight", self.entropy_weight, 0)
        check_range("final_entropy", self.final_entropy, 0, 1)
        check_range("gradient_norm", self.gradient_norm, 0, open_low=True)
        check_choice("credit", self.credit, get_args(Credit))


class EntityPPOState(eqx.Module):
    """Parameters, optimiser states, the scale of the values, and the number of updates so far."""

    policy: MatchingPolicy
    critic: RowValue
    policy_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    scale: RunningScale
    done: Int[Array, ""]


class Sample(eqx.Module):
    """Slots of a rollout to learn from, along the first axes.

    Attributes:
        seen: what the actor sees.
        critic_seen: what the critic sees.
        action: what was decided.
        before: log-probabilities of the decisions by the policy that took them.
        advantage: of the decisions.
        target: of the value of every row, on the critic's own scale.
    """

    seen: Features
    critic_seen: Features
    action: Any
    before: Decisions
    advantage: Decisions
    target: Float[Array, "*n v"]


class EntityPPO(OnPolicyAlgorithm[EntityPPOConfig, EntityPPOState]):
    """Learns a `MatchingPolicy`."""

    @property
    def sets(self) -> Sets:
        """Names of what the policy reads and decides."""
        return matching_sets(self.spaces)

    def init(self, key: PRNGKeyArray) -> EntityPPOState:
        c = self.config
        policy_key, critic_key = jax.random.split(key)
        sizes = matching_sizes(self.spaces)
        more = privileged_sizes(self.spaces) if c.privileged else (0, 0, 0)
        policy = MatchingPolicy.create(self.sets, sizes, c.width, c.rounds, policy_key)
        critic = RowValue(tuple(a + b for a, b in zip(sizes, more, strict=True)), c.width, c.rounds, critic_key)
        return EntityPPOState(
            policy=policy,
            critic=critic,
            policy_optimiser=begin(self._optimiser, policy),
            critic_optimiser=begin(self._optimiser, critic),
            scale=RunningScale.fresh(),
            done=jnp.zeros((), int),
        )

    def policy(self, train_state: EntityPPOState) -> MatchingPolicy:
        return train_state.policy

    def with_policy(self, train_state: EntityPPOState, policy: MatchingPolicy) -> EntityPPOState:
        return replace(train_state, policy=policy)

    def act(self, train_state: EntityPPOState, observation: Any, key: PRNGKeyArray) -> Any:
        return train_state.policy(observation, key)

    def update(self, train_state: EntityPPOState, rollout: Step, key: PRNGKeyArray) -> tuple[EntityPPOState, Metrics]:
        scale, sample = self.samples(train_state, rollout)
        entropy_weight = self._entropy_weight(train_state.done)

        def run_epoch(
            state: EntityPPOState, key: PRNGKeyArray
        ) -> tuple[EntityPPOState, dict[str, Float[Array, " minibatches"]]]:
            order = jax.random.permutation(key, len(sample.target)).reshape(self.config.minibatches, -1)
            return jax.lax.scan(
                lambda state, rows: self.learn(state, jax.tree.map(lambda x: x[rows], sample), entropy_weight),
                state,
                order,
            )

        keys = jax.random.split(key, self.config.epochs)
        state = replace(train_state, scale=scale, done=train_state.done + 1)
        state, metrics = jax.lax.scan(run_epoch, state, keys)
        return state, {name: values.mean() for name, values in metrics.items()}

    def samples(self, train_state: EntityPPOState, rollout: Step) -> tuple[RunningScale, Sample]:
        """The slots of a rollout of the current policy, [time, copies] flattened, and the scale of their values."""
        c = self.config
        seen = pack(rollout.observation, self.sets)
        critic_seen = self._critic_sees(rollout.observation, rollout.privileged)
        next_seen = self._critic_sees(rollout.next_observation, rollout.next_privileged)
        rows = rollout.credit["rows"]
        reward = rows if c.credit == "decomposed" else jnp.broadcast_to(rollout.reward[..., None], rows.shape)
        scale = train_state.scale
        value, next_value = (scale.from_unit(_by_slot(train_state.critic, x)) for x in (critic_seen, next_seen))
        terminated, ended = (flag[..., None] for flag in (rollout.terminated, rollout.ended))
        advantage = advantages(reward, terminated, ended, value, next_value, c.discount, c.trace)
        target = advantage + value
        scale = scale.follow(target, SCALE_RATE)
        choices = _normalised(advantage, seen.row_mask)
        links = rollout.credit["links"].astype(float)
        concerned = jnp.einsum("tnv,tnvs->tns", _centred(advantage, seen.row_mask), links)
        if c.credit == "decomposed":
            concerned = concerned + rollout.credit.get("columns", 0.0)
        action = rollout.action
        before, _ = jax.lax.map(lambda each: train_state.policy.assess(*each), (seen, action))
        switches = None if self.sets.switch is None else _normalised(concerned, seen.column_mask, centre=False)
        sample = Sample(seen, critic_seen, action, before, Decisions(choices, switches), scale.to_unit(target))
        return scale, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), sample)

    def learn(
        self, train_state: EntityPPOState, sample: Sample, entropy_weight: Float[Array, ""]
    ) -> tuple[EntityPPOState, Metrics]:
        """A gradient step of both networks on a minibatch."""
        rows, columns = sample.seen.row_mask, sample.seen.column_mask
        counts = _count(rows), _count(columns)

        def of_piece(piece: Sample) -> tuple[MatchingPolicy, RowValue, Metrics]:
            actor = jax.grad(self.objective, has_aux=True)(train_state.policy, piece, entropy_weight, counts)
            loss, gradient = jax.value_and_grad(_critic_objective)(train_state.critic, piece, counts[0])
            return actor[0], gradient, actor[1] | {"critic_loss": loss}

        pieces = pieces_of(len(sample.target), math.prod(sample.seen.pairs.shape[-3:-1]))
        gradient, critic_gradient, metrics = summed(of_piece, sample, pieces)
        policy, policy_optimiser = descend(self._optimiser, train_state.policy, gradient, train_state.policy_optimiser)
        critic, critic_optimiser = descend(
            self._optimiser, train_state.critic, critic_gradient, train_state.critic_optimiser
        )
        state = replace(
            train_state,
            policy=policy,
            critic=critic,
            policy_optimiser=policy_optimiser,
            critic_optimiser=critic_optimiser,
        )
        return state, metrics

    def objective(
        self,
        policy: MatchingPolicy,
        sample: Sample,
        entropy_weight: Float[Array, ""],
        counts: tuple[Float[Array, ""], Float[Array, ""]],
    ) -> tuple[Float[Array, ""], Metrics]:
        """Negative clipped objective, each kind of decision averaged by itself, and what it is made of.

        Args:
            policy: whose objective.
            sample: a part of a minibatch; the sum over its parts is the objective of the whole.
            entropy_weight: of the mean entropy.
            counts: rows and columns of the whole minibatch.
        """
        now, entropies = policy.assess(sample.seen, sample.action)
        kinds = [(now.choice, sample.before.choice, sample.advantage.choice, entropies.choice, sample.seen.row_mask)]
        if self.sets.switch is not None:
            kinds.append(
                (now.switch, sample.before.switch, sample.advantage.switch, entropies.switch, sample.seen.column_mask)
            )
        loss, entropy, distance = jnp.zeros(()), jnp.zeros(()), jnp.zeros(())
        for (log, before, advantage, uncertainty, mask), count in zip(kinds, counts, strict=False):
            ratio = jnp.exp(log - before)
            clipped = jnp.clip(ratio, 1 - self.config.clip, 1 + self.config.clip)
            loss -= _sum(jnp.minimum(ratio * advantage, clipped * advantage), mask) / count
            entropy += _sum(uncertainty, mask) / count
            distance += _sum(ratio - 1 - (log - before), mask) / count
        return loss - entropy_weight * entropy, {"entropy": entropy, "distance": distance}

    def _critic_sees(self, observation: Any, privileged: Any) -> Features:
        return pack(observation, self.sets, privileged if self.config.privileged else None)

    def _entropy_weight(self, done: Int[Array, ""]) -> Float[Array, ""]:
        c = self.config
        part = done / max(self.updates, 1)
        return c.entropy_weight * (1 - (1 - c.final_entropy) * part)

    @property
    def _optimiser(self) -> optax.GradientTransformation:
        c = self.config
        steps = self.updates * c.epochs * c.minibatches
        return falling_adam(c.rate, c.final_rate, steps, epsilon=ADAM_EPSILON, clip=c.gradient_norm)


def _by_slot(critic: RowValue, x: Features) -> Float[Array, "t n v"]:
    """Values slot by slot, which needs the memory of one slot only."""
    return jax.lax.map(critic, x)


def _critic_objective(critic: RowValue, sample: Sample, rows: Float[Array, ""]) -> Float[Array, ""]:
    return _sum((critic(sample.critic_seen) - sample.target) ** 2, sample.seen.row_mask) / rows


def _count(mask: Bool[Array, "*b"]) -> Float[Array, ""]:
    return jnp.maximum(mask.sum(), 1).astype(float)


def _sum(x: Float[Array, "*b"], mask: Bool[Array, "*b"]) -> Float[Array, ""]:
    return jnp.where(mask, x, 0.0).sum()


def _mean(x: Float[Array, "*b"], mask: Bool[Array, "*b"]) -> Float[Array, ""]:
    return _sum(x, mask) / _count(mask)


def _centred(x: Float[Array, "*b"], mask: Bool[Array, "*b"]) -> Float[Array, "*b"]:
    return jnp.where(mask, x - _mean(x, mask), 0.0)


def _normalised(x: Float[Array, "*b"], mask: Bool[Array, "*b"], centre: bool = True) -> Float[Array, "*b"]:
    shifted = _centred(x, mask) if centre else x
    return shifted / (jnp.sqrt(_mean(shifted**2, mask)) + SMALLEST_DEVIATION)
