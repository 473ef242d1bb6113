"""A learned policy, to be played like a reference."""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray, PyTree

from edgewise.policies.protocol import initial_memory, step


class LearnedPolicy(eqx.Module):
    """A learned module, to be played like a `Policy`.

    Attributes:
        module: a `DeployablePolicy` or a `RecurrentPolicy`; a `JointPolicy` in a game.
        stochastic: sample instead of acting deterministically.
    """

    module: Any
    stochastic: bool = eqx.field(static=True, default=False)

    def initial_memory(self) -> Any:
        """Memory at the start of an episode; an empty tuple for a module without one."""
        return initial_memory(self.module)

    def step(self, key: PRNGKeyArray, observation: Any, memory: Any) -> tuple[PyTree[Array], Any]:
        """An action, and the memory to go on with."""
        return step(self.module, observation, memory, key if self.stochastic else None)
