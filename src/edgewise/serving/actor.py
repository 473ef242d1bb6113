"""A policy in compiled form, for one question or several at once, with the very bits that it gives for one.

Several questions are decided one after another inside of one program: the policy is not applied to all of them as a batch, since
sums of matrix products are then taken in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from edgewise.numerics.packed_program import Constants, PackedProgram
from edgewise.policies.protocol import initial_memory, step

BATCHES = (1, 4, 16)
"""Numbers of questions that programs are compiled for."""
Asked = tuple[Any, Any]
"""An observation, and the policy's memory."""


class Actor:
    """A policy to be asked.

    Args:
        policy: as its artefact holds it.
    """

    def __init__(self, policy: Any) -> None:
        arrays, static = eqx.partition(policy, eqx.is_array)
        self._constants = Constants(arrays)
        self.begin: Any = jax.device_get(initial_memory(policy))

        def one(arrays: Any, asked: Asked) -> Asked:
            return step(eqx.combine(arrays, static), *asked, None)

        def several(arrays: Any, asked: Asked) -> Asked:
            result: Asked = jax.lax.map(lambda each: one(arrays, each), asked)
            return result

        self._one, self._several = PackedProgram(one), PackedProgram(several)

    def act(self, asked: Sequence[Asked]) -> list[Asked]:
        """Deterministic actions and the memories after them, in arrays of NumPy.

        Args:
            asked: of the same shapes, without batch axes, in the arrays of `Description.array`; memories begin with `begin`.
        """
        answers: list[Asked] = []
        left = list(asked)
        while left:
            size = max(size for size in BATCHES if size <= len(left))
            batch, left = left[:size], left[size:]
            answers += [self._one(self._constants, batch[0])] if size == 1 else self._act_together(batch)
        return answers

    def prepare(self, observation: Any) -> None:
        """Compile the programs for observations of these shapes."""
        asked = (observation, self.begin)
        self._one.prepare(self._constants, asked)
        for size in BATCHES[1:]:
            self._several.prepare(self._constants, _stacked([asked] * size))

    def _act_together(self, batch: Sequence[Asked]) -> list[Asked]:
        stacked = _stacked(batch)
        if not self._several.knows(self._constants, stacked):
            return [self._one(self._constants, each) for each in batch]
        answers = self._several(self._constants, stacked)
        return [jax.tree.map(lambda leaf, i=place: leaf[i], answers) for place in range(len(batch))]


def shapes_of(asked: Any) -> Any:
    """What must be the same of questions that are decided together."""
    leaves, structure = jax.tree.flatten(asked)
    return structure, tuple((leaf.shape, leaf.dtype.char) for leaf in leaves)


def _stacked(batch: Sequence[Asked]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *batch)
