"""Instances drawn at random: maps, hardware, fleets, attacks and ways of one's own, for policies that shall serve any.

Everything is drawn by NumPy from a seed. Instance i of a shape is the same whatever the number of instances drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from edgewise.common.errors import ConfigurationError, check_integer, check_range
from edgewise.systems.agent_migration.configuration import DRAWN, AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.mobility.base import Mobility
from edgewise.systems.agent_migration.mobility.loops import RectangularLoops
from edgewise.systems.agent_migration.parameters import grid_positions

Pair = tuple[float, float]
Shape = tuple[int, int]
"""Vehicles V and road-side units S."""
Stream = Literal["training", "evaluation", "held out"]
STREAMS: dict[Stream, int] = {"training": 0, "evaluation": 1, "held out": 2}
"""Randomness that never meets: what is trained on, what picks the best policy and tests it, and what a finished policy is
judged by."""
TRAINING_SHAPES: tuple[Shape, ...] = ((8, 4), (4, 3), (12, 6), (6, 5), (10, 3), (6, 2), (16, 2))
"""From less than two to eight vehicles per unit, and two units."""
HELD_OUT_VEHICLES = (4, 16)
HELD_OUT_RSUS = (2, 9)
COVERED = 0.99
"""Part of the area that the coverage radii are measured by; the last corners of it would rule them."""
RASTER = 41
"""Points along each side of the raster on which that part is measured."""
OF_INSTANCES = ("instances", "shapes", "instances_per_shape", "instance_seed", "include_default")
"""Fields of the configuration that describe instances, and no single system."""
DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(AgentMigrationConfig)}


@dataclass(frozen=True)
class InstanceRanges:
    """What instances are drawn from: each pair is the lowest and the highest value, between which all are equally likely.

    Attributes:
        area_m: side of the area, m.
        grid_share: part of the instances whose units stand on a jittered grid; in the others they stand at random.
        grid_jitter: largest displacement of a unit from its place on the grid, along each axis, in cells.
        margin: part of the area's side along its edges where no unit and no loop is.
        coverage: coverage radius over the distance within which 99% of the area has a unit.
        link_rate_mbps: nominal radio rate of each unit, Mbit/s.
        cpu_mhz: processor speed of each unit, 1e6 cycle/s.
        least_data_mb: lower end of the range of an instance's mean data volumes and agent sizes, 1e6 byte.
        most_data_mb: upper end of that range, drawn for volumes and sizes each.
        raw_data_spread: spread of a slot's volume about its mean.
        tolerance: tolerated latency of each vehicle over its nominal one.
        backhaul_mbps: rate of a wired hop, Mbit/s.
        slot_seconds: length of a slot, s.
        no_attack_share: part of the instances without any attacker.
        attacked_share: units under attack over S, where there is an attacker; at least one, rounded.
        attack_frequency: probability per slot that an idle target is hit.
        attack_end_probability: probability per slot that an attack ends.
        attack_severity: part of a unit's resources that an attack takes.
        reconnaissance_slots: slots that a successful defence wins, whole numbers.
        copy_loss_probability: probability that an attack destroys a copy on its way.
        defence_seconds: delay of a defence, s; its logarithm is drawn evenly, since delays differ by factors.
        defence_success: probability that a defence works.
        loop_side: side of a vehicle's rectangle over the area's side inside the margin.
        lowest_speed_m_s: lower end of the vehicles' speeds, m/s.
        speed_width_m_s: width of the range of speeds, m/s.
        speed_spread: relative standard deviation of a slot's speed.
    """

    area_m: Pair = (1200.0, 3000.0)
    grid_share: float = 0.5
    grid_jitter: float = 0.35
    margin: float = 0.05
    coverage: Pair = (1.2, 3.2)
    link_rate_mbps: Pair = (80.0, 320.0)
    cpu_mhz: Pair = (80.0, 320.0)
    least_data_mb: float = 80.0
    most_data_mb: Pair = (200.0, 650.0)
    raw_data_spread: Pair = (0.1, 0.4)
    tolerance: Pair = (1.3, 2.1)
    backhaul_mbps: Pair = (200.0, 800.0)
    slot_seconds: Pair = (15.0, 45.0)
    no_attack_share: float = 0.2
    attacked_share: Pair = (0.0, 0.5)
    attack_frequency: Pair = (0.05, 0.9)
    attack_end_probability: Pair = (0.1, 0.4)
    attack_severity: Pair = (0.4, 0.75)
    reconnaissance_slots: tuple[int, int] = (0, 3)
    copy_loss_probability: Pair = (0.3, 0.7)
    defence_seconds: Pair = (5.0, 20.0)
    defence_success: Pair = (0.4, 0.8)
    loop_side: Pair = (0.25, 1.0)
    lowest_speed_m_s: Pair = (5.0, 15.0)
    speed_width_m_s: Pair = (3.0, 12.0)
    speed_spread: Pair = (0.05, 0.2)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            check_range(field.name, value, 0)
            if np.ndim(value) and (len(value) != 2 or value[0] > value[1]):
                raise ConfigurationError(field.name, value, "(low, high) with low <= high")
        for name in ("grid_share", "no_attack_share", "attacked_share"):
            check_range(name, getattr(self, name), 0, 1)
        for name in ("margin", "grid_jitter"):
            check_range(name, getattr(self, name), 0, 0.5, open_high=True)
        check_range("loop_side", self.loop_side, 0, 1, open_low=True)


@dataclass(frozen=True, eq=False)
class Instance:
    """One drawn system.

    Attributes:
        config: everything but the vehicles' ways.
        mobility: the vehicles' ways.
    """

    config: AgentMigrationConfig
    mobility: Mobility

    def build(self) -> AgentMigration:
        """Its environment."""
        return AgentMigration.build(self.config, self.mobility)


def draw_instances(
    shape: Shape,
    count: int,
    seed: int,
    stream: Stream = "training",
    *,
    base: AgentMigrationConfig | None = None,
    ranges: InstanceRanges | None = None,
    include_default: bool = False,
) -> list[Instance]:
    """Instances of one shape.

    Args:
        shape: vehicles V and road-side units S.
        count: number of instances.
        seed: their randomness.
        stream: what they are for; streams of one seed have nothing in common.
        base: gives every field that is not drawn; a drawn field that has another value than its default there keeps that
            value. If None, the defaults.
        ranges: what is drawn from. If None, the usual ranges.
        include_default: the first instance is `base` itself, on the usual loops, if it has this shape.

    Raises:
        ConfigurationError: if a size is not positive, or a value of `base` does not fit the shape.
    """
    check_integer("vehicles", shape[0], 1)
    check_integer("rsus", shape[1], 1)
    check_integer("instances_per_shape", count, 1)
    check_integer("instance_seed", seed, 0, 2**32 - 1)
    base = alone(AgentMigrationConfig() if base is None else base)
    ranges = InstanceRanges() if ranges is None else ranges
    drawn = [_draw(shape, (seed, STREAMS[stream], *shape, index), base, ranges) for index in range(count)]
    if include_default and (base.vehicles, base.rsus) == shape:
        drawn[0] = Instance(base, AgentMigration.build(base).mobility)
    return drawn


def alone(config: AgentMigrationConfig) -> AgentMigrationConfig:
    """The one system that the fields of a configuration describe, without the instances that it names."""
    return replace(config, **{name: DEFAULTS[name] for name in OF_INSTANCES})


def facts(config: AgentMigrationConfig) -> dict[str, Any]:
    """What a policy is trained on: shapes and ranges of drawn instances, or recordings with their digests."""
    if config.instances == DRAWN:
        ranges = {each.name: getattr(InstanceRanges(), each.name) for each in fields(InstanceRanges)}
        return {
            "vehicles x units": list(config.shapes) or [f"{v}x{s}" for v, s in TRAINING_SHAPES],
            "instances of each": config.instances_per_shape,
            "seed": config.instance_seed,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in ranges.items()},
        }
    if config.instances is not None:
        return {"instances in folder": Path(config.instances).name}
    if config.mobility is None:
        return {}
    first = {"its first part": config.training_share, "sha256": config.mobility_sha256}
    return {"recording": Path(config.mobility).name, **first}


def held_out(
    seed: int,
    count: int = 40,
    shapes: int = 10,
    *,
    base: AgentMigrationConfig | None = None,
    ranges: InstanceRanges | None = None,
) -> dict[Shape, list[Instance]]:
    """Instances never trained on, by which a finished policy is judged: 4 to 16 vehicles and 2 to 9 units.

    Args:
        seed: their randomness.
        count: number of instances, spread evenly over the shapes.
        shapes: number of shapes, at most `count`; vehicles and units are spread over their ranges and paired at random.
        base, ranges: as for `draw_instances`.

    Raises:
        ConfigurationError: if there are fewer instances than shapes.
    """
    check_integer("shapes", shapes, 1)
    check_integer("count", count, shapes)
    generator = np.random.default_rng((seed, STREAMS["held out"]))
    vehicles, rsus = (
        np.round(np.linspace(low, high, shapes)).astype(int) for low, high in (HELD_OUT_VEHICLES, HELD_OUT_RSUS)
    )
    pairs = list(zip(vehicles.tolist(), generator.permutation(rsus).tolist(), strict=True))
    numbers = [count // shapes + (place < count % shapes) for place in range(shapes)]
    chosen: dict[Shape, int] = {}
    for pair, number in zip(pairs, numbers, strict=True):
        chosen[pair] = chosen.get(pair, 0) + number
    return {
        pair: draw_instances(pair, number, seed, "held out", base=base, ranges=ranges)
        for pair, number in chosen.items()
    }


def _draw(shape: Shape, seed: Sequence[int], base: AgentMigrationConfig, ranges: InstanceRanges) -> Instance:
    vehicles, rsus = shape
    generator = np.random.default_rng(seed)
    area = generator.uniform(*ranges.area_m)
    positions = _positions(generator, rsus, area, ranges)
    loops, direction = _loops(generator, vehicles, area, ranges)
    slowest = generator.uniform(*ranges.lowest_speed_m_s)
    drawn: dict[str, Any] = {
        "area_m": area,
        "rsu_positions_m": tuple((float(x), float(y)) for x, y in positions),
        "coverage_m": generator.uniform(*ranges.coverage) * covering_radius(positions, area),
        "speed_range_m_s": (slowest, slowest + generator.uniform(*ranges.speed_width_m_s)),
        **_hardware(generator, shape, ranges),
        **_attacks(generator, rsus, ranges),
    }
    kept = {name: value for name, value in drawn.items() if getattr(base, name) == DEFAULTS[name]}
    config = replace(base, vehicles=vehicles, rsus=rsus, **kept)
    mobility = RectangularLoops.of_rectangles(
        loops * (config.area_m / area) + np.tile(np.asarray(config.origin_m), 2),
        direction,
        config.speed_range_m_s,
        config.speed_spread,
        config.slot_seconds,
    )
    return Instance(config, mobility)


def _positions(
    generator: np.random.Generator, rsus: int, area: float, ranges: InstanceRanges
) -> Float[np.ndarray, "s 2"]:
    """Units on a jittered grid, or at random."""
    if generator.uniform() >= ranges.grid_share:
        return area * generator.uniform(ranges.margin, 1 - ranges.margin, (rsus, 2))
    cell = area / np.ceil(np.sqrt(rsus))
    jitter = cell * generator.uniform(-ranges.grid_jitter, ranges.grid_jitter, (rsus, 2))
    return np.clip(grid_positions(rsus, (0.0, 0.0), area) + jitter, ranges.margin * area, (1 - ranges.margin) * area)


def covering_radius(positions: Float[np.ndarray, "s 2"], area: float) -> float:
    """Distance in m within which 99% of a square area with its corner at (0, 0) has a unit.

    Args:
        positions: units, m.
        area: side of the area, m.
    """
    axis = np.linspace(0, area, RASTER)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)
    return float(np.quantile(np.linalg.norm(points - positions, axis=-1).min(axis=1), COVERED))


def _loops(
    generator: np.random.Generator, vehicles: int, area: float, ranges: InstanceRanges
) -> tuple[Float[np.ndarray, "v 4"], Float[np.ndarray, " v"]]:
    """Corners x0, y0, x1, y1 of each vehicle's rectangle in m, and its direction."""
    room = 1 - 2 * ranges.margin
    side = room * generator.uniform(*ranges.loop_side, (vehicles, 2))
    low = ranges.margin + generator.uniform(0, 1, (vehicles, 2)) * (room - side)
    return area * np.concatenate([low, low + side], axis=1), generator.choice([-1.0, 1.0], vehicles)


