"""Whole episodes of games."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.environments.environment import TimeStep
from edgewise.environments.game import Game, GameStep, Observations

Mover = Callable[[PRNGKeyArray, Sequence[str], Any, Observations, Any], tuple[dict[str, Array], Any]]
"""`mover(key, movers, state, observations, memory) -> actions, memory`; actions of others than the movers do not count."""


def record_game(
    environment: Game[Any], mover: Mover, begin: Callable[[Any], Any], key: PRNGKeyArray
) -> tuple[TimeStep, dict[str, Array]]:
    """Play one episode of `environment.horizon` slots.

    Args:
        environment: what to play.
        mover: how everyone moves.
        begin: from the first state to everyone's memory.
        key: randomness.

    Returns:
        Every slot with a leading axis of slots, without observations: its reward is the sum over agents, and `info` has
        `reward/AGENT` beside the environment's metrics. And what agents could gain in the slot after the last one.
    """
    reset_key, slots_key, gain_key = jax.random.split(key, 3)
    state, observations = environment.reset(reset_key)

    def play(carry: tuple[Any, Observations, Any], key: PRNGKeyArray) -> tuple[Any, TimeStep]:
        carry, slot, _ = _play_slot(environment, mover, carry, key)
        return carry, slot

    carry = (state, observations, begin(state))
    (state, _, memory), slots = jax.lax.scan(play, carry, jax.random.split(slots_key, environment.horizon))

    def answer(stage: int, state: Any) -> dict[str, Array]:
        return mover(gain_key, environment.stages[stage], state, environment.observe(state), memory)[0]

    return slots, environment.gains(state, answer)


def record_slots(
    environment: Game[Any], mover: Mover, begin: Callable[[Any], Any], key: PRNGKeyArray
) -> tuple[Any, TimeStep, dict[str, Array]]:
    """The episode of `record_game`, with its states and moves.

    Returns:
        The state before each slot, the slot, and the actions of all agents in it, each with a leading axis of slots.
    """
    reset_key, slots_key, _ = jax.random.split(key, 3)
    state, observations = environment.reset(reset_key)

    def play(
        carry: tuple[Any, Observations, Any], key: PRNGKeyArray
    ) -> tuple[Any, tuple[Any, TimeStep, dict[str, Array]]]:
        following, slot, actions = _play_slot(environment, mover, carry, key)
        return following, (carry[0], slot, actions)

    _, episode = jax.lax.scan(
        play, (state, observations, begin(state)), jax.random.split(slots_key, environment.horizon)
    )
    states, slots, actions = episode
    return states, slots, actions


def _play_slot(
    environment: Game[Any], mover: Mover, carry: tuple[Any, Observations, Any], key: PRNGKeyArray
) -> tuple[tuple[Any, Observations, Any], TimeStep, dict[str, Array]]:
    """All stages of a slot: what to go on with, the slot, and everybody's actions."""
    state, observations, memory = carry
    chosen: dict[str, Array] = {}
    for stage, movers in enumerate(environment.stages):
        key, move_key, environment_key = jax.random.split(key, 3)
        actions, memory = mover(move_key, movers, state, observations, memory)
        state, step = environment.move(environment_key, state, stage, actions)
        observations = step.observations
        chosen |= {agent: actions[agent] for agent in movers}
    return (state, observations, memory), _summed(step), chosen


def _summed(step: GameStep) -> TimeStep:
    return TimeStep(
        observation=(),
        reward=jnp.stack(list(step.rewards.values())).sum(),
        terminated=step.terminated,
        truncated=step.truncated,
        info=step.info | {f"reward/{agent}": reward for agent, reward in step.rewards.items()},
    )
