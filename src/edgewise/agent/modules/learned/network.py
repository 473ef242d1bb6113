"""The network that all learned modules of a phone share: which words are due, which items they mean, and what follows.

Words of the instruction are read with their neighbours; several heads of attention tell which of them are due, given how much
is finished and where the phone stands; items are judged by how they match those words, by what they are and by what stands
beside them in a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.agent.modules.learned.encode import (
    ITEM_FACTS,
    ITEM_TABLE,
    MATCHES,
    STATE_FACTS,
    WHOLE,
    WORD_FACTS,
    WORD_TABLE,
)

HEADS = 6
"""Of attention over words."""
REACH = 2
"""Words on each side that a word is read with, in each of two layers."""
NEVER = -1e9
"""Score of what is not there."""
Weights = Mapping[str, Array]
Inputs = Mapping[str, Array]


@dataclass(frozen=True)
class Read:
    """What a network makes of situations.

    Attributes:
        words: [n, l, w], read with their neighbours.
        due: [n, l, heads], how much each head heeds each word.
        state: [n, w], where things stand.
        asked: [n, w], what the words that are due say.
        items: [n, m, w].
        seen: [n, 2 w], of all items: the largest, the mean.
    """

    words: Float[Array, "n l w"]
    due: Float[Array, "n l k"]
    state: Float[Array, "n w"]
    asked: Float[Array, "n w"]
    items: Float[Array, "n m w"]
    seen: Float[Array, "n v"]


def trunk_shapes(width: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the shared weights."""
    square = (width, width)
    return {
        "word_table": (WORD_TABLE, width),
        "item_table": (ITEM_TABLE, width),
        "word_facts": (WORD_FACTS, width),
        "read_1": ((2 * REACH + 1) * width, width),
        "read_2": ((2 * REACH + 1) * width, width),
        "state_facts": (STATE_FACTS, width),
        "state_words": (2 * width, width),
        "state_match": (HEADS, width),
        "state_bias": (width,),
        "state_2": square,
        "due_words": square,
        "due_state": square,
        "due": (width, HEADS),
        "asked": (HEADS * width, width),
        "item_facts": (ITEM_FACTS, width),
        "item_match": (MATCHES * HEADS, width),
        "item_mates": square,
        "item_state": square,
        "item_asked": square,
        "item_gate": square,
        "item_bias": (width,),
        "seen": square,
        "item_2": square,
        "item_2_mates": square,
        "item_2_state": square,
        "item_2_seen": (2 * width, width),
        "item_2_bias": (width,),
    }


def looked_up(table: Float[Array, "t w"], pieces: Array) -> Array:
    """The sum of the rows of a table at places [..., p]; 0 is none."""
    return (table[pieces.astype(jnp.int32)] * (pieces > 0)[..., None]).sum(-2)


def _read(weights: Weights, name: str, words: Array) -> Array:
    """Words read with their neighbours."""
    length = words.shape[1]
    wide = jnp.pad(words, ((0, 0), (REACH, REACH), (0, 0)))
    beside = jnp.concatenate([wide[:, start : start + length] for start in range(2 * REACH + 1)], axis=-1)
    return jax.nn.relu(beside @ weights[name])


def read(weights: Weights, inputs: Inputs) -> Read:
    """Read situations.

    Args:
        weights: of `trunk_shapes`.
        inputs: of `encode.encode`, each with an axis of examples.
    """
    x = {name: array.astype(jnp.float32) for name, array in inputs.items() if array.dtype == jnp.float16}
    spoken, there = inputs["spoken"][..., None], inputs["there"][..., None]
    words = looked_up(weights["word_table"], inputs["word_pieces"]) + x["word_facts"] @ weights["word_facts"]
    words = _read(weights, "read_1", jax.nn.relu(words) * spoken) * spoken
    words = (words + _read(weights, "read_2", words)) * spoken
    count = jnp.maximum(spoken.sum(1), 1)
    text = jnp.concatenate([words.max(1), words.sum(1) / count], axis=-1)
    stands = x["state_facts"] @ weights["state_facts"] + looked_up(weights["item_table"], inputs["state_pieces"])
    state = jax.nn.relu(stands + text @ weights["state_words"] + weights["state_bias"])
    due = _due(weights, words, state, spoken)
    touched = jnp.einsum("nl,nlk->nk", inputs["past_match"].astype(jnp.float32) / WHOLE, due)
    state = jax.nn.relu(state @ weights["state_2"] + touched @ weights["state_match"]) + state
    asked = jnp.einsum("nlk,nlw->nkw", due, words).reshape(len(words), -1) @ weights["asked"]
    items, seen = _items(weights, inputs, x["item_facts"], due, state, asked, there)
    return Read(words, due, state, asked, items, seen)


