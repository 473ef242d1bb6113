"""A policy that learned from scaled observations, made to take raw ones."""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray, PyTree

from edgewise.numerics.scaling import AnyScaling
from edgewise.policies.protocol import initial_memory, step


class ScaledPolicy(eqx.Module):
    """Scales an observation, then asks the policy inside.

    Attributes:
        policy: of any other kind, with or without a memory.
        inputs: the inputs of the observation.
    """

    policy: Any
    inputs: AnyScaling = eqx.field(static=True)

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        size: int = self.policy.observation_size
        return size

    def initial_memory(self, batch: tuple[int, ...]) -> Any:
        """Memory at the start of an episode, empty if the policy inside has none."""
        return initial_memory(self.policy, batch)

    def step(self, observation: PyTree[Array], memory: Any, key: PRNGKeyArray | None) -> tuple[PyTree[Array], Any]:
        """An action for each observation, the deterministic one without a key; and the memory to go on with."""
        return step(self.policy, self.inputs(observation), memory, key)

    def __call__(self, observation: PyTree[Array], key: PRNGKeyArray | None) -> PyTree[Array]:
        """An action for each observation, if the policy inside has no memory."""
        action: PyTree[Array] = self.policy(self.inputs(observation), key)
        return action


def with_inputs(policy: Any, inputs: AnyScaling | None) -> Any:
    """The policy, made to take raw observations; itself if its observations are not scaled."""
    return policy if inputs is None else ScaledPolicy(policy, inputs)
