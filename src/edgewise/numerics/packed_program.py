"""Compiled functions of many small arrays, called at the cost of one: arguments and results travel in one vector each.

A call of a compiled function costs some microseconds for every array, which for a decision on a few vehicles is most of its time.
Values are not changed: integers and truth values of the arguments must be exact in the type of the vector.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Leaves = list[Any]
_MADE_ONLY = ContextVar("made_only", default=False)
KEPT = 8
"""Sizes of arguments for which a function stays compiled; who was not called for the longest time is compiled again."""


class NotCompiledError(Exception):
    """A program was called that is not compiled, where none shall be."""


@contextlib.contextmanager
def made_only() -> Iterator[None]:
    """Nothing is compiled: a program that is not raises a NotCompiledError."""
    token = _MADE_ONLY.set(True)
    try:
        yield
    finally:
        _MADE_ONLY.reset(token)


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

    def pack(self, tree: Any) -> np.ndarray:
        """The vector of a tree, in memory."""
        parts = [np.asarray(leaf, self.kind).ravel() for leaf in jax.tree.leaves(tree)]
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
        self._function, self._kept = function, kept
        self._made: OrderedDict[Any, tuple[Layout, Any, Layout]] = OrderedDict()
        self._making = threading.Lock()

    def __call__(self, constants: Constants, *arguments: Any) -> Any:
        """The result in memory.

        Args:
            constants: on which the function depends.
            arguments: trees of small arrays in memory.
        """
        layout, program, results = self._find(constants, arguments)
        return results.unpack(np.asarray(program(constants.leaves, layout.pack(arguments))))

    def _find(self, constants: Constants, arguments: tuple[Any, ...]) -> tuple[Layout, Any, Layout]:
        key = self._key(constants, arguments)
        found = self._made.get(key)
        if found is None:
            if _MADE_ONLY.get():
                raise NotCompiledError
            with self._making:
                found = self._made.get(key) or self._make(constants, arguments)
                self._made[key] = found
                if len(self._made) > self._kept:
                    self._made.popitem(last=False)
        else:
            with contextlib.suppress(KeyError):  # another thread has just let go of it
                self._made.move_to_end(key)
        return found

    @staticmethod
    def _key(constants: Constants, arguments: tuple[Any, ...]) -> Any:
        leaves, structure = jax.tree.flatten(arguments)
        return constants.key, structure, tuple((leaf.shape, leaf.dtype.char) for leaf in leaves)

    def _make(self, constants: Constants, arguments: tuple[Any, ...]) -> tuple[Layout, Any, Layout]:
        layout = Layout(arguments)
        results: list[Layout] = []

        def run(leaves: tuple[Any, ...], vector: Float[Array, " n"]) -> Float[Array, " m"]:
            result = self._function(constants.traced(leaves), *layout.traced(vector))
            results.append(Layout(result))
            return join(result)

        program = jax.jit(run).lower(constants.leaves, layout.pack(arguments)).compile()
        return layout, program, results[0]
