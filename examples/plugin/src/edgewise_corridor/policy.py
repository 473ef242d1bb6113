"""A kind of policy: one value per component of the observation and action."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


class TablePolicy(eqx.Module):
    """Takes the action of largest value."""

    values: Float[Array, "o a"]

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.values.shape[0]

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {"observation_size": self.values.shape[0], "actions": self.values.shape[1]}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> TablePolicy:
        """A table of zeros."""
        return TablePolicy(jnp.zeros((architecture["observation_size"], architecture["actions"])))

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Int[Array, "*batch"]:
        """The action of largest value; a key changes nothing."""
        return jnp.argmax(observation @ self.values, axis=-1)
