"""Whether a game of your own keeps the contract that training, evaluation and adapters rely on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.environments.checker import TOLERANCE, raise_found
from edgewise.environments.game import Game, GameStep
from edgewise.environments.value_faults import (
    different,
    element_faults,
    info_faults,
    not_finite,
    number_faults,
    space_faults,
    state_faults,
)


def check_game(game: Any, seed: int = 0) -> None:
    """Require the contract of `Game`.

    Stages and spaces; types, shapes and bounds of what `reset` and `move` return, over an episode of random actions; rewards at
    the last stage of a slot alone; a state that keeps its structure; pure functions; an end within the horizon.

    Args:
        game: to check, a `Game`.
        seed: the seed of the episode.

    Raises:
        CheckError: naming all faults, and what to do.
    """
    raise_found(type(game).__name__, game_faults(game, seed))


def game_faults(game: Any, seed: int = 0) -> list[str]:
    """The faults that `check_game` raises; empty if there are none."""
    if not isinstance(game, Game):
        return [f"{game!r}: must be an edgewise.environments.game.Game"]
    found = list(_description_faults(game))
    if found:
        return found
    try:
        return list(_play_faults(game, seed))
    except Exception as error:
        lines = str(error).splitlines()
        return [f"reset, move and observe cannot be compiled: {type(error).__name__}: {lines[0] if lines else ''}"]


def _description_faults(game: Game[Any]) -> Iterator[str]:
    agents = game.agents
    if not agents or len(set(agents)) != len(agents):
        yield f"stages name {list(agents)}: must name every agent once"
        return
    for name in ("observation_spaces", "action_spaces"):
        spaces = getattr(game, name)
        if set(spaces) != set(agents):
            yield f"{name} are of {sorted(spaces)}: must be of the agents in the stages, {sorted(agents)}"
            return
        for agent, space in spaces.items():
            yield from space_faults(f"{name}[{agent!r}]", space)
    if not isinstance(game.horizon, int) or game.horizon < 1:
        yield f"horizon = {game.horizon!r}: must be the whole number of slots within which every episode ends"


def _play_faults(game: Game[Any], seed: int) -> Iterator[str]:
    reset_key, key = jax.random.split(jax.random.key(seed))
    state, observations = eqx.filter_jit(game.reset)(reset_key)
    found = list(_seen_faults(game, "reset", observations))
    moved, step = state, None
    for stage in range(len(game.stages)):
        stage_key = jax.random.fold_in(key, stage)
        moved, step = _move(game, stage_key, moved, stage)
        if not isinstance(step, GameStep):
            yield f"move returns {type(step).__name__}: must return (state, GameStep)"
            return
        found += state_faults(state, moved)
        found += _seen_faults(game, f"stage {stage}", step.observations)
        found += _step_faults(game, stage, step)
    yield from found
    if found:
        return
    first = _move(game, key, state, 0)
    if different(first, _move(game, key, state, 0), 0.0):
        yield "move gives two results for the same key, state and actions: draw everything with jax.random from the key"
    if different(eqx.filter_jit(game.observe)(first[0]), first[1].observations, TOLERANCE):
        yield "observe shows another state than move: its observations must be those of the state that it returns"
    yield from _episode_faults(game, key, state)


def _seen_faults(game: Game[Any], when: str, observations: Any) -> Iterator[str]:
    if set(observations) != set(game.agents):
        yield f"observations of {when} are of {sorted(observations)}: must be of every agent"
        return
    for agent, space in game.observation_spaces.items():
        yield from element_faults(f"observation of {agent}, {when}", space, observations[agent])


def _step_faults(game: Game[Any], stage: int, step: GameStep) -> Iterator[str]:
    if set(step.rewards) != set(game.agents):
        yield f"rewards are of {sorted(step.rewards)}: must be of every agent"
        return
    for agent, reward in step.rewards.items():
        yield from number_faults(f"reward of {agent}", reward, float)
        if stage < len(game.stages) - 1 and np.any(np.asarray(reward) != 0):
            yield f"reward of {agent} in stage {stage} is not 0: rewards come with the last stage of a slot"
    for name in ("terminated", "truncated"):
        yield from number_faults(name, getattr(step, name), bool)
    yield from info_faults(step.info, step.info)


def _episode_faults(game: Game[Any], key: Any, state: Any) -> Iterator[str]:
    def slot(state: Any, key: Any) -> tuple[Any, tuple[Any, GameStep]]:
        for stage in range(len(game.stages)):
            state, step = _moved(game, jax.random.fold_in(key, stage), state, stage)
        return state, (state, step)

    @eqx.filter_jit
    def play(state: Any, keys: Any) -> Any:
        return jax.lax.scan(slot, state, keys)[1]

    states, steps = play(state, jax.random.split(key, game.horizon))
    yield from not_finite("state", states)
    yield from not_finite("step", steps)
    for agent, space in game.observation_spaces.items():
        yield from element_faults(f"observation of {agent}", space, steps.observations[agent], (game.horizon,))
    if not np.asarray(jnp.logical_or(steps.terminated, steps.truncated)).any():
        yield f"no episode ended within the horizon of {game.horizon} slots: set truncated at the latest in the last one"


def _moved(game: Game[Any], key: Any, state: Any, stage: int) -> tuple[Any, Any]:
    action_key, move_key = jax.random.split(key)
    movers = game.stages[stage]
    keys = jax.random.split(action_key, len(movers))
    actions = {agent: game.action_spaces[agent].sample(k) for agent, k in zip(movers, keys, strict=True)}
    return game.move(move_key, state, stage, actions)


_move = eqx.filter_jit(_moved)
