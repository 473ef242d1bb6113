"""A training loop from its start to the first evaluation, in one compiled program."""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray

from edgewise.training.loop import Loop


@eqx.filter_jit
def first_chunk(loop: Loop, key: PRNGKeyArray) -> tuple[Any, dict[str, Array]]:
    """State of one seed after the first chunk, and the means of its metrics."""
    return loop.chunk(loop.start(key), loop.config.iterations_done(1))
