"""A policy that chooses a column for every row of a bipartite observation, and switches columns on, for sets of any size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.bipartite import COLUMN, PAIRS
from edgewise.environments.spaces import MASK
from edgewise.networks.bipartite import EMPTY, BipartiteEncoder, Features, at_pairs, dense, pool_rows

Matching = dict[str, Array]
START = 0.01
"""Size of the last layers' weights at the start, of their usual ones: every decision is almost equally likely."""


class Sets(NamedTuple):
    """Names of what a policy reads and decides.

    Attributes:
        rows, columns: the two sets of the observation.
        choice: field of the action that chooses a column for every row.
        switch: field of the action that switches columns on; None if there is none.
        advice: place among the numbers of a pair of the logit that a rule of the system gives to it, from which a policy starts:
            it is added to that of the network. None if there is none.
    """

    rows: str
    columns: str
    choice: str
    switch: str | None
    advice: int | None = None

    def advised(self, logits: Float[Array, "*d v k"], x: Features) -> Float[Array, "*d v k"]:
        """Logits of choices with the advice."""
        return logits if self.advice is None else logits + x.pairs[..., self.advice]


class MatchingPolicy(eqx.Module):
    """A softmax over the columns for every row, and a Bernoulli variable for every column, from one network.

    Attributes:
        encoder: the network on pairs.
        choice_head: from an encoded pair to its logit.
        switch_head: from what a column's pairs tell, and its own numbers, to its logit.
        sets: names.
    """

    encoder: BipartiteEncoder
    choice_head: eqx.nn.Linear
    switch_gate: eqx.nn.Linear
    switch_head: eqx.nn.Linear
    sets: Sets = eqx.field(static=True)
    any_size: ClassVar[bool] = True

    @staticmethod
    def create(sets: Sets, sizes: tuple[int, int, int], width: int, rounds: int, key: PRNGKeyArray) -> MatchingPolicy:
        """A policy with fresh weights, almost uniform.

        Args:
            sets: names.
            sizes: numbers of a row, a column and a pair.
            width: numbers of an encoded pair.
            rounds: exchanges of messages.
            key: for the weights.
        """
        encoder_key, choice_key, gate_key, switch_key = jax.random.split(key, 4)
        return MatchingPolicy(
            encoder=BipartiteEncoder(sizes, width, rounds, encoder_key),
            choice_head=_almost_zero(eqx.nn.Linear(width, 1, key=choice_key)),
            switch_gate=eqx.nn.Linear(width, 1, key=gate_key),
            switch_head=_almost_zero(eqx.nn.Linear(3 * width + sizes[1], 1, key=switch_key)),
            sets=sets,
        )

    def logits(self, x: Features) -> tuple[Float[Array, "*b v k"], Float[Array, "*b s"]]:
        """Logits of every row's choice among its pairs, `EMPTY` where no column is, and of every column's switch."""
        pairs = self.encoder(x)
        advised = self.sets.advised(dense(self.choice_head, pairs)[..., 0], x)
        choice = jnp.where(at_pairs(x.column_mask[..., None], x.index)[..., 0], advised, EMPTY)
        pooled = pool_rows(pairs, dense(self.switch_gate, pairs), x.row_mask, x.column_mask, x.index)
        switch = dense(self.switch_head, jnp.concatenate([pooled, x.columns], axis=-1))[..., 0]
        return choice, switch

    def assess(self, x: Features, action: Matching) -> tuple[Decisions, Decisions]:
        """Logarithm of the probability of each decision, and its entropy, in nats."""
        choice, switch = self.logits(x)
        logarithms = jax.nn.log_softmax(choice)
        taken = jnp.take_along_axis(logarithms, _place(action[self.sets.choice], x)[..., None], axis=-1)[..., 0]
        entropy = choice_entropy(jnp.exp(logarithms), logarithms)
        if self.sets.switch is None:
            return Decisions(taken, None), Decisions(entropy, None)
        on = action[self.sets.switch]
        log = jax.nn.log_sigmoid(jnp.where(on, switch, -switch))
        return Decisions(taken, log), Decisions(entropy, switch_entropy(jax.nn.sigmoid(switch), switch))

    def __call__(self, observation: Mapping[str, Any], key: PRNGKeyArray | None) -> Matching:
        """Sampled decisions, or without a key the most probable ones."""
        x = pack(observation, self.sets)
        choice, switch = self.logits(x)
        if key is None:
            action = {self.sets.choice: _column(jnp.argmax(choice, axis=-1), x)}
            return action if self.sets.switch is None else {**action, self.sets.switch: (switch > 0) & x.column_mask}
        choice_key, switch_key = jax.random.split(key)
        action = {self.sets.choice: _column(jax.random.categorical(choice_key, choice), x)}
        if self.sets.switch is None:
            return action
        on = jax.random.bernoulli(switch_key, jax.nn.sigmoid(switch)) & x.column_mask
        return {**action, self.sets.switch: on}

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and names, for `blank`."""
        sizes = [layer.in_features for layer in (self.encoder.row, self.encoder.column, self.encoder.pair)]
        shape = {"sizes": sizes, "width": self.encoder.width, "rounds": len(self.encoder.rounds)}
        return {**shape, "sets": self.sets._asdict()}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> MatchingPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        sets = Sets(**architecture["sets"])
        sizes = tuple(architecture["sizes"])
        return MatchingPolicy.create(sets, sizes, architecture["width"], architecture["rounds"], jax.random.key(0))


class Decisions(eqx.Module):
    """Something of every decision, such as its log-probability.

    Attributes:
        choice: [*batch, V].
        switch: [*batch, S]; None if nothing is switched.
    """

    choice: Float[Array, "*b v"]
    switch: Any


def choice_entropy(probability: Float[Array, "*b v k"], logarithm: Float[Array, "*b v k"]) -> Float[Array, "*b v"]:
    """Entropy of every row's choice in nats, from its probabilities and their logarithms."""
    return -jnp.sum(probability * logarithm, axis=-1)


