"""Readers of recorded trajectories: SUMO FCD XML and CSV, each plain or gzip, recognised by content."""

from __future__ import annotations

import io
import os
import re
import warnings
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

import numpy as np
import pandas as pd

from edgewise.common.errors import check_choice
from edgewise.common.tables import (
    Row,
    TraceError,
    find_columns,
    finite_number,
    read_records,
    table_rows,
    wrong_value,
)
from edgewise.common.times import UNITS, Clock, TimeUnit
from edgewise.systems.agent_migration.mobility.persons import is_sumo, person_test
from edgewise.systems.agent_migration.mobility.projection import project, reference_of

COLUMNS = ("time_s", "vehicle_id", "x_m", "y_m")
DEGREES: dict[str, tuple[str, ...]] = {
    "x": ("lon", "longitude", "long", "lng", "gps_lon", "gps_longitude", "x", "vehicle_x"),
    "y": ("lat", "latitude", "gps_lat", "gps_latitude", "y", "vehicle_y"),
}
GUESSES: dict[str, tuple[str, ...]] = {
    "time": ("time_s", "time", "timestamp", "timestep_time", "t", "seconds", "second", "sim_time", "simulation_time"),
    "vehicle": ("vehicle_id", "id", "vehicle", "vehicleid", "veh_id", "veh", "vid", "track_id", "car_id", "object_id"),
    "x": ("x_m", "x", "vehicle_x", "pos_x", "x_pos", "position_x", "x_position", "easting", "utm_x"),
    "y": ("y_m", "y", "vehicle_y", "pos_y", "y_pos", "position_y", "y_position", "northing", "utm_y"),
}
GEOGRAPHIC = re.compile(r"(?<![a-z])(lon|long|lng|longitude|lat|latitude)(?![a-z])", re.IGNORECASE)
LATITUDE = re.compile(r"(?<![a-z])(lat|latitude)(?![a-z])", re.IGNORECASE)
FCD_ATTRIBUTES = {"time": "time", "vehicle": "id", "x": "x", "y": "y"}
CHUNK_BYTES = 1 << 16
"""Bytes of XML that are parsed at a time (64 KiB)."""
COMMAND = "edgewise mobility import"


@dataclass(frozen=True)
class TraceFormat:
    """How a recording is to be read.

    Attributes:
        time: column (XML: attribute) with the time, a number or an ISO date. If None, the usual names are tried; likewise
            for the next three.
        vehicle: column with the vehicle's identity, any text.
        x: column with the first coordinate in a plane, m; the longitude with `lonlat`.
        y: column with the second coordinate, m; the latitude with `lonlat`.
        time_unit: the time unit of times that are numbers.
        lonlat: positions are longitude and latitude in degrees (WGS 84), to be projected about their middle.
    """

    time: str | None = None
    vehicle: str | None = None
    x: str | None = None
    y: str | None = None
    time_unit: TimeUnit = "s"
    lonlat: bool = False

    def __post_init__(self) -> None:
        check_choice("time_unit", self.time_unit, tuple(UNITS))

    @property
    def names(self) -> dict[str, str | None]:
        """The columns by field."""
        return {"time": self.time, "vehicle": self.vehicle, "x": self.x, "y": self.y}


class _Record(NamedTuple):
    """One position as it stands in the file; `row` is the line, from 1."""

    row: int
    time: str | None
    vehicle: str | None
    x: str | None
    y: str | None


