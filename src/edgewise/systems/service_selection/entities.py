"""Service selection as a policy for any providers sees it: entities, and what was learned of them while serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.bipartite import PAIRS, Bipartite
from edgewise.environments.entity_view import EntityView
from edgewise.environments.environment import Late, TimeStep
from edgewise.environments.spaces import Box, Choices, Dict, Space
from edgewise.systems.service_selection import tokens
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.experience import Experience, begin, learn
from edgewise.systems.service_selection.sampling import running_time
from edgewise.systems.service_selection.tokens import choose

PROVIDER = "provider"
CRASH = -1.0
"""What a crash counts in the credit of a decision, so that those rare and large numbers do not rule what is learned."""


class EntityState(eqx.Module):
    """State of the system, and what its operator has learned.

    Attributes:
        system: the system.
        experience: what has been learned of it.
        rival: the same of an operator who serves the same tasks by the rule "bid-price", where there is one.
    """

    system: ServiceSelectionState
    experience: Experience
    rival: EntityState | tuple[()] = ()


class EntitySelection(EntityView[EntityState]):
    """The same system with another view: same episodes, same rewards.

    An action is a dictionary with one field, "provider": who serves the one task that waits, [1].

    Attributes:
        system: whose decisions they are.
        rivalled: whether another operator serves the same tasks by the rule "bid-price", at the same providers but by himself.
            What he earns is a baseline that knows the arrivals (Mao et al., 2019), so that the credit of a decision is hardly
            moved by chance. For training.
    """

    system: ServiceSelection
    rivalled: bool = eqx.field(static=True, default=False)

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
        seen: dict[str, Space] = {PAIRS: Dict({"utility": Box.of(-1.0, 2.0, "utility", (1, self.providers))})}
        if self.rivalled:
            share = Box.of(0.0, 1.0, "1", (self.providers,))
            seen[tokens.PROVIDERS] = Dict({"rival_backlog": share, "rival_full": share})
        return Dict(seen)

    def reset(self, key: PRNGKeyArray) -> tuple[EntityState, Any]:
        system, _ = self.system.reset(key)
        state = EntityState(system, learn(self.system, begin(self.system), system))
        state = EntityState(system, state.experience, state) if self.rivalled else state
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: EntityState, action: Mapping[str, Array]) -> tuple[EntityState, TimeStep]:
        """Assign the waiting task; see `ServiceSelection.step`.

        The one row of the credit is the reward less what the rival earns by the same task, or without a rival the highest utility
        of the task at any provider, room or not: what chance brings and no decision changes is no one's merit. A crash counts
        as `CRASH`: it happens only where no provider has room, which this decision could not help. Utilities that are paid late
        come on top when they are paid.
        """
        usual, rival = self.system.rewards(state.system).max(), state.rival
        if isinstance(rival, EntityState):
            usual, rival = self._compete(key, rival)
        system, timestep = self.system.step(key, state.system, action[PROVIDER][0])
        next_state = EntityState(system, learn(self.system, state.experience, system), rival)
        merit = _counted(timestep.reward) - _counted(usual)
        if isinstance(timestep.late, Late):
            merit = _counted(timestep.late.own) - _counted(usual) + timestep.late.reward.sum()
        credit = {
            "rows": merit[None],
            "links": jnp.zeros((1, self.providers), bool),
        }
        return next_state, replace(timestep, observation=self.observe(next_state), credit=credit)

    def _compete(self, key: PRNGKeyArray, rival: EntityState) -> tuple[Float[Array, ""], EntityState]:
        """What the rival earns by the task, and his state after it."""
        merit = tokens.offers(self.system, rival.system, rival.experience).optimistic
        system, timestep = self.system.step(key, rival.system, choose(self.system, rival.system, merit))
        earned = timestep.reward
        if isinstance(timestep.late, Late):
            accepted = timestep.info["utility"] - self.system.quality_baseline
            earned = jnp.where(timestep.info["crashes"] > 0, timestep.info["crash_reward"], accepted)
            earned = jnp.where(self.system.counts(rival.system), earned, 0.0)
        return earned, EntityState(system, learn(self.system, rival.experience, system))

    def observe(self, state: EntityState) -> dict[str, dict[str, Array]]:
        """What the policy sees, an element of `observation_space`."""
        return tokens.observe(self.system, state.system, state.experience)

    def translated(self, state: ServiceSelectionState, action: Int[Array, ""]) -> dict[str, Array]:
        """The index of a provider as the choice of the one task."""
        return {PROVIDER: jnp.asarray(action)[None]}

    def privileged(self, state: EntityState) -> dict[str, dict[str, Array]]:
        """What only a critic may see, in training: the utility of the task at every provider, and how the rival stands there."""
        seen = {PAIRS: {"utility": self.system.utility(state.system, state.system.task)[None]}}
        if not isinstance(state.rival, EntityState):
            return seen
        system, capacity = state.rival.system, self.system.present(state.rival.system).capacity
        longest = running_time(self.system.prior.sizes[-1])
        backlog = (system.size * system.left).sum(1) / (capacity * longest)
        full = system.size.sum(1) / capacity
        return {
            **seen,
            tokens.PROVIDERS: {"rival_backlog": jnp.clip(backlog, 0, 1), "rival_full": jnp.clip(full, 0, 1)},
        }


def _counted(reward: Float[Array, ""]) -> Float[Array, ""]:
    return jnp.maximum(reward, CRASH)


def viewed(
    system: ServiceSelection, config: ServiceSelectionConfig, rivalled: bool = False
) -> ServiceSelection | EntitySelection:
    """The system in the form that a configuration asks for, with a rival if that form can have one."""
    return EntitySelection(system, rivalled) if config.observation == "entities" else system
