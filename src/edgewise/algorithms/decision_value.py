"""A critic of decisions over sets: what every row is worth, what it were with another choice, and with other switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.networks.bipartite import BipartiteEncoder, Features, dense
from edgewise.networks.mlp import normalise
from edgewise.policies.matching import Sets

PARTS = 5
"""Linear parts of an encoded pair in the critic's hidden layer; see `DecisionValue`."""
SMALLEST_GAIN = 1e-6
"""Added to the mean size of advantages before they are divided by it."""


class Decided(eqx.Module):
    """A decision as numbers.

    Attributes:
        choice: 1 for the pairs of a row and its column, otherwise 0; [*batch, V, S].
        switch: 1 for columns that are on; [*batch, S].
    """

    choice: Float[Array, "*b v s"]
    switch: Float[Array, "*b s"]


class Values(eqx.Module):
    """What a decision is worth, and what it were if a single part of it were another.

    Attributes:
        row: value of every row; [*batch, V].
        choice: value of a row if it chose each of the columns, all else as it is; [*batch, V, S].
        on, off: sum of the values of all rows if a column were on, or off, all else as it is; [*batch, S].
    """

    row: Float[Array, "*b v"]
    choice: Float[Array, "*b v s"]
    on: Float[Array, "*b s"]
    off: Float[Array, "*b s"]


class DecisionValue(eqx.Module):
    """Q of every row, given an observation and a decision.

    The encoder sees the observation only. The decision enters the hidden layer of a pair (v, s) in sums that leave row v's own
    choice out, so that one pass gives the values of all alternatives of all rows, exactly those that the network has for
    decisions that differ in one choice:

        z_vs = A h_vs + sum_{u != v} a_us B h_us + sum_{u != v} sum_r a_ur C h_ur + sum_r d_r D h_vr + d_s E h_vs,
        Q_vs = w . relu(z_vs),

    with encoded pairs h, choices a and switches d: who else comes to the column, what all others do, which switches concern
    the row, and that of the column. Switching one column changes the last two sums alone.

    Attributes:
        encoder: the network on pairs.
        parts: A to E, one below the other.
        head: w.
        layer_norm: shift and scale h and z over their components (Ba et al., 2016).
    """

    encoder: BipartiteEncoder
    parts: eqx.nn.Linear
    head: eqx.nn.Linear
    layer_norm: bool = eqx.field(static=True)

    def __init__(self, sizes: tuple[int, ...], width: int, rounds: int, layer_norm: bool, key: PRNGKeyArray) -> None:
        """Args: numbers of a row, a column and a pair; width and rounds; whether to normalise; a key for the weights."""
        encoder_key, parts_key, head_key = jax.random.split(key, 3)
        self.encoder = BipartiteEncoder(sizes, width, rounds, encoder_key)
        self.parts = eqx.nn.Linear(width, PARTS * width, key=parts_key)
        self.head = eqx.nn.Linear(width, 1, key=head_key)
        self.layer_norm = layer_norm

    def encode(self, x: Features) -> Float[Array, "*b v s w"]:
        """The five parts of the hidden layer for every pair, [*batch, V, S, 5 w]; they do not depend on the decision."""
        pairs = self.encoder(x)
        return dense(self.parts, normalise(pairs) if self.layer_norm else pairs)

    def judge(self, encoded: Float[Array, "*b v s w"], row_mask: Bool[Array, "*b v"], decided: Decided) -> Values:
        """Values of a decision and of its alternatives; the decision may have further axes in front."""
        own, coming, others, elsewhere, here = jnp.split(encoded, PARTS, axis=-1)
        choice, switch = decided.choice[..., None], decided.switch[..., None, :, None]
        coming, others = choice * coming, (choice * others).sum(-2, keepdims=True)
        z = (
            own
            + (coming.sum(-3, keepdims=True) - coming)
            + (others.sum(-3, keepdims=True) - others)
            + (switch * elsewhere).sum(-2, keepdims=True)
            + switch * here
        )
        values = self._value(z)
        chosen, change = (choice * z).sum(-2, keepdims=True), elsewhere + choice * here
        on, off = self._value(chosen + (1 - switch) * change), self._value(chosen - switch * change)
        there = row_mask[..., :, None]
        row = (decided.choice * values).sum(-1)
        return Values(row, values, *(jnp.where(there, each, 0.0).sum(-2) for each in (on, off)))

    def _value(self, z: Float[Array, "*b w"]) -> Float[Array, "*b"]:
        return dense(self.head, jax.nn.relu(normalise(z) if self.layer_norm else z))[..., 0]


