"""A network on the pairs of two sets, such as vehicles and road-side units, of any sizes.

It is equivariant: when rows or columns are permuted, so is what it gives. Rows and columns that the masks leave out have no
influence.
"""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

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
        pairs: [*batch, V, S, p].
        row_mask: rows that exist.
        column_mask: columns that exist.
    """

    rows: Float[Array, "*b v f"]
    columns: Float[Array, "*b s g"]
    pairs: Float[Array, "*b v s p"]
    row_mask: Bool[Array, "*b v"]
    column_mask: Bool[Array, "*b s"]

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
        pairs: Float[Array, "*b v s w"],
        row_mask: Bool[Array, "*b v"],
        column_mask: Bool[Array, "*b s"],
        choice: Float[Array, "*b v s"] | None = None,
    ) -> Float[Array, "*b v s w"]:
        """The pairs after the exchange.

        Args:
            pairs: before it.
            row_mask, column_mask: what is there.
            choice: logits added to those of the provisional choices, such as what rows are about to do; None for nothing.
        """
        width = pairs.shape[-1]
        there = (row_mask[..., :, None] & column_mask[..., None, :])[..., None]
        h = normalise(pairs)
        logits = dense(self.choose, h) if choice is None else dense(self.choose, h) + choice[..., None]
        scores = jnp.where(there, logits, EMPTY)
        chosen = jnp.where(there, jax.nn.softmax(scores, axis=-2), 0.0)
        message = jnp.where(there, dense(self.message, h), 0.0)
        weighted = message * jnp.repeat(chosen, width // HEADS, axis=-1)
        coming = weighted.sum(-3, keepdims=True)
        rows = jnp.maximum(row_mask.sum(-1), 1)[..., None, None].astype(h.dtype)
        column = jnp.concatenate([coming[..., 0, :, :], message.sum(-3) / rows], axis=-1)
        best = jnp.where(there, message, EMPTY).max(-2)
        row = jnp.concatenate([weighted.sum(-2), jnp.where(best > EMPTY / 2, best, 0.0)], axis=-1)
        mixed = (
            dense(self.mix_self, h)
            - dense(self.mix_others, weighted)
            + dense(self.mix_column, column)[..., None, :, :]
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

    def __call__(self, x: Features) -> Float[Array, "*b v s w"]:
        """Encode."""
        pairs = act(
            dense(self.pair, x.pairs)
            + dense(self.row, x.rows)[..., :, None, :]
            + dense(self.column, x.columns)[..., None, :, :]
        )
        pairs = pairs + act(dense(self.residual, pairs))
        for exchange in self.rounds:
            pairs = exchange(pairs, x.row_mask, x.column_mask)
        return pairs


def dense(layer: eqx.nn.Linear, x: Float[Array, "*batch i"]) -> Float[Array, "*batch o"]:
    """Apply a linear layer on the last axis, as one product of two matrices: its gradient is twice as fast so."""
    y = x.reshape(-1, x.shape[-1]) @ layer.weight.T
    return (y if layer.bias is None else y + layer.bias).reshape(*x.shape[:-1], -1)


def act(x: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """The activation."""
    return jax.nn.relu(x)


def pool_rows(
    pairs: Float[Array, "*b v s w"], gate: Float[Array, "*b v s 1"], row_mask: Bool[Array, "*b v"]
) -> Float[Array, "*b s 3*w"]:
    """What the pairs of a column tell together: their mean, their maximum, and their mean weighted by a gate."""
    there = row_mask[..., :, None, None]
    weight = jnp.where(there, jax.nn.sigmoid(gate), 0.0)
    count = jnp.maximum(row_mask.sum(-1), 1)[..., None, None].astype(pairs.dtype)
    mean = jnp.where(there, pairs, 0.0).sum(-3) / count
    most = jnp.where(row_mask.any(-1)[..., None, None], jnp.where(there, pairs, EMPTY).max(-3), 0.0)
    gated = (weight * pairs).sum(-3) / (weight.sum(-3) + SMALL)
    return jnp.concatenate([mean, most, gated], axis=-1)


def pool_columns(
    pairs: Float[Array, "*b v s w"], gate: Float[Array, "*b v s 1"], column_mask: Bool[Array, "*b s"]
) -> Float[Array, "*b v 3*w"]:
    """The same for the pairs of a row."""
    return pool_rows(jnp.swapaxes(pairs, -2, -3), jnp.swapaxes(gate, -2, -3), column_mask)
