"""MALPPO (Kang et al., section V-B): in a game, every agent learns by PPO with memories from what it sees itself.

The update of one agent is a function of that agent's networks, observations, actions and rewards; agents of one kind are a
`vmap` of it. MAPPO and MAA2C are the same update with a critic that is shown what all agents see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.advantage import advantages
from edgewise.algorithms.base import Metrics, Step
from edgewise.algorithms.game import GameAlgorithm, Turns
from edgewise.algorithms.optimisers import begin, descend, falling_adam
from edgewise.algorithms.policy_gradient import ADAM_EPSILON, OUTPUT_GAIN, normalised
from edgewise.algorithms.ppo import PPOConfig, clipped_objective
from edgewise.common.errors import ConfigurationError, check_choice, check_range
from edgewise.environments.game import Kind
from edgewise.networks.recurrent import Memory, RecurrentNetwork
from edgewise.numerics.running import RunningScale
from edgewise.policies.joint import JointPolicy
from edgewise.policies.recurrent_gaussian import RecurrentGaussianPolicy
from edgewise.policies.uniform import UniformPolicy

SCALE_RATE = 0.05
"""Weight of a rollout in the running scale of values."""


@dataclass(frozen=True)
class MALPPOConfig(PPOConfig):
    """Configuration of MALPPO; "paper" is section VI-A."""

    hidden: tuple[int, ...] = (128, 128)
    """Widths of the layers before the memory, of actor and critic, at least one (paper: 128, 128)."""
    memory: tuple[int, ...] = (64, 64)
    """Sizes of the LSTM cells of actor and critic (paper: 64, 64); an empty list leaves them without memory."""
    central: bool = False
    """Show the critics what all agents observe; the paper's MALPPO does not."""
    at_random: tuple[str, ...] = ()
    """Kinds of agents that sample their actions uniformly and learn nothing, such as leader or follower."""
    actor_rate: float = 1e-4
    """Learning rate of the actors at the start (paper: 1e-4)."""
    leader_share: float = 1.0
    """Share of that rate at which actors of all kinds but the last to move learn; below 1, those who move last have learned to
    answer before those whom they answer rely on it (paper: 1)."""
    leader_start: float = 0.0
    """Share of the updates after which actors of all kinds but the last to move begin to learn; until then they try actions
    out, and those who move last meet all of them (paper: 0)."""
    critic_rate: float = 1e-4
    """Learning rate of the critics at the start (paper: 1e-4)."""
    epochs: int = 5
    """Passes over a rollout (paper: 5)."""
    minibatches: int = 1
    """Gradient steps of a pass, each on its own share of the copies of the environment."""
    discount: float = 0.0
    """Discount factor gamma; trade in a slot changes nothing but what agents remember of it, so that 0 is exact (paper: not
    stated)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.hidden:
            raise ConfigurationError("hidden", self.hidden, "at least one width")
        check_range("memory", self.memory, 1)
        check_range("leader_share", self.leader_share, 0, 1, open_low=True)
        check_range("leader_start", self.leader_start, 0, 1, open_high=True)
        if self.masking:
            raise ConfigurationError("masking", True, "left out: real actions have no mask")


@dataclass(frozen=True)
class MALPPORandomLeadersConfig(MALPPOConfig):
    """Configuration of MALPPO-RL: leaders choose their prices at random."""

    at_random: tuple[str, ...] = ("leader",)


@dataclass(frozen=True)
class MALPPORandomFollowersConfig(MALPPOConfig):
    """Configuration of MALPPO-RF: followers choose their demands at random."""

    at_random: tuple[str, ...] = ("follower",)


@dataclass(frozen=True)
class MAPPOConfig(MALPPOConfig):
    """Configuration of MAPPO (Yu et al., 2022): no memory, central critics."""

    memory: tuple[int, ...] = ()
    central: bool = True


@dataclass(frozen=True)
class MAA2CConfig(MAPPOConfig):
    """Configuration of MAA2C: MAPPO with one pass over a rollout in one step, in which clipping changes nothing."""

    epochs: int = 1


class AgentState(eqx.Module):
    """Networks and optimiser states of one agent, or of those of a kind along a leading axis.

    The critic gives values in deviations of `scale` from its mean.
    """

    actor: RecurrentGaussianPolicy
    critic: RecurrentNetwork
    scale: RunningScale
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState


AgentStates = tuple[AgentState | None, ...]
"""By kind; None for those that act at random."""


class AgentMemory(eqx.Module):
    """Memories of an agent's two networks."""

    actor: Memory
    critic: Memory


class Sample(eqx.Module):
    """A rollout of one agent as its losses need it, [time, copies, ...].

    Attributes:
        observation: the observation of the actor.
        view: what the critic is shown.
        drawn: the sample before it was squashed.
        log_probability: logarithm of the probability of the sample, under the policy that drew it.
        advantage: A.
        target: A + V, the regression target of the critic, in deviations from its running mean.
        ended: whether the episode ended after the step.
    """

    observation: Float[Array, "t c o"]
    view: Float[Array, "t c g"]
    drawn: Float[Array, "t c a"]
    log_probability: Float[Array, "t c"]
    advantage: Float[Array, "t c"]
    target: Float[Array, "t c"]
    ended: Array