class DecisionValues(eqx.Module):
    """Several critics of one shape, each with weights of its own.

    Attributes:
        networks: one module whose arrays have a leading axis of the critics.
    """

    networks: DecisionValue

    def __init__(
        self, sizes: tuple[int, ...], width: int, rounds: int, layer_norm: bool, key: PRNGKeyArray, count: int = 2
    ) -> None:
        """Args: as of `DecisionValue`, and how many there are."""
        keys = jax.random.split(key, count)
        self.networks = eqx.filter_vmap(lambda key: DecisionValue(sizes, width, rounds, layer_norm, key))(keys)

    def encode(self, x: Features) -> Float[Array, "n *b v s w"]:
        """What each critic needs of an observation."""
        encoded: Array = eqx.filter_vmap(lambda each: each.encode(x))(self.networks)
        return encoded

    def judge(self, encoded: Float[Array, "n *b v s w"], row_mask: Bool[Array, "*b v"], decided: Decided) -> Values:
        """The values of each critic, along a first axis."""
        values: Values = eqx.filter_vmap(lambda each, of_it: each.judge(of_it, row_mask, decided))(
            self.networks, encoded
        )
        return values


def smallest(values: Values) -> Values:
    """Of each value the smallest of all critics."""
    least: Values = jax.tree.map(lambda each: each.min(0), values)
    return least


def as_numbers(x: Features, sets: Sets, action: Mapping[str, Any]) -> Decided:
    """A decision as numbers; what is not there chooses nothing."""
    choice = jax.nn.one_hot(action[sets.choice], x.column_mask.shape[-1]) * x.row_mask[..., None]
    if sets.switch is None:
        return Decided(choice, jnp.zeros(x.column_mask.shape))
    return Decided(choice, (action[sets.switch] & x.column_mask).astype(float))


def as_action(sets: Sets, decided: Decided) -> dict[str, Array]:
    """The inverse of `as_numbers`."""
    action = {sets.choice: jnp.argmax(decided.choice, axis=-1)}
    return action if sets.switch is None else {**action, sets.switch: decided.switch > 0.5}


def gains(x: Features, values: Values) -> Decided:
    """What each choice gains over the mean of its row's, and each column by being on.

    Both are divided by their mean size over all that is there, so that they mean the same for every reward.
    """
    there = x.row_mask[..., :, None] & x.column_mask[..., None, :]
    columns = jnp.maximum(x.column_mask.sum(-1), 1)[..., None, None]
    mean = jnp.where(there, values.choice, 0.0).sum(-1, keepdims=True) / columns
    return Decided(_unit(values.choice - mean, there), _unit(values.on - values.off, x.column_mask))


def mean_where(x: Float[Array, "*b"], mask: Bool[Array, "*m"]) -> Float[Array, ""]:
    """Mean of what is there, 0 if nothing is; the mask lacks no axes but first ones."""
    mask = jnp.broadcast_to(mask, x.shape)
    return jnp.where(mask, x, 0.0).sum() / jnp.maximum(mask.sum(), 1)


def _unit(x: Float[Array, "*b"], mask: Bool[Array, "*m"]) -> Float[Array, "*b"]:
    return jnp.where(mask, x / (mean_where(jnp.abs(x), mask) + SMALLEST_GAIN), 0.0)
