"""Service selection as a policy for any providers sees it: entities, and what was learned of them while serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.environments import episode
from edgewise.environments.bipartite import PAIRS, Bipartite
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Choices, Dict
from edgewise.systems.service_selection import tokens
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.experience import Experience, begin, learn

PROVIDER = "provider"
LEAST_CREDIT = -1.0
"""Bound on what a crash takes from the credit; utilities are at most 1."""


class EntityState(eqx.Module):
    """State of the system, and what its operator has learned.

    Attributes:
        system: the system.
        experience: what has been learned of it.
    """

    system: ServiceSelectionState
    experience: Experience


class EntitySelection(Environment[EntityState]):
    """The same system with another view: same episodes, same rewards.

    An action is a dictionary with one field, "provider": who serves the one task that waits, [1].

    Attributes:
        system: whose decisions they are.
    """

    system: ServiceSelection

    @property
    def providers(self) -> int:
        """Number of providers I, or of places that providers can take."""
        return len(self.system.providers.capacity)

    @property
    def horizon(self) -> int:
        return self.system.horizon

    @property
    def observation_space(self) -> Bipartite:
        return tokens.space(self.providers)

    @property
    def action_space(self) -> Dict:
        return Dict({PROVIDER: Choices((1,), self.providers)})

    @property
    def privileged_space(self) -> Dict:
        """What `privileged` gives."""
        return Dict({PAIRS: Dict({"utility": Box.of(-1.0, 2.0, "utility", (1, self.providers))})})

    def reset(self, key: PRNGKeyArray) -> tuple[EntityState, Any]:
        system, _ = self.system.reset(key)
        state = EntityState(system, learn(self.system, begin(self.system), system))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: EntityState, action: Mapping[str, Array]) -> tuple[EntityState, TimeStep]:
        """Assign the waiting task; see `ServiceSelection.step`.

        The one row of the credit is the reward less the highest utility of the task at any provider, room or not: what chance
        brings and no decision changes is no one's merit. A crash counts as `LEAST_CREDIT` at most, since it happens only where
        no provider has room, which this decision could not help.
        """
        best = self.system.rewards(state.system).max()
        system, timestep = self.system.step(key, state.system, action[PROVIDER][0])
        next_state = EntityState(system, learn(self.system, state.experience, system))
        credit = {
            "rows": jnp.maximum(timestep.reward - best, LEAST_CREDIT)[None],
            "links": jnp.zeros((1, self.providers), bool),
        }
        return next_state, replace(timestep, observation=self.observe(next_state), credit=credit)

    def observe(self, state: EntityState) -> dict[str, dict[str, Array]]:
        """What the policy sees, an element of `observation_space`."""
        return tokens.observe(self.system, state.system, state.experience)

    def privileged(self, state: EntityState) -> dict[str, dict[str, Array]]:
        """What only a critic may see, in training: the utility of the task at every provider."""
        return {PAIRS: {"utility": self.system.utility(state.system, state.system.task)[None]}}


class EntityReference(eqx.Module):
    """A reference policy of the system with actions of `EntitySelection`.

    Attributes:
        system: the system it acts in.
        policy: with states, observations and actions of the system.
    """

    system: ServiceSelection
    policy: Any

    def begin(self, state: EntityState) -> Any:
        """What the policy remembers at the start of an episode."""
        return episode.begin(self.policy, state.system)

    def step(
        self, key: PRNGKeyArray, state: EntityState, observation: Any, memory: Any
    ) -> tuple[dict[str, Array], Any]:
        """The action, and the memory to go on with."""
        seen = self.system.observe(state.system)
        action, memory = episode.act(self.policy, key, state.system, seen, memory)
        return {PROVIDER: jnp.asarray(action)[None]}, memory


def viewed(system: ServiceSelection, config: ServiceSelectionConfig) -> ServiceSelection | EntitySelection:
    """The system in the form that a configuration asks for."""
    return EntitySelection(system) if config.observation == "entities" else system
