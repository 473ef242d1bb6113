"""Readers of recorded trajectories: SUMO FCD XML and CSV, each plain or gzip, recognised by content."""

from __future__ import annotations

import io
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

import numpy as np
import pandas as pd

from edgewise.common.tables import TraceError, find_columns, finite_number, read_records, table_rows, wrong_value

COLUMNS = ("time_s", "vehicle_id", "x_m", "y_m")
GUESSES: dict[str, tuple[str, ...]] = {
    "time": ("time_s", "time", "timestamp", "timestep_time", "t", "seconds", "second", "sim_time", "simulation_time"),
    "vehicle": ("vehicle_id", "id", "vehicle", "vehicleid", "veh_id", "veh", "vid", "track_id", "car_id", "object_id"),
    "x": ("x_m", "x", "vehicle_x", "pos_x", "x_pos", "position_x", "x_position", "easting", "utm_x"),
    "y": ("y_m", "y", "vehicle_y", "pos_y", "y_pos", "position_y", "y_position", "northing", "utm_y"),
}
FCD_ATTRIBUTES = {"time": "time", "vehicle": "id", "x": "x", "y": "y"}
CHUNK_BYTES = 1 << 16
COMMAND = "edgewise mobility import"


class _Record(NamedTuple):
    """One position as it stands in the file; `row` is the line, from 1."""

    row: int
    time: str | None
    vehicle: str | None
    x: str | None
    y: str | None


def read_trace(
    path: str | os.PathLike[str],
    *,
    time: str | None = None,
    vehicle: str | None = None,
    x: str | None = None,
    y: str | None = None,
) -> pd.DataFrame:
    """Read recorded trajectories.

    SUMO's floating car data (XML, `timestep` elements with `vehicle` elements inside) and CSV (comma, semicolon, tab or
    bar; a header in any case; more columns than needed) are told apart by content, and so is gzip. The file is streamed:
    memory holds the four columns, not the text. Rows of different vehicles may be in any order; the time of each vehicle
    must rise from row to row.

    Args:
        path: the file.
        time: column (XML: attribute) with the time in s; none guesses it from the usual names.
        vehicle: likewise, identity of the vehicle, any text.
        x: likewise, first coordinate in a plane, m.
        y: likewise, second coordinate, m.

    Returns:
        One row per position, sorted by vehicle and time, with the columns `time_s`, `vehicle_id` (text), `x_m` and `y_m`;
        `attrs["source"]` is the file's name.

    Raises:
        TraceError: if the file cannot be read, is damaged or empty, lacks a column, or has a value that is not allowed.
    """
    path = Path(path)
    names = {"time": time, "vehicle": vehicle, "x": x, "y": y}

    def parse(stream: io.BufferedIOBase, start: bytes) -> Iterator[_Record]:
        return _fcd_records(path, stream, names) if start.startswith(b"<") else _csv_records(path, stream, names)

    columns = _Columns(path, names)
    for record in read_records(path, parse, "SUMO FCD XML or CSV"):
        columns.append(record)
    table = columns.table()
    table.attrs["source"] = path.name
    return table


class _Columns:
    """Checked columns, grown position by position."""

    def __init__(self, path: Path, names: dict[str, str | None]) -> None:
        self._path = path
        self._names = {field: name or field for field, name in names.items()}
        self._codes: dict[str, int] = {}
        self._latest: list[float] = []
        self._code = array("q")
        self._numbers = {field: array("d") for field in ("time", "x", "y")}

    def append(self, record: _Record) -> None:
        time = self._number(record.row, "time", record.time)
        vehicle = (record.vehicle or "").strip()
        if not vehicle:
            raise wrong_value(self._path, record.row, self._names["vehicle"], record.vehicle, "a name")
        x, y = self._number(record.row, "x", record.x), self._number(record.row, "y", record.y)
        code = self._codes.setdefault(vehicle, len(self._codes))
        if code == len(self._latest):
            self._latest.append(time)
        elif time <= self._latest[code]:
            problem = "repeats the time" if time == self._latest[code] else f"goes back from {self._latest[code]:g}"
            raise TraceError(
                self._path, f"{self._names['time']} = {time:g}: {problem} of vehicle {vehicle!r}", row=record.row
            )
        self._latest[code] = time
        self._code.append(code)
        for field, value in (("time", time), ("x", x), ("y", y)):
            self._numbers[field].append(value)

    def table(self) -> pd.DataFrame:
        if not self._code:
            raise TraceError(self._path, "has no position of any vehicle")
        vehicles = np.asarray(list(self._codes), dtype=object)
        rank = np.empty(len(vehicles), dtype=np.int64)
        rank[np.argsort(vehicles)] = np.arange(len(vehicles))
        code = np.frombuffer(self._code, dtype=np.int64)
        number = {field: np.frombuffer(values) for field, values in self._numbers.items()}
        order = np.lexsort((number["time"], rank[code]))
        values = (number["time"][order], vehicles[code[order]], number["x"][order], number["y"][order])
        return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))

    def _number(self, row: int, field: str, text: str | None) -> float:
        return finite_number(self._path, row, self._names[field], text)


def _csv_records(path: Path, stream: io.BufferedIOBase, names: dict[str, str | None]) -> Iterator[_Record]:
    rows = table_rows(path, stream)
    time, vehicle, x, y = find_columns(path, next(rows), names, GUESSES, COMMAND)
    for row in rows:
        identity, numerals = row.fields[vehicle], [row.numeral(place) for place in (time, x, y)]
        if not (identity or row.fields[x] or row.fields[y]):  # SUMO's xml2csv: a time step without vehicles
            continue
        yield _Record(row.row, numerals[0], identity, *numerals[1:])


def _fcd_records(path: Path, stream: io.BufferedIOBase, names: dict[str, str | None]) -> Iterator[_Record]:
    attribute = {field: name or FCD_ATTRIBUTES[field] for field, name in names.items()}
    parser = expat.ParserCreate()
    records: list[_Record] = []
    time: str | None = None

    def start(tag: str, values: dict[str, str]) -> None:
        nonlocal time
        if tag == "timestep":
            time = values.get(attribute["time"])
        elif tag == "vehicle":
            vehicle, x, y = (values.get(attribute[field]) for field in ("vehicle", "x", "y"))
            records.append(_Record(parser.CurrentLineNumber, time, vehicle, x, y))

    parser.StartElementHandler = start
    ended = False
    while not ended:
        chunk = stream.read(CHUNK_BYTES)
        ended = not chunk
        try:
            parser.Parse(chunk, ended)
        except expat.ExpatError as error:
            raise TraceError(path, f"XML: {expat.ErrorString(error.code)}", row=error.lineno) from None
        yield from records
        records.clear()
