"""`AgentMigrationConfig` in SI units, with everything that follows from it, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.sparse.csgraph import shortest_path

from edgewise.systems.agent_migration.channel import path_gain, spectral_efficiency
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig, Values
from edgewise.systems.agent_migration.host_records import record_in

RAW_DATA_MB = (100.0, 171.0, 243.0, 314.0, 386.0, 457.0, 529.0, 600.0)
AGENT_DATA_MB = (314.0, 529.0, 100.0, 457.0, 243.0, 600.0, 171.0, 386.0)
"""Mean volume that each vehicle sends per slot, and size of its agent: the range of Table II in eight steps, the second in
another order, so that large data and a large agent do not go together."""
TOLERANCE = (2.0, 1.7, 1.5, 1.9, 1.4, 1.8, 1.6, 1.7)
"""T_max of each vehicle over its nominal latency: users differ, and all accept what a healthy RSU gives."""


class Parameters(eqx.Module):
    """`AgentMigrationConfig` in SI units (m, s, Hz, W, bit/s, byte, cycle) as array leaves, so that a study can sweep them.

    Attributes without a comment are the field of the same name.
    """

    slot_seconds: Float[Array, ""]
    center: Float[Array, " 2"]  # of the area, m
    half_extent: Float[Array, ""]  # half the side of the area, m
    rsu_positions: Float[Array, "s 2"]
    hops: Float[Array, "s s"]  # wired hops between RSUs
    coverage: Float[Array, ""]
    carrier_hz: Float[Array, ""]
    antenna_gain: Float[Array, ""]
    minimum_distance: Float[Array, ""]
    vehicle_power: Float[Array, ""]
    rsu_power: Float[Array, ""]
    noise: Float[Array, ""]
    spectrum_hz: Float[Array, " s"]  # B_s of (2), from the nominal rate
    cpu_hz: Float[Array, " s"]
    cycles_per_byte: Float[Array, ""]
    raw_data: Float[Array, " v"]  # mean, byte
    raw_data_spread: Float[Array, ""]
    agent_data: Float[Array, " v"]
    computed_share: Float[Array, ""]
    result_share: Float[Array, ""]
    backhaul_bps: Float[Array, ""]
    max_load: Float[Array, ""]
    attack_frequency: Float[Array, ""]
    attacked_rsus: Int[Array, ""]
    attack_end_probability: Float[Array, ""]
    attack_severity: Float[Array, ""]
    scheduled_attacks: Int[Array, "n 3"]
    copy_loss_probability: Float[Array, ""]
    defence_seconds: Float[Array, ""]
    defence_success: Float[Array, ""]
    reconnaissance_slots: Int[Array, ""]
    prior_positive: Float[Array, ""]
    prior_negative: Float[Array, ""]
    forgetting: Float[Array, ""]
    reception_weight: Float[Array, ""]
    reliability_weight: Float[Array, ""]
    trust_weights: Float[Array, " 3"]
    trust_rate: Float[Array, ""]
    initial_reputation: Float[Array, ""]
    reputation_threshold: Float[Array, ""]
    tolerance: Float[Array, " v"]  # T_max of each user, s
    beacon_packets: Float[Array, ""]
    vehicle_packets: Float[Array, ""]
    packet_loss: Float[Array, ""]
    attacked_packet_loss: Float[Array, ""]
    share_sharpness: Float[Array, ""]
    trust_penalty_s: Float[Array, ""]
    overload_penalty: Float[Array, ""]


def grid_positions(rsus: int, origin: tuple[float, float], side: float) -> np.ndarray:
    """RSUs at the cell centres of a near-square grid over the area, row by row from the origin; [S, 2] in m."""
    columns = int(np.ceil(np.sqrt(rsus)))
    rows = int(np.ceil(rsus / columns))
    index = np.arange(rsus)
    x = (index % columns + 0.5) * side / columns
    y = (index // columns + 0.5) * side / rows
    return np.stack([x, y], axis=1) + np.asarray(origin)


def wired_hops(positions: np.ndarray) -> np.ndarray:
    """Hops between RSUs whose wires are the relative neighbourhood graph of their positions; [S, S].

    Two RSUs are wired when no third is nearer to both than they are to each other. The graph is connected, and on a grid
    it is the grid: the diagonal of a square costs two hops.
    """
    distance = np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
    to_others = distance + np.diag(np.full(len(distance), np.inf))
    lens = np.stack([np.maximum(own, to_others).min(axis=1) for own in to_others])
    wired = distance <= lens * (1 + 1e-9)
    np.fill_diagonal(wired, False)
    return np.asarray(shortest_path(wired.astype(float), unweighted=True, directed=False))


def _spread(value: Values, default: Sequence[float] | np.ndarray, count: int) -> np.ndarray:
    if value is None:
        return np.resize(np.asarray(default, dtype=float), count)
    return np.broadcast_to(np.asarray(value, dtype=float), (count,))


def nominal_latency(config: AgentMigrationConfig) -> Float[np.ndarray, " v"]:
    """Latency of each vehicle at its mean volume D, the mean rate b and an equal part of the mean processor C, in s.

    T_nom = 8 (1 + result_share) D / mean(b) + d_s D / ((S / V) mean(C)).
    """
    rate, cpu, raw = link_rates(config), _processors(config), _volumes(config)
    shared = config.rsus / config.vehicles * cpu.mean()
    radio = 8 * (1 + config.result_share) * raw / rate.mean()
    return np.asarray(radio + config.cycles_per_byte * config.computed_share * raw / shared)


def link_rates(config: AgentMigrationConfig) -> Float[np.ndarray, " s"]:
    """Nominal radio rate of each RSU, bit/s."""
    return 1e6 * _spread(config.link_rate_mbps, np.round(np.linspace(300, 100, config.rsus)), config.rsus)


def _processors(config: AgentMigrationConfig) -> np.ndarray:
    return 1e6 * _spread(config.cpu_mhz, np.round(np.linspace(100, 300, config.rsus)), config.rsus)


def _volumes(config: AgentMigrationConfig) -> np.ndarray:
    return 1e6 * _spread(config.raw_data_mb, RAW_DATA_MB, config.vehicles)


def build_parameters(config: AgentMigrationConfig, numbers: Any = jnp) -> Parameters:
    """Translate a configuration to SI arrays, with everything that follows from it.

    The spectrum B_s is the one that gives the nominal rate at the reference distance; the tolerance T_max is the personal
    multiple of the nominal latency.

    Args:
        config: the system.
        numbers: see `host_records`.

    Returns:
        `Parameters`.
    """
    rsus, vehicles = config.rsus, config.vehicles
    rate, cpu, raw = link_rates(config), _processors(config), _volumes(config)
    agent = 1e6 * _spread(config.agent_data_mb, AGENT_DATA_MB, vehicles)
    positions = (
        grid_positions(rsus, config.origin_m, config.area_m)
        if config.rsu_positions_m is None
        else np.asarray(config.rsu_positions_m, dtype=float)
    )

    kind, whole = jax.dtypes.canonicalize_dtype(float), jax.dtypes.canonicalize_dtype(int)

    def number(value: object) -> Any:
        return numbers.asarray(value, dtype=kind)

    derived = {
        "attacked_rsus": numbers.asarray(config.attacked_rsus, dtype=whole),
        "reconnaissance_slots": numbers.asarray(config.reconnaissance_slots, dtype=whole),
        "scheduled_attacks": numbers.asarray(config.scheduled_attacks, dtype=whole).reshape(-1, 3),
        "center": number(config.origin_m) + config.area_m / 2,
        "half_extent": number(config.area_m / 2),
        "rsu_positions": number(positions),
        "hops": number(wired_hops(positions)),
        "coverage": number(config.coverage_m),
        "carrier_hz": number(config.carrier_ghz * 1e9),
        "minimum_distance": number(config.minimum_distance_m),
        "vehicle_power": number(config.vehicle_power_w),
        "rsu_power": number(config.rsu_power_w),
        "noise": number(config.noise_w),
        "spectrum_hz": number(rate) / numbers.asarray(_reference_efficiency(config)),
        "cpu_hz": number(cpu),
        "raw_data": number(raw),
        "agent_data": number(agent),
        "backhaul_bps": number(config.backhaul_mbps * 1e6),
        "tolerance": number(_spread(config.tolerance, TOLERANCE, vehicles) * nominal_latency(config)),
    }
    same = {
        field.name: number(getattr(config, field.name)) for field in fields(Parameters) if field.name not in derived
    }
    return record_in(numbers, Parameters, {**derived, **same})


def _reference_efficiency(config: AgentMigrationConfig) -> Float[Array, ""]:
    """Spectral efficiency at the reference distance, bit/s/Hz."""

    def number(value: float) -> Array:
        return jnp.asarray(value, dtype=float)

    gain = path_gain(
        number(config.reference_distance_m),
        number(config.carrier_ghz * 1e9),
        number(config.antenna_gain),
        number(config.minimum_distance_m),
    )
    return spectral_efficiency(gain, number(config.vehicle_power_w), number(config.noise_w))
