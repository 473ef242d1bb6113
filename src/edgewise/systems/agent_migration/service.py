"""Agent migration behind a server: sessions that are told of vehicles slot by slot, and answer with orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import BaseModel

from edgewise.common.errors import ConfigurationError
from edgewise.environments.bipartite import COLUMN
from edgewise.environments.service import Operation, Question, Service, Settled, Shown, Size
from edgewise.numerics.kept_programs import NotCompiledError, made_only
from edgewise.systems.agent_migration import stored, words
from edgewise.systems.agent_migration.belief import ATTACKED
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.entities import DEFENCE, TARGET
from edgewise.systems.agent_migration.features import PAIRS, UNITS
from edgewise.systems.agent_migration.fleet import Fleet, Unit, Vehicle
from edgewise.systems.agent_migration.instances import alone
from edgewise.systems.agent_migration.memory import pace_of
from edgewise.systems.agent_migration.operated import Operated
from edgewise.systems.agent_migration.operated_scene import shown
from edgewise.systems.agent_migration.padding import step_up
from edgewise.systems.agent_migration.ranges import outside
from edgewise.systems.agent_migration.reports import Orders, Outcome, Packets, Situation, require_known
from edgewise.systems.agent_migration.session import Session, begin, nearest_next

EXPECTED: tuple[Size, ...] = ((8, 4),)
"""Vehicles and units of usual sessions."""


class AgentMigrationService(Service):
    """Sessions of one configuration.

    Args:
        config: of the environment that the policy was trained in.
        facts: what it was trained on, see `instances.facts`.
    """

    def __init__(self, config: AgentMigrationConfig, facts: Mapping[str, Any]) -> None:
        single = alone(config)
        self._config = replace(
            single,
            mobility=None,
            mobility_sha256=None,
            rsu_positions_m=None,
            scheduled_attacks=(),
            observation="entities",
            view="central",
        )
        self._facts, self._trained = facts, config

    counted = "vehicles", "units"
    refuses_first = True

    @property
    def usual(self) -> Sequence[Size]:
        return EXPECTED

    @property
    def opening(self) -> Operation:
        return Operation(words.OpenIn, words.OpenOut, "open a session with its road-side units")

    @property
    def operations(self) -> Mapping[str, Operation]:
        summary = (
            "tell a slot: what the last one has brought and who is where; the answer orders migrations and defences"
        )
        return {"slots": Operation(words.SlotIn, words.SlotOut, summary, decides=True)}

    def open(self, request: BaseModel) -> Settled:
        assert isinstance(request, words.OpenIn)
        units = _units(request.units)
        told = {name: value for name, value in request.system.model_dump().items() if value is not None}
        known = {"attacked_rsus": min(self._config.attacked_rsus, len(units)), **told}
        config = replace(self._config, rsus=len(units), **_of_many(self._config), **known)
        Fleet((Vehicle("vehicle"),), units).parameters(config)
        names = [unit.name for unit in units]
        shown = {name: getattr(config, name) for name in words.TOLD if getattr(config, name) is not None}
        return Settled(Operated(config, units), words.OpenOut(units=names, configuration=shown))

    def apply(self, state: Any, operation: str, request: BaseModel) -> Settled | Question:
        assert isinstance(request, words.SlotIn)
        if not request.vehicles:
            return _nobody(_later(state, request), request)
        following = _told_of(state, request)
        assert following.session is not None
        return Question(following, following.session.padded, {"tell_reputations": request.tell_reputations})

    def answer(self, question: Question, action: Any) -> Settled:
        state: Operated = question.state
        session = state.session
        assert session is not None
        count = len(session.fleet.vehicles), len(session.fleet.units)
        target, defence = np.asarray(action[TARGET])[: count[0]], np.asarray(action[DEFENCE])[: count[1]]
        orders = session.orders({TARGET: target, DEFENCE: defence})
        there, staying, pace = session.padding.expect(session.seen, session.memory, target, defence)
        expected = [(_finite(float(one)), _finite(float(other))) for one, other in zip(there, staying, strict=True)]
        attacked = question.observation[UNITS]["attacked"]
        told = _slot_out(state, orders, expected, pace, attacked, question.details["tell_reputations"])
        return Settled(replace(state, orders=orders), told)

    def meanwhile(self, state: Any, operation: str, request: BaseModel) -> Settled | None:
        """Every agent goes to the unit that is nearest to where its vehicle is expected; latencies are not told."""
        assert isinstance(request, words.SlotIn)
        try:
            with made_only():
                following = _told_of(state, request)
        except NotCompiledError:
            return None
        session = following.session
        assert session is not None
        action = nearest_next(session)
        orders, nothing = session.orders(action), [(None, None)] * len(session.fleet.vehicles)
        attacked = np.asarray(session.memory.filter.probability)[:, ATTACKED]
        pace = pace_of(session.memory, np)
        told = _slot_out(following, orders, nothing, pace, attacked, request.tell_reputations)
        return Settled(replace(following, orders=orders), told, action)

    def rule(self, question: Question) -> Any:
        """The quick far-sighted plan, which the observation holds already (`plan`)."""
        pairs, units = question.observation[PAIRS], question.observation[UNITS]
        place = np.argmax(pairs["planned"], axis=1)
        column = np.take_along_axis(pairs[COLUMN], place[:, None], axis=1)[:, 0] if COLUMN in pairs else place
        return {TARGET: column.astype(np.int32), DEFENCE: np.asarray(units["planned_defence"])}

    def outside(self, question: Question) -> list[str]:
        state: Operated = question.state
        assert state.session is not None
        return outside(self._facts, self._trained, state.config, state.session.fleet)

    def dump(self, state: Any) -> bytes:
        return stored.dump(state)

    def load(self, content: bytes) -> Any:
        return stored.load(content)

    def shown(self, state: Any) -> Shown | None:
        return shown(state, self.rule)

    def size_of(self, numbers: Size) -> Size:
        return tuple(map(step_up, numbers))

    def size(self, state: Any, operation: str, request: BaseModel) -> Size | None:
        assert isinstance(request, words.SlotIn)
        units = state.units if request.units is None else request.units
        return self.size_of((len(request.vehicles), len(units))) if request.vehicles else None

    def likely(self, state: Any, stated: Sequence[Size]) -> list[Size]:
        return [self.size_of((vehicles, len(state.units))) for vehicles, _ in stated]

    def samples(self, size: Size) -> Iterator[Question]:
        vehicles, units = size
        places = [{"id": f"{i}", "position_m": (100.0 * i, 0.0)} for i in range(max(vehicles, units))]
        state = self.open(words.OpenIn.model_validate({"units": places[:units]})).state
        for number, order in enumerate((1, 1, -1)):  # the second slot of the same fleet, the third of another
            told = {"vehicles": places[:vehicles][::order], "report": _quiet(places[:units]) if number else None}
            question = self.apply(state, "slots", words.SlotIn.model_validate(told))
            assert isinstance(question, Question)
            yield question
            state = self.answer(question, self.rule(question)).state


def _quiet(units: list[dict[str, Any]]) -> dict[str, Any]:
    """A report of a slot in which nothing has happened."""
    packets = {"received": 1, "not_received": 0, "forwarded": 1, "not_forwarded": 0}
    return {"latency_s": {}, "packets": {each["id"]: packets for each in units}}


def _units(told: list[words.UnitIn]) -> tuple[Unit, ...]:
    return tuple(Unit(each.id, each.position_m, each.link_rate_mbps, each.cpu_mhz) for each in told)


def _of_many(config: AgentMigrationConfig) -> dict[str, Any]:
    """Fields with a value for each vehicle or unit of the training, which say nothing of others."""
    names = ("link_rate_mbps", "cpu_mhz", "raw_data_mb", "agent_data_mb", "tolerance")
    return {name: None for name in names if np.ndim(getattr(config, name))}


def _later(state: Operated, request: words.SlotIn) -> Operated:
    """The session when another slot is told."""
    return replace(state, units=state.units if request.units is None else _units(request.units), slot=state.slot + 1)


def _told_of(state: Operated, request: words.SlotIn) -> Operated:
    """The session at the start of a slot with vehicles, before it is decided."""
    following = _later(state, request)
    vehicles = tuple(Vehicle(v.id, v.raw_data_mb, v.agent_data_mb, v.tolerance_s) for v in request.vehicles)
    return replace(following, session=_advanced(following, request, vehicles), absent=False)


def _advanced(state: Operated, request: words.SlotIn, vehicles: tuple[Vehicle, ...]) -> Session:
    """The session at the start of a slot, after the report of the last one."""
    before = state.session
    if before is None:
        if request.report is not None:
            raise ConfigurationError("report", "given", "left out in the first slot: there is none before")
        return begin(state.config, vehicles, state.units, _situation(request, ()))
    entered = {each.id for each in request.vehicles if each.entered} | (
        set(before.fleet.vehicle_names) & {each.id for each in request.vehicles} if state.absent else set()
    )
    assert state.orders is not None
    outcome = None if request.report is None else _outcome(request.report)
    orders = _carried_out(state.orders, request.carried_out)
    same = state.units == before.fleet.units and _same(vehicles, before.fleet.vehicles)
    who: dict[str, Any] = {} if same else {"vehicles": vehicles, "units": state.units}
    return before.report(orders, outcome, _situation(request, entered), **who)


def _same(told: tuple[Vehicle, ...], known: tuple[Vehicle, ...]) -> bool:
    """Whether these are the vehicles that are known; tolerances that are not told stay."""
    if [each.name for each in told] != [each.name for each in known]:
        return False
    return all(
        (one.raw_data_mb, one.agent_data_mb, one.tolerance_s or other.tolerance_s)
        == (other.raw_data_mb, other.agent_data_mb, other.tolerance_s)
        for one, other in zip(told, known, strict=True)
    )


def _nobody(state: Operated, request: words.SlotIn) -> Settled:
    """A slot without vehicles: what the last one has brought counts, and there is nothing to decide."""
    session = state.session
    if session is not None and request.report is not None:
        session = replace(session, standing=session.judged(_outcome(request.report)))
    elif request.report is not None:
        raise ConfigurationError("report", "given", "left out in the first slot: there is none before")
    known = {} if session is None else session.reputation
    usual = state.config.initial_reputation
    told = {
        unit.name: words.UnitOut(
            defend=False,
            reputation=known.get(unit.name, usual),
            attack_suspected=known.get(unit.name, usual) < state.config.reputation_threshold,
            attack_probability=0.0,
        )
        for unit in state.units
    }
    following = replace(state, session=session, absent=session is not None)
    return Settled(following, words.SlotOut(slot=state.slot, vehicles={}, units=told, reputations=None))


def _situation(request: words.SlotIn, entered: Any) -> Situation:
    vehicles = request.vehicles
    serving = {each.id: each.serving_unit for each in vehicles if each.serving_unit is not None}
    return Situation(
        positions_m={each.id: each.position_m for each in vehicles},
        serving=serving or None,
        load=request.waiting_load_slots,
        expected_m={each.id: each.expected_position_m for each in vehicles if each.expected_position_m is not None},
        ahead_m={each.id: each.own_pace_position_m for each in vehicles if each.own_pace_position_m is not None},
        entered=entered,
    )


def _outcome(report: words.ReportIn) -> Outcome:
    return Outcome(report.latency_s, {name: Packets(**dict(each)) for name, each in report.packets.items()})


def _carried_out(orders: Orders, told: words.CarriedOut) -> Orders:
    """The last orders, but for what was done otherwise."""
    if not told.target_unit and not told.defend:
        return orders
    require_known("carried_out.target_unit", told.target_unit, tuple(orders.target))
    require_known("carried_out.defend", told.defend, tuple(orders.defence))
    return replace(orders, target={**orders.target, **told.target_unit}, defence={**orders.defence, **told.defend})


def _slot_out(
    state: Operated,
    orders: Orders,
    expected: Sequence[tuple[float | None, float | None]],
    pace: np.ndarray,
    attacked: np.ndarray,
    tell_reputations: bool,
) -> words.SlotOut:
    """What is told of a slot.

    Args:
        state: in which orders are given.
        orders: of the slot.
        expected: latency of each vehicle at its target, and where it is, s.
        pace: of each vehicle.
        attacked: probability that each unit is attacked.
        tell_reputations: whether those of every user are told.
    """
    session = state.session
    assert session is not None
    vehicles, units = session.fleet.vehicle_names, session.fleet.unit_names
    reputation, serving = np.asarray(session.seen.reputation), np.asarray(session.seen.serving)
    mean, threshold = reputation.mean(0), state.config.reputation_threshold
    return words.SlotOut(
        slot=state.slot,
        vehicles={
            name: words.VehicleOut(
                serving_unit=units[int(serving[i])],
                target_unit=orders.target[name],
                processor_share=orders.share[name],
                expected_latency_s=expected[i][0],
                expected_latency_staying_s=expected[i][1],
                pace=float(pace[i]),
            )
            for i, name in enumerate(vehicles)
        },
        units={
            name: words.UnitOut(
                defend=orders.defence[name],
                reputation=float(mean[i]),
                attack_suspected=bool(mean[i] < threshold),
                attack_probability=float(attacked[i]),
            )
            for i, name in enumerate(units)
        },
        reputations=_table(reputation, vehicles, units) if tell_reputations else None,
    )


def _table(values: np.ndarray, rows: tuple[str, ...], columns: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {
        row: dict(zip(columns, line, strict=True))
        for row, line in zip(rows, values.astype(float).tolist(), strict=True)
    }


def _finite(seconds: float) -> float | None:
    return seconds if np.isfinite(seconds) else None