def read_trace(
    path: str | os.PathLike[str],
    form: TraceFormat = TraceFormat(),
    tell: Callable[[str], None] = warnings.warn,
) -> pd.DataFrame:
    """Read recorded trajectories.

    SUMO's floating car data (XML, `timestep` elements with `vehicle` elements inside) and CSV (comma, semicolon, tab or
    bar; a header in any case; more columns than needed) are told apart by content, and so is gzip. The file is streamed:
    memory holds a few columns, not the text. Rows of different vehicles may be in any order; the time of each vehicle
    must rise from row to row. Persons are left out, and so is a row that repeats the one before.

    Args:
        path: the file.
        form: columns and units.
        tell: called with a line on what was left out.

    Returns:
        One row per position, sorted by vehicle and time, with the columns `time_s` (from the first record on if times are
        dates), `vehicle_id` (text), `x_m`, `y_m` and `row` (its line in the file, from 1); `attrs["source"]` is the file's
        name, `attrs["reference_deg"]` longitude and latitude of the origin if they were projected, else None.

    Raises:
        TraceError: if the file cannot be read, is damaged or empty, lacks a column, or has a value that is not allowed.
    """
    path = Path(path)
    columns = _Columns(path, form, tell)

    def parse(stream: io.BufferedIOBase, start: bytes) -> Iterator[_Record]:
        return _fcd_records(path, stream, form) if start.startswith(b"<") else _csv_records(path, stream, form, columns)

    for record in read_records(path, parse, "SUMO FCD XML or CSV"):
        columns.append(record)
    return columns.table()


class _Columns:
    """Checked columns, grown position by position.

    Attributes:
        titles: what the file calls time, vehicle, x and y.
        persons: rows of persons, which were left out; None if no column distinguishes them from vehicles.
    """

    def __init__(self, path: Path, form: TraceFormat, tell: Callable[[str], None]) -> None:
        self.titles = {field: name or field for field, name in form.names.items()}
        self.persons: int | None = 0
        self._path, self._form, self._tell = path, form, tell
        self._codes: dict[str, int] = {}
        self._latest: list[tuple[float, float, float]] = []
        self._clock = Clock(path)
        self._repeated: list[int] = []
        self._code, self._row = array("q"), array("q")
        self._numbers = {field: array("d") for field in ("time", "x", "y")}

    def append(self, record: _Record) -> None:
        time = self._clock.read(record.row, self.titles["time"], record.time)
        vehicle = (record.vehicle or "").strip()
        if not vehicle:
            raise wrong_value(self._path, record.row, self.titles["vehicle"], record.vehicle, "a name")
        x = finite_number(self._path, record.row, self.titles["x"], record.x)
        y = finite_number(self._path, record.row, self.titles["y"], record.y)
        code = self._codes.setdefault(vehicle, len(self._codes))
        if code == len(self._latest):
            self._latest.append((time, x, y))
        elif self._latest[code] == (time, x, y):
            self._repeated.append(record.row)
            return
        elif time <= self._latest[code][0]:
            same = time == self._latest[code][0]
            problem = (
                "repeats the time of vehicle {!r} at another position"
                if same
                else "goes back, of vehicle {!r}; sort the file by time"
            )
            raise TraceError(
                self._path, f"{self.titles['time']} = {record.time}: {problem.format(vehicle)}", row=record.row
            )
        self._latest[code] = time, x, y
        self._code.append(code)
        self._row.append(record.row)
        for field, value in (("time", time), ("x", x), ("y", y)):
            self._numbers[field].append(value)

    def table(self) -> pd.DataFrame:
        if not self._code:
            raise TraceError(self._path, "has no position of any vehicle")
        time, x, y = (np.frombuffer(self._numbers[field]) for field in ("time", "x", "y"))
        time = self._clock.seconds(time, self._form.time_unit, self.titles["time"], COMMAND)
        time = time - time.min() if self._clock.dated else time
        x, y, reference = self._plane(x, y)
        vehicles = np.asarray(list(self._codes), dtype=object)
        rank = np.empty(len(vehicles), dtype=np.int64)
        rank[np.argsort(vehicles)] = np.arange(len(vehicles))
        code, row = np.frombuffer(self._code, dtype=np.int64), np.frombuffer(self._row, dtype=np.int64)
        order = np.lexsort((time, rank[code]))
        values = (time[order], vehicles[code[order]], x[order], y[order])
        table = pd.DataFrame(dict(zip(COLUMNS, values, strict=True)) | {"row": row[order]})
        table.attrs |= {"source": self._path.name, "reference_deg": reference}
        self._tell_what_was_left_out()
        return table

    def _plane(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[float, float] | None]:
        """Coordinates in m, and the reference if they were projected."""
        titles = {field: self.titles[field] for field in "xy"}
        within = bool((np.abs(x) <= 180).all() and (np.abs(y) <= 90).all())
        if not self._form.lonlat:
            if within and all(GEOGRAPHIC.search(title) for title in titles.values()):
                raise TraceError(
                    self._path,
                    f"x = {titles['x']}, y = {titles['y']}: longitude and latitude are degrees, must be metres in a plane; "
                    f"they are projected by: {COMMAND} FILE --lonlat",
                )
            return x, y, None
        if LATITUDE.search(titles["x"]):
            raise TraceError(self._path, f"x = {titles['x']}: must be the longitude, and y the latitude")
        for field, value, limit in (("x", x, 180.0), ("y", y, 90.0)):
            wrong = np.flatnonzero(np.abs(value) > limit)
            if len(wrong):
                raise wrong_value(
                    self._path, self._row[wrong[0]], titles[field], f"{value[wrong[0]]:g}",
                    f"degrees in [{-limit:g}, {limit:g}]",
                )  # fmt: skip
        reference = reference_of(x, y)
        if not all(GEOGRAPHIC.search(title) for title in titles.values()):
            self._tell(
                f"{self._path.name}: longitude read from {titles['x']}, latitude from {titles['y']}: the middle is at "
                f"longitude {reference[0]:.4f}, latitude {reference[1]:.4f}"
            )
        return *project(x, y, reference), reference

    def _tell_what_was_left_out(self) -> None:
        name = self._path.name
        if self._repeated:
            self._tell(
                f"{name}: rows that repeat one before left out: {len(self._repeated)}, first {self._repeated[0]}"
            )
        if self.persons is None:
            self._tell(
                f"{name}: SUMO's CSV with these columns does not tell persons from vehicles; if there are any, write XML, or "
                "the attribute type too"
            )
        elif self.persons:
            self._tell(f"{name}: rows of persons left out: {self.persons}")


