"""A network on the pairs of two sets, such as vehicles and road-side units, of any sizes.

It is equivariant: when rows or columns are permuted, so is what it gives. Rows and columns that the masks leave out have no
influence. Where both sets are large, rows have pairs with a few candidates among the columns only, so that the work grows
with the rows and not with rows times columns; the weights are the same, and with all columns as candidates so is the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from edgewise.networks.mlp import normalise

HEADS = 4
"""Provisional choices of a row in a round, each with its own messages."""
EMPTY = -1e9
"""Score of what a mask leaves out."""
SMALL = 1e-5
"""Added to a sum of weights before it divides."""


class Features(eqx.Module):
    """Numbers of rows, columns and pairs, with what is there.

    Attributes:
        rows: [*batch, V, f].
        columns: [*batch, S, g].
        pairs: [*batch, V, S, p]; with k candidates among the columns of every row, [*batch, V, k, p].
        row_mask: rows that exist.
        column_mask: columns that exist.
        index: columns of the pairs, different ones in a row [*batch, V, k]. If None, a row has a pair with every column.
    """

    rows: Float[Array, "*b v f"]
    columns: Float[Array, "*b s g"]
    pairs: Float[Array, "*b v k p"]
    row_mask: Bool[Array, "*b v"]
    column_mask: Bool[Array, "*b s"]
    index: Int[Array, "*b v k"] | None = None

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of a row, a column and a pair."""
        return self.rows.shape[-1], self.columns.shape[-1], self.pairs.shape[-1]


