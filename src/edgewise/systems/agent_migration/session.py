"""A policy in use: what vehicles and units report becomes its observations, and its actions become orders.

Nothing here is simulated. Reputations follow from latencies and packets by equations (10) to (21) of the CGDM paper; what is
seen and remembered is that of `memory`, and the observation is the one that the environment makes of the same reports.
Vehicles and units have names; they may come and go between any two slots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.common.errors import ConfigurationError
from edgewise.systems.agent_migration import features, memory, standing, trust
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.fleet import Fleet, Unit, Vehicle
from edgewise.systems.agent_migration.memory import Memory, Seen
from edgewise.systems.agent_migration.parameters import Parameters
from edgewise.systems.agent_migration.regrouping import UNIT, VEHICLE, carried_memory, carried_standing, places
from edgewise.systems.agent_migration.reports import (
    Orders,
    Outcome,
    Situation,
    of_all,
    read_numbers,
    read_outcome,
    read_points,
    read_units,
    require_known,
)
from edgewise.systems.agent_migration.standing import Standing

PERSISTENCE = 0.6
"""Part of its last displacement that a vehicle is expected to repeat, where nobody tells more: that of a town's morning traffic
in slots of 30 s (`mobility.replay.fit_persistence`)."""


@dataclass(frozen=True)
class Session:
    """What is known at the start of a slot. It is never changed: a report makes the next one.

    Attributes:
        config: the system, but for who is there.
        fleet: who is there.
        parameters: the system that both make.
        seen, memory: what is seen and remembered.
        standing: how units stand with users.
    """

    config: AgentMigrationConfig
    fleet: Fleet
    parameters: Parameters
    seen: Seen
    memory: Memory
    standing: Standing

    @property
    def pace(self) -> dict[str, float]:
        """Each vehicle's speed so far over the expected one."""
        return dict(zip(self.fleet.vehicle_names, np.asarray(self.memory.pace, float).tolist(), strict=True))

    @property
    def reputation(self) -> dict[str, float]:
        """The users' mean reputation of each unit."""
        mean = np.asarray(self.standing.reputation, float).mean(0)
        return dict(zip(self.fleet.unit_names, mean.tolist(), strict=True))

    @property
    def observation(self) -> dict[str, dict[str, np.ndarray]]:
        """What a policy takes, an element of `features.space`."""
        sets = _observe(self.parameters, self.seen, self.memory, self.config.candidates, self.config.unseen)
        return {name: {field: np.asarray(value) for field, value in part.items()} for name, part in sets.items()}

    def orders(self, action: Mapping[str, Any]) -> Orders:
        """What a policy's action means.

        Args:
            action: for the observation of this session: "target" [V] and "defence" [S], and "share" [V] unless shares follow in
                closed form.

        Raises:
            ConfigurationError: if it is of another size.
        """
        vehicles, units = self.fleet.vehicle_names, self.fleet.unit_names
        target, defence = np.asarray(action["target"]), np.asarray(action["defence"])
        if target.shape != (len(vehicles),) or defence.shape != (len(units),):
            allowed = f"targets of {len(vehicles)} vehicles and defences of {len(units)} units"
            raise ConfigurationError("action", (target.shape, defence.shape), allowed)
        share = action["share"] if "share" in action else _shares(self.parameters, self.seen, self.memory)
        return Orders(
            target={name: units[int(index)] for name, index in zip(vehicles, target, strict=True)},
            share={name: float(part) for name, part in zip(vehicles, np.asarray(share), strict=True)},
            defence={name: bool(flag) for name, flag in zip(units, defence, strict=True)},
        )

    def report(
        self,
        orders: Orders,
        outcome: Outcome | None,
        situation: Situation,
        vehicles: Sequence[Vehicle] | None = None,
        units: Sequence[Unit] | None = None,
    ) -> Session:
        """The session one slot later.

        Args:
            orders: what was carried out in the slot.
            outcome: what it has brought. If None, nothing is known of it, and reputations stay.
            situation: what can be seen at its end.
            vehicles: who is there then. If None, the same.
            units: who is there then. If None, the same.

        Raises:
            ConfigurationError: naming what is missing, unknown or not allowed.
        """
        target = jnp.asarray(read_units("target", orders.target, self.fleet))
        defence = jnp.asarray(of_all("defence", orders.defence, self.fleet.unit_names), dtype=bool)
        judged = self.standing if outcome is None else self.judged(outcome)
        if vehicles is None and units is None:
            return self._stay(target, defence, judged, situation)
        fleet = Fleet(
            self.fleet.vehicles if vehicles is None else tuple(vehicles),
            self.fleet.units if units is None else tuple(units),
        )
        return self._regroup(fleet, target, defence, judged, situation)

    def judged(self, outcome: Outcome) -> Standing:
        """How units stand after what a slot has brought.

        Raises:
            ConfigurationError: naming what is missing, unknown or not allowed.
        """
        latency, served, packets = read_outcome(outcome, self.fleet, np.asarray(self.seen.serving))
        told = (jnp.asarray(part, float) for part in (latency, served, packets))
        standing_: Standing = _judge(self.parameters, self.standing, *told)
        return standing_

    def _stay(
        self, target: Int[Array, " v"], defence: Bool[Array, " s"], judged: Standing, situation: Situation
    ) -> Session:
        """The next session of the same fleet."""
        nobody = np.zeros(len(self.fleet.vehicles), bool)
        history = History(np.asarray(self.seen.positions, float), np.asarray(target), nobody)
        seen = see(self.parameters, self.fleet, situation, history, judged.reputation)
        remembered = _remember(self.parameters, self.memory, self.seen, target, defence, seen)
        return replace(self, seen=seen, memory=remembered, standing=judged)

    def _regroup(
        self,
        fleet: Fleet,
        target: Int[Array, " v"],
        defence: Bool[Array, " s"],
        judged: Standing,
        situation: Situation,
    ) -> Session:
        """The next session of another fleet: who goes is forgotten, who comes knows what is said of the units."""
        old = self.fleet
        moved = {
            VEHICLE: places(old.vehicle_names, fleet.vehicle_names),
            UNIT: places(old.unit_names, fleet.unit_names),
        }
        fleet = fleet.with_tolerances_of(old)
        p = fleet.parameters(self.config)
        sizes = len(fleet.vehicles), len(fleet.units)
        standing_ = carried_standing(judged, standing.begin(p, *sizes, self.config.trust_window), moved)

        was = moved[VEHICLE]
        new = was < 0
        there = places(fleet.unit_names, old.unit_names)  # of every old unit its place now
        sent = np.where(new, -1, there[np.asarray(target)[was]])
        before = np.where(new[:, None], np.nan, np.asarray(self.seen.positions, float)[was])
        seen = see(p, fleet, situation, History(before, sent, new), standing_.reputation)

        left = self._as_before(seen, moved, np.asarray(target), judged)
        remembered = _remember(self.parameters, self.memory, self.seen, target, defence, left)
        carried = carried_memory(remembered, memory.begin(p, seen), moved)
        gone = jnp.asarray(~new & (sent < 0)) & ~seen.entered  # an agent goes with the unit to which it was sent
        carried = replace(
            carried,
            target=jnp.where(seen.entered, seen.serving, carried.target),
            fell_back=carried.fell_back | gone,
        )
        return replace(self, fleet=fleet.settled(p), parameters=p, seen=seen, memory=carried, standing=standing_)

    def _as_before(
        self, seen: Seen, moved: Mapping[str, np.ndarray], target: Int[np.ndarray, " v"], judged: Standing
    ) -> Seen:
        """What is seen of the fleet of the slot before; of those who have gone, that nothing has happened to them."""
        old = self.fleet
        positions, expected = np.array(self.seen.positions), np.array(self.seen.expected)
        serving, entered = np.array(target), np.zeros(len(old.vehicles), bool)
        for now, was in enumerate(moved[VEHICLE]):
            if was >= 0:
                positions[was], expected[was] = seen.positions[now], seen.expected[now]
                unit = moved[UNIT][int(seen.serving[now])]
                serving[was] = unit if unit >= 0 else len(old.units)  # a new unit is none of the old ones
                entered[was] = seen.entered[now]
        return Seen(
            jnp.asarray(positions),
            jnp.asarray(expected),
            jnp.asarray(expected),
            jnp.asarray(serving),
            jnp.asarray(entered),
            self.seen.load,
            judged.reputation,
        )


