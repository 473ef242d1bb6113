"""Radio rates of healthy units: equation (2) of the CGDM paper."""

from __future__ import annotations

from jaxtyping import Array, Float

from edgewise.systems.agent_migration.channel import path_gain, spectral_efficiency
from edgewise.systems.agent_migration.parameters import Parameters


def healthy_rates(
    p: Parameters, distance: Float[Array, "*p"], spectrum_hz: Float[Array, ...]
) -> tuple[Float[Array, "*p"], Float[Array, "*p"]]:
    """Uplink and downlink rate, bit/s.

    Args:
        p: the system.
        distance: between vehicle and unit, m.
        spectrum_hz: B_s of the unit, broadcast against the distances.
    """
    gain = path_gain(distance, p.carrier_hz, p.antenna_gain, p.minimum_distance)
    up, down = (spectrum_hz * spectral_efficiency(gain, power, p.noise) for power in (p.vehicle_power, p.rsu_power))
    return up, down
