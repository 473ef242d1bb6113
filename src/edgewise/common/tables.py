"""Recorded data from files: plain or gzip, CSV of any usual separator, errors that name file, row and field."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, Protocol, TypeVar, cast

from edgewise.common.errors import EdgewiseError

DELIMITERS = (";", "\t", ",", "|")
PEEK_BYTES = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"


class TraceError(EdgewiseError):
    """A recording that cannot be used; the text names file, row and field."""

    def __init__(self, source: str | os.PathLike[str], problem: str, *, row: int | None = None) -> None:
        place = f"{os.fspath(source)}: " if row is None else f"{os.fspath(source)}: row {row}, "
        super().__init__(place + " ".join(problem.split()))
        self.row = row


class Located(Protocol):
    """Anything that knows its line in a file."""

    @property
    def row(self) -> int:
        """Line, from 1."""
        ...


Record = TypeVar("Record", bound=Located)


class Row(NamedTuple):
    """A row of a CSV file as it stands there.

    Attributes:
        row: its line, from 1.
        fields: the texts.
        decimal_comma: whether a comma in a number is a decimal point, because the separator is another character.
    """

    row: int
    fields: list[str]
    decimal_comma: bool

    def numeral(self, place: int) -> str:
        """A field that holds a number, with a decimal point."""
        return self.fields[place].replace(",", ".") if self.decimal_comma else self.fields[place]


def read_records(
    path: Path, parse: Callable[[io.BufferedIOBase, bytes], Iterator[Record]], content: str
) -> Iterator[Record]:
    """Open a file, unpack it if it is gzip, and parse it as it streams by.

    Args:
        path: the file.
        parse: given the unpacked stream and its first bytes without leading blanks.
        content: what the file should be, for the error.

    Raises:
        TraceError: if the file cannot be read, is empty, damaged, or not text.
    """
    seen = 1
    try:
        with path.open("rb") as file:
            packed = _peek(file, 2) == GZIP_MAGIC
            stream = io.BufferedReader(gzip.GzipFile(fileobj=file)) if packed else file
            start = _peek(stream, PEEK_BYTES).removeprefix(UTF8_MARK).lstrip()
            if not start:
                raise TraceError(path, "is empty")
            for record in parse(stream, start):
                seen = record.row
                yield record
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TraceError(path, "gzip data: damaged or cut off here", row=seen) from None
    except UnicodeDecodeError:
        raise TraceError(path, f"text: not {content} in UTF-8", row=seen) from None
    except csv.Error as error:
        raise TraceError(path, f"text: not CSV ({error})", row=seen) from None
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror or error}") from None


def csv_rows(path: Path, stream: io.BufferedIOBase) -> Iterator[Row]:
    """The header of a CSV file, then its rows; empty ones are left out.

    Raises:
        TraceError: if a row has not as many fields as the header.
    """
    with io.TextIOWrapper(cast(IO[bytes], stream), encoding="utf-8-sig", newline="") as text:
        header_row, header = 1, text.readline()
        while not header.strip():
            header_row, header = header_row + 1, text.readline()
        header = header.lstrip("# ")
        delimiter = max(DELIMITERS, key=header.count)
        reader = csv.reader(chain([header], text), delimiter=delimiter, skipinitialspace=True)
        titles = next(reader)
        yield Row(header_row, titles, delimiter != ",")
        for fields in reader:
            row = header_row - 1 + reader.line_num
            if not any(fields):
                continue
            if len(fields) < len(titles) or any(fields[len(titles) :]):
                raise TraceError(path, f"columns = {len(fields)}: the header has {len(titles)}", row=row)
            yield Row(row, fields, delimiter != ",")


def read_csv(path: Path) -> Iterator[Row]:
    """`csv_rows` of a file, plain or gzip.

    Raises:
        TraceError: as `read_records` and `csv_rows` do.
    """

    def parse(stream: io.BufferedIOBase, start: bytes) -> Iterator[Row]:
        return csv_rows(path, stream)

    return read_records(path, parse, "CSV")


def find_columns(
    path: Path,
    header: Row,
    names: Mapping[str, str | None],
    guesses: Mapping[str, Sequence[str]],
    command: str | None = None,
) -> list[int]:
    """Where the wanted columns are.

    Args:
        path: the file, for the error.
        header: its first row.
        names: field to the title that the user gave, or None to guess it.
        guesses: field to its usual titles, in lower case.
        command: the one that has an option --FIELD for each field, for the error; None if there is none.

    Raises:
        TraceError: naming the first field without a column; or if the header is missing, or spaces separate the columns.
    """
    known = {title.strip().lower(): place for place, title in reversed(list(enumerate(header.fields)))}
    places = []
    for field, name in names.items():
        wanted = guesses[field] if name is None else (name.strip().lower(),)
        found = [known[guess] for guess in wanted if guess in known]
        if not found:
            label = field if name is None else f"{field} = {name!r}"
            option = f"; name it with: {command} FILE --{field.replace('_', '-')} NAME" if command else ""
            missing = f"{label}: no such column among {_listed(header)}{option}"
            raise TraceError(path, _no_header(header) or missing, row=header.row)
        places.append(found[0])
    return places


def _listed(header: Row) -> str:
    return ", ".join(title.strip() for title in header.fields)[:200]


def _no_header(header: Row) -> str | None:
    """What is wrong with the whole of a first row, or None."""
    words = header.fields[0].split()
    spaced = len(header.fields) == 1 and len(words) > 1
    titles = words if spaced else header.fields
    problems = []
    if spaced:
        problems.append("spaces separate the columns, must be commas, semicolons, tabs or bars")
    if any(_is_number(title) for title in titles):
        problems.append("the header is missing: the first line must name the columns")
    return f"{_listed(header)!r}: {', and '.join(problems)}" if problems else None


def finite_number(path: Path, row: int, field: str, text: str | None) -> float:
    """A number that stands in a file.

    Raises:
        TraceError: if it is none, or not finite.
    """
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise wrong_value(path, row, field, text, "a finite number")
    return value


def read_time(path: Path, row: int, field: str, text: str | None) -> float:
    """A time that stands in a file: a number, or an ISO date, of which the seconds since 1970 count (UTC without a zone).

    Raises:
        TraceError: if it is neither, or not finite.
    """
    if text is None or _is_number(text):
        return finite_number(path, row, field, text)
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise wrong_value(path, row, field, text, "a number or an ISO date such as 2024-03-31 01:30:00") from None
    return instant.replace(tzinfo=instant.tzinfo or UTC).timestamp()


def wrong_value(path: Path, row: int, field: str, text: str | None, allowed: str) -> TraceError:
    """The error for a value that stands in a file and is not allowed there."""
    shown = "missing" if text is None else f"= {text[:40]!r}"
    return TraceError(path, f"{field} {shown}: must be {allowed}", row=row)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _peek(stream: io.BufferedIOBase, size: int) -> bytes:
    start = stream.read(size)
    stream.seek(0)
    return start
