"""Sums over a batch, piece by piece: a piece whose intermediate arrays fit a processor's cache is several times as fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp

Sample = TypeVar("Sample")
Result = TypeVar("Result")
PIECE = 4096
"""Pairs of rows and columns in a piece: with 32 numbers of each, an array of 512 kB. Measured: on a core with 1 MB of cache
beside it, 2048 to 8192 are within 10%, and 20,000 take 2.5 times as long."""
MOST_EXTRA = 4
"""A batch whose length has no divisor between the pieces wanted and so many times of them stays whole."""


def pieces_of(length: int, pairs: int) -> int:
    """Into how many equal pieces to divide a batch.

    Args:
        length: elements of the batch.
        pairs: of rows and columns in an element.
    """
    wanted = -(-length * pairs // PIECE)
    return next((n for n in range(wanted, min(MOST_EXTRA * wanted, length) + 1) if length % n == 0), 1)


def divided(sample: Sample, pieces: int) -> Sample:
    """Every array [n, ...] as [pieces, n / pieces, ...]."""
    split: Sample = jax.tree.map(lambda x: x.reshape(pieces, -1, *x.shape[1:]), sample)
    return split


def summed(function: Callable[[Sample], Result], sample: Sample, pieces: int) -> Result:
    """The sum of `function` over equal pieces of a batch.

    Args:
        function: from a piece to arrays.
        sample: arrays with the batch as first axis.
        pieces: a divisor of its length.
    """
    if pieces == 1:
        return function(sample)
    parts = divided(sample, pieces)
    blank = jax.eval_shape(function, jax.tree.map(lambda x: x[0], parts))
    start = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), blank)

    def add(total: Result, part: Sample) -> tuple[Result, None]:
        return jax.tree.map(jnp.add, total, function(part)), None

    return jax.lax.scan(add, start, parts)[0]
