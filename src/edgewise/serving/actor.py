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

from edgewise.numerics.kept_programs import KEPT, SizedProgram
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

        self._one, self._several = PackedProgram(one), PackedProgram(several, len(BATCHES[1:]) * KEPT)
        self._proven: set[Any] = set()
        self._arrays = arrays
        self._freely = SizedProgram(lambda arrays, seen: one(arrays, (seen, ()))[0])

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

    def act_freely(self, observation: Any) -> Any:
        """Deterministic actions of a policy without a memory, in arrays of JAX.

        Args:
            observation: [*batch, ...], in the arrays of `Description.array`.
        """
        return self._freely(self._arrays, observation)

    def prepare(self, observation: Any) -> None:
        """Compile the programs for observations of these shapes.

        Those for several questions are used only if they give the same bits as that for one, which is tried out: compilers are
        free to round otherwise.
        """
        generator = np.random.default_rng(0)
        for size in BATCHES[1:]:
            batch = [(_varied(observation, generator), self.begin) for _ in range(size)]
            stacked = _stacked(batch)
            together = self._unstacked(self._several(self._constants, stacked), size)
            if all(
                same(self._one(self._constants, each), answer) for each, answer in zip(batch, together, strict=True)
            ):
                self._proven.add(shapes_of(stacked))

    def _act_together(self, batch: Sequence[Asked]) -> list[Asked]:
        stacked = _stacked(batch)
        if shapes_of(stacked) not in self._proven:
            return [self._one(self._constants, each) for each in batch]
        return self._unstacked(self._several(self._constants, stacked), len(batch))

    @staticmethod
    def _unstacked(answers: Asked, size: int) -> list[Asked]:
        return [jax.tree.map(lambda leaf, i=place: leaf[i], answers) for place in range(size)]


def same(action: Any, other: Any) -> bool:
    """Whether two actions are the same to the bit."""
    ours, theirs = (dict(jax.tree_util.tree_leaves_with_path(each)) for each in (action, other))
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[path], theirs[path]) for path in ours)


def _varied(observation: Any, generator: np.random.Generator) -> Any:
    """An observation with other numbers."""

    def vary(leaf: np.ndarray) -> np.ndarray:
        if leaf.dtype.kind != "f":
            return leaf
        return (leaf * generator.normal(1, 0.3, leaf.shape) + generator.normal(0, 0.3, leaf.shape)).astype(leaf.dtype)

    return jax.tree.map(vary, observation)


def shapes_of(asked: Any) -> Any:
    """What must be the same of questions that are decided together."""
    leaves, structure = jax.tree.flatten(asked)
    return structure, tuple((leaf.shape, leaf.dtype.char) for leaf in leaves)


def _stacked(batch: Sequence[Asked]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *batch)
