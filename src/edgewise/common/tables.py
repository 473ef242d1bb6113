"""Recorded data from files, plain or gzip: CSV of any usual separator, JSON; errors name file, row and field."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, Protocol, TypeVar, cast

from edgewise.common.errors import EdgewiseError
from edgewise.common.json_rows import JsonProblem, field_text, is_number, json_table
from edgewise.common.numerals import DoubtfulNumeral, Notation, is_plain

DELIMITERS = (";", "\t", ",", "|")
PEEK_BYTES = 1 << 16
"""Bytes at the start of a file from which its kind is told (64 KiB)."""
GZIP_MAGIC = b"\x1f\x8b"
OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive, or a spreadsheet or .npz: unpack it, or save the table as CSV",
    b"PAR1\x15": "Parquet: save it as CSV",
    b"BZh9": "packed with bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "packed with xz: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it, or pack it with gzip",
    b"\x89HDF": "HDF5: save the table as CSV",
    b"SQLite format": "an SQLite database: save the table as CSV",
    b"%PDF": "PDF: save the table as CSV",
}
"""First bytes of files that people have, and what to do."""
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
SEPARATOR = re.compile(r"\"?sep=([;\t,|])\"?\s*$", re.IGNORECASE)
"""A first line of spreadsheets."""
LONGEST_FIELD = 1 << 30
"""Characters; a prompt in a column that is not needed may be long, but a quotation mark that is never closed must end."""


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
        """The number of its line, from 1."""
        ...


Record = TypeVar("Record", bound=Located)


class Numerals:
    """How a file writes its numbers; see `Notation`."""

    def __init__(self, path: Path, titles: Sequence[str], delimiter: str) -> None:
        self._path, self._titles, self._notation = path, titles, Notation(delimiter)

    def plain(self, row: int, place: int, text: str) -> str:
        """A numeral with a decimal point and nothing between thousands.

        Raises:
            TraceError: if it contradicts those before.
        """
        try:
            return self._notation.plain(row, place, text)
        except DoubtfulNumeral as error:
            raise self._named(error) from None

    def check(self) -> None:
        """Require that no numeral of the file was ambiguous; call it at the end.

        Raises:
            TraceError: for a numeral that can be read in two ways.
        """
        try:
            self._notation.check()
        except DoubtfulNumeral as error:
            raise self._named(error) from None

    def _named(self, error: DoubtfulNumeral) -> TraceError:
        title = self._titles[error.place].strip()
        return TraceError(self._path, f"{title} = {error.text[:40]!r}: {error.advice}", row=error.row)


class Row(NamedTuple):
    """A row of a table as it stands in its file.

    Attributes:
        row: its line, from 1; of a JSON list the entry.
        fields: the texts.
        numerals: how numbers are written in this file.
        exact: columns whose value is a number of JSON, which can be read in one way only.
    """

    row: int
    fields: list[str]
    numerals: Numerals
    exact: frozenset[int] = frozenset()

    def numeral(self, place: int) -> str:
        """A field that holds a number, as Python reads it; other text as it is.

        Raises:
            TraceError: if the number contradicts how those before are written.
        """
        text = self.fields[place]
        return text if place in self.exact else self.numerals.plain(self.row, place, text)


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
            start = _start(stream)
            if not start:
                raise TraceError(path, "is empty")
            for magic, advice in OTHER_FORMATS.items():
                if start.startswith(magic):
                    raise TraceError(path, f"is {advice}")
            for record in parse(stream, start):
                seen = record.row
                yield record
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise TraceError(path, "gzip data: damaged or cut off here", row=seen) from None
    except UnicodeError:
        raise TraceError(
            path,
            f"text: not {content} in UTF-8; convert it, for example with iconv -f LATIN1 -t UTF-8",
            row=_undecodable(path),
        ) from None
    except csv.Error as error:
        raise TraceError(path, f"text: not CSV ({error})", row=seen) from None
    except JsonProblem as error:
        raise TraceError(path, f"JSON: {error}", row=error.row) from None
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror or error}") from None


def table_rows(path: Path, stream: io.BufferedIOBase) -> Iterator[Row]:
    """The titles of a table's columns, then its rows: CSV with a header, JSON with one object per line or a list of them.

    Numbers that can be read in two ways are refused, at the latest after the last row.

    Raises:
        TraceError: if a row has not as many fields as the header, or a number is doubtful.
    """
    wide = _peek(stream, 2) in UTF16_MARKS
    with io.TextIOWrapper(cast(IO[bytes], stream), encoding="utf-16" if wide else "utf-8-sig", newline="") as text:
        first = _start(stream)[:1]
        if first == b"<":
            raise TraceError(path, "is XML or HTML: must be CSV or JSON")
        yield from _json_rows(path, text) if first in (b"{", b"[") else _csv_rows(path, text)


def _json_rows(path: Path, text: io.TextIOBase) -> Iterator[Row]:
    titles, entries = json_table(text)
    if not titles:
        raise TraceError(path, "JSON: has no object with names and values")
    numerals = Numerals(path, titles, ",")
    yield Row(1, titles, numerals)
    for entry in entries:
        values = [entry.values.get(title) for title in titles]
        exact = frozenset(place for place, value in enumerate(values) if is_number(value))
        yield Row(entry.row, [field_text(value) for value in values], numerals, exact)
    numerals.check()


def _csv_rows(path: Path, text: io.TextIOBase) -> Iterator[Row]:
    header_row, header, delimiter, first = _csv_header(text)
    csv.field_size_limit(LONGEST_FIELD)
    lines = chain([header], first, text)
    reader = csv.reader(_without_nul(path, header_row, lines), delimiter=delimiter, skipinitialspace=True, strict=True)
    titles = next(reader)
    numerals = Numerals(path, titles, delimiter)
    yield Row(header_row, titles, numerals)
    for fields in reader:
        row = header_row - 1 + reader.line_num
        if not any(fields):
            continue
        if len(fields) < len(titles) or any(fields[len(titles) :]):
            raise TraceError(path, f"columns = {len(fields)}: the header has {len(titles)}", row=row)
        yield Row(row, fields, numerals)
    numerals.check()


def _csv_header(text: io.TextIOBase) -> tuple[int, str, str, list[str]]:
    """Its line from 1, the header, what parts the columns, and lines that were read beyond it.

    A spreadsheet's `sep=;` and remarks behind # before the header are passed over; it may stand behind # itself.
    """
    row, line = _next_line(text, 0)
    told = SEPARATOR.match(line)
    if told:
        row, line = _next_line(text, row)
    beyond: list[str] = []
    while line.startswith("#"):
        following = text.readline()
        delimiter = max(DELIMITERS, key=line.count)
        if not following.startswith("#") and line.count(delimiter) == following.count(delimiter) > 0:
            beyond = [following]
            break
        if not following.strip():
            break
        row, line = row + 1, following
    header = line.lstrip("# ")
    return row, header, told[1] if told else max(DELIMITERS, key=header.count), beyond


def _next_line(text: io.TextIOBase, row: int) -> tuple[int, str]:
    """The next line that is not blank, and its number."""
    line = text.readline()
    row += 1
    while line and not line.strip():
        line, row = text.readline(), row + 1
    return row, line


def _without_nul(path: Path, row: int, lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines, row):
        if "\0" in line:
            raise TraceError(path, "text: holds a NUL byte: the file is damaged, or not text", row=number)
        yield line


def read_table(path: Path) -> Iterator[Row]:
    """`table_rows` of a file, plain or gzip.

    Raises:
        TraceError: as `read_records` and `table_rows` do.
    """

    def parse(stream: io.BufferedIOBase, start: bytes) -> Iterator[Row]:
        return table_rows(path, stream)

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
        TraceError: naming the first field without a column or with two; or if the header is missing, or spaces separate the
            columns.
    """
    titles = [title.strip() for title in header.fields]
    places = []
    for field, name in names.items():
        if name is not None and titles.count(name.strip()) == 1:
            places.append(titles.index(name.strip()))
            continue
        wanted = guesses[field] if name is None else (name.strip().lower(),)
        alike = [[place for place, title in enumerate(titles) if title.lower() == guess] for guess in wanted]
        found = next((each for each in alike if each), [])
        if len(found) > 1:
            twice = ", ".join(f"{titles[place]!r} (column {place + 1})" for place in found)
            raise TraceError(path, f"{field}: {twice}: must have titles of their own", row=header.row)
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
    if any(is_plain(title) for title in titles):
        problems.append("the header is missing: the first line must name the columns")
    return f"{_listed(header)!r}: {', and '.join(problems)}" if problems else None


