"""Compiled functions that are kept for a few sizes of their arguments: who asks for ever new sizes does not fill the memory."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax

Program = TypeVar("Program")
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


class KeptPrograms(Generic[Program]):
    """Programs by what they are for.

    Args:
        kept: most of them.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._made: OrderedDict[Any, Program] = OrderedDict()
        self._making = threading.Lock()

    def __len__(self) -> int:
        return len(self._made)

    def find(self, key: Any, make: Callable[[], Program]) -> Program:
        """A program, made if it is not there.

        Raises:
            NotCompiledError: if it is not there, inside of `made_only`.
        """
        found = self._made.get(key)
        if found is not None:
            with contextlib.suppress(KeyError):  # another thread has just let go of it
                self._made.move_to_end(key)
            return found
        if _MADE_ONLY.get():
            raise NotCompiledError
        with self._making:
            found = self._made.get(key) or make()
            self._made[key] = found
            if len(self._made) > self._kept:
                self._made.popitem(last=False)
        return found


class SizedProgram:
    """A function in compiled form for each structure and size of its arguments, as `equinox.filter_jit` has it without a bound.

    Args:
        function: of trees of arrays and of what can be hashed; its result is a tree of arrays.
        kept: sizes for which it stays compiled.
    """

    def __init__(self, function: Callable[..., Any], kept: int = KEPT) -> None:
        self._function, self._programs = function, KeptPrograms[Any](kept)

    def __call__(self, *arguments: Any) -> Any:
        """The result in arrays of JAX."""
        arrays, fixed = eqx.partition(arguments, eqx.is_array)
        told, structure = jax.tree.flatten(fixed)
        leaves, places = jax.tree.flatten(arrays)
        forms = tuple([(leaf.shape, leaf.dtype, getattr(leaf, "weak_type", False)) for leaf in leaves])
        key = structure, tuple(told), places, forms, jax.config.jax_enable_x64  # type: ignore[attr-defined]

        def run(traced: Any) -> Any:
            return self._function(*eqx.combine(traced, fixed))

        return self._programs.find(key, lambda: jax.jit(run).lower(arrays).compile())(arrays)
