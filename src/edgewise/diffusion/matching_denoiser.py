"""The network that denoises a decision over sets: every step hears who is coming where."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.diffusion.denoiser import time_embedding
from edgewise.networks.bipartite import BipartiteEncoder, Features, Round, dense, pool_rows
from edgewise.networks.mlp import MLP

NOTES = 2
"""Numbers with which a step describes a pair, or a column."""


class Draft(eqx.Module):
    """A decision that is not finished.

    Attributes:
        choice: logits of the columns for every row, its provisional choice; [*batch, V, S].
        pairs: two numbers of every pair, such as its score and the probability that it is chosen; [*batch, V, S, 2].
        columns: two numbers of every column's switch; [*batch, S, 2].
    """

    choice: Float[Array, "*b v s"]
    pairs: Float[Array, "*b v s 2"]
    columns: Float[Array, "*b s 2"]


class MatchingDenoiser(eqx.Module):
    """Scores of pairs and switches from an observation and a draft of the decision.

    The observation is encoded once for a whole chain; a step adds the draft and exchanges messages once, in which rows choose
    among columns as the draft does. So a step is a round of answers to what the others are about to do.

    Attributes:
        encoder: the network on pairs, for the observation.
        pair_note, column_note: what a draft gives to a pair.
        time: network on the embedding of the step's number; None if steps have none.
        exchange: the exchange of messages of a step, the same one in all steps.
        choice_head: from a pair to its score.
        switch_gate, switch_head: from a column's pairs, and its own numbers, to its score.
    """

    encoder: BipartiteEncoder
    pair_note: eqx.nn.Linear
    column_note: eqx.nn.Linear
    time: MLP | None
    exchange: Round
    choice_head: eqx.nn.Linear
    switch_gate: eqx.nn.Linear
    switch_head: eqx.nn.Linear

    def __init__(
        self, sizes: tuple[int, int, int], width: int, rounds: int, embedding: int, gain: float, key: PRNGKeyArray
    ) -> None:
        """A network with fresh weights.

        Args:
            sizes: numbers of a row, a column and a pair.
            width: numbers of an encoded pair.
            rounds: exchanges of messages before the first step.
            embedding: size of the embedding of a step's number; 0 for none.
            gain: size of the last layers' weights, of their usual ones.
            key: for the weights.
        """
        keys = jax.random.split(key, 8)
        self.encoder = BipartiteEncoder(sizes, width, rounds, keys[0])
        self.pair_note = eqx.nn.Linear(NOTES, width, use_bias=False, key=keys[1])
        self.column_note = eqx.nn.Linear(NOTES, width, use_bias=False, key=keys[2])
        self.time = MLP((embedding, 2 * embedding, width), keys[3]) if embedding else None
        self.exchange = Round(width, keys[4])
        self.choice_head = _scaled(eqx.nn.Linear(width, 1, key=keys[5]), gain)
        self.switch_gate = eqx.nn.Linear(width, 1, key=keys[6])
        self.switch_head = _scaled(eqx.nn.Linear(3 * width + sizes[1], 1, key=keys[7]), gain)

    def condition(self, x: Features) -> Float[Array, "*b v s w"]:
        """The encoded observation, for `denoise`."""
        return self.encoder(x)

    def denoise(
        self, condition: Float[Array, "*b v s w"], x: Features, draft: Draft, step: Array | None = None
    ) -> tuple[Float[Array, "*d v s"], Float[Array, "*d s"]]:
        """Scores of pairs and of switches; the draft may have further axes in front of those of the observation.

        Args:
            condition: the output of `condition`.
            x: the observation.
            draft: of the decision.
            step: number of the step, of any shape that fits the draft's batch; None if steps have none.
        """
        notes = dense(self.pair_note, draft.pairs) + dense(self.column_note, draft.columns)[..., None, :, :]
        pairs = condition + notes
        if self.time is not None and step is not None:
            size = self.time.layers[0].weight.shape[1]
            pairs = pairs + self.time(time_embedding(step, size))[..., None, None, :]
        batch = pairs.shape[:-3]
        row_mask, column_mask = (jnp.broadcast_to(m, (*batch, m.shape[-1])) for m in (x.row_mask, x.column_mask))
        pairs = self.exchange(pairs, row_mask, column_mask, draft.choice)
        choice = dense(self.choice_head, pairs)[..., 0]
        pooled = pool_rows(pairs, dense(self.switch_gate, pairs), row_mask)
        columns = jnp.broadcast_to(x.columns, (*batch, *x.columns.shape[-2:]))
        return choice, dense(self.switch_head, jnp.concatenate([pooled, columns], axis=-1))[..., 0]

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {
            "sizes": [layer.in_features for layer in (self.encoder.row, self.encoder.column, self.encoder.pair)],
            "width": self.encoder.width,
            "rounds": len(self.encoder.rounds),
            "time_embedding": 0 if self.time is None else self.time.layers[0].in_features,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> MatchingDenoiser:
        """A network of the given architecture with arbitrary weights."""
        a = architecture
        sizes = tuple(a["sizes"])
        return MatchingDenoiser(sizes, a["width"], a["rounds"], a["time_embedding"], 1.0, jax.random.key(0))


def _scaled(layer: eqx.nn.Linear, gain: float) -> eqx.nn.Linear:
    scaled: eqx.nn.Linear = eqx.tree_at(lambda each: each.weight, layer, replace_fn=lambda w: gain * w)
    return scaled
