"""Arrays from memory to where programs run."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Array


def put(values: Any, kind: Any = None) -> Array:
    """What `jnp.asarray` gives outside of compiled code, where that compiles a program for every shape, which stays.

    Args:
        values: arrays of NumPy or numbers in lists.
        kind: type of NumPy. If None, that of the values.
    """
    array = np.asarray(values, kind)
    return jax.device_put(array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False))
