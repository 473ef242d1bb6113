"""Arrays and plain values in one piece of bytes: safetensors with a JSON text inside, nothing that could be code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from edgewise.common.errors import EdgewiseError

FACTS = "facts"
"""Name of the array that holds the JSON text; arrays of the content have names that begin with `ARRAY`."""
ARRAY = "array/"


HEADERS, MULTIPLE = 256, 64
"""Headers that are kept, and what the length of a longer text is filled up to with blanks: contents alike share a header."""
Form = tuple[str, str, tuple[int, ...]]
"""Name, type and shape of an array."""


def plain_text(facts: Any) -> str:
    """Plain values in JSON, as `pack` has them."""
    return json.dumps(facts, separators=(",", ":"))


def pack(arrays: Mapping[str, Any], facts: Any) -> bytes:
    """Put arrays and plain values together.

    Args:
        arrays: by name.
        facts: what JSON can hold.
    """
    return pack_text(arrays, plain_text(facts))


def pack_text(arrays: Mapping[str, Any], facts: str) -> bytes:
    """The same of what `plain_text` gives."""
    text = facts.encode()
    if len(text) > MULTIPLE:
        text = text.ljust(-(-len(text) // MULTIPLE) * MULTIPLE)
    named = {FACTS: np.frombuffer(text, np.uint8)}
    for name, array in arrays.items():
        named[ARRAY + name] = np.asarray(array)
    header, order = _header(tuple((name, array.dtype.str, array.shape) for name, array in named.items()))
    return b"".join([header, *(named[name].tobytes() for name in order)])


@lru_cache(maxsize=HEADERS)
def _header(forms: tuple[Form, ...]) -> tuple[bytes, tuple[str, ...]]:
    """What safetensors writes before the numbers of such arrays, and the order of these: the same for all of their forms."""
    assert not any(kind.startswith(">") for _, kind, _ in forms), "numbers are stored with the least byte first"
    content = safetensors.numpy.save({name: np.zeros(shape, kind) for name, kind, shape in forms})
    size = 8 + int.from_bytes(content[:8], "little")
    places = {name: told["data_offsets"] for name, told in json.loads(content[8:size]).items()}
    return content[:size], tuple(sorted(places, key=places.__getitem__))


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


def flat(tree: Any) -> dict[str, Any]:
    """The arrays of nested dictionaries by their path; an array alone has the path ""."""
    return dict(_leaves(tree, ""))


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, dict) and not isinstance(tree, Mapping):  # the first is quick
        yield path, tree
        return
    below = f"{path}/" if path else ""
    for key, part in tree.items():
        if isinstance(part, np.ndarray):
            yield f"{below}{key}", part
        else:
            yield from _leaves(part, f"{below}{key}")


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
