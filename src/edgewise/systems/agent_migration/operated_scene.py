"""What a live view shows of a session of agent migration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from edgewise.drawing.scene import Headline, Place, Scene
from edgewise.environments.service import Question, Shown
from edgewise.systems.agent_migration.entities import DEFENCE, TARGET
from edgewise.systems.agent_migration.operated import Operated
from edgewise.systems.agent_migration.scene import Slot, map_of, panels_of
from edgewise.systems.agent_migration.session import Session

REPORTED, EXPECTED, BY_RULE = "reported", "expected", "expected by the rule"


def shown(state: Operated, rule: Callable[[Question], Any]) -> Shown | None:
    """Map, reputations and latencies.

    Args:
        state: of the session.
        rule: the reference rule, whose latency is expected beside that of the answer.
    """
    session = state.session
    if session is None or state.orders is None:
        return None
    slot = _slot(state, session)
    course = _course(state, session, slot, rule)
    told = {name: value for name, (_, value) in course.items()}
    suspected = int(slot.suspected.sum())
    sent = 0 if slot.target is None else int((slot.target != slot.serving).sum())
    headlines = (
        Headline("latency expected in the next slot", f"{told[EXPECTED]:.1f} s, by the rule {told[BY_RULE]:.1f} s"),
        *([Headline("latency reported of the last slot", f"{told[REPORTED]:.1f} s")] if REPORTED in told else []),
        Headline("units suspected", str(suspected), "vermilion" if suspected else "ink"),
        Headline("defences", str(0 if slot.defence is None else int(slot.defence.sum()))),
        Headline("agents sent on", str(sent)),
    )
    low, high = _corners(slot)
    scene = Scene(
        f"{len(slot.vehicles)} vehicles, {len(slot.units)} units",
        f"slot {state.slot}",
        headlines,
        map_of(slot, low, high),
        panels_of(slot),
    )
    return Shown(scene, state.slot, course, "total latency", "s per slot", "slot")


def _slot(state: Operated, session: Session) -> Slot:
    p, seen = session.parameters, session.seen
    units, vehicles = session.fleet.unit_names, session.fleet.vehicle_names
    place = {name: number for number, name in enumerate(units)}
    serving = np.asarray(seen.serving)
    orders = state.orders
    assert orders is not None
    there = not state.absent
    target = [place.get(orders.target.get(name, ""), int(serving[v])) for v, name in enumerate(vehicles)]
    return Slot(
        vehicles=vehicles,
        units=units,
        positions=np.asarray(seen.positions),
        places=np.asarray(p.rsu_positions),
        coverage=float(p.coverage),
        serving=serving,
        present=~np.asarray(session.memory.fell_back),
        reputation=np.asarray(seen.reputation),
        load=np.asarray(seen.load),
        threshold=float(p.reputation_threshold),
        max_load=float(p.max_load),
        target=np.array(target) if there else None,
        defence=np.array([orders.defence.get(name, False) for name in units]) if there else None,
    )


def _course(
    state: Operated, session: Session, slot: Slot, rule: Callable[[Question], Any]
) -> dict[str, tuple[int, float]]:
    """Latency that was reported of the slot before, and that is expected of the next one."""
    course = {}
    visits = float(np.asarray(session.standing.window_visits)[0].sum())
    if state.slot > 1 and visits > 0:
        course[REPORTED] = (state.slot - 1, float(np.asarray(session.standing.window_latency)[0].sum()))
    planned = rule(Question(state, session.observation))
    own = (
        (slot.serving if slot.target is None else slot.target),
        (np.zeros(len(slot.units), bool) if slot.defence is None else slot.defence),
    )
    for name, (target, defence) in ((EXPECTED, own), (BY_RULE, (planned[TARGET], planned[DEFENCE]))):
        there, _, _ = session.padding.expect(session.seen, session.memory, np.asarray(target), np.asarray(defence))
        course[name] = (state.slot + 1, float(there[np.isfinite(there)].sum()))
    return course


def _corners(slot: Slot) -> tuple[Place, Place]:
    """The reach of all units and whoever is beyond, in steps of half a reach, so that the map stands still."""
    cell = slot.coverage / 2

    def corner(places: Float[np.ndarray, "n 2"], least: bool) -> Place:
        at = np.floor(places.min(0) / cell) if least else np.ceil(places.max(0) / cell)
        return float(at[0] * cell), float(at[1] * cell)

    low = np.concatenate([slot.places - cell, slot.positions])
    high = np.concatenate([slot.places + cell, slot.positions])
    return corner(low, True), corner(high, False)
