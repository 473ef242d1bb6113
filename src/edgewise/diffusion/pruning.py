"""Structured pruning of the denoiser's hidden neurons, and the smaller network that does the same.

Equation numbers are those of the EDMSAC paper. A neuron's row holds all weights that lead into it; in the first layer those
from the observation, the noisy action and the step's embedding together. The network on the step's embedding keeps its
own hidden neurons: its output depends on nothing but the step. How many rows stay depends on the rate only, so both
functions can be part of a compiled program.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.diffusion.denoiser import Denoiser


def importance(denoiser: Denoiser) -> tuple[Float[Array, " h"], ...]:
    """Euclidean norm of the row of each neuron, for every hidden layer: (57)."""
    first = [denoiser.observation.weight, denoiser.action.weight, denoiser.time.layers[-1].weight]
    rows = [jnp.concatenate(first, axis=1), *(layer.weight for layer in denoiser.body.layers[:-1])]
    return tuple(jnp.linalg.norm(weight, axis=1) for weight in rows)


def kept_rows(denoiser: Denoiser, rate: float) -> tuple[Int[Array, " n"], ...]:
    """Numbers of the neurons that stay in each hidden layer, rising: the most important ones, at least one.

    Args:
        denoiser: the whole network.
        rate: share of the neurons of a layer that go, rounded down.
    """
    return tuple(jnp.sort(jax.lax.top_k(norms, _count(len(norms), rate))[1]) for norms in importance(denoiser))


def row_masks(denoiser: Denoiser, rate: float) -> tuple[Bool[Array, " h"], ...]:
    """The rows of W in (58) that are one, for each hidden layer."""
    norms = importance(denoiser)
    kept = kept_rows(denoiser, rate)
    return tuple(jnp.zeros(one.shape, bool).at[rows].set(True) for one, rows in zip(norms, kept, strict=True))


def prune(denoiser: Denoiser, rate: float) -> Denoiser:
    """The network of the same size with the other rows, and their biases, at zero: (58). A neuron at zero stays silent."""
    masks = row_masks(denoiser, rate)
    return _change_rows(denoiser, lambda place, leaf: (leaf.T * masks[place]).T)


def compact(denoiser: Denoiser, rate: float) -> Denoiser:
    """The network without the pruned neurons: gives what `prune` gives, with fewer multiplications."""
    kept = kept_rows(denoiser, rate)
    smaller = _change_rows(denoiser, lambda place, leaf: leaf[kept[place]])
    columns = [layer.weight[:, rows] for layer, rows in zip(smaller.body.layers, kept, strict=True)]
    smaller = eqx.tree_at(lambda d: [layer.weight for layer in d.body.layers], smaller, columns)
    blank = Denoiser.blank({**denoiser.architecture, "hidden": [len(rows) for rows in kept]})
    return jax.tree.unflatten(jax.tree.structure(blank), jax.tree.leaves(smaller))


def _count(width: int, rate: float) -> int:
    return max(width - int(rate * width), 1)


def _change_rows(denoiser: Denoiser, change: Callable[[int, Array], Array]) -> Denoiser:
    """Change the arrays whose first axis is that of a hidden layer's neurons; `change(layer, array)`."""

    def hidden(d: Denoiser) -> list[eqx.nn.Linear]:
        return [d.observation, d.action, d.time.layers[-1], *d.body.layers[:-1]]

    places = [0, 0, 0, *range(1, len(denoiser.body.layers))]
    layers = [
        jax.tree.map(lambda leaf, place=place: change(place, leaf), layer)
        for place, layer in zip(places, hidden(denoiser), strict=True)
    ]
    changed: Denoiser = eqx.tree_at(hidden, denoiser, layers)
    return changed
