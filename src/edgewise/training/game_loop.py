"""The loop of games: slots of vectorised environments and updates of all agents, scanned inside one compiled chunk."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.algorithms.base import Step
from edgewise.algorithms.game import GameAlgorithm, Turns
from edgewise.common.errors import ConfigurationError
from edgewise.environments.game import Game, GameStep, Observations
from edgewise.numerics.select import select
from edgewise.policies.joint import JointPolicy
from edgewise.policies.scaled import with_inputs
from edgewise.policies.uniform import UniformPolicy
from edgewise.training.loop import Loop
from edgewise.training.on_policy import OnPolicyConfig


class GameState(eqx.Module):
    """Everything that a run needs to go on, for one seed (or with a leading axis of seeds).

    Attributes:
        train_state: the train state of the algorithm.
        environment_state, observations: of every copy, between slots.
        memory: the memory of every agent in every copy.
        key: randomness to come.
    """

    train_state: Any
    environment_state: Any
    observations: Observations
    memory: Any
    key: PRNGKeyArray


class Slot(eqx.Module):
    """What happened in a slot, in every copy.

    Attributes:
        state, memory: after it.
        step: what the environment returned at its end.
        views: by kind, what its agents saw when they moved, [agents, copies, o].
        global_observations: by kind, of all agents together then, [copies, g]; None if nothing is shared.
        drawn: by kind.
    """

    state: Any
    memory: tuple[Any, ...]
    step: GameStep
    views: tuple[Any, ...]
    global_observations: tuple[Array | None, ...]
    drawn: tuple[Array, ...]


class GameLoop(Loop):
    """An on-policy run of several agents: roll the newest policies out, learn from that, and forget it.

    Episodes go on from one rollout to the next.

    Attributes:
        environment: what to learn in.
        algorithm: the learners.
        config: sizes and budgets; a step is a slot.
    """

    environment: Game[Any]
    algorithm: GameAlgorithm[Any, Any]
    config: OnPolicyConfig = eqx.field(static=True)

    def __check_init__(self) -> None:
        """Raise a ConfigurationError if the copies cannot be divided as the algorithm needs."""
        if self.config.environments % self.algorithm.shares:
            raise ConfigurationError(
                "minibatches", self.algorithm.shares, f"a divisor of environments = {self.config.environments}"
            )

    def start(self, key: PRNGKeyArray) -> GameState:
        learner_key, reset_key, key = jax.random.split(key, 3)
        copies = self.config.environments
        state, observations = jax.vmap(self.environment.reset)(jax.random.split(reset_key, copies))
        memory = self.algorithm.initial_memory(copies)
        return GameState(self.algorithm.init(learner_key), state, observations, memory, key)

    def policy(self, train_state: Any) -> JointPolicy:
        policy = self.algorithm.policy(train_state)
        scaled = (
            inside if isinstance(inside, UniformPolicy) else with_inputs(inside, self.environment.scalings.get(kind[0]))
            for kind, inside in zip(policy.agents, policy.policies, strict=True)
        )
        return JointPolicy(policy.agents, tuple(scaled))

    def iterate(self, state: GameState) -> tuple[GameState, dict[str, Array]]:
        key, rollout_key, learn_key = jax.random.split(state.key, 3)
        environment_state, observations, memory, rollout = self.roll_out(state, rollout_key)
        train_state, metrics = self.algorithm.update(state.train_state, rollout, state.memory, learn_key)
        return GameState(train_state, environment_state, observations, memory, key), metrics

    def roll_out(self, loop: GameState, key: PRNGKeyArray) -> tuple[Any, Observations, Any, tuple[Turns, ...]]:
        """State, observations and memory of every copy after a rollout, and its moves by kind, [time, ...].

        What agents see at their next move follows from the moves before it in the next slot. That slot is therefore looked
        into, from the state before any reset and with the randomness with which it is then played.
        """
        copies = self.config.environments
        slot_keys = jax.random.split(key, self.config.rollout + 1)
        fresh_memory = self.algorithm.initial_memory(copies)

        def advance(carry: Any, keys: tuple[Array, Array]) -> tuple[Any, tuple[Turns, ...]]:
            state, observations, memory = carry
            now, then = keys
            slot = self.play_slot(loop.train_state, state, observations, memory, now)
            ahead = self.play_slot(loop.train_state, slot.state, slot.step.observations, slot.memory, then)
            ended = slot.step.terminated | slot.step.truncated
            resets = jax.random.split(jax.random.fold_in(now, 1), copies)
            fresh_state, fresh_observations = jax.vmap(self.environment.reset)(resets)
            state = select(ended, fresh_state, slot.state)
            observations = select(ended, fresh_observations, slot.step.observations)
            memory = tuple(
                select(jnp.broadcast_to(ended, (len(kind.agents), copies)), fresh, after)
                for kind, after, fresh in zip(self.algorithm.spaces.kinds, slot.memory, fresh_memory, strict=True)
            )
            return (state, observations, memory), self.turns(slot, ahead)

        carry = (loop.environment_state, loop.observations, loop.memory)
        (state, observations, memory), rollout = jax.lax.scan(advance, carry, (slot_keys[:-1], slot_keys[1:]))
        return state, observations, memory, rollout

    def play_slot(
        self, train_state: Any, state: Any, observations: Observations, memory: tuple[Any, ...], key: PRNGKeyArray
    ) -> Slot:
        """Let everyone move once, stage after stage, in every copy."""
        kinds = self.algorithm.spaces.kinds
        after, views, shown, drawn = list(memory), [], [], []
        for stage, movers in enumerate(self.environment.stages):
            move_key, *keys = jax.random.split(jax.random.fold_in(key, 2 + stage), 1 + len(kinds))
            shared = None
            if self.algorithm.central:
                shared = jnp.concatenate([observations[agent] for agent in self.environment.agents], axis=-1)
            actions: dict[str, Array] = {}
            for place, kind in enumerate(kinds):
                if not set(kind.agents) <= set(movers):
                    continue
                seen = jax.tree.map(lambda *each: jnp.stack(each), *(observations[agent] for agent in kind.agents))
                chosen, action, after[place] = self.algorithm.act(
                    train_state, place, seen, shared, memory[place], keys[place]
                )
                actions |= {agent: action[index] for index, agent in enumerate(kind.agents)}
                views.append(seen)
                shown.append(shared)
                drawn.append(chosen)
            move_keys = jax.random.split(move_key, self.config.environments)
            state, step = jax.vmap(
                lambda key, state, actions, stage=stage: self.environment.move(key, state, stage, actions)
            )(move_keys, state, actions)
            observations = step.observations
        return Slot(state, tuple(after), step, tuple(views), tuple(shown), tuple(drawn))

    def turns(self, slot: Slot, ahead: Slot) -> tuple[Turns, ...]:
        """The moves of a slot by kind; `ahead` is the slot after it."""

        def of_kind(place: int) -> Turns:
            agents = self.algorithm.spaces.kinds[place].agents
            over = (len(agents), self.config.environments)
            step = Step(
                observation=slot.views[place],
                action=slot.drawn[place],
                reward=jnp.stack([slot.step.rewards[agent] for agent in agents]),
                terminated=jnp.broadcast_to(slot.step.terminated, over),
                ended=jnp.broadcast_to(slot.step.terminated | slot.step.truncated, over),
                next_observation=ahead.views[place],
            )
            return Turns(step, slot.global_observations[place], ahead.global_observations[place])

        return tuple(of_kind(place) for place in range(len(self.algorithm.spaces.kinds)))
