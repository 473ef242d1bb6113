"""Good schedules for an episode of service selection whose arrivals are known; how far they can be from the best is bounded."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Array, Float, Int
from scipy.optimize import Bounds, LinearConstraint, milp

from edgewise.systems.service_selection.bound import ROUNDING, Bound, Episode
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState

WINDOW = 40
"""Tasks whose providers are chosen at the same time; the next window begins half a window later."""
NODES = 100
"""Nodes of branch and bound at most, in one window."""
GAP = 1e-3
"""Part by which a window's schedule may be below its optimum."""


def follow_bound(episode: Episode, bound: Bound) -> Int[np.ndarray, " n"]:
    """Each task in turn goes to the provider with room that the linear program gives most of it, then to the best at its prices.

    With room nowhere it crashes the provider that has least left to do.

    Returns:
        The provider of each task.
    """
    ends = _ends(episode)
    load = np.zeros(episode.reward.shape)
    actions = np.zeros(len(ends), dtype=int)
    for task, end in enumerate(ends):
        during = load[task:end]
        room = during.max(0) + episode.size[task] <= episode.capacity
        if room.any():
            order = np.lexsort((bound.net_reward[task], bound.shares[task].round(6), room))
            actions[task] = order[-1]
            during[:, actions[task]] += episode.size[task]
        else:
            actions[task] = load[task:].sum(0).argmin()
            load[task:, actions[task]] = 0.0
    return actions


def improve(episode: Episode, actions: Int[np.ndarray, " n"], sweeps: int = 1) -> Int[np.ndarray, " n"]:
    """Assign overlapping windows of tasks again, each as well as HiGHS can within a number of nodes, the others as they are.

    Args:
        episode: the tasks.
        actions: provider of each task; a schedule with crashes is given back as it is.
        sweeps: how often to go through the episode.
    """
    ends, actions = _ends(episode), actions.copy()
    load = np.zeros(episode.reward.shape)
    _add(load, episode, ends, actions, np.arange(len(ends)), 1.0)
    if (load > episode.capacity).any():
        return actions
    for _ in range(sweeps):
        for start in range(0, len(ends), WINDOW // 2):
            window = np.arange(start, min(start + WINDOW, len(ends)))
            _add(load, episode, ends, actions, window, -1.0)
            actions[window] = _best_window(episode, ends, load, window, actions[window])
            _add(load, episode, ends, actions, window, 1.0)
    return actions


def play(
    environment: ServiceSelection, states: ServiceSelectionState, actions: Int[Array | np.ndarray, " n"]
) -> Float[Array, " n"]:
    """Rewards of a schedule in the environment itself.

    Args:
        environment: the system.
        states: the state before each step of an episode that some policy has played.
        actions: provider of each task.
    """

    def step(state: ServiceSelectionState, inputs: tuple[Array, Array, Array]) -> tuple[ServiceSelectionState, Array]:
        action, gap, following = inputs
        next_state, timestep = environment.assign(state, action, gap, following)
        return next_state, timestep.reward

    first = jax.tree.map(lambda leaf: leaf[0], states)
    inputs = (jnp.asarray(actions), jnp.roll(states.gap, -1), jnp.roll(states.task, -1))
    return jax.lax.scan(step, first, inputs)[1]


def _ends(episode: Episode) -> Int[np.ndarray, " n"]:
    return episode.arrivals_within(episode.duration * (1 + ROUNDING))


def _add(
    load: Float[np.ndarray, "n i"],
    episode: Episode,
    ends: Int[np.ndarray, " n"],
    actions: Int[np.ndarray, " n"],
    tasks: Int[np.ndarray, " w"],
    sign: float,
) -> None:
    for task in tasks:
        load[task : ends[task], actions[task]] += sign * episode.size[task]


def _best_window(
    episode: Episode,
    ends: Int[np.ndarray, " n"],
    load: Float[np.ndarray, "n i"],
    window: Int[np.ndarray, " w"],
    chosen: Int[np.ndarray, " w"],
) -> Int[np.ndarray, " w"]:
    providers = len(episode.capacity)
    arrivals = np.arange(window[0], ends[window].max())[:, None]
    running = sp.csr_matrix(((window <= arrivals) & (arrivals < ends[window])) * episode.size[window])
    reward = episode.reward[window]
    result = milp(
        -reward.T.ravel(),
        constraints=[
            LinearConstraint(
                sp.block_diag([running] * providers, format="csr"),
                ub=(episode.capacity[:, None] - load[arrivals[:, 0]].T).ravel(),
            ),
            LinearConstraint(sp.hstack([sp.identity(len(window))] * providers, format="csr"), 1, 1),
        ],
        bounds=Bounds(0, 1),
        integrality=np.ones(reward.size),
        options={"node_limit": NODES, "mip_rel_gap": GAP},
    )
    if result.x is None or -result.fun <= reward[np.arange(len(window)), chosen].sum():
        return chosen
    found: Int[np.ndarray, " w"] = result.x.reshape(providers, len(window)).argmax(0)
    return found
