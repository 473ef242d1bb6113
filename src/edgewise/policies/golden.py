"""Examples of what a policy does, kept with it, and done again where it is loaded."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from edgewise.environments.description import Description
from edgewise.policies.protocol import initial_memory, step

EXAMPLES = 4
"""Observations of an artefact's example episode."""
TOLERANCE = 1e-3
"""Two actions a and b are the same if |a - b| <= tolerance (1 + |b|): single precision on another machine is nearer."""
NUDGE = 1e-5
"""Relative change of an observation by which an action must stay the same to be a fair example."""


@dataclass(frozen=True)
class Golden:
    """A short episode of drawn observations, and the deterministic actions of a policy in it.

    Attributes:
        observation: PyTree of arrays [examples, ...].
        action: PyTree of arrays [examples, ...].
        steady: whether an action stays the same under a tiny change of the observations; others are not compared, such as a
            choice between two actions of equal value.
        memory: arrays of the policy's memory after the last one; empty without a memory, or if it is not steady.
    """

    observation: Any
    action: Any
    steady: np.ndarray
    memory: tuple[np.ndarray, ...]


@eqx.filter_jit
def act(policy: Any, observation: Any, memory: Any, key: PRNGKeyArray | None) -> tuple[PyTree[Array], Any]:
    """`step`, compiled."""
    return step(policy, observation, memory, key)


def make_golden(policy: Any, description: Description) -> Golden:
    """Examples of a policy on observations that its description allows; the same for the same policy."""
    drawn = [
        description.array(jax.device_get(description.space.sample(key)))
        for key in jax.random.split(jax.random.key(0), EXAMPLES)
    ]
    observation = jax.tree.map(lambda *each: np.stack(each), *drawn)
    action, memory = play(policy, observation)
    nudged_action, nudged_memory = play(policy, jax.tree.map(_nudge, observation))
    steady = np.array(
        [all(_near(a[i], b[i], TOLERANCE / 2) for a, b in _pairs(nudged_action, action)) for i in range(EXAMPLES)]
    )
    kept = all(_near(a, b, TOLERANCE / 2) for a, b in zip(nudged_memory, memory, strict=True))
    return Golden(observation, action, steady, memory if kept else ())


def check_golden(policy: Any, golden: Golden) -> str | None:
    """What a policy does otherwise than in its examples, in words; None if nothing."""
    action, memory = play(policy, golden.observation)
    shapes, saved = ([leaf.shape[1:] for leaf in jax.tree.leaves(actions)] for actions in (action, golden.action))
    if shapes != saved:
        return f"actions of shape {_listed(shapes)} instead of {_listed(saved)}"
    for place in np.flatnonzero(golden.steady):
        for one, other in _pairs(action, golden.action):
            if not _near(one[place], other[place], TOLERANCE):
                apart = np.max(np.abs(one[place].astype(float) - other[place].astype(float)))
                return f"the action of example {place} is {apart:.3g} away from the one that was saved"
    if golden.memory and not all(_near(a, b, TOLERANCE) for a, b in zip(memory, golden.memory, strict=True)):
        return "the memory after the examples is not the one that was saved"
    return None


def play(policy: Any, observation: Any) -> tuple[Any, tuple[np.ndarray, ...]]:
    """Deterministic actions on successive observations, and the arrays of the memory after them."""
    memory = initial_memory(policy)
    actions = []
    with _single_precision():
        for place in range(len(jax.tree.leaves(observation)[0])):
            action, memory = act(policy, jax.tree.map(lambda x, i=place: jnp.asarray(x[i]), observation), memory, None)
            actions.append(jax.tree.map(np.asarray, action))
    return jax.tree.map(lambda *each: np.stack(each), *actions), tuple(
        np.asarray(leaf) for leaf in jax.tree.leaves(memory)
    )


def _pairs(these: Any, those: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """The arrays of two trees side by side; their structures may differ in the containers."""
    return list(zip(jax.tree.leaves(these), jax.tree.leaves(those), strict=True))


def _listed(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join(map(str, shapes))


def _single_precision() -> AbstractContextManager[Any]:
    """Accelerators multiply matrices in less than single precision by default; processors do not."""
    return nullcontext() if jax.default_backend() == "cpu" else jax.default_matmul_precision("highest")


def _nudge(x: np.ndarray) -> np.ndarray:
    return x * np.float32(1 + NUDGE) + np.float32(NUDGE / 10) if np.issubdtype(x.dtype, np.floating) else x


def _near(these: Any, those: Any, tolerance: float) -> bool:
    return bool(np.allclose(these, those, rtol=tolerance, atol=tolerance, equal_nan=True))
