"""Latency of one service slot: equations (3) to (9) of the CGDM paper."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

BITS_PER_BYTE = 8.0
"""Data are counted in bytes, rates in bit/s."""


def transfer_time(data_bytes: Float[Array, "*v"], rate_bps: Float[Array, "*v"]) -> Float[Array, "*v"]:
    """Time to send data over a link: equations (3), (5) and (7).

    Args:
        data_bytes: data volume in byte.
        rate_bps: link rate in bit/s.

    Returns:
        Seconds.
    """
    return BITS_PER_BYTE * data_bytes / rate_bps


def computing_time(
    data_bytes: Float[Array, "*v"],
    cycles_per_byte: Float[Array, ""],
    share: Float[Array, "*v"],
    cpu_hz: Float[Array, "*v"],
) -> Float[Array, "*v"]:
    """Time to process data on a share of an RSU's processor: equations (4) and (6).

    Args:
        data_bytes: data volume in byte.
        cycles_per_byte: d_s.
        share: alpha in (0, 1], fraction of the RSU's speed given to this vehicle.
        cpu_hz: speed of the RSU in cycle/s (already reduced by an attack).

    Returns:
        Seconds.
    """
    return cycles_per_byte * data_bytes / (share * cpu_hz)


def migration_time(
    data_bytes: Float[Array, "*v"], hops: Float[Array, "*v"], link_bps: Float[Array, "*v"]
) -> Float[Array, "*v"]:
    """Time to copy an agent to another RSU, store-and-forward over wired hops: equation (8).

    Args:
        data_bytes: agent size D_con in byte.
        hops: number of wired hops between serving and target RSU, 0 when they are the same.
        link_bps: rate of one hop in bit/s.

    Returns:
        Seconds, 0 where there is nothing to move.
    """
    return hops * BITS_PER_BYTE * data_bytes / link_bps


class Latency(eqx.Module):
    """Terms of one slot's latency for every vehicle, each [V] in seconds; they add up to equation (9).

    Attributes:
        agent_upload: T_uc, paid when the serving RSU holds no copy of the agent.
        deployment: T_dep, likewise.
        data_upload: T_um.
        processing: T_pro.
        migration: what T_mig adds beyond the processing it runs in parallel with, max(0, T_mig - T_pro).
        download: T_down.
        defence: T_ext where the serving RSU runs a moving target defence.
    """

    agent_upload: Float[Array, "*v"]
    deployment: Float[Array, "*v"]
    data_upload: Float[Array, "*v"]
    processing: Float[Array, "*v"]
    migration: Float[Array, "*v"]
    download: Float[Array, "*v"]
    defence: Float[Array, "*v"]

    @property
    def total(self) -> Float[Array, "*v"]:
        """T_tot of equation (9), [V] in seconds."""
        return (
            self.agent_upload
            + self.deployment
            + self.data_upload
            + self.processing
            + self.migration
            + self.download
            + self.defence
        )


def total_latency(
    *,
    copy_present: Float[Array, "*v"],
    agent_upload: Float[Array, "*v"],
    deployment: Float[Array, "*v"],
    data_upload: Float[Array, "*v"],
    processing: Float[Array, "*v"],
    migration: Float[Array, "*v"],
    download: Float[Array, "*v"],
    defence: Float[Array, "*v"],
) -> Latency:
    """Combine the raw terms by equation (9).

    Args:
        copy_present: epsilon, 1 where the serving RSU holds the agent, else 0.
        agent_upload: T_uc, s.
        deployment: T_dep, s.
        data_upload: T_um, s.
        processing: T_pro, s.
        migration: T_mig, s.
        download: T_down, s.
        defence: beta_s T_ext in seconds.

    Returns:
        The terms as they are paid.
    """
    missing = 1 - copy_present
    return Latency(
        agent_upload=missing * agent_upload,
        deployment=missing * deployment,
        data_upload=data_upload,
        processing=processing,
        migration=jnp.maximum(0.0, migration - processing),
        download=download,
        defence=defence,
    )
