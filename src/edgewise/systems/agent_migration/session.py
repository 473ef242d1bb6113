"""A policy in use: what vehicles and units report becomes its observations, and its actions become orders.

Nothing here is simulated. Reputations follow from latencies and packets by equations (10) to (21) of the CGDM paper; what is
seen and remembered is that of `memory`, and the observation is the one that the environment makes of the same reports.
Vehicles and units have names; they may come and go between any two slots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from edgewise.common.errors import ConfigurationError
from edgewise.systems.agent_migration import features, memory, standing
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.fleet import Fleet, Unit, Vehicle
from edgewise.systems.agent_migration.host_records import (
    HostMemory,
    HostParameters,
    HostSeen,
    HostStanding,
    record_of,
    with_values,
)
from edgewise.systems.agent_migration.memory import Seen
from edgewise.systems.agent_migration.padding import Padding, Slot
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
        padding: the fleet in the programs of its size.
    """

    config: AgentMigrationConfig
    fleet: Fleet
    parameters: HostParameters
    seen: HostSeen
    memory: HostMemory
    standing: HostStanding
    padding: Padding

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
        return self.padding.cut_observation(self.padded)

    @cached_property
    def padded(self) -> dict[str, dict[str, np.ndarray]]:
        """The observation, filled up to the size of the programs: its masks tell who is there."""
        return self.padding.observe(self.seen, self.memory, (self.config.candidates, self.config.unseen))

    @property
    def shares(self) -> Float[np.ndarray, " v"]:
        """Processor share of each vehicle in closed form, see `features.closed_form_shares`."""
        return self.padded[features.VEHICLES]["share"][: len(self.fleet.vehicles)]

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
        share = action.get("share", self.shares)
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
        target = read_units("target", orders.target, self.fleet)
        defence = np.array(of_all("defence", orders.defence, self.fleet.unit_names), bool)
        if vehicles is None and units is None and outcome is not None:
            return self._advanced(target, defence, outcome, situation)
        judged = self.standing if outcome is None else self.judged(outcome)
        if vehicles is None and units is None:
            return self._stay(target, defence, judged, situation)
        fleet = Fleet(
            self.fleet.vehicles if vehicles is None else tuple(vehicles),
            self.fleet.units if units is None else tuple(units),
        )
        return self._regroup(fleet, target, defence, judged, situation)

    def judged(self, outcome: Outcome) -> HostStanding:
        """How units stand after what a slot has brought.

        Raises:
            ConfigurationError: naming what is missing, unknown or not allowed.
        """
        latency, served, packets = read_outcome(outcome, self.fleet, np.asarray(self.seen.serving))
        return self.padding.judge(self.standing, latency, served, packets)

    def _advanced(
        self, target: Int[np.ndarray, " v"], defence: Bool[np.ndarray, " s"], outcome: Outcome, situation: Situation
    ) -> Session:
        """The next session of the same fleet, with its observation: the usual case, in one program."""
        slot = Slot(target, defence, *read_outcome(outcome, self.fleet, np.asarray(self.seen.serving)))
        nobody = np.zeros(len(self.fleet.vehicles), bool)
        history = History(np.asarray(self.seen.positions, float), target, nobody)
        seen = see(self.parameters, self.fleet, situation, history, self.standing.reputation)
        form = self.config.candidates, self.config.unseen
        judged, remembered, observed = self.padding.advance(self.standing, self.memory, self.seen, slot, seen, form)
        seen = with_values(seen, {"reputation": judged.reputation})
        following = replace(self, seen=seen, memory=remembered, standing=judged)
        vars(following)["padded"] = observed
        return following

    def _stay(
        self, target: Int[np.ndarray, " v"], defence: Bool[np.ndarray, " s"], judged: HostStanding, situation: Situation
    ) -> Session:
        """The next session of the same fleet."""
        nobody = np.zeros(len(self.fleet.vehicles), bool)
        history = History(np.asarray(self.seen.positions, float), np.asarray(target), nobody)
        seen = see(self.parameters, self.fleet, situation, history, judged.reputation)
        remembered = self.padding.remember(self.memory, self.seen, target, defence, seen)
        return replace(self, seen=seen, memory=remembered, standing=judged)

    def _regroup(
        self,
        fleet: Fleet,
        target: Int[np.ndarray, " v"],
        defence: Bool[np.ndarray, " s"],
        judged: HostStanding,
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
        standing_ = carried_standing(judged, standing.begin(p, *sizes, self.config.trust_window, np), moved)

        was = moved[VEHICLE]
        new = was < 0
        there = places(fleet.unit_names, old.unit_names)  # of every old unit its place now
        sent = np.where(new, -1, there[np.asarray(target)[was]])
        before = np.where(new[:, None], np.nan, np.asarray(self.seen.positions, float)[was])
        seen = see(p, fleet, situation, History(before, sent, new), standing_.reputation)

        left = self._as_before(seen, moved, np.asarray(target), judged)
        remembered = self.padding.remember(self.memory, self.seen, target, defence, left)
        carried = carried_memory(remembered, memory.begin(p, seen, np), moved)
        gone = ~new & (sent < 0) & ~np.asarray(seen.entered)  # an agent goes with the unit to which it was sent
        target_now = np.where(seen.entered, seen.serving, carried.target).astype(np.int32)
        carried = with_values(carried, {"target": target_now, "fell_back": np.asarray(carried.fell_back) | gone})
        settled = fleet.settled(p)
        return Session(self.config, settled, p, seen, carried, standing_, Padding.of(p))

    def _as_before(
        self, seen: HostSeen, moved: Mapping[str, np.ndarray], target: Int[np.ndarray, " v"], judged: HostStanding
    ) -> HostSeen:
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
        changed = {
            "positions": positions,
            "expected": expected,
            "ahead": expected,
            "serving": serving.astype(np.int32),
            "entered": entered,
            "reputation": judged.reputation,
        }
        return with_values(self.seen, changed)


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
    fresh = standing.begin(p, count, len(fleet.units), config.trust_window, np)
    nothing = History(np.full((count, 2), np.nan), np.full(count, -1), np.zeros(count, bool))
    seen = see(p, fleet, situation, nothing, fresh.reputation)
    return Session(config, fleet.settled(p), p, seen, memory.begin(p, seen, np), fresh, Padding.of(p))


def see(p: HostParameters, fleet: Fleet, situation: Situation, history: History, reputation: Any) -> HostSeen:
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
    ahead, kind = np.where(np.isnan(paced), expected, paced), np.asarray(reputation).dtype
    numbers = {"positions": positions, "expected": expected, "ahead": ahead, "load": load}
    return record_of(
        Seen,
        {
            **{name: np.asarray(value, kind) for name, value in numbers.items()},
            "serving": np.asarray(serving, np.int32),
            "entered": entered,
            "reputation": np.asarray(reputation),
        },
    )


def nearest_next(session: Session) -> dict[str, np.ndarray]:
    """An action without programs: every agent goes to the unit that is nearest to where its vehicle is expected next.

    The vehicles of a unit share its processor equally, and no unit runs a defence.
    """
    serving, units = np.asarray(session.seen.serving), len(session.fleet.units)
    target = _attached(session.parameters, np.asarray(session.seen.expected), np.full(len(serving), -1))
    share = 1 / np.bincount(serving, minlength=units)[serving]
    return {"target": target.astype(np.int32), "defence": np.zeros(units, bool), "share": share}


def _attached(
    p: HostParameters, positions: Float[np.ndarray, "v 2"], sent: Int[np.ndarray, " v"]
) -> Int[np.ndarray, " v"]:
    """The unit to which each vehicle attaches: where its agent was sent, or the nearest one if that is out of reach."""
    units = np.asarray(p.rsu_positions)
    distance = np.linalg.norm(np.asarray(positions, units.dtype)[:, None] - units, axis=-1)
    reach = distance[np.arange(len(sent)), np.maximum(sent, 0)] <= np.asarray(p.coverage)
    return np.where((sent >= 0) & reach, sent, np.argmin(distance, axis=1))


def _expected_load(
    p: HostParameters, serving: Int[np.ndarray, " v"], missing: Bool[np.ndarray, " v"]
) -> Float[np.ndarray, " s"]:
    """What mean volumes, and agents that must be deployed anew, ask of the units that serve them, in slots."""
    cycles = p.cycles_per_byte * (p.computed_share * p.raw_data + np.where(missing, p.agent_data, 0.0))
    cpu = p.cpu_hz * p.slot_seconds
    return np.bincount(serving, cycles, len(cpu)) / cpu
