"""A network with a memory: layers, LSTM cells one after another, and a linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.networks.mlp import MLP, dense, mish
from edgewise.numerics.select import select

Memory = tuple[tuple[Array, Array], ...]
"""State of every cell: two arrays [*batch, size]; empty without cells."""


class RecurrentNetwork(eqx.Module):
    """Mish layers, LSTM cells, a linear layer. Without cells it is an ordinary network.

    Attributes:
        encoder: input to features.
        cells: each takes the output of the one before it.
        head: output of the last cell to output.
    """

    encoder: MLP
    cells: tuple[eqx.nn.LSTMCell, ...]
    head: eqx.nn.Linear

    def __init__(
        self, inputs: int, hidden: Sequence[int], memory: Sequence[int], outputs: int, key: PRNGKeyArray
    ) -> None:
        """Args: sizes of the input, the layers before the cells (at least one), the cells and the output; a key."""
        encoder_key, head_key, *cell_keys = jax.random.split(key, 2 + len(memory))
        widths = (hidden[-1], *memory)
        self.encoder = MLP((inputs, *hidden), encoder_key)
        pairs = zip(widths, memory, cell_keys, strict=False)
        self.cells = tuple(eqx.nn.LSTMCell(a, b, key=k) for a, b, k in pairs)
        self.head = eqx.nn.Linear(widths[-1], outputs, key=head_key)

    @property
    def sizes(self) -> dict[str, Any]:
        """What `__init__` takes beside the key, as plain values."""
        return {
            "inputs": self.encoder.layers[0].weight.shape[-1],
            "hidden": [layer.weight.shape[-2] for layer in self.encoder.layers],
            "memory": [cell.hidden_size for cell in self.cells],
            "outputs": self.head.weight.shape[-2],
        }

    def initial_memory(self, batch: tuple[int, ...]) -> Memory:
        """Memory at the start of an episode: zeros, for any leading batch shape."""
        return tuple((jnp.zeros((*batch, cell.hidden_size)),) * 2 for cell in self.cells)

    def __call__(self, x: Float[Array, "*batch i"], memory: Memory) -> tuple[Float[Array, "*batch o"], Memory]:
        """Output, and the memory that the input leaves."""
        features, memory = self._remember(mish(self.encoder(x)), memory)
        return dense(self.head, features), memory

    def outputs(self, x: Float[Array, "t c i"], ended: Bool[Array, "t c"], memory: Memory) -> Float[Array, "t c o"]:
        """Outputs of successive inputs of several copies, each under the memory of the episode that it belongs to.

        Args:
            x: inputs in their order.
            ended: whether the episode ended after the input.
            memory: before the first input.
        """
        features, _ = self._scan(x, ended, memory)
        return dense(self.head, features)

    def unroll(
        self, x: Float[Array, "t c i"], following: Float[Array, "t c i"], ended: Bool[Array, "t c"], memory: Memory
    ) -> tuple[Float[Array, "t c o"], Float[Array, "t c o"]]:
        """`outputs`, and those of what follows each input within its episode: the final input where the episode ended."""
        features, memories = self._scan(x, ended, memory)
        return dense(self.head, features), self(following, memories)[0]

    def _scan(
        self, x: Float[Array, "t c i"], ended: Bool[Array, "t c"], memory: Memory
    ) -> tuple[Float[Array, "t c h"], Memory]:
        """Features for the head, and the memory that each input leaves."""
        fresh = self.initial_memory(ended.shape[1:])

        def advance(memory: Memory, step: tuple[Array, Array]) -> tuple[Memory, tuple[Array, Memory]]:
            features, over = step
            features, after = self._remember(features, memory)
            return select(over, fresh, after), (features, after)

        _, (features, memories) = jax.lax.scan(advance, memory, (mish(self.encoder(x)), ended))
        return features, memories

    def _remember(self, features: Float[Array, "*batch h"], memory: Memory) -> tuple[Float[Array, "*batch k"], Memory]:
        after = []
        for cell, state in zip(self.cells, memory, strict=True):
            step = cell
            for _ in features.shape[:-1]:
                step = jax.vmap(step)
            features, kept = step(features, state)
            after.append((features, kept))
        return features, tuple(after)