def _hardware(generator: np.random.Generator, shape: Shape, ranges: InstanceRanges) -> dict[str, Any]:
    """Units, wires, volumes and users."""
    vehicles, rsus = shape

    def several(low: float, high: float, count: int) -> tuple[float, ...]:
        return tuple(generator.uniform(low, high, count).tolist())

    most_raw, most_agent = generator.uniform(*ranges.most_data_mb, 2)
    return {
        "link_rate_mbps": several(*ranges.link_rate_mbps, rsus),
        "cpu_mhz": several(*ranges.cpu_mhz, rsus),
        "raw_data_mb": several(ranges.least_data_mb, most_raw, vehicles),
        "agent_data_mb": several(ranges.least_data_mb, most_agent, vehicles),
        "tolerance": several(*ranges.tolerance, vehicles),
        "raw_data_spread": generator.uniform(*ranges.raw_data_spread),
        "backhaul_mbps": generator.uniform(*ranges.backhaul_mbps),
        "slot_seconds": generator.uniform(*ranges.slot_seconds),
        "speed_spread": generator.uniform(*ranges.speed_spread),
    }


def _attacks(generator: np.random.Generator, rsus: int, ranges: InstanceRanges) -> dict[str, Any]:
    """The attacker and the defence."""
    none = generator.uniform() < ranges.no_attack_share
    units = max(1, round(rsus * generator.uniform(*ranges.attacked_share)))
    fastest, slowest = np.log(ranges.defence_seconds)
    return {
        "attacked_rsus": 0 if none else units,
        "attack_frequency": generator.uniform(*ranges.attack_frequency),
        "attack_end_probability": generator.uniform(*ranges.attack_end_probability),
        "attack_severity": generator.uniform(*ranges.attack_severity),
        "reconnaissance_slots": int(generator.integers(*ranges.reconnaissance_slots, endpoint=True)),
        "copy_loss_probability": generator.uniform(*ranges.copy_loss_probability),
        "defence_seconds": float(np.exp(generator.uniform(fastest, slowest))),
        "defence_success": generator.uniform(*ranges.defence_success),
    }