class Round(eqx.Module):
    """One exchange of messages between pairs.

    Every row makes provisional choices among the columns; a pair then hears who else is coming to its column, how its
    column stands, and what else its row could choose.
    """

    choose: eqx.nn.Linear
    message: eqx.nn.Linear
    mix_self: eqx.nn.Linear
    mix_others: eqx.nn.Linear
    mix_column: eqx.nn.Linear
    mix_row: eqx.nn.Linear
    out: eqx.nn.Linear

    def __init__(self, width: int, key: PRNGKeyArray) -> None:
        """Args: numbers of a pair, and a key for the weights."""
        keys = jax.random.split(key, 7)
        self.choose = eqx.nn.Linear(width, HEADS, key=keys[0])
        self.message = eqx.nn.Linear(width, width, key=keys[1])
        self.mix_self = eqx.nn.Linear(width, width, key=keys[2])
        self.mix_others = eqx.nn.Linear(width, width, use_bias=False, key=keys[3])
        self.mix_column = eqx.nn.Linear(2 * width, width, use_bias=False, key=keys[4])
        self.mix_row = eqx.nn.Linear(2 * width, width, use_bias=False, key=keys[5])
        self.out = eqx.nn.Linear(width, width, key=keys[6])

    def __call__(
        self,
        pairs: Float[Array, "*b v k w"],
        row_mask: Bool[Array, "*b v"],
        column_mask: Bool[Array, "*b s"],
        choice: Float[Array, "*b v k"] | None = None,
        index: Int[Array, "*b v k"] | None = None,
    ) -> Float[Array, "*b v k w"]:
        """The pairs after the exchange.

        Args:
            pairs: before it.
            row_mask, column_mask: what is there.
            choice: logits added to those of the provisional choices, such as what rows are about to do; None for nothing.
            index: columns of the pairs, see `Features`.
        """
        width, columns = pairs.shape[-1], column_mask.shape[-1]
        there = row_mask[..., :, None, None] & at_pairs(column_mask[..., None], index)
        h = normalise(pairs)
        logits = dense(self.choose, h) if choice is None else dense(self.choose, h) + choice[..., None]
        scores = jnp.where(there, logits, EMPTY)
        chosen = jnp.where(there, jax.nn.softmax(scores, axis=-2), 0.0)
        message = jnp.where(there, dense(self.message, h), 0.0)
        weighted = message * jnp.repeat(chosen, width // HEADS, axis=-1)
        met = pairs_met(row_mask, there, index, columns)
        coming, sent = (sum_by_column(each, index, columns) for each in (weighted, message))
        column = jnp.concatenate([coming, sent / met.astype(h.dtype)], axis=-1)
        best = jnp.where(there, message, EMPTY).max(-2)
        row = jnp.concatenate([weighted.sum(-2), jnp.where(best > EMPTY / 2, best, 0.0)], axis=-1)
        mixed = (
            dense(self.mix_self, h)
            - dense(self.mix_others, weighted)
            + at_pairs(dense(self.mix_column, column), index)
            + dense(self.mix_row, row)[..., :, None, :]
        )
        return pairs + dense(self.out, act(mixed))


class BipartiteEncoder(eqx.Module):
    """From features to `width` numbers of every pair.

    Attributes:
        pair, row, column: what each gives to a pair.
        residual: a layer on the pair alone.
        rounds: exchanges of messages.
    """

    pair: eqx.nn.Linear
    row: eqx.nn.Linear
    column: eqx.nn.Linear
    residual: eqx.nn.Linear
    rounds: tuple[Round, ...]

    def __init__(self, sizes: Sequence[int], width: int, rounds: int, key: PRNGKeyArray) -> None:
        """Args: numbers of a row, a column and a pair; numbers of an encoded pair; exchanges; a key for the weights."""
        keys = jax.random.split(key, 4 + rounds)
        self.row = eqx.nn.Linear(sizes[0], width, use_bias=False, key=keys[0])
        self.column = eqx.nn.Linear(sizes[1], width, use_bias=False, key=keys[1])
        self.pair = eqx.nn.Linear(sizes[2], width, key=keys[2])
        self.residual = eqx.nn.Linear(width, width, key=keys[3])
        self.rounds = tuple(Round(width, k) for k in keys[4:])

    @property
    def width(self) -> int:
        """Numbers of an encoded pair."""
        return int(self.residual.weight.shape[0])

    def __call__(self, x: Features) -> Float[Array, "*b v k w"]:
        """Encode."""
        pairs = act(
            dense(self.pair, x.pairs)
            + dense(self.row, x.rows)[..., :, None, :]
            + at_pairs(dense(self.column, x.columns), x.index)
        )
        pairs = pairs + act(dense(self.residual, pairs))
        for exchange in self.rounds:
            pairs = exchange(pairs, x.row_mask, x.column_mask, index=x.index)
        return pairs


def dense(layer: eqx.nn.Linear, x: Float[Array, "*batch i"]) -> Float[Array, "*batch o"]:
    """Apply a linear layer on the last axis, as one product of two matrices: its gradient is twice as fast so."""
    y = x.reshape(-1, x.shape[-1]) @ layer.weight.T
    return (y if layer.bias is None else y + layer.bias).reshape(*x.shape[:-1], -1)


def act(x: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """The activation."""
    return jax.nn.relu(x)


def at_pairs(columns: Shaped[Array, "*b s w"], index: Int[Array, "*b v k"] | None) -> Shaped[Array, "*b v k w"]:
    """What columns have, at their pairs; [*batch, 1, S, w], the same for every row, if a row has a pair with each."""
    if index is None:
        return columns[..., None, :, :]
    width = columns.shape[-1]
    return columns.reshape(-1, width)[_numbered(index, columns.shape[-2])].reshape(*index.shape, width)


def sum_by_column(
    pairs: Float[Array, "*b v k w"], index: Int[Array, "*b v k"] | None, columns: int
) -> Float[Array, "*b s w"]:
    """The sum over the pairs of each column; 0 for a column without any."""
    return pairs.sum(-3) if index is None else _by_column(jax.ops.segment_sum, pairs, index, columns)


def pairs_met(
    row_mask: Bool[Array, "*b v"], there: Bool[Array, "*b v k 1"], index: Int[Array, "*b v k"] | None, columns: int
) -> Int[Array, "*b s 1"]:
    """Number of the pairs of each column, at least 1; [*batch, 1, 1] if a row has a pair with each."""
    if index is None:
        return jnp.maximum(row_mask.sum(-1), 1)[..., None, None]
    return jnp.maximum(_by_column(jax.ops.segment_sum, there.astype(int), index, columns), 1)


def pool_rows(
    pairs: Float[Array, "*b v k w"],
    gate: Float[Array, "*b v k 1"],
    row_mask: Bool[Array, "*b v"],
    column_mask: Bool[Array, "*b s"] | None = None,
    index: Int[Array, "*b v k"] | None = None,
) -> Float[Array, "*b s 3*w"]:
    """What the pairs of a column tell together: their mean, their maximum, and their mean weighted by a gate.

    Args:
        pairs, gate: what is pooled, and by which weights.
        row_mask: rows that exist.
        column_mask, index: if rows have pairs with some columns only: columns that exist, and columns of the pairs.
    """
    there = row_mask[..., :, None, None]
    if index is None or column_mask is None:
        return _pooled(pairs, gate, there, lambda x: x.sum(-3), lambda x: x.max(-3))
    columns = column_mask.shape[-1]
    return _pooled(
        pairs,
        gate,
        there & at_pairs(column_mask[..., None], index),
        lambda x: _by_column(jax.ops.segment_sum, x, index, columns),
        lambda x: _by_column(jax.ops.segment_max, x, index, columns),
    )


def pool_columns(
    pairs: Float[Array, "*b v k w"],
    gate: Float[Array, "*b v k 1"],
    column_mask: Bool[Array, "*b s"],
    index: Int[Array, "*b v k"] | None = None,
) -> Float[Array, "*b v 3*w"]:
    """The same for the pairs of a row."""
    there = at_pairs(column_mask[..., None], index)
    return _pooled(pairs, gate, there, lambda x: x.sum(-2), lambda x: x.max(-2))


Reduction = Callable[[Array], Array]


def _pooled(pairs: Array, gate: Array, there: Array, total: Reduction, most: Reduction) -> Array:
    weight = jnp.where(there, jax.nn.sigmoid(gate), 0.0)
    count = jnp.maximum(total(there.astype(pairs.dtype)), 1)
    highest = most(jnp.where(there, pairs, EMPTY))
    highest = jnp.where(highest > EMPTY / 2, highest, 0.0)
    gated = total(weight * pairs) / (total(weight) + SMALL)
    return jnp.concatenate([total(jnp.where(there, pairs, 0.0)) / count, highest, gated], axis=-1)


def _by_column(reduce: Callable[..., Array], pairs: Array, index: Array, columns: int) -> Array:
    batch = index.shape[:-2]
    segments = int(np.prod(batch)) * columns
    width = pairs.shape[-1]
    reduced = reduce(pairs.reshape(-1, width), _numbered(index, columns), segments)
    return reduced.reshape(*batch, columns, width)


def _numbered(index: Int[Array, "*b v k"], columns: int) -> Int[Array, " n"]:
    """The columns of the pairs, numbered through the whole batch."""
    flat = index.reshape(-1, index.shape[-2] * index.shape[-1])
    return (flat + columns * jnp.arange(len(flat))[:, None]).reshape(-1)
