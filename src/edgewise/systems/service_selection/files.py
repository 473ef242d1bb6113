"""Providers from a file: CSV or YAML, one provider per row or list entry."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp

from edgewise.common.tables import TraceError, find_columns, finite_number, read_table, wrong_value
from edgewise.common.yaml_files import read_yaml
from edgewise.systems.service_selection.sampling import Providers

FIELDS = ("capacity", "start_steps", "start_score", "end_steps", "end_score")
YAML_SUFFIXES = (".yaml", ".yml")


def load_providers(path: str | os.PathLike[str]) -> Providers:
    """Read providers.

    The file has the columns (or, if its name ends in .yaml or .yml, is a list of mappings with the keys) `capacity`,
    `start_steps`, `start_score`, `end_steps`, `end_score`: see `Providers`.

    Raises:
        TraceError: if the file cannot be read, holds no provider, lacks a field, or has a value that is not allowed; the row
            of a YAML file is the number of the provider.
    """
    path = Path(path)
    entries = _yaml_entries(path) if path.suffix.lower() in YAML_SUFFIXES else _csv_entries(path)
    table = [_checked(path, row, texts) for row, texts in entries]
    if not table:
        raise TraceError(path, "has no provider")
    return Providers(*(jnp.asarray(column, dtype=float) for column in zip(*table, strict=True)))


def _checked(path: Path, row: int, texts: dict[str, str]) -> tuple[float, ...]:
    values = {field: finite_number(path, row, field, texts[field]) for field in FIELDS}
    lowest = {"start_steps": 0.0, "start_score": 0.0, "end_score": values["start_score"]}
    above = {"capacity": 0.0, "end_steps": values["start_steps"]}
    for field, value in values.items():
        if value < lowest.get(field, -math.inf):
            raise wrong_value(path, row, field, texts[field], f"at least {lowest[field]:g}")
        if value <= above.get(field, -math.inf):
            raise wrong_value(path, row, field, texts[field], f"more than {above[field]:g}")
    return tuple(values.values())


def _csv_entries(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    rows = read_table(path)
    places = find_columns(path, next(rows), dict.fromkeys(FIELDS, None), {field: (field,) for field in FIELDS})
    for row in rows:
        yield row.row, {field: row.numeral(place) for field, place in zip(FIELDS, places, strict=True)}


def _yaml_entries(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    entries = read_yaml(path)
    if not isinstance(entries, list):
        raise TraceError(path, "must be a list of providers")
    for row, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or set(entry) != set(FIELDS):
            raise TraceError(path, f"provider {str(entry)[:80]}: must have the fields {', '.join(FIELDS)}", row=row)
        for field, value in entry.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise wrong_value(path, row, field, str(value), "a number, without quotes")
        yield row, {field: str(value) for field, value in entry.items()}