@dataclass(frozen=True)
class History:
    """What the slot before tells of the vehicles that are there now.

    Attributes:
        positions: one slot ago, m; not a number for one that was not there.
        sent: the unit to which its agent was sent; -1 for none that is there now.
        new: whether it was not there.
    """

    positions: Float[np.ndarray, "v 2"]
    sent: Int[np.ndarray, " v"]
    new: Bool[np.ndarray, " v"]


def begin(
    config: AgentMigrationConfig, vehicles: Sequence[Vehicle], units: Sequence[Unit], situation: Situation
) -> Session:
    """A session in which nothing has happened yet.

    Args:
        config: what is known of the system: the trust model, the attacker's habits, whatever vehicles and units do not say
            themselves.
        vehicles: who is there.
        units: who is there.
        situation: what can be seen.

    Raises:
        ConfigurationError: naming what is missing, unknown or not allowed.
    """
    if config.observation != "entities":
        raise ConfigurationError(
            "observation",
            config.observation,
            "'entities': a policy on vectors is given them by its artefact's `observe`",
        )
    fleet = Fleet(tuple(vehicles), tuple(units))
    p = fleet.parameters(config)
    count = len(fleet.vehicles)
    fresh = standing.begin(p, count, len(fleet.units), config.trust_window)
    nothing = History(np.full((count, 2), np.nan), np.full(count, -1), np.zeros(count, bool))
    seen = see(p, fleet, situation, nothing, fresh.reputation)
    return Session(config, fleet.settled(p), p, seen, memory.begin(p, seen), fresh)


