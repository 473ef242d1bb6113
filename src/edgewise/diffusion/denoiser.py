"""The network that predicts the noise in a noisy action (epsilon_theta)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.networks.mlp import MLP, dense, mish

LONGEST_PERIOD = 10_000.0
"""Of the embedding's sinusoids, in steps over 2 pi: the constant of Vaswani et al. (2017)."""


def time_embedding(step: Int[Array, "*batch"], size: int) -> Float[Array, "*batch e"]:
    """Sinusoidal embedding of the step number (D2SAC paper, Table 1).

    Args:
        step: k.
        size: number of components, even; the first half are sines.
    """
    half = size // 2
    frequency = jnp.exp(-jnp.log(LONGEST_PERIOD) * jnp.arange(half) / max(half - 1, 1))
    angle = step[..., None] * frequency
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


class Denoiser(eqx.Module):
    """epsilon_theta(x_k, k, o): Mish network over the noisy action, the step's embedding and the observation.

    The first layer is kept in three parts, so that the observation's part is computed once for a whole chain.

    Attributes:
        observation: first layer's part for the observation (it carries the bias).
        action: first layer's part for the noisy action.
        time: network on the step embedding; its output is added to the first layer.
        body: the layers after the first.
        embedding: size of the step embedding.
    """

    observation: eqx.nn.Linear
    action: eqx.nn.Linear
    time: MLP
    body: MLP
    embedding: int = eqx.field(static=True)

    def __init__(
        self, observation_size: int, action_size: int, hidden: Sequence[int], embedding: int, key: PRNGKeyArray
    ) -> None:
        """Args: sizes of observation and action, widths of the hidden layers, size of the step embedding, key."""
        first, body = jax.random.split(key)
        joint = eqx.nn.Linear(observation_size + action_size, hidden[0], key=first)
        time_key, body_key = jax.random.split(body)

        def part(size: int, weight: Array, bias: Array | None) -> eqx.nn.Linear:
            layer = eqx.nn.Linear(size, hidden[0], use_bias=bias is not None, key=first)
            layer = eqx.tree_at(lambda module: module.weight, layer, weight)
            return layer if bias is None else eqx.tree_at(lambda module: module.bias, layer, bias)

        self.observation = part(observation_size, joint.weight[:, :observation_size], joint.bias)
        self.action = part(action_size, joint.weight[:, observation_size:], None)
        self.time = MLP((embedding, 2 * embedding, hidden[0]), time_key)
        self.body = MLP((*hidden, action_size), body_key)
        self.embedding = embedding

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.observation.weight.shape[1]

    @property
    def action_size(self) -> int:
        """Components of an action."""
        return self.action.weight.shape[1]

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {
            "observation_size": self.observation_size,
            "action_size": self.action_size,
            "hidden": [layer.weight.shape[1] for layer in self.body.layers],
            "time_embedding": self.embedding,
        }

    @staticmethod
    def blank(architecture: dict[str, Any]) -> Denoiser:
        """A network of the given architecture with arbitrary weights."""
        a = architecture
        return Denoiser(a["observation_size"], a["action_size"], a["hidden"], a["time_embedding"], jax.random.key(0))

    def condition(self, observation: Float[Array, "*batch o"]) -> Float[Array, "*batch h"]:
        """The observation's share of the first layer, for `denoise`."""
        return dense(self.observation, observation)

    def denoise(
        self, noisy: Float[Array, "*batch a"], step: Int[Array, "*steps"], condition: Float[Array, "*batch h"]
    ) -> Float[Array, "*batch a"]:
        """Predict the noise in `noisy` at `step`, given the output of `condition`."""
        time = self.time(time_embedding(step, self.embedding))
        return self.body(mish(dense(self.action, noisy) + condition + time))

    def __call__(
        self, noisy: Float[Array, "*batch a"], step: Int[Array, "*steps"], observation: Float[Array, "*batch o"]
    ) -> Float[Array, "*batch a"]:
        """Predict the noise in `noisy` at `step`."""
        return self.denoise(noisy, step, self.condition(observation))
