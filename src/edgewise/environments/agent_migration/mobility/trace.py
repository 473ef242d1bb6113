"""Readers of recorded trajectories: SUMO FCD XML and CSV, each plain or gzip, recognised by content."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, cast
from xml.parsers import expat

import numpy as np
import pandas as pd

from edgewise.numerics.checks import EdgewiseError

COLUMNS = ("time_s", "vehicle_id", "x_m", "y_m")
GUESSES: dict[str, tuple[str, ...]] = {
    "time": ("time_s", "time", "timestamp", "timestep_time", "t", "seconds", "second", "sim_time", "simulation_time"),
    "vehicle": ("vehicle_id", "id", "vehicle", "vehicleid", "veh_id", "veh", "vid", "track_id", "car_id", "object_id"),
    "x": ("x_m", "x", "vehicle_x", "pos_x", "x_pos", "position_x", "x_position", "easting", "utm_x"),
    "y": ("y_m", "y", "vehicle_y", "pos_y", "y_pos", "position_y", "y_position", "northing", "utm_y"),
}
FCD_ATTRIBUTES = {"time": "time", "vehicle": "id", "x": "x", "y": "y"}
DELIMITERS = (";", "\t", ",", "|")
CHUNK_BYTES = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"


class TraceError(EdgewiseError):
    """A file of trajectories that cannot be used; the text names file, row and field."""

    def __init__(self, source: str | os.PathLike[str], problem: str, *, row: int | None = None) -> None:
        place = f"{os.fspath(source)}: " if row is None else f"{os.fspath(source)}: row {row}, "
        super().__init__(place + " ".join(problem.split()))
        self.row = row


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
    try:
        with path.open("rb") as file:
            table = _read(path, file, names)
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror or error}") from None
    table.attrs["source"] = path.name
    return table


def _read(path: Path, file: io.BufferedIOBase, names: dict[str, str | None]) -> pd.DataFrame:
    seen = 1
    try:
        packed = _peek(file, 2) == GZIP_MAGIC
        stream = io.BufferedReader(gzip.GzipFile(fileobj=file)) if packed else file
        start = _peek(stream, CHUNK_BYTES).removeprefix(UTF8_MARK).lstrip()
        if not start:
            raise TraceError(path, "is empty")
        records = _fcd_records(path, stream, names) if start.startswith(b"<") else _csv_records(path, stream, names)
        columns = _Columns(path, names)
        for record in records:
            seen = record.row
            columns.append(record)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TraceError(path, "gzip data: damaged or cut off here", row=seen) from None
    except UnicodeDecodeError:
        raise TraceError(path, "text: neither SUMO FCD XML nor CSV in UTF-8", row=seen) from None
    except csv.Error as error:
        raise TraceError(path, f"text: not CSV ({error})", row=seen) from None
    return columns.table()


def _peek(stream: io.BufferedIOBase, size: int) -> bytes:
    start = stream.read(size)
    stream.seek(0)
    return start


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
            raise self._error(record.row, "vehicle", record.vehicle, "a name")
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
        try:
            value = float(text) if text is not None else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self._error(row, field, text, "a finite number")
        return value

    def _error(self, row: int, field: str, value: str | None, allowed: str) -> TraceError:
        shown = "missing" if value is None else f"= {value[:40]!r}"
        return TraceError(self._path, f"{self._names[field]} {shown}: must be {allowed}", row=row)


def _csv_records(path: Path, stream: io.BufferedIOBase, names: dict[str, str | None]) -> Iterator[_Record]:
    with io.TextIOWrapper(cast(IO[bytes], stream), encoding="utf-8-sig", newline="") as text:
        header_row, header = 1, text.readline()
        while not header.strip():
            header_row, header = header_row + 1, text.readline()
        header = header.lstrip("# ")
        delimiter = max(DELIMITERS, key=header.count)
        reader = csv.reader(chain([header], text), delimiter=delimiter, skipinitialspace=True)
        titles = next(reader)
        places = _find_columns(path, header_row, titles, names)
        for fields in reader:
            row = header_row - 1 + reader.line_num
            if not any(fields):
                continue
            if len(fields) < len(titles) or any(fields[len(titles) :]):
                raise TraceError(path, f"columns = {len(fields)}: the header has {len(titles)}", row=row)
            time, vehicle, x, y = (fields[place] for place in places)
            if not (vehicle or x or y):  # SUMO's xml2csv writes such a row for a time step without vehicles
                continue
            if delimiter != ",":
                time, x, y = time.replace(",", "."), x.replace(",", "."), y.replace(",", ".")
            yield _Record(row, time, vehicle, x, y)


def _find_columns(path: Path, row: int, titles: Sequence[str], names: dict[str, str | None]) -> list[int]:
    known = {title.strip().lower(): place for place, title in reversed(list(enumerate(titles)))}
    listed = ", ".join(title.strip() for title in titles)[:200]
    places = []
    for field, name in names.items():
        wanted = GUESSES[field] if name is None else (name.strip().lower(),)
        found = [known[guess] for guess in wanted if guess in known]
        if not found:
            label = field if name is None else f"{field} = {name!r}"
            raise TraceError(
                path, f"{label}: no such column among {listed}; name it, for example {field}=NAME", row=row
            )
        places.append(found[0])
    return places


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
