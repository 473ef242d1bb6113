"""Markets from YAML files and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from edgewise.common.errors import ConfigurationError, check_range, read_from
from edgewise.common.plain import check_keys
from edgewise.common.yaml_files import read_yaml
from edgewise.systems.twin_trading.market import Delay, Market, check_market

FIELDS = {
    "satisfaction": "n",
    "sensitivity": "n",
    "social": "nn",
    "cost": "m",
    "price_cap": "",
    "payment_scale": "",
    "leader_scale": "",
}
"""Field of a market to its shape: n followers, m leaders."""
DELAY_FIELDS = {
    "data_bits": "n",
    "cycles": "n",
    "deadline_s": "n",
    "cpu_hz": "m",
    "arrival_rate": "m",
    "service_rate": "m",
    "rate_per_bandwidth": "",
}


def load_market(path: str | os.PathLike[str]) -> Market:
    """Read a market whose file has the fields of `Market` as keys; `delay`, a mapping with those of `Delay`, may be left out.

    Raises:
        YamlError: if the file cannot be read or is no YAML.
        ConfigurationError: as `market_of` does, and naming the file.
    """
    values = read_yaml(path)
    with read_from(path):
        return market_of(values)


def market_of(values: object) -> Market:
    """The market that plain values describe.

    Raises:
        ConfigurationError: naming the keys that are missing or unknown, or the first field that has a value that is not allowed.
    """
    table = check_keys("instance", values, FIELDS, ("delay",))
    sizes = {"n": _count("satisfaction", table), "m": _count("cost", table)}
    numbers = {name: _numbers(name, table[name], shape, sizes) for name, shape in FIELDS.items()}
    delay = None
    if table.get("delay") is not None:
        entries = check_keys("delay", table["delay"], DELAY_FIELDS)
        delay = Delay(**{n: _numbers(f"delay.{n}", entries[n], shape, sizes) for n, shape in DELAY_FIELDS.items()})
    return check_market(Market(**numbers, delay=delay))


def plain_market(market: Market) -> dict[str, Any]:
    """The values of a market's file; `market_of` reads them."""
    plain: dict[str, Any] = {name: np.asarray(getattr(market, name)).tolist() for name in FIELDS}
    if market.delay is not None:
        plain["delay"] = {name: np.asarray(getattr(market.delay, name)).tolist() for name in DELAY_FIELDS}
    return plain


def _count(field: str, table: Mapping[str, Any]) -> int:
    value = table[field]
    if not isinstance(value, list | tuple) or not value:
        raise ConfigurationError(field, value, "a list of numbers")
    return len(value)


def _numbers(field: str, value: object, shape: str, sizes: Mapping[str, int]) -> Float[Array, ...]:
    """Finite numbers in the shape of the field."""
    wanted = tuple(sizes[letter] for letter in shape)
    size = wanted[0] if wanted else 1
    allowed = ("a number", f"a list of {size} numbers", f"{size} rows of {size} numbers")[len(wanted)]
    if not _only_numbers(value):
        raise ConfigurationError(field, value, allowed)
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ConfigurationError(field, value, allowed) from None
    if array.shape != wanted:
        raise ConfigurationError(field, value, allowed)
    check_range(field, value)
    return jnp.asarray(array, dtype=float)


def _only_numbers(value: object) -> bool:
    """Whether all that a value holds are numbers, and none is text that looks like one."""
    if isinstance(value, list | tuple):
        return all(map(_only_numbers, value))
    return isinstance(value, int | float) and not isinstance(value, bool)
