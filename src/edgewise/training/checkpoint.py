"""Checkpoints of a run: complete, atomic, restored bit for bit."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from edgewise.common.errors import EdgewiseError

Tree = TypeVar("Tree")
KEPT = 2
"""If the newest checkpoint is damaged, the one before it can be gone back to by hand."""


class CheckpointError(EdgewiseError):
    """A checkpoint cannot be written or read."""


class Checkpoints:
    """The checkpoints of one folder, the latest `KEPT` of them, numbered by chunk.

    Args:
        folder: made if need be; what a killed writer left half-written is removed.

    Raises:
        CheckpointError: if it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT, enable_async_checkpointing=False, cleanup_tmp_directories=True
        )
        self._folder = folder
        with self._told("opened"):
            self._manager = ocp.CheckpointManager(folder.resolve(), options=options)

    def latest(self) -> int | None:
        """Number of the newest complete checkpoint."""
        latest: int | None = self._manager.latest_step()
        return latest

    def save(self, number: int, tree: Any) -> None:
        """Write a PyTree of arrays; the checkpoint exists only once it is complete.

        Raises:
            CheckpointError: if it cannot be written.
        """
        with self._told("written", number):
            self._manager.save(number, args=ocp.args.StandardSave(_to_arrays(tree)))

    def restore(self, number: int, like: Tree) -> Tree:
        """Read a checkpoint into the structure, shapes and types of `like`.

        Raises:
            CheckpointError: if it is damaged or of another structure.
        """
        arrays = _to_arrays(like)
        abstract = {name: jax.ShapeDtypeStruct(a.shape, a.dtype) for name, a in arrays.items()}
        with self._told("restored", number):
            restored = self._manager.restore(number, args=ocp.args.StandardRestore(abstract))
        leaves, structure = jax.tree.flatten(like)
        filled = [
            _from_array(restored[_name(place)], leaf) if _name(place) in arrays else leaf
            for place, leaf in enumerate(leaves)
        ]
        return jax.tree.unflatten(structure, filled)

    def close(self) -> None:
        """Finish what is being written, and close the folder."""
        self._manager.close()

    @contextmanager
    def _told(self, what: str, number: int | None = None) -> Iterator[None]:
        """Errors of Orbax and TensorStore, which are pages long, in one line."""
        try:
            with _quiet():
                yield
        except Exception as error:
            path = self._folder if number is None else self._folder / str(number)
            name = "checkpoints" if number is None else "checkpoint"
            raise CheckpointError(f"{path}: the {name} cannot be {what}: {cause(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave it to the error to tell what failed.

    Orbax logs it as well; and TensorStore prints, then and later, that nobody waits for its other results any more.
    """
    logger = logging.getLogger("absl")
    level, hook = logger.level, sys.unraisablehook

    def ignore_closed_loops(raised: sys.UnraisableHookArgs) -> None:
        if str(raised.exc_value) != "Event loop is closed":
            hook(raised)

    logger.setLevel(logging.CRITICAL)
    sys.unraisablehook = ignore_closed_loops
    try:
        yield
        sys.unraisablehook = hook
    finally:
        logger.setLevel(level)


def cause(error: BaseException) -> str:
    """Why an operation on files failed: the words of the operating system if the error, or what led to it, has them."""
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
        number = re.search(r"OS error (\d+)|os_error_code='(\d+)'", str(each))
        if number:
            return os.strerror(int(number.group(1) or number.group(2)))
        each = each.__cause__ or each.__context__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def newest(folder: Path) -> int | None:
    """Number of the newest complete checkpoint in a folder, which need not exist; without opening it for writing."""
    numbers = [int(path.name) for path in folder.glob("[0-9]*") if path.name.isdigit()]
    return max(numbers, default=None)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _name(place: int) -> str:
    return f"{place:04d}"


def _to_arrays(tree: Any) -> dict[str, Any]:
    """The leaves by their place; those without elements, which Orbax refuses, hold nothing to be restored."""
    leaves = (jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(tree))
    return {_name(place): np.asarray(leaf) for place, leaf in enumerate(leaves) if np.size(leaf)}


def _from_array(array: Any, like: Any) -> Any:
    array = jnp.asarray(array)
    return jax.random.wrap_key_data(array) if _is_key(like) else array
