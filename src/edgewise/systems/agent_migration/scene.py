"""What views show of a slot: vehicles and units on the map, agents on the move, attacks and defences, reputations, loads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.drawing.scene import SERIES, Badge, Bar, Bars, Disc, Headline, Key, Link, Map, Place, Point, Scene
from edgewise.environments.moments import Moments, headline_panels
from edgewise.environments.system import Headline as Metric
from edgewise.systems.agent_migration.decision import decode
from edgewise.systems.agent_migration.entities import DEFENCE, TARGET, EntityMigration
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.game import AgentMigrationGame
from edgewise.systems.agent_migration.map import loop_points
from edgewise.systems.agent_migration.mobility.loops import RectangularLoops
from edgewise.systems.agent_migration.mobility.replay import TraceReplay

CELLS = 160
"""Places on roads are told apart by this part of the side of the area: finer than a pixel of a map tells nothing."""
LABELLED = 24
"""Most vehicles whose names stand on the map."""
LEGEND = (
    Key("triangle", "blue", "road-side unit, in the colour of its vehicles"),
    Key("circle", "blue", "vehicle"),
    Key("ring", "blue", "vehicle whose agent is not in place"),
    Key("arrow", "ink", "agents sent on (number)"),
    Key("badge", "vermilion", "attack; suspected: low mean reputation"),
    Key("badge", "green", "defence"),
)


@dataclass(frozen=True, eq=False)
class Slot:
    """What is known of a slot; V vehicles, S units.

    Attributes:
        vehicles, units: their names.
        positions: of the vehicles, m [V, 2].
        places: of the units, m [S, 2].
        coverage: radius of their reach, m.
        serving: unit that serves each vehicle [V].
        present: whether it holds the vehicle's agent [V].
        reputation: B of each unit with each user [V, S].
        load: of each unit, slots of processor time [S].
        threshold: reputation below which an attack is suspected.
        max_load: the load that is allowed.
        attacked: units under attack [S]. If None, nobody can know.
        target: unit to which each agent is sent [V]. If None, nothing has been decided.
        defence: units that run a defence [S]. If None, nothing has been decided.
    """

    vehicles: Sequence[str]
    units: Sequence[str]
    positions: Float[np.ndarray, "v 2"]
    places: Float[np.ndarray, "s 2"]
    coverage: float
    serving: Int[np.ndarray, " v"]
    present: Bool[np.ndarray, " v"]
    reputation: Float[np.ndarray, "v s"]
    load: Float[np.ndarray, " s"]
    threshold: float
    max_load: float
    attacked: Bool[np.ndarray, " s"] | None = None
    target: Int[np.ndarray, " v"] | None = None
    defence: Bool[np.ndarray, " s"] | None = None

    @property
    def suspected(self) -> Bool[np.ndarray, " s"]:
        """Units whose mean reputation is below the threshold."""
        return np.asarray(self.reputation.mean(axis=0) < self.threshold)


def map_of(slot: Slot, low: Place, high: Place, ground: tuple[Place, ...] = ()) -> Map:
    """The map of a slot.

    Args:
        slot: what is known of it.
        low, high: corners of what is shown, m.
        ground: places on roads, m.
    """
    places = [_place(each) for each in slot.places]
    units = tuple(
        Point(
            f"unit {name}", places[s], name, "triangle", SERIES[s % len(SERIES)], _unit_note(slot, s), _badges(slot, s)
        )
        for s, name in enumerate(slot.units)
    )
    named = len(slot.vehicles) <= LABELLED
    vehicles = tuple(
        Point(
            f"vehicle {name}",
            _place(slot.positions[v]),
            name if named else "",
            "circle" if slot.present[v] else "ring",
            SERIES[int(slot.serving[v]) % len(SERIES)],
            _vehicle_note(slot, v),
        )
        for v, name in enumerate(slot.vehicles)
    )
    served = tuple(
        Link(point.at, places[int(unit)], point.tone) for point, unit in zip(vehicles, slot.serving, strict=True)
    )
    reach = tuple(Disc(place, slot.coverage, unit.tone) for place, unit in zip(places, units, strict=True))
    return Map("map", low, high, (*units, *vehicles), reach, (*served, *_moves(slot, places)), ground, LEGEND)


def panels_of(slot: Slot) -> tuple[Bars, ...]:
    """Reputations and loads of a slot."""
    reputation = Bars(
        "reputation of each unit",
        tuple(
            Bar(
                name,
                float(of.mean()),
                "vermilion" if low else SERIES[s % len(SERIES)],
                (float(of.min()), float(of.max())),
            )
            for s, (name, of, low) in enumerate(zip(slot.units, slot.reputation.T, slot.suspected, strict=True))
        ),
        1.0,
        slot.threshold,
        "mean over vehicles; thin line: lowest to highest; dashed: threshold of trust",
    )
    over = slot.load > slot.max_load
    load = Bars(
        "load of each unit (slots of processor time)",
        tuple(
            Bar(name, float(slot.load[s]), "vermilion" if over[s] else SERIES[s % len(SERIES)])
            for s, name in enumerate(slot.units)
        ),
        max(1.5 * slot.max_load, float(slot.load.max(initial=0.0)) * 1.05),
        slot.max_load,
        "dashed: the load that is allowed",
    )
    return reputation, load


def scenes(metric: Metric, environment: Any, moments: Moments) -> list[Scene]:
    """The scenes of an episode, of the system in any of its forms.

    Args:
        metric: the headline of the system.
        environment: in which it was played.
        moments: its steps.
    """
    system = system_of(environment)
    looked = [_look(environment, *moments.at(place)) for place in range(moments.count)]
    seen = [tuple(map(np.asarray, _see(system, state))) for state, _, _ in looked]
    low, high = _corners(system)
    ground = ground_of(system)
    visitors = np.cumsum([entered for _, entered, _ in seen], axis=0)
    at = headline_panels(metric, moments, "slot")
    made = []
    for place, (state, target, defence) in enumerate(looked):
        slot = _slot(system, state, (target, defence), seen[place], visitors[place])
        figure, course = at(place)
        number = moments.first + place
        told = moments.told(place)
        made.append(
            Scene(
                f"{system.vehicles} vehicles, {system.rsus} road-side units",
                f"slot {number + 1} of {moments.length}",
                (figure, *_headlines(slot, told)),
                map_of(slot, low, high, ground),
                panels_of(slot),
                (course,),
            )
        )
    return made


def system_of(environment: Any) -> AgentMigration:
    """The system itself, of any form of it."""
    if isinstance(environment, AgentMigrationGame):
        environment = environment.environment
    if isinstance(environment, EntityMigration):
        return environment.system
    assert isinstance(environment, AgentMigration)
    return environment


def ground_of(system: AgentMigration) -> tuple[Place, ...]:
    """Places on the roads of a system, m; nothing if its vehicles drive anywhere."""
    mobility = system.mobility
    if isinstance(mobility, TraceReplay):
        roads = np.asarray(mobility.recording).reshape(-1, 2)
    elif isinstance(mobility, RectangularLoops):
        roads = loop_points(mobility)
    else:
        return ()
    cell = 2 * float(system.parameters.half_extent) / CELLS
    kept = np.unique(np.round(roads / cell).astype(int), axis=0) * cell
    return tuple(_place(each) for each in kept)


def _corners(system: AgentMigration) -> tuple[Place, Place]:
    """The area, and whatever stands outside of it."""
    p = system.parameters
    center, half = np.asarray(p.center, float), 1.04 * float(p.half_extent)
    units = np.asarray(p.rsu_positions, float)
    return _place(np.minimum(center - half, units.min(0) - half / 10)), _place(
        np.maximum(center + half, units.max(0) + half / 10)
    )


def _look(environment: Any, state: Any, action: Any) -> tuple[AgentMigrationState, Any, Any]:
    """State of the system, targets and defences; None where nothing was decided."""
    system = system_of(environment)
    if isinstance(environment, AgentMigrationGame):
        visitor, state = np.asarray(state.visitor), state.entities
        if action is None:
            return state.system, None, None
        wish = [int(action[environment.vehicles[v][int(n)]]) for v, n in enumerate(visitor)]
        return state.system, np.array(wish), np.array([int(action[unit]) > 0 for unit in environment.units])
    if isinstance(environment, EntityMigration):
        chosen = (None, None) if action is None else (np.asarray(action[TARGET]), np.asarray(action[DEFENCE], bool))
        return (state.system, *chosen)
    if action is None:
        return state, None, None
    decision = _decode(action, state.serving, system.rsus, system.parameters.share_sharpness)
    return state, np.asarray(decision.target), np.asarray(decision.defence)


def _slot(
    system: AgentMigration,
    state: AgentMigrationState,
    decided: tuple[Any, Any],
    seen: tuple[np.ndarray, ...],
    visitor: Int[np.ndarray, " v"],
) -> Slot:
    p = system.parameters
    positions, _, load = seen
    return Slot(
        vehicles=tuple(f"v{v}" if n == 0 else f"v{v}.{n}" for v, n in enumerate(visitor)),
        units=tuple(f"RSU {s}" for s in range(system.rsus)),
        positions=positions,
        places=np.asarray(p.rsu_positions),
        coverage=float(p.coverage),
        serving=np.asarray(state.serving),
        present=np.asarray(state.copy_present),
        reputation=np.asarray(state.reputation),
        load=load,
        threshold=float(p.reputation_threshold),
        max_load=float(p.max_load),
        attacked=np.asarray(state.attacked),
        target=decided[0],
        defence=decided[1],
    )


def _headlines(slot: Slot, told: dict[str, float]) -> list[Headline]:
    suspected = int(slot.suspected.sum())
    figures = []
    if slot.attacked is not None:
        under = int(slot.attacked.sum())
        figures.append(Headline("units under attack", str(under), "vermilion" if under else "ink"))
    figures.append(Headline("units suspected", str(suspected), "vermilion" if suspected else "ink"))
    for name, label in (
        ("defences", "defences"),
        ("migrations", "agents sent on"),
        ("missing_copies", "agents missing"),
    ):
        if name in told:
            figures.append(Headline(label, f"{told[name]:.0f}"))
    return figures


def _badges(slot: Slot, unit: int) -> tuple[Badge, ...]:
    found = []
    if slot.attacked is not None and slot.attacked[unit]:
        found.append(Badge("attack", "vermilion"))
    if slot.suspected[unit]:
        found.append(Badge("suspected", "vermilion"))
    if slot.defence is not None and slot.defence[unit]:
        found.append(Badge("defence", "green"))
    return tuple(found)


def _unit_note(slot: Slot, unit: int) -> str:
    of = slot.reputation[:, unit]
    return (
        f"{slot.units[unit]}: serves {(slot.serving == unit).sum()}, load {slot.load[unit]:.2f}, "
        f"reputation {of.mean():.2f} ({of.min():.2f} to {of.max():.2f})"
    )


def _vehicle_note(slot: Slot, vehicle: int) -> str:
    sent = "" if slot.target is None else f", agent sent to {slot.units[int(slot.target[vehicle])]}"
    place = "in place" if slot.present[vehicle] else "not in place"
    return f"{slot.vehicles[vehicle]}: served by {slot.units[int(slot.serving[vehicle])]}, agent {place}{sent}"


def _moves(slot: Slot, places: Sequence[Place]) -> tuple[Link, ...]:
    """Arrows between units, for agents that are sent on."""
    if slot.target is None:
        return ()
    pairs = Counter((int(a), int(b)) for a, b in zip(slot.serving, slot.target, strict=True) if a != b)
    return tuple(Link(places[a], places[b], "ink", True, str(count)) for (a, b), count in sorted(pairs.items()))


def _place(xy: Float[np.ndarray, " 2"]) -> Place:
    return float(xy[0]), float(xy[1])


@eqx.filter_jit
def _see(system: AgentMigration, state: AgentMigrationState) -> tuple[Array, Array, Array]:
    """Positions, where another vehicle has come, and loads."""
    return system.mobility.positions(state.mobility), system.mobility.entered(state.mobility), system.load(state)


_decode = eqx.filter_jit(decode)
