"""Arrays and plain values in one piece of bytes: safetensors with a JSON text inside, nothing that could be code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from edgewise.common.errors import EdgewiseError

FACTS = "facts"
"""Name of the array that holds the JSON text; arrays of the content have names that begin with `ARRAY`."""
ARRAY = "array/"


def pack(arrays: Mapping[str, Any], facts: Any) -> bytes:
    """Put arrays and plain values together.

    Args:
        arrays: by name.
        facts: what JSON can hold.
    """
    text = np.frombuffer(json.dumps(facts, separators=(",", ":")).encode(), np.uint8)
    named = {ARRAY + name: np.asarray(array, order="C") for name, array in arrays.items()}
    return safetensors.numpy.save({FACTS: text, **named})


def unpack(content: bytes) -> tuple[dict[str, np.ndarray], Any]:
    """The arrays and the plain values that `pack` has put together.

    Raises:
        EdgewiseError: if the content is damaged.
    """
    try:
        tensors = safetensors.numpy.load(content)
        facts = json.loads(tensors.pop(FACTS).tobytes())
    except (SafetensorError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise EdgewiseError(f"stored content cannot be read: {error}") from None
    return {name.removeprefix(ARRAY): array for name, array in tensors.items()}, facts


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """The arrays of nested dictionaries by their path; an array alone has the path ""."""
    if not isinstance(tree, Mapping):
        return {path: tree}
    below = f"{path}/" if path else ""
    return {name: leaf for key, part in tree.items() for name, leaf in flat(part, f"{below}{key}").items()}


def nested(arrays: Mapping[str, Any]) -> Any:
    """The inverse of `flat`."""
    if "" in arrays:
        return arrays[""]
    tree: dict[str, Any] = {}
    for path, array in arrays.items():
        *folders, name = path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = array
    return tree
