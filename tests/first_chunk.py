"""A training loop from its start to the first evaluation, in one compiled program."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.training.loop import Loop


def _run(loop: Loop, key: PRNGKeyArray) -> tuple[Any, dict[str, Array]]:
    return loop.chunk(loop.start(key), loop.config.iterations_done(1))


first_chunk = eqx.filter_jit(_run)
"""State of one seed after the first chunk, and the means of its metrics."""


def _run_for(loop: Loop, key: PRNGKeyArray, iterations: Any) -> tuple[Any, dict[str, Array]]:
    return loop.chunk(loop.start(key), loop.config.iterations_done(1) if iterations is None else iterations)


_fast = eqx.filter_jit(_run_for, compiler_options={"xla_backend_optimization_level": 1})


def learned(loop: Loop, key: PRNGKeyArray, iterations: int | None = None) -> tuple[Any, dict[str, Array]]:
    """As `first_chunk`, for thousands of updates: compiled to be fast; more of LLVM's optimisation takes longer than it saves.

    With `iterations` it goes only so far; one program serves every number of them.
    """
    return _fast(loop, key, None if iterations is None else jnp.asarray(iterations))
