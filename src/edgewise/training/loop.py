"""What a run needs of a training loop, whatever its kind."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from edgewise.policies.rescaled import with_outputs
from edgewise.policies.scaled import with_inputs
from edgewise.training.config import TrainingConfig

State = TypeVar("State")


class Loop(eqx.Module):
    """Pure pieces of a run for one seed; several seeds are a `vmap` over keys and states.

    The state that `start` and `chunk` return has the field `train_state`, which the algorithm made.

    Attributes:
        environment: what to learn in, as the learner sees it.
        algorithm: the learner.
        config: sizes and budgets.
    """

    environment: eqx.AbstractVar[Any]
    algorithm: eqx.AbstractVar[Any]
    config: eqx.AbstractVar[TrainingConfig]

    @abc.abstractmethod
    def start(self, key: PRNGKeyArray) -> Any:
        """Fresh learner and environments."""

    @abc.abstractmethod
    def policy(self, train_state: Any) -> Any:
        """What is deployed: the algorithm's policy, made to take observations and actions in the environment's own units."""

    @abc.abstractmethod
    def iterate(self, state: Any) -> tuple[Any, dict[str, Array]]:
        """Collect and learn once."""

    def chunk(self, state: Any, iterations: Int[Array, ""] | int) -> tuple[Any, dict[str, Array]]:
        """Collect and learn for `iterations` iterations, at least one; metrics are means over them."""
        # No bare method: JAX would hash it, and with it the arrays of this loop.
        return repeat(lambda state: self.iterate(state), state, iterations)


def unscaled(policy: Any, environment: Any) -> Any:
    """A policy that learned in an environment, made to take observations and actions in the environment's own units."""
    return with_inputs(with_outputs(policy, environment.rescaling), environment.scaling)


def repeat(
    iterate: Callable[[State], tuple[State, dict[str, Array]]], state: State, times: Int[Array, ""] | int
) -> tuple[State, dict[str, Array]]:
    """The state after `times` iterations, and the means of their metrics; one program serves every number of them."""

    def go_on(_: Int[Array, ""], carry: tuple[State, dict[str, Array]]) -> tuple[State, dict[str, Array]]:
        state, sums = carry
        state, metrics = iterate(state)
        return state, jax.tree.map(jnp.add, sums, metrics)

    _, shapes = jax.eval_shape(iterate, state)
    nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    state, sums = jax.lax.fori_loop(0, times, go_on, (state, nothing))
    return state, jax.tree.map(lambda x: x / times, sums)
