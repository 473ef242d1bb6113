"""Network states from numbers, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from edgewise.common.errors import ConfigurationError, check_integer, check_range
from edgewise.systems.dynamic_contract.model import Hardware, Network

SUM_TOLERANCE = 1e-6
"""By how much probabilities may miss the sum 1, as numbers in files are rounded."""
Number = TypeVar("Number", float, jax.Array)


def build_network(
    *,
    servers: int,
    alpha: float,
    beta: float,
    unit_cost: float,
    power_dbm: float,
    rate_mbps: float,
    integration_energy: float,
    types: Sequence[Sequence[float]],
    initial: Sequence[float],
    transitions: Sequence[Sequence[Sequence[float]]],
    hardware: Hardware | None = None,
) -> Network:
    """A network state in double precision, from everyday units.

    Args:
        servers: N.
        alpha: profit per unit of quality.
        beta: discount of a period against the one before, in [0, 1].
        unit_cost: sigma, cost of a joule.
        power_dbm: transmit power, dBm.
        rate_mbps: transmission rate, 1e6 bit/s.
        integration_energy: E_C, J.
        types: theta of each period, rising strictly; H lists of K. Errors call them theta1, theta2, ...
        initial: probability of each type in period 1; p1 in errors.
        transitions: for each later period a row of probabilities per type of the period before; p2, p3, ... in errors.
        hardware: constants. If None, those of Table I.

    Raises:
        ConfigurationError: naming the field, its value and what is allowed.
    """
    check_integer("servers", servers, 1)
    check_range("alpha", alpha, 0, open_low=True)
    check_range("beta", beta, 0, 1)
    check_range("unit_cost", unit_cost, 0, open_low=True)
    check_range("power_dbm", power_dbm, -100, 100)
    check_range("rate_mbps", rate_mbps, 0, open_low=True)
    check_range("integration_energy", integration_energy, 0)
    kinds = _check_tables(servers, types, initial, transitions)
    with jax.enable_x64(True):

        def wide(value: object) -> jax.Array:
            return jnp.asarray(value, dtype=float)

        tables = wide(transitions) if transitions else jnp.zeros((0, kinds, kinds))
        return Network(
            types=wide(types),
            initial=wide(initial) / wide(initial).sum(),
            transitions=tables / tables.sum(axis=-1, keepdims=True),
            servers=wide(servers),
            alpha=wide(alpha),
            beta=wide(beta),
            unit_cost=wide(unit_cost),
            power=wide(dbm_to_watt(power_dbm)),
            rate=wide(rate_mbps * 1e6),
            integration_energy=wide(integration_energy),
            hardware=hardware or Hardware(),
        )


def dbm_to_watt(power: Number) -> Number:
    """Power in W of a level in dBm; also of an array."""
    return 10 ** ((power - 30) / 10)


def _check_tables(
    servers: int,
    types: Sequence[Sequence[float]],
    initial: Sequence[float],
    transitions: Sequence[Sequence[Sequence[float]]],
) -> int:
    """Check types and their probabilities; the number of types."""
    if not types:
        raise ConfigurationError("types", types, "one list of types for each period")
    if len(transitions) != len(types) - 1:
        raise ConfigurationError("transitions", len(transitions), f"one table for each later period, {len(types) - 1}")
    kinds = len(types[0])
    check_integer("number of types", kinds, 1)
    if kinds > servers:
        raise ConfigurationError("servers", servers, f"at least the number of types, {kinds}")
    for period, theta in enumerate(types, 1):
        _check_types(f"theta{period}", theta, kinds)
    _check_probabilities("p1", initial, (kinds,))
    for period, table in enumerate(transitions, 2):
        _check_probabilities(f"p{period}", table, (kinds, kinds))
    return kinds


def _check_types(field: str, values: Sequence[float], kinds: int) -> None:
    check_range(field, values, 0, open_low=True)
    if np.shape(values) != (kinds,):
        raise ConfigurationError(field, values, f"{kinds} numbers, as many as theta1 has")
    if (np.diff(values) <= 0).any():
        raise ConfigurationError(field, values, "sorted, each type above the one before")


def _check_probabilities(field: str, values: object, shape: tuple[int, ...]) -> None:
    try:
        table = np.asarray(values, dtype=float)
    except (TypeError, ValueError):  # rows of different lengths, or no numbers
        table = np.zeros(0)
    if table.shape != shape:
        raise ConfigurationError(field, values, " rows of ".join(map(str, shape)) + " numbers")
    check_range(field, values, 0, 1)
    for row in table.reshape(-1, shape[-1]):
        if abs(row.sum() - 1) > SUM_TOLERANCE:
            raise ConfigurationError(field, row.tolist(), f"probabilities that add up to 1, not {row.sum():.6g}")
