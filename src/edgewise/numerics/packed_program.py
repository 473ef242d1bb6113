"""Compiled functions of many small arrays, called at the cost of one: arguments and results travel in one vector each.

A call of a compiled function costs some microseconds for every array, which for a decision on a few vehicles is most of its time.
Values are not changed: integers and truth values of the arguments must be exact in the type of the vector.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from edgewise.numerics.kept_programs import KEPT, KeptPrograms

Leaves = list[Any]


class Layout:
    """Where the arrays of a tree are in a vector.

    Args:
        tree: of arrays, or of their shapes and types.
    """

    def __init__(self, tree: Any) -> None:
        leaves, self.structure = jax.tree.flatten(tree)
        self.shapes = [tuple(leaf.shape) for leaf in leaves]
        self.types = [np.dtype(leaf.dtype) for leaf in leaves]
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)]).tolist()
        self.kind = jnp.zeros(()).dtype
        self.places = [slice(*pair) for pair in itertools.pairwise(ends)]

    def pack(self, leaves: Leaves) -> np.ndarray:
        """The vector of the arrays of a tree, in memory."""
        parts = [np.asarray(leaf, self.kind).ravel() for leaf in leaves]
        return np.concatenate(parts) if parts else np.zeros(0, self.kind)

    def unpack(self, vector: np.ndarray) -> Any:
        """The tree of a vector, in memory."""
        return jax.tree.unflatten(self.structure, self._cut(vector))

    def traced(self, vector: Float[Array, " n"]) -> Any:
        """The same in compiled code."""
        return jax.tree.unflatten(self.structure, self._cut(vector))

    def _cut(self, vector: Any) -> Leaves:
        kinds = zip(self.places, self.shapes, self.types, strict=True)
        return [vector[place].reshape(shape).astype(kind) for place, shape, kind in kinds]


def join(tree: Any) -> Float[Array, " n"]:
    """The vector of a tree in compiled code."""
    return jnp.concatenate([jnp.ravel(leaf).astype(float) for leaf in jax.tree.leaves(tree)])


class Constants:
    """What stays the same from call to call, kept where programs run.

    Args:
        tree: of arrays.
    """

    def __init__(self, tree: Any) -> None:
        leaves, self.structure = jax.tree.flatten(tree)
        self.leaves = tuple(jax.device_put(leaf) for leaf in leaves)
        self.key = (self.structure, tuple((leaf.shape, leaf.dtype) for leaf in self.leaves))

    def traced(self, leaves: tuple[Any, ...]) -> Any:
        """The tree in compiled code."""
        return jax.tree.unflatten(self.structure, leaves)


class PackedProgram:
    """A function in compiled form for each structure and size of its arguments.

    Args:
        function: `(constants, *arguments) -> tree`.
        kept: sizes for which it stays compiled, some 10 MiB each.
    """

    def __init__(self, function: Callable[..., Any], kept: int = KEPT) -> None:
        self._function = function
        self._programs = KeptPrograms[tuple[Layout, Any, Layout]](kept)

    def __call__(self, constants: Constants, *arguments: Any) -> Any:
        """The result in memory.

        Args:
            constants: on which the function depends.
            arguments: trees of small arrays in memory.
        """
        leaves, structure = jax.tree.flatten(arguments)
        key = constants.key, structure, tuple([(leaf.shape, leaf.dtype.char) for leaf in leaves])
        layout, program, results = self._programs.find(key, lambda: self._make(constants, arguments))
        return results.unpack(np.asarray(program(constants.leaves, layout.pack(leaves))))

    def _make(self, constants: Constants, arguments: tuple[Any, ...]) -> tuple[Layout, Any, Layout]:
        layout = Layout(arguments)
        results: list[Layout] = []

        def run(leaves: tuple[Any, ...], vector: Float[Array, " n"]) -> Float[Array, " m"]:
            result = self._function(constants.traced(leaves), *layout.traced(vector))
            results.append(Layout(result))
            return join(result)

        program = jax.jit(run).lower(constants.leaves, layout.pack(jax.tree.leaves(arguments))).compile()
        return layout, program, results[0]
