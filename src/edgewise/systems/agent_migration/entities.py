"""Agent migration as a policy for any fleet sees it: observations of entities, decisions by vehicle and by unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from edgewise.environments.entity_view import EntityView
from edgewise.environments.environment import TimeStep
from edgewise.environments.spaces import Box, Choices, Dict, Flags, Space
from edgewise.systems.agent_migration import features, views
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig, View
from edgewise.systems.agent_migration.credit import vehicle_costs
from edgewise.systems.agent_migration.decision import Decision, decode
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.hidden import LONGEST, hidden
from edgewise.systems.agent_migration.memory import Memory, begin, remember, see
from edgewise.systems.agent_migration.sampling import draw_step
from edgewise.systems.agent_migration.sides import Sides

TARGET, DEFENCE, SHARE = "target", "defence", "share"
ROWS, LINKS = "rows", "links"


class EntityState(eqx.Module):
    """State of the system, and what its operator remembers.

    Attributes:
        system: the system.
        memory: what is remembered of it.
        opinions: what each vehicle made of its own reputations [V], where everyone sees by himself; else nothing.
    """

    system: AgentMigrationState
    memory: Memory
    opinions: views.Opinion | tuple[()] = ()


class EntityMigration(EntityView[EntityState]):
    """The same system with another view: same episodes, same rewards.

    An action is a dictionary: "target", the unit to which each vehicle's agent is pre-migrated [V], and "defence", the units that
    run a moving target defence [S]. Processor shares follow in closed form from what is known of the work
    (`features.closed_form_shares`), unless the action gives them as "share" [V], which adds up to 1 on every unit in use.

    Attributes:
        system: whose decisions they are.
        candidates: units with which each vehicle has a pair, see `sides.nearest_units`. If None, all.
        view: "central", one observation of everything; or "own", what each vehicle and each unit knows by itself (`views`).
        unseen: groups of fields that are 0 in observations, see `unseen`.
    """

    system: AgentMigration
    candidates: int | None = eqx.field(static=True, default=None)
    view: View = eqx.field(static=True, default="central")
    unseen: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def vehicles(self) -> int:
        """Number of vehicles V."""
        return self.system.vehicles

    @property
    def rsus(self) -> int:
        """Number of road-side units S."""
        return self.system.rsus

    @property
    def horizon(self) -> int:
        return self.system.horizon

    @property
    def observation_space(self) -> Dict:
        """A `Bipartite` space; of own views, one of V + S such observations (`views.space`)."""
        if self.view == "own":
            return views.space(self.vehicles, self.rsus)
        return features.space(self.vehicles, self.rsus, self.candidates)

    @property
    def action_space(self) -> Dict:
        return Dict({TARGET: Choices((self.vehicles,), self.rsus), DEFENCE: Flags((self.rsus,))})

    @property
    def privileged_space(self) -> Dict:
        """What `privileged` gives."""
        v, s = self.vehicles, self.rsus
        width = features.space(v, s, self.candidates).pairs_per_row
        vehicles: dict[str, Space] = {"volume": Box.of(0.0, 2.0, "1", (v,)), "missing": Flags((v,))}
        units: dict[str, Space] = {
            "attacked": Flags((s,)),
            "target": Flags((s,)),
            "reconnaissance": Box.of(0.0, LONGEST, "slot", (s,)),
        }
        pairs: dict[str, Space] = {"distance_next": Box.of(0.0, LONGEST, "coverage radius", (v, width))}
        return Dict({features.VEHICLES: Dict(vehicles), features.UNITS: Dict(units), features.PAIRS: Dict(pairs)})

    def reset(self, key: PRNGKeyArray) -> tuple[EntityState, Any]:
        system, _ = self.system.reset(key)
        p, seen = self.system.parameters, see(self.system, system)
        state = EntityState(system, begin(p, seen), views.begin(p, seen) if self.view == "own" else ())
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: EntityState, action: Mapping[str, Array]) -> tuple[EntityState, TimeStep]:
        """Advance one slot.

        Returns:
            The state, and the time step of `AgentMigration.step`. Its `credit` holds under "rows" the negative costs of
            `vehicle_costs` over the users' mean tolerance [V], under "links" the units whose defence concerns a vehicle:
            that which serves it, and its target [V, S].
        """
        p = self.system.parameters
        before = see(self.system, state.system)
        decision = Decision(
            target=action[TARGET],
            share=action[SHARE] if SHARE in action else features.closed_form_shares(p, before, state.memory),
            defence=action[DEFENCE],
        )
        draws = draw_step(key, self.vehicles, self.rsus)
        system, timestep, latency = self.system.carry_out(state.system, decision, draws)
        after = see(self.system, system)
        memory = remember(p, state.memory, before, decision.target, decision.defence, after)
        opinions = state.opinions
        if isinstance(opinions, views.Opinion):
            opinions = views.update(p, opinions, memory, after)
        next_state = EntityState(system, memory, opinions)
        costs = vehicle_costs(self.system, state.system, decision, latency)
        return next_state, replace(
            timestep,
            observation=self.observe(next_state),
            credit={ROWS: -costs / p.tolerance.mean(), LINKS: self._concerned(state.system, decision)},
        )

    def _concerned(self, state: AgentMigrationState, decision: Decision) -> Bool[Array, "v s"]:
        units = jnp.arange(self.rsus)
        return (state.serving[:, None] == units) | (decision.target[:, None] == units)

    def observe(self, state: EntityState) -> dict[str, dict[str, Array]]:
        """What the policy sees, an element of `observation_space`."""
        p, seen = self.system.parameters, see(self.system, state.system, state.memory)
        if isinstance(state.opinions, views.Opinion):
            return views.of_all(p, seen, state.memory, state.opinions)
        return features.observe(p, seen, state.memory, self.candidates, self.unseen)

    def translated(self, state: AgentMigrationState, action: Array) -> dict[str, Array]:
        """A vector of the system as targets, defences and shares."""
        return vars(decode(action, state.serving, self.rsus, self.system.parameters.share_sharpness))

    def privileged(self, state: EntityState) -> dict[str, dict[str, Array]]:
        """What only a critic may see, in training: volumes over their means, copies, attacks, and where vehicles go."""
        p, known = self.system.parameters, hidden(self.system.parameters, self.system.mobility, state.system)._asdict()
        sides = Sides.of(p, see(self.system, state.system), self.candidates)
        return {
            features.VEHICLES: {name: known[name] for name in ("volume", "missing")},
            features.UNITS: {name: known[name] for name in ("attacked", "target", "reconnaissance")},
            features.PAIRS: {"distance_next": sides.of_pairs(known["distance_next"])},
        }


def viewed(system: AgentMigration, config: AgentMigrationConfig) -> AgentMigration | EntityMigration:
    """The system in the form that a configuration asks for."""
    if config.observation != "entities":
        return system
    return EntityMigration(system, config.candidates, config.view, config.unseen)
