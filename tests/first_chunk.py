"""A training loop from its start to the first evaluation, in one compiled program."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.training.loop import Loop


def _run(loop: Loop, key: PRNGKeyArray) -> tuple[Any, dict[str, Array]]:
    return loop.chunk(loop.start(key), loop.config.iterations_done(1))


first_chunk = eqx.filter_jit(_run)
"""State of one seed after the first chunk, and the means of its metrics."""


def learned(loop: Loop, key: PRNGKeyArray, iterations: int | None = None) -> tuple[Any, dict[str, Array]]:
    """As `first_chunk`, for thousands of updates: compiled to be fast.

    With `iterations` it goes only so far; one program, kept on disk, serves every number of them.
    """
    arrays, rest = eqx.partition(loop, eqx.is_array)
    other: list[Any] = []

    def run(arrays: Any, key: PRNGKeyArray, times: Any) -> Any:
        loop = eqx.combine(arrays, rest)
        done = loop.chunk(loop.start(key), loop.config.iterations_done(1) if times is None else times)
        found, kept = eqx.partition(done, eqx.is_array)
        other.append(kept)
        return found

    fast = jax.jit(run, compiler_options={"xla_backend_optimization_level": 3})
    return eqx.combine(fast(arrays, key, None if iterations is None else jnp.asarray(iterations)), other[-1])
