"""Radio channel between vehicles and road-side units: equations (1) and (2) of the CGDM paper."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

SPEED_OF_LIGHT = 299_792_458.0
"""m/s, in vacuum (exact in the SI)."""


def distances(positions: Float[Array, "*v 2"], sites: Float[Array, "*s 2"]) -> Float[Array, "*vs"]:
    """Euclidean distance between every vehicle and every RSU.

    Args:
        positions: vehicle coordinates [V, 2] in m.
        sites: RSU coordinates [S, 2] in m.

    Returns:
        Distances [V, S] in m.
    """
    return jnp.linalg.norm(positions[..., :, None, :] - sites[..., None, :, :], axis=-1)


def path_gain(
    distance: Float[Array, "*shape"],
    carrier_hz: Float[Array, ""],
    antenna_gain: Float[Array, ""],
    minimum_distance: Float[Array, ""],
) -> Float[Array, "*shape"]:
    """Free-space power gain g = Gamma (c / (4 pi f P))^2, equation (1).

    Args:
        distance: m, any shape; values below `minimum_distance` count as that distance.
        carrier_hz: carrier frequency f in Hz.
        antenna_gain: Gamma, a power ratio.
        minimum_distance: m.

    Returns:
        Power gain, same shape, dimensionless.
    """
    reach = jnp.maximum(distance, minimum_distance)
    return antenna_gain * (SPEED_OF_LIGHT / (4 * jnp.pi * carrier_hz * reach)) ** 2


def spectral_efficiency(
    gain: Float[Array, "*shape"], power_w: Float[Array, ""], noise_w: Float[Array, ""]
) -> Float[Array, "*shape"]:
    """log2(1 + h g / N^2) of equation (2), in bit/s/Hz.

    Args:
        gain: power gain g, any shape.
        power_w: transmit power h in W.
        noise_w: noise power N^2 in W.
    """
    return jnp.log2(1 + power_w * gain / noise_w)