def switch_entropy(probability: Float[Array, "*b s"], logit: Float[Array, "*b s"]) -> Float[Array, "*b s"]:
    """Entropy of every column's switch in nats, from the probability that it is on, and its logit."""
    return -probability * jax.nn.log_sigmoid(logit) - (1 - probability) * jax.nn.log_sigmoid(-logit)


def pack(observation: Mapping[str, Any], sets: Sets, privileged: Mapping[str, Any] | None = None) -> Features:
    """The numbers of an observation in arrays, its fields in the order of their names.

    Args:
        observation: an element of a `Bipartite` space, with any leading axes.
        sets: names.
        privileged: further fields of the same sets.
    """

    def join(name: str) -> Float[Array, "*b n"]:
        parts = [observation[name], {} if privileged is None else privileged.get(name, {})]
        numbers = [part[field] for part in parts for field in sorted(part) if field not in (MASK, COLUMN)]
        return jnp.stack([number.astype(float) for number in numbers], axis=-1)

    rows, columns = observation[sets.rows], observation[sets.columns]
    index = observation[PAIRS].get(COLUMN)
    return Features(join(sets.rows), join(sets.columns), join(PAIRS), rows[MASK], columns[MASK], index)


def _column(place: Int[Array, "*b v"], x: Features) -> Int[Array, "*b v"]:
    """The column at a place among the pairs of every row."""
    return place if x.index is None else jnp.take_along_axis(x.index, place[..., None], axis=-1)[..., 0]


def _place(column: Int[Array, "*b v"], x: Features) -> Int[Array, "*b v"]:
    """The place of a column among the pairs of every row; of one that is not a candidate, the first."""
    return column if x.index is None else jnp.argmax(x.index == column[..., None], axis=-1)


def _almost_zero(layer: eqx.nn.Linear) -> eqx.nn.Linear:
    shrunk: eqx.nn.Linear = eqx.tree_at(lambda each: each.weight, layer, replace_fn=lambda w: START * w)
    return shrunk
