"""`edgewise drive sumo`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Float

from edgewise.common.client import Client
from edgewise.common.errors import ConfigurationError, EdgewiseError, check_integer, check_range
from edgewise.common.progress import progress_bar
from edgewise.common.terminal import print_table
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.drive.places import Places
from edgewise.systems.agent_migration.drive.roads import Roads, open_roads
from edgewise.systems.agent_migration.drive.trip import Log, drive
from edgewise.systems.agent_migration.drive.world import LiveMobility
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.files import SUFFIX, save_scenario
from edgewise.systems.agent_migration.mobility.prepare import default_coverage, place_rsus
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario
from edgewise.systems.agent_migration.mobility.sumo import Traffic
from edgewise.systems.agent_migration.session import PERSISTENCE


@dataclass(frozen=True)
class Drive:
    """Let SUMO's traffic be served by a policy server (extras "mobility" and "serve").

    SUMO moves the vehicles; what orders bring, and attacks, follow the equations of the system. The server is told of both.

    Attributes:
        server: address of a running `edgewise serve`.
        model: that decides. If None, the server's first one.
        traffic: what drives, and where.
        scenario: a configuration of SUMO (.sumocfg) instead.
        vehicles: vehicles that are served at a time, fewer where the road has fewer.
        slots: length of the drive, slots.
        slot_seconds: length of a slot, s.
        rsus: road-side units, spread over the crossings by k-means; no effect with `rsu_positions`.
        rsu_positions: road-side units placed by hand, m.
        coverage_m: coverage radius, m. If None, 1.7 times the distance within which 99.5 % of the crossings have a unit.
        attack_frequency: probability per slot that an attack on an idle target starts.
        by_place: tell the server of places instead of vehicles: whoever takes the place of one that leaves goes on with what its
            user holds of the units, as the simulator does with recordings.
        pace: simulated seconds per second, so that one can watch. If None, as fast as it goes.
        seed: of attacks, data volumes, losses, and of who is served.
        record: file for the drive's places (.npz), as `--mobility` takes it.
        json: print JSON.
    """

    server: str = "http://127.0.0.1:8080"
    model: str | None = None
    traffic: Traffic = field(default_factory=Traffic)
    scenario: Path | None = None
    vehicles: int = 8
    slots: int = 50
    slot_seconds: float = 30.0
    rsus: int = 4
    rsu_positions: tuple[tuple[float, float], ...] | None = None
    coverage_m: float | None = None
    attack_frequency: float = AgentMigrationConfig.attack_frequency
    by_place: bool = False
    pace: float | None = None
    seed: int = 0
    record: Path | None = None
    json: bool = False

    def __post_init__(self) -> None:
        for name in ("vehicles", "slots", "rsus"):
            check_integer(name, getattr(self, name), 1)
        check_integer("seed", self.seed, 0)
        check_range("slot_seconds", self.slot_seconds, 0, open_low=True)
        for name in ("coverage_m", "pace"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), 0, open_low=True)
        if self.record is not None and self.record.suffix != SUFFIX:
            raise ConfigurationError("record", str(self.record), f"a file name that ends in {SUFFIX}")


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Drive, args=words, prog="edgewise drive sumo")
    log, environment = _driven(options)
    facts = _facts(log)
    if options.record is not None:
        save_scenario(options.record, _scenario(options, log, environment))
        facts["record"] = str(options.record)
    if options.json:
        print(json.dumps(facts))
    else:
        rows = [[name.replace("_", " "), _text(value)] for name, value in facts.items()]
        print_table("drive", ["measure", "value"], rows)
    return 0


def _driven(options: Drive) -> tuple[Log, AgentMigration]:
    with open_roads(options.traffic, options.scenario) as roads, Client(options.server) as client:
        config, environment = system_on(options, roads)
        with progress_bar("drive", options.slots, "slots") as report:

            def tell(slot: int, log: Log) -> None:
                report(slot, f"{log.vehicles[-1]} vehicles, {log.latency[-1]:.1f} s")

            places = places_of(options, roads)
            log = drive(client, environment, config, places, options.slots, options.model, options.seed, tell)
    return log, environment


def system_on(options: Drive, roads: Roads) -> tuple[AgentMigrationConfig, AgentMigration]:
    """The system on the roads, as it was configured and built."""
    crossings = roads.crossings
    units = options.rsu_positions
    if units is None:
        units = tuple((float(x), float(y)) for x, y in place_rsus(crossings, options.rsus, options.seed))
    coverage = options.coverage_m or default_coverage(crossings, np.asarray(units))
    origin, area = _square(np.concatenate([crossings, np.asarray(units)]))
    usual = AgentMigrationConfig()
    config = replace(
        usual,
        vehicles=options.vehicles,
        rsus=len(units),
        rsu_positions_m=units,
        coverage_m=coverage,
        slot_seconds=options.slot_seconds,
        attack_frequency=options.attack_frequency,
        attacked_rsus=min(usual.attacked_rsus, len(units)),
        origin_m=origin,
        area_m=area,
        slots=options.slots,
    )
    mobility = LiveMobility(jnp.asarray(PERSISTENCE), options.vehicles)
    return config, AgentMigration.build(config, mobility)


def places_of(options: Drive, roads: Roads) -> Callable[[], Places]:
    """What gives the places of one slot after another.

    It raises an EdgewiseError when nobody is on the road.
    """
    random = np.random.default_rng(options.seed)
    places, start = (
        Places.empty(options.vehicles, options.by_place),
        0.0 if options.scenario else options.traffic.warm_up_seconds,
    )
    slot, begun = 0, time.monotonic()

    def following() -> Places:
        nonlocal places, slot
        if options.pace is not None:
            time.sleep(max(0.0, begun + slot * options.slot_seconds / options.pace - time.monotonic()))
        road = roads.advance(start + slot * options.slot_seconds)
        places = places.follow(road, random)
        if not places.taken.any():
            raise EdgewiseError(f"SUMO: no vehicle has been on the road until {roads.time_s:g} s")
        slot += 1
        return places

    return following


def _square(points: Float[np.ndarray, "n 2"]) -> tuple[tuple[float, float], float]:
    """Lower left corner and side of the square round points, m."""
    low, high = points.min(0), points.max(0)
    side = max(float(np.ceil((high - low).max())), 1.0)
    x, y = (low + high - side) / 2
    return (float(x), float(y)), side


def _facts(log: Log) -> dict[str, Any]:
    waited = np.asarray(log.waited) * 1e3
    return {
        "slots": len(log.latency),
        "mean_latency_s": float(np.average(log.latency, weights=log.vehicles)),
        "mean_latency_of_all_s_per_slot": float(np.mean(np.asarray(log.latency) * log.vehicles)),
        "vehicles_per_slot": float(np.mean(log.vehicles)),
        "migrations_per_slot": float(np.mean(log.moved)),
        "defences_per_slot": float(np.mean(log.defended)),
        "answered_by_the_rule": int(np.sum(log.degraded)),
        "outside_of_training": int(np.sum(log.outside)),
        "answer_median_ms": float(np.median(waited)),
        "answer_p99_ms": float(np.percentile(waited, 99)),
    }


def _text(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _scenario(options: Drive, log: Log, environment: AgentMigration) -> MobilityScenario:
    """The drive as a recording."""
    p = environment.parameters
    positions, handover = np.asarray(log.positions, np.float32), np.asarray(log.new)
    handover[0] = False
    start = 0.0 if options.scenario else options.traffic.warm_up_seconds
    units = np.asarray(p.rsu_positions, np.float32)
    origin, area = _square(np.concatenate([positions.reshape(-1, 2), units]))
    return MobilityScenario(
        positions=positions,
        handover=handover,
        slot_seconds=options.slot_seconds,
        rsu_positions=units,
        coverage_m=float(p.coverage),
        origin_m=origin,
        area_m=area,
        source="drive",
        window=(start, start + (len(positions) - 1) * options.slot_seconds),
        roads=positions.reshape(-1, 2),
    )
