"""The policy for any providers that comes with service selection, as a reference among the others."""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jaxtyping import Array, Int, PRNGKeyArray

from edgewise.policies.matching import MatchingPolicy
from edgewise.policies.shipped import shipped_reference
from edgewise.systems.service_selection import tokens
from edgewise.systems.service_selection.entities import PROVIDER
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.experience import Experience, begin, learn
from edgewise.systems.service_selection.system import SERVICE_SELECTION


class General(eqx.Module):
    """The policy for any providers, played as a reference that remembers.

    Attributes:
        system: the system it acts in.
        policy: on entities.
    """

    system: ServiceSelection
    policy: MatchingPolicy

    def begin(self, state: ServiceSelectionState) -> Experience:
        """Nothing is known yet."""
        return begin(self.system)

    def step(
        self, key: PRNGKeyArray, state: ServiceSelectionState, observation: object, memory: Experience
    ) -> tuple[Int[Array, ""], Experience]:
        """The provider of the waiting task, and what is known now; only the visible part of the state is read."""
        experience = learn(self.system, memory, state)
        return self.policy(tokens.observe(self.system, state, experience), None)[PROVIDER][0], experience


def reference(environment: Any) -> Any:
    """The policy for any providers that comes with the package, as a reference for an environment of service selection."""
    return shipped_reference(environment, SERVICE_SELECTION.name, "general", General)
