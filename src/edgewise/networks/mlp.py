"""Building blocks of the networks. Every function takes any leading batch shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

Network = TypeVar("Network")
SMALLEST_VARIANCE = 1e-5
"""Added to a variance before its root is taken."""
MISH_LINEAR_FROM = 20.0
"""From here on mish(x) is x in single precision; a larger exponent would overflow when it is squared."""


def mish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The activation x tanh(softplus(x)) (Misra, 2020).

    It is written with one exponential: tanh(softplus(x)) = n / (n + 2), n = e^x (e^x + 2).
    """
    exponential = jnp.exp(jnp.minimum(x, MISH_LINEAR_FROM))
    n = exponential * (exponential + 2)
    return x * (n / (n + 2))


def normalise(x: Float[Array, "*b w"]) -> Float[Array, "*b w"]:
    """Shifted and scaled to mean 0 and deviation 1 over the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + SMALLEST_VARIANCE)


def dense(layer: eqx.nn.Linear, x: Float[Array, "*batch i"]) -> Float[Array, "*batch o"]:
    """Apply a linear layer on the last axis."""
    y = x @ layer.weight.T
    return y if layer.bias is None else y + layer.bias


class MLP(eqx.Module):
    """Linear layers with Mish between them.

    Attributes:
        layers: from input to output.
        layer_norm: normalise every hidden layer before Mish (Ba et al., 2016; without gain and bias of its own).
    """

    layers: tuple[eqx.nn.Linear, ...]
    layer_norm: bool = eqx.field(static=True)

    def __init__(self, sizes: Sequence[int], key: PRNGKeyArray, layer_norm: bool = False) -> None:
        """Args: `sizes` of the layers from input to output, a key for the initial weights, and whether to normalise."""
        self.layer_norm = layer_norm
        keys = jax.random.split(key, len(sizes) - 1)
        self.layers = tuple(eqx.nn.Linear(a, b, key=k) for a, b, k in zip(sizes, sizes[1:], keys, strict=False))

    def __call__(self, x: Float[Array, "*batch i"]) -> Float[Array, "*batch o"]:
        for layer in self.layers[:-1]:
            x = dense(layer, x)
            x = mish(normalise(x) if self.layer_norm else x)
        return dense(self.layers[-1], x)


def orthogonal(network: MLP, output_gain: float, key: PRNGKeyArray) -> MLP:
    """The same layers with orthogonal weights and no biases (Saxe et al., 2014).

    Args:
        network: whose sizes are kept.
        output_gain: singular values of the last layer; those of the others are sqrt(2).
        key: for the weights.
    """
    gains = [2**0.5] * (len(network.layers) - 1) + [output_gain]
    keys = jax.random.split(key, len(gains))

    def redraw(layer: eqx.nn.Linear, gain: float, key: PRNGKeyArray) -> eqx.nn.Linear:
        rows, columns = layer.weight.shape
        parts = gain * orthonormal(rows, columns, key), jnp.zeros(rows)
        redrawn: eqx.nn.Linear = eqx.tree_at(lambda each: (each.weight, each.bias), layer, parts)
        return redrawn

    layers = tuple(redraw(*each) for each in zip(network.layers, gains, keys, strict=True))
    return eqx.tree_at(lambda mlp: mlp.layers, network, layers)


def orthonormal(rows: int, columns: int, key: PRNGKeyArray) -> Float[Array, "{rows} {columns}"]:
    """A uniformly drawn matrix whose rows, or columns if they are fewer, are orthonormal.

    Gram and Schmidt's method on normal vectors, twice for each, which is what `jax.nn.initializers.orthogonal` gives up to
    rounding. That calls LAPACK, whose batched calls share the threads of the program that waits for them: on two cores a
    program with two of them at a time can wait for ever.
    """
    drawn = jax.random.normal(key, (max(rows, columns), min(rows, columns)))

    def extend(place: Array, basis: Array) -> Array:
        vector = drawn[:, place]
        for _ in range(2):
            vector = vector - basis @ (basis.T @ vector)
        return basis.at[:, place].set(vector / jnp.linalg.norm(vector))

    basis = jax.lax.fori_loop(0, drawn.shape[1], extend, jnp.zeros_like(drawn))
    return basis if rows >= columns else basis.T


def soft_update(target: Network, source: Network, rate: float) -> Network:
    """Move every parameter of `target` by `rate` towards `source`: equation (40) of the CGDM paper."""
    moved: Network = jax.tree.map(lambda t, s: t + rate * (s - t), target, source)
    return moved
