"""A policy with a memory that takes the action of largest value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.networks.mlp import MLP, dense, mish

CellName = Literal["gru", "lstm"]
CELLS: dict[str, type[eqx.nn.GRUCell | eqx.nn.LSTMCell]] = {"gru": eqx.nn.GRUCell, "lstm": eqx.nn.LSTMCell}


class RecurrentGreedyPolicy(eqx.Module):
    """Mish layers, a recurrent cell, and a linear layer that gives the values of all actions.

    The memory is the cell's state: [*batch, m] of a GRU, two such arrays of an LSTM.

    Attributes:
        encoder: observation to the input of the cell.
        cell: GRU or LSTM.
        head: state of the cell to one value per action.
    """

    encoder: MLP
    cell: eqx.nn.GRUCell | eqx.nn.LSTMCell
    head: eqx.nn.Linear

    @staticmethod
    def create(
        observation_size: int, actions: int, hidden: Sequence[int], cell: CellName, memory: int, key: PRNGKeyArray
    ) -> RecurrentGreedyPolicy:
        """A policy with fresh weights, for the given sizes, widths of the layers before the cell, and kind and size of it."""
        encoder_key, cell_key, head_key = jax.random.split(key, 3)
        return RecurrentGreedyPolicy(
            MLP((observation_size, *hidden), encoder_key),
            CELLS[cell](hidden[-1], memory, key=cell_key),
            eqx.nn.Linear(memory, actions, key=head_key),
        )

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.encoder.layers[0].weight.shape[1]

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {
            "observation_size": self.observation_size,
            "actions": self.head.weight.shape[0],
            "hidden": [layer.weight.shape[0] for layer in self.encoder.layers],
            "cell": next(name for name, kind in CELLS.items() if type(self.cell) is kind),
            "memory": self.cell.hidden_size,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> RecurrentGreedyPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return RecurrentGreedyPolicy.create(**architecture, key=jax.random.key(0))

    def initial_memory(self, batch: tuple[int, ...]) -> Any:
        """Memory at the start of an episode: zeros, for any leading batch shape."""
        zeros = jnp.zeros((*batch, self.cell.hidden_size))
        return (zeros, zeros) if isinstance(self.cell, eqx.nn.LSTMCell) else zeros

    def values(self, observation: Float[Array, "*batch o"], memory: Any) -> tuple[Float[Array, "*batch a"], Any]:
        """Value Q of every action, and the memory that the observation leaves."""
        cell = self.cell
        for _ in observation.shape[:-1]:
            cell = jax.vmap(cell)
        memory = cell(mish(self.encoder(observation)), memory)
        output = memory[0] if isinstance(memory, tuple) else memory
        return dense(self.head, output), memory

    def step(
        self, observation: Float[Array, "*batch o"], memory: Any, key: PRNGKeyArray | None
    ) -> tuple[Int[Array, "*batch"], Any]:
        """The action of largest value, and the memory to go on with; a key changes nothing."""
        values, memory = self.values(observation, memory)
        return jnp.argmax(values, axis=-1), memory
