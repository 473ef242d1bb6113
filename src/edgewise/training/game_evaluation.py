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
        state, observations, memory = carry
        for stage, movers in enumerate(environment.stages):
            key, move_key, environment_key = jax.random.split(key, 3)
            actions, memory = mover(move_key, movers, state, observations, memory)
            state, step = environment.move(environment_key, state, stage, actions)
            observations = step.observations
        return (state, observations, memory), _summed(step)

    carry = (state, observations, begin(state))
    (state, _, memory), slots = jax.lax.scan(play, carry, jax.random.split(slots_key, environment.horizon))

    def answer(stage: int, state: Any) -> dict[str, Array]:
        return mover(gain_key, environment.stages[stage], state, environment.observe(state), memory)[0]

    return slots, environment.gains(state, answer)


def _summed(step: GameStep) -> TimeStep:
    return TimeStep(
        observation=(),
        reward=jnp.stack(list(step.rewards.values())).sum(),
        terminated=step.terminated,
        truncated=step.truncated,
        info=step.info | {f"reward/{agent}": reward for agent, reward in step.rewards.items()},
    )
