"""Agent migration as a game of its vehicles and its units, each of which sees and decides by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.bipartite import Bipartite
from edgewise.environments.game import Game, GameStep, Observations
from edgewise.environments.spaces import MASK, Box, Dict, Discrete, Entities, Flags, Space, padding
from edgewise.numerics.masks import ACTION_MASK
from edgewise.systems.agent_migration import build, features, views
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig, Rewards
from edgewise.systems.agent_migration.entities import DEFENCE, LINKS, ROWS, TARGET, EntityMigration, EntityState
from edgewise.systems.agent_migration.memory import see

NUMBERS, SELF = "numbers", "self"


class GameState(eqx.Module):
    """State of the system, and who is there.

    Attributes:
        entities: the system, and what everyone remembers.
        visitor: of each place, how many vehicles were there before the one that is there now.
    """

    entities: EntityState
    visitor: Int[Array, " v"]


class AgentMigrationGame(Game[GameState]):
    """Vehicles choose the units to which their agents are pre-migrated, units whether they run a moving target defence.

    Vehicle n of a place i is called "vehicle_{n V + i}": the first V vehicles are there at the start, and on a recording others
    take their places over. Units are "unit_0" to "unit_{S - 1}". All move at once.

    An observation is the own view of its agent (see `views`), the numbers of each entity in an array, in the order of their names
    in `features`; beside it "self" marks the agent among the vehicles or the units, and a vehicle's "action_mask" the units in
    its reach. A vehicle that chooses another one stays where it is served.

    Attributes:
        environment: the system, of own views.
        rewards: "team", the reward of the system for everyone; or "own", of a vehicle what it costs the system in a slot
            (`credit.vehicle_costs`) over the length of the slot, and of a unit the sum of those of the vehicles that it serves
            or will serve.
        visitors: most vehicles that follow each other at one place in an episode.
    """

    environment: EntityMigration
    rewards: Rewards = eqx.field(static=True)
    visitors: int = eqx.field(static=True)

    @classmethod
    def build(cls, config: AgentMigrationConfig) -> AgentMigrationGame:
        """The game of a configuration; on a recording, of the part that is meant for training.

        Raises:
            ConfigurationError: if it names many systems, or does not fit the recording.
            EdgewiseError: if the recording is missing or damaged, or too short for the episodes.
        """
        if config.instances is not None:
            raise ConfigurationError("instances", config.instances, "None: a game is of one system")
        system = build.environment(config, "training")
        return cls(EntityMigration(system, view="own"), config.rewards, system.mobility.most_visitors)

    @property
    def vehicles(self) -> tuple[tuple[str, ...], ...]:
        """Ids of the vehicles, one after another, of each place."""
        v = self.environment.vehicles
        return tuple(tuple(f"vehicle_{n * v + i}" for n in range(self.visitors)) for i in range(v))

    @property
    def units(self) -> tuple[str, ...]:
        """Ids of the units."""
        return tuple(f"unit_{s}" for s in range(self.environment.rsus))

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        in_order = (self.vehicles[i][n] for n in range(self.visitors) for i in range(self.environment.vehicles))
        return ((*in_order, *self.units),)

    @property
    def observation_spaces(self) -> dict[str, Space]:
        """See the class."""
        v, s = self.environment.vehicles, self.environment.rsus
        sets = _packed_space(features.space(v, s))
        vehicle: Space = Dict({**sets, SELF: Flags((v,)), ACTION_MASK: Flags((s,))})
        unit: Space = Dict({**sets, SELF: Flags((s,))})
        return {each: vehicle for place in self.vehicles for each in place} | dict.fromkeys(self.units, unit)

    @property
    def action_spaces(self) -> dict[str, Space]:
        """A unit; and 1 for a defence."""
        targets: Space = Discrete(self.environment.rsus)
        defences: Space = Discrete(2)
        return {each: targets for place in self.vehicles for each in place} | dict.fromkeys(self.units, defences)

    @property
    def privileged_space(self) -> Bipartite:
        """That of the central observation."""
        return features.space(self.environment.vehicles, self.environment.rsus)

    @property
    def horizon(self) -> int:
        return self.environment.horizon

    def reset(self, key: PRNGKeyArray) -> tuple[GameState, Observations]:
        entities, _ = self.environment.reset(key)
        state = GameState(entities, jnp.zeros(self.environment.vehicles, int))
        return state, self.observe(state)

    def move(
        self, key: PRNGKeyArray, state: GameState, stage: int, actions: Mapping[str, Any]
    ) -> tuple[GameState, GameStep]:
        chosen = jnp.stack([jnp.stack([actions[each] for each in place]) for place in self.vehicles])
        wish = jnp.take_along_axis(chosen, state.visitor[:, None], axis=1)[:, 0]
        reached = jnp.take_along_axis(self._reach(state), wish[:, None], axis=1)[:, 0]
        target = jnp.where(reached, wish, state.entities.system.serving)
        defence = jnp.stack([actions[each] for each in self.units]) > 0
        entities, timestep = self.environment.step(key, state.entities, {TARGET: target, DEFENCE: defence})
        entered = self.environment.system.mobility.entered(entities.system.mobility)
        after = GameState(entities, jnp.minimum(state.visitor + entered, self.visitors - 1))
        return after, GameStep(
            observations=self.observe(after),
            rewards=self._rewards(state, timestep.reward, timestep.credit),
            terminated=timestep.terminated,
            truncated=timestep.truncated,
            info=timestep.info,
        )

    def observe(self, state: GameState) -> Observations:
        """What each agent sees; padding alone for a vehicle that is not there."""
        v, s = self.environment.vehicles, self.environment.rsus
        everyone = _packed(self.environment.observe(state.entities))
        spaces, reach, there = self.observation_spaces, self._reach(state), self._there(state)
        seen: Observations = {}
        for i, place in enumerate(self.vehicles):
            own = {**_at(everyone, i), SELF: jnp.arange(v) == i, ACTION_MASK: reach[i]}
            for n, each in enumerate(place):
                blank = padding(spaces[each])
                seen[each] = jax.tree.map(lambda a, b, on=there[i, n]: jnp.where(on, a, b), own, blank)
        for j, unit in enumerate(self.units):
            seen[unit] = {**_at(everyone, v + j), SELF: jnp.arange(s) == j}
        return seen

    def privileged(self, state: GameState) -> Any:
        """The central observation, as an operator sees the whole."""
        return replace(self.environment, view="central").observe(replace(state.entities, opinions=()))

    def present(self, state: GameState) -> dict[str, Bool[Array, ""]]:
        there = self._there(state)
        return {each: there[i, n] for i, place in enumerate(self.vehicles) for n, each in enumerate(place)}

    def _there(self, state: GameState) -> Bool[Array, "v n"]:
        return state.visitor[:, None] == jnp.arange(self.visitors)

    def _reach(self, state: GameState) -> Bool[Array, "v s"]:
        system = self.environment.system
        return views.in_reach(system.parameters, see(system, state.entities.system))

    def _rewards(
        self, state: GameState, team: Float[Array, ""], credit: Mapping[str, Array]
    ) -> dict[str, Float[Array, ""]]:
        if self.rewards == "team":
            vehicles = jnp.broadcast_to(team, state.visitor.shape)
            units = jnp.broadcast_to(team, (self.environment.rsus,))
        else:
            p = self.environment.system.parameters
            vehicles = credit[ROWS] * p.tolerance.mean() / p.slot_seconds
            units = vehicles @ credit[LINKS].astype(float)
        given = jnp.where(self._there(state), vehicles[:, None], 0.0)
        return {each: given[i, n] for i, place in enumerate(self.vehicles) for n, each in enumerate(place)} | {
            each: units[j] for j, each in enumerate(self.units)
        }


def _packed_space(space: Bipartite) -> dict[str, Space]:
    """The sets of a space with the numbers of an entity in one array, by the order of their names."""
    return {name: _packed_entities(part) for name, part in space.fields.items() if isinstance(part, Entities)}


def _packed_entities(entities: Entities) -> Entities:
    bounds = [_bounds(entities.fields[name]) for name in sorted(entities.fields)]
    low, high = (np.stack(ends, axis=-1).astype(np.float32) for ends in zip(*bounds, strict=True))
    return Entities({NUMBERS: Box(low, high)}, entities.most)


def _bounds(space: Space) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(space, Box):
        return space.low, space.high
    assert isinstance(space, Flags)
    return np.zeros(space.shape), np.ones(space.shape)


def _packed(views_: Mapping[str, Mapping[str, Array]]) -> dict[str, dict[str, Array]]:
    """Observations of named numbers in arrays, as `_packed_space` has them."""
    return {
        name: {
            MASK: numbers[MASK],
            NUMBERS: jnp.stack([numbers[each].astype(float) for each in sorted(numbers) if each != MASK], axis=-1),
        }
        for name, numbers in views_.items()
    }


def _at(everyone: Any, place: int) -> Any:
    return jax.tree.map(lambda each: each[place], everyone)
