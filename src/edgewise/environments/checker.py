"""Whether an environment of your own keeps the contract that training, replay, evaluation and adapters rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.common.errors import EdgewiseError
from edgewise.environments.bipartite import PAIRS, Bipartite, matching_fields
from edgewise.environments.environment import Environment, Late, TimeStep
from edgewise.environments.spaces import (
    MASK,
    MATCHING,
    Choices,
    Dict,
    Discrete,
    parts,
)
from edgewise.environments.value_faults import (
    different,
    element_faults,
    info_faults,
    not_finite,
    number_faults,
    space_faults,
    state_faults,
)
from edgewise.numerics.masks import ACTION_MASK

COPIES = 3
"""Copies that are stepped side by side."""
TOLERANCE = 1e-5
"""Relative and absolute: between compiled and interpreted, vectorised and single programs."""


class CheckError(EdgewiseError):
    """An environment breaks the contract; the text says where, and what to do."""


@dataclass(frozen=True)
class Trial:
    """One episode of an environment under random actions.

    Attributes:
        environment: that is tried.
        reset, step: its functions, compiled.
        state, observation: at the start.
        keys, actions, states, timesteps: [horizon, ...]; states after each step.
    """

    environment: Environment[Any]
    reset: Callable[..., Any]
    step: Callable[..., Any]
    state: Any
    observation: Any
    keys: Any
    actions: Any
    states: Any
    timesteps: Any


def check_environment(environment: Any, seed: int = 0) -> None:
    """Require the contract of `Environment`.

    Spaces; types, shapes and bounds of what `reset` and `step` return, over an episode of random actions; that the state keeps
    its structure, so that a scan can carry it; that the functions are pure, the same compiled, interpreted and vectorised; that
    `step` does not reset; that an episode ends within the horizon.

    Args:
        environment: to check, an `Environment`.
        seed: the seed of the episode.

    Raises:
        CheckError: naming all faults, and what to do.
    """
    raise_found(type(environment).__name__, environment_faults(environment, seed))


def environment_faults(environment: Any, seed: int = 0) -> list[str]:
    """The faults that `check_environment` raises; empty if there are none."""
    if not isinstance(environment, Environment):
        return [f"{environment!r}: must be an edgewise.environments.environment.Environment"]
    found = [
        *space_faults("observation_space", environment.observation_space),
        *space_faults("action_space", environment.action_space),
        *_horizon_faults(environment.horizon),
    ]
    if found:
        return found
    try:
        trial = _try(environment, seed)
    except Exception as error:
        return [_raised("reset and step", error)]
    structural = list(_structure_faults(trial))
    if structural:
        return structural
    for round_of_checks in CHECKS:
        found = [fault for check in round_of_checks for fault in check(trial)]
        if found:
            return found
    return []


def raise_found(name: str, found: list[str]) -> None:
    """Raise what was found, in one line.

    Raises:
        CheckError: if anything was.
    """
    if found:
        raise CheckError(f"{name}: {'; '.join(found)}")


def _try(environment: Environment[Any], seed: int) -> Trial:
    reset, step = eqx.filter_jit(environment.reset), eqx.filter_jit(environment.step)
    reset_key, action_key, step_key = jax.random.split(jax.random.key(seed), 3)
    state, observation = reset(reset_key)
    actions = jax.vmap(environment.action_space.sample)(jax.random.split(action_key, environment.horizon))
    keys = jax.random.split(step_key, environment.horizon)
    after, timestep = step(keys[0], state, _at(actions, 0))
    if not isinstance(timestep, TimeStep) or state_faults(state, after):
        return Trial(environment, reset, step, state, observation, keys, actions, after, timestep)

    states, timesteps = _played(environment, step, state, keys, actions)
    return Trial(environment, reset, step, state, observation, keys, actions, states, timesteps)


def _played(environment: Environment[Any], step: Callable[..., Any], state: Any, keys: Any, actions: Any) -> Any:
    """States and time steps of an episode, step by step: what is compiled already serves, and a scan is traced alone."""

    def advance(state: Any, inputs: tuple[Any, Any]) -> tuple[Any, Any]:
        following, timestep = environment.step(inputs[0], state, inputs[1])
        return following, timestep

    eqx.filter_eval_shape(lambda *given: jax.lax.scan(advance, given[0], given[1:]), state, keys, actions)
    history = []
    for number in range(environment.horizon):
        state, timestep = step(keys[number], state, _at(actions, number))
        history.append((state, timestep))
    return jax.tree.map(_stacked, *history)


def _stacked(*leaves: Any) -> Any:
    if jnp.issubdtype(jnp.result_type(leaves[0]), jax.dtypes.prng_key):
        return jnp.stack(leaves)
    return np.stack([np.asarray(leaf) for leaf in leaves])


def _structure_faults(trial: Trial) -> Iterator[str]:
    """Faults in view of which an episode cannot be played."""
    if not isinstance(trial.timesteps, TimeStep):
        yield f"step returns {type(trial.timesteps).__name__}: must return (state, TimeStep)"
        return
    state, _ = trial.step(jax.random.key(0), trial.state, _at(trial.actions, 0))
    yield from state_faults(trial.state, state)


def _horizon_faults(horizon: Any) -> list[str]:
    if isinstance(horizon, int) and horizon >= 1:
        return []
    return [f"horizon = {horizon!r}: must be the whole number of steps within which every episode ends"]


def _element_faults(trial: Trial) -> Iterator[str]:
    environment, steps = trial.environment, trial.environment.horizon
    yield from element_faults("action_space.sample", environment.action_space, trial.actions, (steps,))
    space = environment.observation_space
    yield from element_faults("observation of reset", space, trial.observation)
    yield from element_faults("observation of step", space, trial.timesteps.observation, (steps,))


def _timestep_faults(trial: Trial) -> Iterator[str]:
    _, timestep = trial.step(jax.random.key(0), trial.state, _at(trial.actions, 0))
    for name, kind in (("reward", float), ("terminated", bool), ("truncated", bool)):
        value = getattr(timestep, name)
        yield from number_faults(name, value, kind)
        if np.shape(value) != ():
            yield f"{name} has shape {np.shape(value)}: must be a scalar"
    yield from info_faults(timestep.info, trial.timesteps.info)
    yield from not_finite("state", trial.states)
    yield from not_finite("timestep", trial.timesteps)


def _ending_faults(trial: Trial) -> Iterator[str]:
    timesteps, horizon = trial.timesteps, trial.environment.horizon
    ended = np.asarray(timesteps.terminated | timesteps.truncated)
    if not ended.any():
        yield f"no episode ended within the horizon of {horizon} steps: set truncated at the latest in step {horizon}"
        return
    last = int(np.argmax(ended))
    final, key = _at(trial.states, last), trial.keys[last]
    following, _ = trial.step(key, final, _at(trial.actions, 0))
    for reset_key in (key, *jax.random.split(key)):
        fresh, _ = trial.reset(reset_key)
        if jax.tree.leaves(fresh) and not (different(final, fresh, 0.0) and different(following, fresh, 0.0)):
            yield "step resets an episode that ended: must return its final state and go on from it; loops and adapters reset"
            return


def _purity_faults(trial: Trial) -> Iterator[str]:
    key, action = jax.random.key(7), _at(trial.actions, 0)
    if different(trial.reset(key), trial.reset(key), 0.0):
        yield "reset gives two results for the same key: draw everything with jax.random from the key"
    compiled = trial.step(key, trial.state, action)
    if different(compiled, trial.step(key, trial.state, action), 0.0):
        yield "step gives two results for the same key, state and action: draw everything with jax.random from the key"
    with jax.disable_jit():
        interpreted = trial.environment.step(key, trial.state, action)
    if different(compiled, interpreted, TOLERANCE):
        yield "step does otherwise compiled than interpreted: no side effects, and no Python branches on numbers"


def _vector_faults(trial: Trial) -> Iterator[str]:
    keys = jax.random.split(jax.random.key(8), COPIES)
    actions = jax.vmap(trial.environment.action_space.sample)(keys)
    try:
        states, observations = eqx.filter_jit(jax.vmap(trial.environment.reset))(keys)
        stepped = eqx.filter_jit(jax.vmap(trial.environment.step))(keys, states, actions)
    except Exception as error:
        yield _raised("jax.vmap of reset and step", error)
        return
    for copy in range(COPIES):
        state, observation = trial.reset(keys[copy])
        alone = trial.step(keys[copy], state, _at(actions, copy))
        if different(_at(observations, copy), observation, TOLERANCE) or different(
            _at(stepped, copy), alone, TOLERANCE
        ):
            yield "copies side by side under jax.vmap do otherwise than one alone: no operation may mix the copies"
            return


def _mask_faults(trial: Trial) -> Iterator[str]:
    environment = trial.environment
    if not environment.action_mask:
        return
    action, seen = environment.action_space, environment.observation_space
    if not isinstance(action, Discrete):
        yield f"action_mask: the action space is a {action.kind}: only choices can be masked"
        return
    if isinstance(seen, Dict):
        if ACTION_MASK not in seen.fields:
            yield f"action_mask: a structured observation must have the field {ACTION_MASK!r}, Flags(({action.n},))"
            return
        flags = np.asarray(trial.timesteps.observation[ACTION_MASK])
    else:
        flags = np.asarray(trial.timesteps.observation)[..., -action.n :]
    if flags.shape[-1] != action.n or not np.isin(flags, (0, 1)).all():
        yield f"action_mask: an observation must end with {action.n} flags, 1 for an allowed action, else 0"


def _bipartite_faults(trial: Trial) -> Iterator[str]:
    space, action = trial.environment.observation_space, trial.environment.action_space
    if not isinstance(space, Bipartite):
        return
    seen = trial.timesteps.observation
    if not np.array_equal(seen[PAIRS][MASK], seen[space.rows][MASK]):
        yield f"observation: {PAIRS}/{MASK} is not {space.rows}/{MASK}: a pair is there if its row is"
    for name in (space.rows, space.columns):
        if not np.asarray(seen[name][MASK]).any(-1).all():
            yield f"observation: {name}/{MASK} is false in all rows: at least one must be there"
    if trial.environment.spaces.actions == MATCHING:
        name, _ = matching_fields(action)
        wanted = Choices(space.sizes[:1], space.sizes[1])
        if parts(action)[name] != wanted:
            yield f"action_space/{name} is {parts(action)[name]}: must be {wanted}, a column for every row"


def _training_faults(trial: Trial) -> Iterator[str]:
    """What is wrong with what only training sees."""
    environment, timesteps = trial.environment, trial.timesteps
    seen, space = jax.vmap(environment.privileged)(trial.states), environment.privileged_space
    if space is not None:
        yield from element_faults("privileged", space, seen, (environment.horizon,))
    elif jax.tree.leaves(seen):
        yield "privileged shows something, but privileged_space is None: give its space"
    credit, rows = timesteps.credit, environment.observation_space
    if isinstance(rows, Bipartite) and jax.tree.leaves(credit):
        shape = (environment.horizon, rows.sizes[0])
        if not isinstance(credit, Mapping) or np.shape(credit.get("rows", 0)) != shape:
            yield f'credit must be a dictionary whose "rows" are one number for each of the {shape[1]} {rows.rows}'
    if jax.tree.leaves(timesteps.late):
        yield from _late_faults(timesteps)


def _late_faults(timesteps: TimeStep) -> Iterator[str]:
    late, steps = timesteps.late, np.shape(timesteps.reward)[0]
    if not isinstance(late, Late):
        yield f"late is a {type(late).__name__}: must be an edgewise.environments.environment.Late"
        return
    own, age, reward = np.asarray(late.own), np.asarray(late.age), np.asarray(late.reward)
    if (
        own.shape != (steps,)
        or reward.ndim != 2
        or age.shape != reward.shape
        or not np.issubdtype(age.dtype, np.integer)
    ):
        yield "late: own must be a scalar, age whole numbers and reward numbers, of one shape with one axis"
        return
    if ((reward != 0) & ((age < 0) | (age > np.arange(steps)[:, None]))).any():
        yield "late: age must be at least 0, and no payment for a decision before the episode"
    if not np.allclose(own + reward.sum(1), timesteps.reward, rtol=TOLERANCE, atol=TOLERANCE):
        yield "late: own and all payments must add up to the reward"


CHECKS: tuple[tuple[Callable[[Trial], Iterator[str]], ...], ...] = (
    (_element_faults, _timestep_faults),
    (_mask_faults, _bipartite_faults, _training_faults, _ending_faults, _purity_faults, _vector_faults),
)
"""In rounds: each needs what the one before it has found in order."""


def _at(tree: Any, index: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)


def _raised(what: str, error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return (
        f"{what} cannot be compiled: {type(error).__name__}: {lines[0] if lines else ''}: "
        "must be pure functions of JAX arrays: jnp.where and jax.lax.cond in place of `if` on arrays"
    )
