"""A policy that learned to act in [-1, 1], made to act in the units of its environment."""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray, PyTree

from edgewise.numerics.rescaling import Rescaling
from edgewise.policies.protocol import initial_memory, step
from edgewise.policies.registry import KINDS, kind_of


class RescaledPolicy(eqx.Module):
    """Asks the policy inside, then maps its action to the bounds of the environment.

    Attributes:
        policy: of any kind that acts in [-1, 1], with or without a memory.
        outputs: the map.
    """

    policy: Any
    outputs: Rescaling = eqx.field(static=True)

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        size: int = self.policy.observation_size
        return size

    @property
    def architecture(self) -> dict[str, Any]:
        """Kind and architecture of the policy inside, and the bounds, for `blank`."""
        inside = {"kind": kind_of(self.policy), "architecture": self.policy.architecture}
        return inside | {"low": list(self.outputs.low), "high": list(self.outputs.high)}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> RescaledPolicy:
        """A policy of the given architecture; its numbers mean nothing yet.

        Raises:
            ConfigurationError: if the policy inside is of an unknown kind.
        """
        a = architecture
        inside = KINDS.find(a["kind"]).blank(a["architecture"])
        return RescaledPolicy(inside, Rescaling(tuple(a["low"]), tuple(a["high"])))

    def initial_memory(self, batch: tuple[int, ...]) -> Any:
        """Memory at the start of an episode, empty if the policy inside has none."""
        return initial_memory(self.policy, batch)

    def step(self, observation: PyTree[Array], memory: Any, key: PRNGKeyArray | None) -> tuple[PyTree[Array], Any]:
        """An action for each observation, the deterministic one without a key; and the memory to go on with."""
        action, memory = step(self.policy, observation, memory, key)
        return self.outputs(action), memory

    def __call__(self, observation: PyTree[Array], key: PRNGKeyArray | None) -> PyTree[Array]:
        """An action for each observation, if the policy inside has no memory."""
        return self.outputs(self.policy(observation, key))


def with_outputs(policy: Any, outputs: Rescaling | None) -> Any:
    """The policy, made to act in the units of its environment; itself if these are its own."""
    return policy if outputs is None else RescaledPolicy(policy, outputs)