def _due(weights: Weights, words: Array, state: Array, spoken: Array) -> Float[Array, "n l k"]:
    hidden = jax.nn.relu(words @ weights["due_words"] + (state @ weights["due_state"])[:, None])
    return jax.nn.softmax(jnp.where(spoken, hidden @ weights["due"], NEVER), axis=1)


def _items(
    weights: Weights, inputs: Inputs, facts: Array, due: Array, state: Array, asked: Array, there: Array
) -> tuple[Array, Array]:
    matched = jnp.einsum("nmlc,nlk->nmck", inputs["match"].astype(jnp.float32) / WHOLE, due)
    matched = matched.reshape(*matched.shape[:2], -1) @ weights["item_match"]
    own = looked_up(weights["item_table"], inputs["item_pieces"]) + facts @ weights["item_facts"] + matched
    mates = inputs["mates"].astype(jnp.float32)
    whole = state @ weights["item_state"] + asked @ weights["item_asked"] + weights["item_bias"]
    gate = jnp.tanh(state @ weights["item_gate"])[:, None]
    items = jax.nn.relu(own + own * gate + (mates @ own) @ weights["item_mates"] + whole[:, None]) * there
    share = jnp.maximum(there.sum(1), 1)
    pooled = jax.nn.relu(items @ weights["seen"]) * there
    seen = jnp.concatenate([pooled.max(1), pooled.sum(1) / share], axis=-1)
    second = items @ weights["item_2"] + (mates @ items) @ weights["item_2_mates"]
    whole = state @ weights["item_2_state"] + seen @ weights["item_2_seen"] + weights["item_2_bias"]
    return (jax.nn.relu(second + whole[:, None]) + items) * there, seen


def whole_shapes(width: int, name: str, outputs: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights that `whole` takes."""
    return {f"{name}_1": (4 * width, width), f"{name}_bias": (width,), f"{name}_2": (width, outputs)}


def whole(weights: Weights, name: str, found: Read) -> Float[Array, "n o"]:
    """Scores of what has to do with no item: from where things stand, what is asked and all that is seen."""
    everything = jnp.concatenate([found.state, found.asked, found.seen], axis=-1)
    return jax.nn.relu(everything @ weights[f"{name}_1"] + weights[f"{name}_bias"]) @ weights[f"{name}_2"]


def chosen_shapes(width: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights that `chosen` takes."""
    return {
        "touch": (width, 2),
        "app_match": (HEADS, width),
        "app_state": (width, width),
        "app_asked": (width, width),
        "app_open": (1, width),
        "app_bias": (width,),
        **whole_shapes(width, "whole", outputs),
    }


def chosen(weights: Weights, inputs: Inputs, found: Read) -> Float[Array, "n c"]:
    """Scores of everything that can be done, in the order of `choices`."""
    touched = jnp.where(inputs["there"][..., None], found.items @ weights["touch"], NEVER)
    heeded = jnp.einsum("nal,nlk->nak", inputs["app_match"].astype(jnp.float32) / WHOLE, found.due)
    apps = looked_up(weights["item_table"], inputs["app_pieces"]) + heeded @ weights["app_match"]
    stands = found.state @ weights["app_state"] + found.asked @ weights["app_asked"] + weights["app_bias"]
    apps = apps + inputs["app_open"][..., None] * weights["app_open"][0]
    opened = jnp.where(inputs["app_there"], jnp.einsum("naw,nw->na", apps, stands), NEVER)
    return jnp.concatenate([touched[..., 0], touched[..., 1], whole(weights, "whole", found), opened], axis=-1)
