"""MALPPO (Kang et al., section V-B): in a game, every agent learns by PPO with memories from what it sees itself.

The update of one agent is a function of that agent's networks, observations, actions and rewards; agents of one kind are a
`vmap` of it. MAPPO and MAA2C are the same update with a critic that is shown what all agents see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.advantage import advantages
from edgewise.algorithms.base import Step
from edgewise.algorithms.game import GameAlgorithm, Turns
from edgewise.algorithms.optimisers import falling_adam
from edgewise.algorithms.policy_gradient import OUTPUT_GAIN, normalised
from edgewise.algorithms.ppo import PPOConfig, clipped_objective
from edgewise.common.errors import ConfigurationError, check_choice, check_range
from edgewise.environments.game import GameSpaces, Kind
from edgewise.networks.recurrent import Memory, RecurrentNetwork
from edgewise.numerics.running import RunningScale
from edgewise.policies.joint import JointPolicy
from edgewise.policies.recurrent_gaussian import RecurrentGaussianPolicy
from edgewise.policies.uniform import UniformPolicy

SCALE_RATE = 0.05
"""Weight of a rollout in the running scale of values."""


@dataclass(frozen=True)
class MALPPOConfig(PPOConfig):
    """Configuration of MALPPO; "paper" is section VI-A.

    Attributes:
        hidden: widths of the layers before the memory, of actor and critic (paper: 128, 128).
        memory: sizes of their LSTM cells (paper: 64, 64); none leaves them without memory.
        central: show the critics what all agents see; the paper's MALPPO does not.
        at_random: kinds of agents that draw their actions uniformly and learn nothing, such as leader or follower.
        actor_rate: learning rate of the actors at the start (paper: 1e-4).
        leader_share: share of it at which actors of all kinds but the last to move learn; below 1, those who move last have
            learned to answer before those whom they answer rely on it (paper: 1).
        leader_start: share of the updates after which these actors begin to learn; until then they try actions out, and those
            who move last meet all of them (paper: 0).
        critic_rate: learning rate of the critics at the start (paper: 1e-4).
        epochs: passes over a rollout (paper: 5).
        minibatches: gradient steps of a pass, each on its own share of the copies of the environment.
        discount: gamma; trade in a slot changes nothing but what agents remember of it, so that 0 is exact (paper: not stated).
        initial_deviation: standard deviation of a fresh policy before its actions are squashed.
    """

    hidden: tuple[int, ...] = (128, 128)
    memory: tuple[int, ...] = (64, 64)
    central: bool = False
    at_random: tuple[str, ...] = ()
    actor_rate: float = 1e-4
    leader_share: float = 1.0
    leader_start: float = 0.0
    critic_rate: float = 1e-4
    epochs: int = 5
    minibatches: int = 1
    discount: float = 0.0

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
    """Configuration of MALPPO-RL: leaders draw their prices at random."""

    at_random: tuple[str, ...] = ("leader",)


@dataclass(frozen=True)
class MALPPORandomFollowersConfig(MALPPOConfig):
    """Configuration of MALPPO-RF: followers draw their demands at random."""

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

    The critic says values in deviations of `scale` from its mean.
    """

    actor: RecurrentGaussianPolicy
    critic: RecurrentNetwork
    scale: RunningScale
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState


class AgentMemory(eqx.Module):
    """Memories of an agent's two networks."""

    actor: Memory
    critic: Memory


class Sample(eqx.Module):
    """A rollout of one agent as its losses need it, [time, copies, ...].

    Attributes:
        observation: of the actor.
        view: what the critic is shown.
        drawn: before it was squashed.
        log_probability: of what was drawn, under the policy that drew it.
        advantage: A.
        goal: A + V, in deviations from its running mean.
        ended: whether the episode ended after the step.
    """

    observation: Float[Array, "t c o"]
    view: Float[Array, "t c g"]
    drawn: Float[Array, "t c a"]
    log_probability: Float[Array, "t c"]
    advantage: Float[Array, "t c"]
    goal: Float[Array, "t c"]
    ended: Array


