"""A policy on two sets and their pairs that takes any numbers of both: the cheapest machine for every job."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.bipartite import PAIRS
from edgewise.environments.spaces import MASK
from edgewise.numerics.masks import FORBIDDEN_LOGIT


class CheapestMachine(eqx.Module):
    """Logits of a pair are minus `weight` times its price; a machine is on where it is faulty."""

    weight: Float[Array, ""]
    any_size: ClassVar[bool] = True

    @property
    def architecture(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> CheapestMachine:
        return CheapestMachine(jnp.zeros(()))

    def __call__(self, observation: dict[str, Any], key: PRNGKeyArray | None) -> dict[str, Array]:
        logits = -self.weight * observation[PAIRS]["price"]
        logits = jnp.where(observation["machines"][MASK][..., None, :], logits, FORBIDDEN_LOGIT)
        machine = jnp.argmax(logits, -1) if key is None else jax.random.categorical(key, logits)
        return {"machine": machine, "on": observation["machines"]["faulty"]}
