"""A drive: slot by slot the server is told of vehicles, its orders are carried out, and what they bring is reported to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from edgewise.common.client import Client
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.drive.places import Places
from edgewise.systems.agent_migration.drive.world import Lived, begin, live
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.parameters import link_rates

ADDRESS = "/v1/agent-migration/sessions"
SYSTEM = ("slot_seconds", "coverage_m", "attack_frequency", "attacked_rsus")
"""What the server is told of the system."""


@dataclass
class Log:
    """What has happened, slot by slot.

    Attributes:
        latency: mean latency of the vehicles that were there, s.
        expected: what the server expected it to be on the average, s.
        waited: seconds until the server's answer.
        degraded: whether its reference rule has answered.
        outside: whether it found something outside of what its policy was trained on.
        moved: agents that were sent to another unit.
        defended: units that ran a defence.
        vehicles: vehicles that were there.
        positions, new: of every place, for a recording.
    """

    latency: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    degraded: list[bool] = field(default_factory=list)
    outside: list[bool] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    defended: list[int] = field(default_factory=list)
    vehicles: list[int] = field(default_factory=list)
    positions: list[Float[np.ndarray, "v 2"]] = field(default_factory=list)
    new: list[Bool[np.ndarray, " v"]] = field(default_factory=list)


def drive(
    client: Client,
    environment: AgentMigration,
    config: AgentMigrationConfig,
    places: Callable[[], Places],
    slots: int,
    model: str | None,
    seed: int,
    tell: Callable[[int, Log], None],
) -> Log:
    """Drive a session of the server, and close it.

    Args:
        client: of the server.
        environment: the system, with a `LiveMobility`.
        config: the same, as it was configured.
        places: the places of the first slot, then of each following one.
        slots: how many.
        model: that decides; the server's first one for None.
        seed: of attacks, volumes and losses.
        tell: called after every slot with the number of slots so far.

    Raises:
        EdgewiseError: if the server refuses something, or cannot be reached.
    """
    log, key = Log(), jax.random.key(seed)
    units = [f"unit {number}" for number in range(environment.rsus)]
    query = {} if model is None else {"model": model}
    session = client.post(ADDRESS, _opening(environment, config, units), **query)["session"]
    now, report = places(), None
    start_key, key = jax.random.split(key)
    state = begin(environment, now.positions, now.taken, start_key)
    try:
        for slot in range(slots):
            begun = time.perf_counter()
            told = client.post(f"{ADDRESS}/{session}/slots", _slot(environment, state, now, units, report))
            log.waited.append(time.perf_counter() - begun)
            then, slot_key = places(), jax.random.fold_in(key, slot)
            decision = _decision(told["answer"], now, units, state.serving)
            following = jnp.asarray(then.positions, float), jnp.asarray(then.new), jnp.asarray(then.taken)
            state, lived = live(environment, state, decision, following, jnp.asarray(now.taken), slot_key)
            report = _report(lived, now, units)
            _note(log, told, lived, now, decision, report)
            now = then
            tell(slot + 1, log)
        log.positions.append(now.positions)
        log.new.append(now.new)
    finally:
        client.delete(f"{ADDRESS}/{session}")
    return log


def _opening(environment: AgentMigration, config: AgentMigrationConfig, units: list[str]) -> dict[str, Any]:
    p = environment.parameters
    rates = link_rates(config) / 1e6
    speeds = np.asarray(p.cpu_hz, float) / 1e6
    return {
        "units": [
            {"id": name, "position_m": place, "link_rate_mbps": float(rate), "cpu_mhz": float(speed)}
            for name, place, rate, speed in zip(
                units, np.asarray(p.rsu_positions, float).tolist(), rates, speeds, strict=True
            )
        ],
        "system": {name: getattr(config, name) for name in SYSTEM},
    }


def _slot(
    environment: AgentMigration, state: Any, now: Places, units: list[str], report: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The request of a slot."""
    p, mobility = environment.parameters, environment.mobility
    expected = np.asarray(mobility.predict(state.mobility), float).tolist()
    positions = np.asarray(state.mobility.now, float).tolist()
    raw, agent, tolerance = (np.asarray(x, float) for x in (p.raw_data / 1e6, p.agent_data / 1e6, p.tolerance))
    vehicles = [
        {
            "id": name,
            "position_m": positions[i],
            "expected_position_m": expected[i],
            "raw_data_mb": float(raw[i]),
            "agent_data_mb": float(agent[i]),
            "tolerance_s": float(tolerance[i]),
            "serving_unit": units[int(state.serving[i])],
            "entered": bool(now.by_place and now.new[i]),
        }
        for i, name in enumerate(now.told)
        if name is not None
    ]
    load = dict(zip(units, np.asarray(environment.load(state), float).tolist(), strict=True))
    return {"vehicles": vehicles, "waiting_load_slots": load} | ({} if report is None else {"report": report})


def _decision(answer: Mapping[str, Any], now: Places, units: list[str], serving: Any) -> Decision:
    """The orders, for every place; who is not there stays."""
    target, share = np.array(serving), np.zeros(len(now.told))
    for place, name in enumerate(now.told):
        if name is not None:
            ordered = answer["vehicles"][name]
            target[place], share[place] = units.index(ordered["target_unit"]), ordered["processor_share"]
    share = np.where(now.taken, share, 1.0)
    defence = np.array([answer["units"][unit]["defend"] for unit in units])
    return Decision(jnp.asarray(target), jnp.asarray(share, float), jnp.asarray(defence))


def _report(lived: Lived, now: Places, units: list[str]) -> dict[str, Any]:
    latency, sent, (received, forwarded) = (np.asarray(x, float) for x in (lived.latency, lived.sent, lived.lost))
    return {
        "latency_s": {name: float(latency[i]) for i, name in enumerate(now.told) if name is not None},
        "packets": {
            unit: {
                "received": float(sent[s] - received[s]),
                "not_received": float(received[s]),
                "forwarded": float(sent[s] - forwarded[s]),
                "not_forwarded": float(forwarded[s]),
            }
            for s, unit in enumerate(units)
        },
    }


def _note(
    log: Log, told: Mapping[str, Any], lived: Lived, now: Places, decision: Decision, report: Mapping[str, Any]
) -> None:
    vehicles = told["answer"]["vehicles"]
    expected = [v["expected_latency_s"] for v in vehicles.values() if v["expected_latency_s"] is not None]
    log.latency.append(float(np.mean(list(report["latency_s"].values()))) if report["latency_s"] else 0.0)
    log.expected.append(float(np.mean(expected)) if expected else 0.0)
    log.degraded.append(bool(told["degraded"]))
    log.outside.append(bool(told["outside"]))
    log.moved.append(sum(v["target_unit"] != v["serving_unit"] for v in vehicles.values()))
    log.defended.append(int(np.asarray(decision.defence).sum()))
    log.vehicles.append(len(report["latency_s"]))
    log.positions.append(now.positions)
    log.new.append(now.new)