def see(p: Parameters, fleet: Fleet, situation: Situation, history: History, reputation: Float[Array, "v s"]) -> Seen:
    """What is seen in a situation.

    Args:
        p: the system.
        fleet: who is there.
        situation: as it was reported.
        history: of the slot before.
        reputation: B of each unit as each user holds it.

    Raises:
        ConfigurationError: naming what is missing, unknown or not allowed.
    """
    vehicles, units = fleet.vehicle_names, fleet.unit_names
    of_all("positions_m", situation.positions_m, vehicles)
    positions = read_points("positions_m", situation.positions_m, vehicles)
    require_known("entered", situation.entered, vehicles)
    entered = history.new | np.array([name in situation.entered for name in vehicles])
    step = np.where(entered[:, None] | np.isnan(history.positions), 0.0, positions - history.positions)
    told = read_points("expected_m", situation.expected_m or {}, vehicles)
    expected = np.where(np.isnan(told), positions + PERSISTENCE * step, told)
    paced = read_points("ahead_m", situation.ahead_m or {}, vehicles)
    if situation.serving is None:
        serving = _attached(p, positions, np.where(entered, -1, history.sent))
    else:
        serving = read_units("serving", situation.serving, fleet)
    if situation.load is None:
        missing = ~entered & (history.sent >= 0) & (history.sent != serving)
        load = _expected_load(p, serving, missing)
    else:
        load = read_numbers("load", situation.load, units)
    return Seen(
        positions=jnp.asarray(positions, float),
        expected=jnp.asarray(expected, float),
        ahead=jnp.asarray(np.where(np.isnan(paced), expected, paced), float),
        serving=jnp.asarray(serving),
        entered=jnp.asarray(entered),
        load=jnp.asarray(load, float),
        reputation=reputation,
    )


def _attached(p: Parameters, positions: Float[np.ndarray, "v 2"], sent: Int[np.ndarray, " v"]) -> Int[np.ndarray, " v"]:
    """The unit to which each vehicle attaches: where its agent was sent, or the nearest one if that is out of reach."""
    distance = np.asarray(distances(jnp.asarray(positions, float), p.rsu_positions))
    reach = np.take_along_axis(distance, np.maximum(sent, 0)[:, None], 1)[:, 0] <= np.asarray(p.coverage)
    return np.where((sent >= 0) & reach, sent, np.argmin(distance, axis=1))


def _expected_load(
    p: Parameters, serving: Int[np.ndarray, " v"], missing: Bool[np.ndarray, " v"]
) -> Float[np.ndarray, " s"]:
    """What mean volumes, and agents that must be deployed anew, ask of the units that serve them, in slots."""
    cycles = np.asarray(p.cycles_per_byte * (p.computed_share * p.raw_data + jnp.where(missing, p.agent_data, 0.0)))
    cpu = np.asarray(p.cpu_hz * p.slot_seconds)
    return np.bincount(serving, cycles, len(cpu)) / cpu


def _judge_slot(
    p: Parameters,
    before: Standing,
    latency: Float[Array, " v"],
    served: Float[Array, "v s"],
    packets: Float[Array, "2 2 s"],
) -> Standing:
    received, forwarded = (trust.delivery_ratio(sent, lost) for sent, lost in packets)
    return standing.update(p, before, latency, served, received, forwarded)


_observe = eqx.filter_jit(features.observe)
_shares = eqx.filter_jit(features.closed_form_shares)
_remember = eqx.filter_jit(memory.remember)
_judge = eqx.filter_jit(_judge_slot)
