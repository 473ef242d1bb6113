"""Files of decisions: a row for each, a column for each part of its observation and action, in Parquet or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.packed import nested

PARQUET, CSV = ".parquet", ".csv"
TEXT, NUMBER, FLAG = pa.string(), pa.float64(), pa.bool_()
FACTS: dict[str, Any] = {
    "id": TEXT,
    "time": NUMBER,
    "session": TEXT,
    "system": TEXT,
    "model": TEXT,
    "policy": TEXT,
    "request": TEXT,
    "input_sha256": TEXT,
    "degraded": FLAG,
    "outside": TEXT,
    "milliseconds": NUMBER,
}
"""Columns beside the arrays, see `store.DecisionRow`; times in s since 1970."""
OBSERVATION, ACTION = "observation", "action"
ROWS = 1000
"""Rows that are held at a time."""


@dataclass(frozen=True)
class Decision:
    """A row.

    Attributes:
        facts: by the names of `FACTS`.
        observation, action: arrays by their path; an array alone has the path "".
    """

    facts: Mapping[str, Any]
    observation: Mapping[str, np.ndarray]
    action: Mapping[str, np.ndarray]

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by the names of their columns."""
        parts = {OBSERVATION: self.observation, ACTION: self.action}
        return {f"{part}/{path}" if path else part: each for part, tree in parts.items() for path, each in tree.items()}


Write = Callable[[Sequence[Decision]], None]


@contextmanager
def written(path: Path, arrays: Mapping[str, tuple[int, str]]) -> Iterator[Write]:
    """A file that rows are written to; it is there when all of them are, and not at all after an error.

    Args:
        path: ends in .parquet or .csv.
        arrays: number of axes and kind of type (as of NumPy) of every column that holds arrays.

    Raises:
        ConfigurationError: for another ending.
    """
    if path.suffix not in (PARQUET, CSV):
        raise ConfigurationError("out", str(path), f"a file that ends in {PARQUET} or {CSV}")
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with (_parquet if path.suffix == PARQUET else _csv)(temporary, arrays) as write:
            yield write
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> Iterator[Decision]:
    """The rows of a file.

    Raises:
        EdgewiseError: if it cannot be read, or is no such file.
    """
    if not path.is_file():
        raise EdgewiseError(f"{path}: must be a file of decisions, as `edgewise decisions export` writes it")
    try:
        for row in _rows_of_parquet(path) if path.suffix == PARQUET else _rows_of_csv(path):
            yield _decision(row)
    except (pa.ArrowException, ValueError, KeyError, csv.Error) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise EdgewiseError(f"{path}: cannot be read as decisions: {first}") from None


def count(path: Path) -> int:
    """Rows of a file of Parquet; 0 where they are not told beforehand."""
    if path.suffix != PARQUET or not path.is_file():
        return 0
    try:
        return int(pq.read_metadata(path).num_rows)
    except pa.ArrowException as error:
        raise EdgewiseError(f"{path}: cannot be read as decisions: {str(error).splitlines()[0]}") from None


@contextmanager
def _parquet(path: Path, arrays: Mapping[str, tuple[int, str]]) -> Iterator[Write]:
    schema = pa.schema({**FACTS, **{name: _type(*form) for name, form in arrays.items()}})
    with pq.ParquetWriter(path, schema) as writer:

        def write(rows: Sequence[Decision]) -> None:
            writer.write_table(pa.Table.from_pylist([_plain(row) for row in rows], schema))

        yield write


@contextmanager
def _csv(path: Path, arrays: Mapping[str, tuple[int, str]]) -> Iterator[Write]:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*FACTS, *arrays])
        writer.writeheader()

        def write(rows: Sequence[Decision]) -> None:
            for row in rows:
                plain = _plain(row)
                writer.writerow({name: json.dumps(each) if name in arrays else each for name, each in plain.items()})

        yield write


def _plain(row: Decision) -> dict[str, Any]:
    return {**row.facts, **{name: each.tolist() for name, each in row.columns.items()}}


def _type(axes: int, kind: str) -> Any:
    found: Any = {"b": pa.bool_(), "f": pa.float32()}.get(kind, pa.int64())
    for _ in range(axes):
        found = pa.list_(found)
    return found


def _rows_of_parquet(path: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS):
            yield from batch.to_pylist()


def _rows_of_csv(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(1 << 30)
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            facts = {name: _fact(FACTS[name], row[name]) for name in FACTS}
            arrays = {name: json.loads(text) for name, text in row.items() if name not in FACTS and text}
            yield {**facts, **arrays}


def _fact(kind: Any, text: str) -> Any:
    return float(text) if kind == NUMBER else text == "True" if kind == FLAG else text


def _decision(row: Mapping[str, Any]) -> Decision:
    def arrays(part: str) -> dict[str, np.ndarray]:
        named = {name: each for name, each in row.items() if each is not None and name.split("/")[0] == part}
        return {name.partition("/")[2]: np.asarray(each) for name, each in named.items()}

    return Decision({name: row[name] for name in FACTS}, arrays(OBSERVATION), arrays(ACTION))


def forms_of(rows: Iterable[Decision]) -> dict[str, tuple[int, str]]:
    """Number of axes and kind of type of every column that holds arrays."""
    return {name: (each.ndim, each.dtype.kind) for row in rows for name, each in row.columns.items()}


def tree_of(arrays: Mapping[str, np.ndarray]) -> Any:
    """An observation or an action as a policy takes or gives it."""
    return nested(arrays)