def _csv_records(path: Path, stream: io.BufferedIOBase, form: TraceFormat, columns: _Columns) -> Iterator[_Record]:
    rows = table_rows(path, stream)
    header = next(rows)
    time, vehicle, x, y = _places(path, header, form)
    columns.titles = {
        field: header.fields[place].strip() for field, place in zip(form.names, (time, vehicle, x, y), strict=True)
    }
    is_person = person_test(header.fields)
    if is_person is None and is_sumo(header.fields):
        columns.persons = None
    for row in rows:
        identity = row.fields[vehicle]
        if not (identity or row.fields[x] or row.fields[y]):  # SUMO's xml2csv: a time step without vehicles
            continue
        if is_person is not None and is_person(row.fields):
            columns.persons = (columns.persons or 0) + 1
            continue
        numerals = [row.numeral(place) for place in (time, x, y)]
        yield _Record(row.row, numerals[0], identity, *numerals[1:])


def _places(path: Path, header: Row, form: TraceFormat) -> list[int]:
    usual = GUESSES | DEGREES if form.lonlat else GUESSES
    others = find_columns(path, header, {"time": form.time, "vehicle": form.vehicle}, usual, COMMAND)
    try:
        return others + find_columns(path, header, {"x": form.x, "y": form.y}, usual, COMMAND)
    except TraceError as error:
        degrees = [title.strip() for title in header.fields if GEOGRAPHIC.search(title)]
        if len(degrees) < 2 or form.lonlat:
            raise
        raise TraceError(
            path, f"{', '.join(degrees)}: degrees, must be metres in a plane; they are projected by: {COMMAND} FILE --lonlat",
            row=error.row,
        ) from None  # fmt: skip


def _fcd_records(path: Path, stream: io.BufferedIOBase, form: TraceFormat) -> Iterator[_Record]:
    attribute = {field: name or FCD_ATTRIBUTES[field] for field, name in form.names.items()}
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
