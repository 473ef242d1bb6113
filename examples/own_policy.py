"""A policy of your own beside ours: a rule, and a network that another library has trained.

    python examples/own_policy.py evaluate RUN --against random tidal foreign

A reference is a function from an environment to `policy(key, state, observation) -> action`. It may be any JAX function;
what is no JAX function, such as a network of another library, is called back with `jax.pure_callback`.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from edgewise.cli.main import main
from edgewise.environments import registry
from edgewise.environments.system import Policy


def tidal(environment: Any) -> Policy:
    """A rule: providers in turn, but the emptiest one whenever the next has no room."""

    def policy(key: PRNGKeyArray, state: Any, observation: Array) -> Array:
        free = environment.free(state)
        turn = state.count % environment.action_space.n
        return jnp.where(free[turn] >= state.task, turn, jnp.argmax(free))

    return policy


class Foreign:
    """Stands for a model of another library: `predict(observation)` takes and gives NumPy arrays."""

    def __init__(self, actions: int) -> None:
        self._weights = np.random.default_rng(0).normal(size=(256, actions))

    def predict(self, observation: np.ndarray) -> np.ndarray:
        return np.asarray(np.argmax(observation @ self._weights[: observation.shape[-1]], axis=-1), np.int32)


def foreign(environment: Any) -> Policy:
    """The foreign model as a reference; a batch of observations at a time."""
    model = Foreign(environment.action_space.n)

    def policy(key: PRNGKeyArray, state: Any, observation: Array) -> Array:
        shape = jax.ShapeDtypeStruct((), jnp.int32)
        return jax.pure_callback(model.predict, shape, observation, vmap_method="expand_dims")

    return policy


registry.register_reference("service-selection", "tidal", tidal)
registry.register_reference("service-selection", "foreign", foreign)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