class MALPPO(GameAlgorithm[MALPPOConfig, AgentStates]):
    """The MALPPO paper's learner. Policies squash what they sample into the box of their kind's actions."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for kinds of agents that do not exist or learn, or whose actions have no finite bounds."""
        names = self.spaces.names
        for name in self.config.at_random:
            check_choice("at_random", name, names)
        if set(self.config.at_random) == set(names):
            raise ConfigurationError("at_random", self.config.at_random, "fewer kinds: one must learn")
        for kind in self.spaces.kinds:
            if not np.isfinite([kind.low, kind.high]).all():
                bounds = f"[{min(kind.low):g}, {max(kind.high):g}]"
                raise ConfigurationError(f"action space of {kind.name}", bounds, "a box with finite bounds")

    def init(self, key: PRNGKeyArray) -> AgentStates:
        states: list[AgentState | None] = []
        for kind, kind_key in zip(self.spaces.kinds, jax.random.split(key, len(self.spaces.kinds)), strict=True):
            keys = jax.random.split(kind_key, len(kind.agents))
            states.append(
                eqx.filter_vmap(lambda key, kind=kind: self.new_agent(kind, key))(keys) if self._learns(kind) else None
            )
        return tuple(states)

    def policy(self, train_state: AgentStates) -> JointPolicy:
        return JointPolicy(
            tuple(kind.agents for kind in self.spaces.kinds),
            tuple(
                UniformPolicy(kind.observation_size, kind.low, kind.high) if state is None else state.actor
                for kind, state in zip(self.spaces.kinds, train_state, strict=True)
            ),
        )

    def initial_memory(self, copies: int) -> tuple[AgentMemory | None, ...]:
        def memory(kind: Kind) -> AgentMemory | None:
            if not self._learns(kind):
                return None
            blank = eqx.filter_eval_shape(lambda key: self.new_agent(kind, key), jax.random.key(0))
            batch = (len(kind.agents), copies)
            return AgentMemory(blank.actor.initial_memory(batch), blank.critic.initial_memory(batch))

        return tuple(memory(kind) for kind in self.spaces.kinds)

    def act(
        self,
        train_state: AgentStates,
        kind: int,
        observation: Float[Array, "agents copies o"],
        global_observation: Float[Array, "copies g"] | None,
        memory: AgentMemory | None,
        key: PRNGKeyArray,
    ) -> tuple[Array, Array, AgentMemory | None]:
        state = train_state[kind]
        keys = jax.random.split(key, observation.shape[0])
        if state is None or memory is None:
            agents = self.spaces.kinds[kind]
            action = jax.vmap(UniformPolicy(agents.observation_size, agents.low, agents.high))(observation, keys)
            return action, action, None

        def one(
            agent: AgentState, observation: Array, memory: AgentMemory, key: PRNGKeyArray
        ) -> tuple[Array, Array, AgentMemory]:
            drawn, actor_memory = agent.actor.sample(observation, memory.actor, key)
            view = observation if global_observation is None else global_observation
            _, critic_memory = agent.critic(view, memory.critic)
            return drawn, agent.actor.squash(drawn), AgentMemory(actor_memory, critic_memory)

        drawn, action, after = eqx.filter_vmap(one)(state, observation, memory, keys)
        return drawn, action, after

    def update(
        self,
        train_state: AgentStates,
        rollout: tuple[Turns, ...],
        memory: tuple[AgentMemory | None, ...],
        key: PRNGKeyArray,
    ) -> tuple[AgentStates, Metrics]:
        states: list[AgentState | None] = []
        metrics: Metrics = {}
        for kind, state, turns, before, kind_key in zip(
            self.spaces.kinds, train_state, rollout, memory, jax.random.split(key, len(rollout)), strict=True
        ):
            if state is None:
                states.append(None)
                continue
            keys = jax.random.split(kind_key, len(kind.agents))
            learned, of_kind = eqx.filter_vmap(
                partial(self.update_agent, leads=kind is not self.spaces.kinds[-1]), in_axes=(0, 1, None, None, 0, 0)
            )(state, turns.step, turns.global_observation, turns.next_global_observation, before, keys)
            states.append(learned)
            metrics |= {f"{kind.name}/{name}": values.mean() for name, values in of_kind.items()}
        return tuple(states), metrics

    def update_agent(
        self,
        agent: AgentState,
        step: Step,
        global_observation: Float[Array, "t c g"] | None,
        next_global_observation: Float[Array, "t c g"] | None,
        memory: AgentMemory,
        key: PRNGKeyArray,
        leads: bool,
    ) -> tuple[AgentState, Metrics]:
        """One agent's learning from its own rollout: `epochs` passes of (25) and (27).

        Args:
            agent: its networks.
            step: what it observed, sampled and got, [time, copies, ...].
            global_observation: what its critic is shown instead of its own observation, if the critic is central.
            next_global_observation: the same at its next move.
            memory: before the rollout.
            key: the key of the order of minibatches.
            leads: whether others move after it.
        """
        c = self.config
        actors, critics = self._actors_optimiser(leads), self._optimiser(c.critic_rate)
        sample, scale = self.samples(agent, step, global_observation, next_global_observation, memory)
        agent = replace(agent, scale=scale)

        def learn(state: AgentState, chosen: Array) -> tuple[AgentState, Metrics]:
            part = jax.tree.map(lambda x: x[:, chosen], sample)
            begin = jax.tree.map(lambda x: x[chosen], memory)
            (_, metrics), gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(
                state.actor, part, begin.actor
            )
            actor, actor_optimiser = descend(actors, state.actor, gradient, state.actor_optimiser)
            loss, gradient = jax.value_and_grad(critic_objective)(state.critic, part, begin.critic)
            critic, critic_optimiser = descend(critics, state.critic, gradient, state.critic_optimiser)
            learned = AgentState(actor, critic, state.scale, actor_optimiser, critic_optimiser)
            return learned, metrics | {"critic_loss": loss}

        copies = step.reward.shape[1]
        orders = jax.vmap(lambda key: jax.random.permutation(key, copies))(jax.random.split(key, c.epochs))
        agent, metrics = jax.lax.scan(learn, agent, orders.reshape(c.epochs * c.minibatches, -1))
        return agent, {name: values.mean() for name, values in metrics.items()}

    def samples(
        self,
        agent: AgentState,
        step: Step,
        global_observation: Float[Array, "t c g"] | None,
        next_global_observation: Float[Array, "t c g"] | None,
        memory: AgentMemory,
    ) -> tuple[Sample, RunningScale]:
        """A rollout of the agent's current policy with advantages (23), and the scale of values to go on with."""
        view, next_view = step.observation, step.next_observation
        if global_observation is not None and next_global_observation is not None:
            view, next_view = global_observation, next_global_observation
        value, next_value = (
            agent.scale.from_unit(output[..., 0])
            for output in agent.critic.unroll(view, next_view, step.ended, memory.critic)
        )
        advantage = advantages(
            step.reward, step.terminated, step.ended, value, next_value, self.config.discount, self.config.trace
        )
        log_probability, _ = agent.actor.log_probability_and_entropy(
            step.observation, step.action, step.ended, memory.actor
        )
        scale = agent.scale.follow(advantage + value, SCALE_RATE)
        target = scale.to_unit(advantage + value)
        return Sample(step.observation, view, step.action, log_probability, advantage, target, step.ended), scale

    def actor_objective(
        self, actor: RecurrentGaussianPolicy, sample: Sample, memory: Memory
    ) -> tuple[Float[Array, ""], Metrics]:
        """Negative objective (21), less the entropy bonus; and its parts."""
        c = self.config
        log_probability, entropy = actor.log_probability_and_entropy(
            sample.observation, sample.drawn, sample.ended, memory
        )
        advantage = normalised(sample.advantage) if c.normalise_advantage else sample.advantage
        return clipped_objective(log_probability, sample.log_probability, entropy, advantage, c.clip, c.entropy_weight)

    def new_agent(self, kind: Kind, key: PRNGKeyArray) -> AgentState:
        """A fresh agent of a kind."""
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        actor = RecurrentGaussianPolicy.create(
            kind.observation_size, c.hidden, c.memory, (kind.low, kind.high), c.initial_deviation, actor_key
        )
        actor = eqx.tree_at(
            lambda policy: policy.network.head.weight, actor, replace_fn=lambda weight: OUTPUT_GAIN * weight
        )
        seen = (
            sum(len(k.agents) * k.observation_size for k in self.spaces.kinds) if c.central else kind.observation_size
        )
        critic = RecurrentNetwork(seen, c.hidden, c.memory, 1, critic_key)
        return AgentState(
            actor,
            critic,
            RunningScale.fresh(),
            begin(self._actors_optimiser(leads=kind is not self.spaces.kinds[-1]), actor),
            begin(self._optimiser(c.critic_rate), critic),
        )

    def _learns(self, kind: Kind) -> bool:
        return kind.name not in self.config.at_random

    def _actors_optimiser(self, leads: bool) -> optax.GradientTransformation:
        c = self.config
        return (
            self._optimiser(c.actor_rate * c.leader_share, c.leader_start) if leads else self._optimiser(c.actor_rate)
        )

    def _optimiser(self, rate: float, start: float = 0.0) -> optax.GradientTransformation:
        c = self.config
        steps = self.updates * c.epochs * c.minibatches
        idle = round(start * steps)
        return falling_adam(rate, c.final_rate, steps, epsilon=ADAM_EPSILON, clip=c.gradient_norm, idle=idle)


def critic_objective(critic: RecurrentNetwork, sample: Sample, memory: Memory) -> Float[Array, ""]:
    """Loss (26): mean squared error of the value, in variances of its regression target."""
    value = critic.outputs(sample.view, sample.ended, memory)[..., 0]
    return ((value - sample.target) ** 2).mean()
