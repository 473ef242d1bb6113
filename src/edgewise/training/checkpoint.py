"""Checkpoints of a run: complete, atomic, restored bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from edgewise.common.errors import EdgewiseError

Tree = TypeVar("Tree")
KEPT = 2


class CheckpointError(EdgewiseError):
    """A checkpoint cannot be read."""


class Checkpoints:
    """The checkpoints of one folder, the latest `KEPT` of them, numbered by chunk."""

    def __init__(self, folder: Path) -> None:
        """Args: `folder`, made if need be; what a killed writer left half-written is removed."""
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT, enable_async_checkpointing=False, cleanup_tmp_directories=True
        )
        self._folder = folder
        self._manager = ocp.CheckpointManager(folder.resolve(), options=options)

    def latest(self) -> int | None:
        """Number of the newest complete checkpoint."""
        latest: int | None = self._manager.latest_step()
        return latest

    def save(self, number: int, tree: Any) -> None:
        """Write a PyTree of arrays; the checkpoint exists only once it is complete."""
        self._manager.save(number, args=ocp.args.StandardSave(_to_arrays(tree)))

    def restore(self, number: int, like: Tree) -> Tree:
        """Read a checkpoint into the structure, shapes and types of `like`.

        Raises:
            CheckpointError: if it is damaged or of another structure.
        """
        arrays = _to_arrays(like)
        abstract = {name: jax.ShapeDtypeStruct(a.shape, a.dtype) for name, a in arrays.items()}
        try:
            restored = self._manager.restore(number, args=ocp.args.StandardRestore(abstract))
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(f"{self._folder / str(number)}: cannot be restored: {reason}") from error
        leaves, structure = jax.tree.flatten(like)
        filled = [_from_array(restored[name], leaf) for name, leaf in zip(arrays, leaves, strict=True)]
        return jax.tree.unflatten(structure, filled)

    def close(self) -> None:
        """Finish."""
        self._manager.close()


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_arrays(tree: Any) -> dict[str, Any]:
    leaves = (jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(tree))
    return {f"{index:04d}": np.asarray(leaf) for index, leaf in enumerate(leaves)}


def _from_array(array: Any, like: Any) -> Any:
    array = jnp.asarray(array)
    return jax.random.wrap_key_data(array) if _is_key(like) else array