def finite_number(path: Path, row: int, field: str, text: str | None) -> float:
    """A number that stands in a file.

    Raises:
        TraceError: if it is no number, or not finite.
    """
    value = float(text) if text is not None and is_plain(text) else math.nan
    if not math.isfinite(value):
        raise wrong_value(path, row, field, text, "a finite number")
    return value


def wrong_value(path: Path, row: int, field: str, text: str | None, allowed: str) -> TraceError:
    """The error for a value that stands in a file and is not allowed there."""
    shown = "missing" if text is None else f"= {text[:40]!r}"
    return TraceError(path, f"{field} {shown}: must be {allowed}", row=row)


def _peek(stream: io.BufferedIOBase, size: int) -> bytes:
    start = stream.read(size)
    stream.seek(0)
    return start


def _start(stream: io.BufferedIOBase) -> bytes:
    """The first bytes without leading blanks; of UTF-16 as UTF-8."""
    start = _peek(stream, PEEK_BYTES)
    if start[:2] in UTF16_MARKS:
        start = start[: len(start) // 2 * 2].decode("utf-16", errors="ignore").encode()
    return start.removeprefix(UTF8_MARK).lstrip()


def _undecodable(path: Path) -> int:
    """The first line that is no UTF-8."""
    with path.open("rb") as file:
        packed = _peek(file, 2) == GZIP_MAGIC
        for row, line in enumerate(gzip.GzipFile(fileobj=file) if packed else file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return row
    return 1