class MALPPO(GameAlgorithm[tuple[AgentState | None, ...]]):
    """Multi-agent LSTM-based PPO. The state of kinds that act at random is none."""

    config: MALPPOConfig = eqx.field(static=True)
    joint: GameSpaces = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: MALPPOConfig, joint: GameSpaces, updates: int) -> None:
        """Args: configuration, the agents, and the rollouts of the run (for the learning rates)."""
        for name in config.at_random:
            check_choice("at_random", name, joint.names)
        if set(config.at_random) == set(joint.names):
            raise ConfigurationError("at_random", config.at_random, "fewer kinds: one must learn")
        self.config = config
        self.joint = joint
        self.updates = updates

    @property
    def shares(self) -> int:
        return self.config.minibatches

    @property
    def central(self) -> bool:
        return self.config.central

    def init(self, key: PRNGKeyArray) -> tuple[AgentState | None, ...]:
        states: list[AgentState | None] = []
        for kind, kind_key in zip(self.joint.kinds, jax.random.split(key, len(self.joint.kinds)), strict=True):
            keys = jax.random.split(kind_key, len(kind.agents))
            states.append(
                eqx.filter_vmap(lambda key, kind=kind: self.new_agent(kind, key))(keys) if self._learns(kind) else None
            )
        return tuple(states)

    def policy(self, train_state: tuple[AgentState | None, ...]) -> JointPolicy:
        return JointPolicy(
            tuple(kind.agents for kind in self.joint.kinds),
            tuple(
                UniformPolicy(kind.observation_size, kind.low, kind.high) if state is None else state.actor
                for kind, state in zip(self.joint.kinds, train_state, strict=True)
            ),
        )

    def initial_memory(self, copies: int) -> tuple[AgentMemory | None, ...]:
        def memory(kind: Kind) -> AgentMemory | None:
            if not self._learns(kind):
                return None
            blank = eqx.filter_eval_shape(lambda key: self.new_agent(kind, key), jax.random.key(0))
            batch = (len(kind.agents), copies)
            return AgentMemory(blank.actor.initial_memory(batch), blank.critic.initial_memory(batch))

        return tuple(memory(kind) for kind in self.joint.kinds)

    def act(
        self,
        train_state: tuple[AgentState | None, ...],
        kind: int,
        observation: Float[Array, "agents copies o"],
        everyone: Float[Array, "copies g"] | None,
        memory: AgentMemory | None,
        key: PRNGKeyArray,
    ) -> tuple[Array, Array, AgentMemory | None]:
        state = train_state[kind]
        keys = jax.random.split(key, observation.shape[0])
        if state is None or memory is None:
            agents = self.joint.kinds[kind]
            action = jax.vmap(UniformPolicy(agents.observation_size, agents.low, agents.high))(observation, keys)
            return action, action, None

        def one(
            agent: AgentState, observation: Array, memory: AgentMemory, key: PRNGKeyArray
        ) -> tuple[Array, Array, AgentMemory]:
            drawn, actor_memory = agent.actor.draw(observation, memory.actor, key)
            view = observation if everyone is None else everyone
            _, critic_memory = agent.critic(view, memory.critic)
            return drawn, agent.actor.squash(drawn), AgentMemory(actor_memory, critic_memory)

        drawn, action, after = eqx.filter_vmap(one)(state, observation, memory, keys)
        return drawn, action, after

    def update(
        self,
        train_state: tuple[AgentState | None, ...],
        rollout: tuple[Turns, ...],
        memory: tuple[AgentMemory | None, ...],
        key: PRNGKeyArray,
    ) -> tuple[tuple[AgentState | None, ...], dict[str, Float[Array, ""]]]:
        states: list[AgentState | None] = []
        metrics: dict[str, Float[Array, ""]] = {}
        for kind, state, turns, before, kind_key in zip(
            self.joint.kinds, train_state, rollout, memory, jax.random.split(key, len(rollout)), strict=True
        ):
            if state is None:
                states.append(None)
                continue
            keys = jax.random.split(kind_key, len(kind.agents))
            learned, told = eqx.filter_vmap(
                partial(self.update_agent, leads=kind is not self.joint.kinds[-1]), in_axes=(0, 1, None, None, 0, 0)
            )(state, turns.step, turns.everyone, turns.next_everyone, before, keys)
            states.append(learned)
            metrics |= {f"{kind.name}/{name}": values.mean() for name, values in told.items()}
        return tuple(states), metrics

    def update_agent(
        self,
        agent: AgentState,
        step: Step,
        everyone: Float[Array, "t c g"] | None,
        next_everyone: Float[Array, "t c g"] | None,
        memory: AgentMemory,
        key: PRNGKeyArray,
        leads: bool,
    ) -> tuple[AgentState, dict[str, Float[Array, ""]]]:
        """One agent's learning from its own rollout: `epochs` passes of (25) and (27).

        Args:
            agent: its networks.
            step: what it saw, drew and got, [time, copies, ...].
            everyone: what its critic is shown instead of its own observation, if the critic is central.
            next_everyone: the same at its next move.
            memory: before the rollout.
            key: of the order of minibatches.
            leads: whether others move after it.
        """
        c = self.config
        actors, critics = self._actors_optimiser(leads), self._optimiser(c.critic_rate)
        sample, scale = self.sample(agent, step, everyone, next_everyone, memory)
        agent = replace(agent, scale=scale)

        def learn(state: AgentState, chosen: Array) -> tuple[AgentState, dict[str, Float[Array, ""]]]:
            part = jax.tree.map(lambda x: x[:, chosen], sample)
            begin = jax.tree.map(lambda x: x[chosen], memory)
            (_, metrics), gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(
                state.actor, part, begin.actor
            )
            actor, actor_optimiser = _improve(actors, state.actor, gradient, state.actor_optimiser)
            loss, gradient = jax.value_and_grad(critic_objective)(state.critic, part, begin.critic)
            critic, critic_optimiser = _improve(critics, state.critic, gradient, state.critic_optimiser)
            learned = AgentState(actor, critic, state.scale, actor_optimiser, critic_optimiser)
            return learned, metrics | {"critic_loss": loss}

        copies = step.reward.shape[1]
        orders = jax.vmap(lambda key: jax.random.permutation(key, copies))(jax.random.split(key, c.epochs))
        agent, metrics = jax.lax.scan(learn, agent, orders.reshape(c.epochs * c.minibatches, -1))
        return agent, {name: values.mean() for name, values in metrics.items()}

    def sample(
        self,
        agent: AgentState,
        step: Step,
        everyone: Float[Array, "t c g"] | None,
        next_everyone: Float[Array, "t c g"] | None,
        memory: AgentMemory,
    ) -> tuple[Sample, RunningScale]:
        """A rollout of the agent's present policy with advantages (23), and the scale of values to go on with."""
        view, next_view = step.observation, step.next_observation
        if everyone is not None and next_everyone is not None:
            view, next_view = everyone, next_everyone
        value, next_value = (
            agent.scale.from_unit(output[..., 0])
            for output in agent.critic.unroll(view, next_view, step.ended, memory.critic)
        )
        advantage = advantages(
            step.reward, step.terminated, step.ended, value, next_value, self.config.discount, self.config.trace
        )
        mean = agent.actor.network.outputs(step.observation, step.ended, memory.actor)
        log_probability, _ = agent.actor.judge(mean, step.action)
        scale = agent.scale.follow(advantage + value, SCALE_RATE)
        goal = scale.to_unit(advantage + value)
        return Sample(step.observation, view, step.action, log_probability, advantage, goal, step.ended), scale

    def actor_objective(
        self, actor: RecurrentGaussianPolicy, sample: Sample, memory: Memory
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """(21), negative, less the entropy bonus; and its parts."""
        c = self.config
        mean = actor.network.outputs(sample.observation, sample.ended, memory)
        log_probability, entropy = actor.judge(mean, sample.drawn)
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
        seen = sum(len(k.agents) * k.observation_size for k in self.joint.kinds) if c.central else kind.observation_size
        critic = RecurrentNetwork(seen, c.hidden, c.memory, 1, critic_key)
        return AgentState(
            actor,
            critic,
            RunningScale.fresh(),
            self._actors_optimiser(leads=kind is not self.joint.kinds[-1]).init(eqx.filter(actor, eqx.is_array)),
            self._optimiser(c.critic_rate).init(eqx.filter(critic, eqx.is_array)),
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
        return optax.chain(
            optax.clip_by_global_norm(c.gradient_norm),
            falling_adam(rate, c.final_rate, steps, epsilon=1e-5, idle=round(start * steps)),
        )


def _improve(
    optimiser: optax.GradientTransformation, network: Any, gradient: Any, state: optax.OptState
) -> tuple[Any, optax.OptState]:
    """A network after a gradient step, and its optimiser's state."""
    step, state = optimiser.update(gradient, state)
    return eqx.apply_updates(network, step), state


def critic_objective(critic: RecurrentNetwork, sample: Sample, memory: Memory) -> Float[Array, ""]:
    """(26): mean squared error of the value, in variances of what it is to say."""
    value = critic.outputs(sample.view, sample.ended, memory)[..., 0]
    return ((value - sample.goal) ** 2).mean()
