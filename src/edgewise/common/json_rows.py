"""Rows from JSON: one object per line, or a list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import TextIOBase
from itertools import islice
from typing import Any, NamedTuple

FIRST = 1000
"""So many objects are read before the columns are known; a key that only later ones have is no column."""


class JsonProblem(ValueError):
    """JSON that is no table; `row` is the line or, inside a list, the entry."""

    def __init__(self, problem: str, row: int) -> None:
        super().__init__(problem)
        self.row = row


class Entry(NamedTuple):
    """An object by its place; the values of objects inside it have names with dots, `usage.tokens`."""

    row: int
    values: dict[str, Any]


def json_table(text: TextIOBase) -> tuple[list[str], Iterator[Entry]]:
    """The keys of the first objects, in order of appearance, and all objects.

    Raises:
        JsonProblem: for text that is neither a list of objects nor one object per line; also while the objects go by.
    """
    entries = _entries(text)
    start = list(islice(entries, FIRST))
    titles = list(dict.fromkeys(key for entry in start for key in entry.values))
    return titles, _chained(start, entries)


def field_text(value: Any) -> str:
    """A value as it would stand in CSV; nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def is_number(value: Any) -> bool:
    """Whether a value is a number, not text."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _chained(start: list[Entry], rest: Iterator[Entry]) -> Iterator[Entry]:
    yield from start
    yield from rest


def _entries(text: TextIOBase) -> Iterator[Entry]:
    line = text.readline()
    row = 1
    while line and not line.strip():
        line, row = text.readline(), row + 1
    if line.lstrip("\ufeff ").startswith("{") and _is_object(line):
        while line:
            if line.strip():
                yield Entry(row, _flat(_parsed(line, row)))
            line, row = text.readline(), row + 1
        return
    document = _loaded("\n" * (row - 1) + line + text.read(), 0)
    for number, entry in enumerate(_list_of(document), 1):
        if not isinstance(entry, dict):
            raise JsonProblem(f"entry {str(entry)[:40]!r}: must be an object with names and values", number)
        yield Entry(number, _flat(entry))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line.strip("\ufeff")), dict)
    except ValueError:
        return False


def _parsed(line: str, row: int) -> dict[str, Any]:
    value = _loaded(line, row)
    if not isinstance(value, dict):
        raise JsonProblem(f"{line.strip()[:40]!r}: must be one JSON object", row)
    return value


def _loaded(text: str, row: int) -> Any:
    try:
        return json.loads(text.strip("\ufeff"), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise JsonProblem(f"column {error.colno}: no JSON here: {error.msg}", row or error.lineno) from None
    except RecursionError:
        raise JsonProblem("no JSON: brackets are nested too deep", max(row, 1)) from None
    except ValueError as error:
        raise JsonProblem(str(error), max(row, 1)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice}: stands twice in one object")
    return values


def _list_of(document: Any) -> list[Any]:
    """A list, or the only list of objects in an object around it."""
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        document = lists[0] if len(lists) == 1 else document
    if not isinstance(document, list):
        raise JsonProblem("must be a list of objects, or one object per line", 1)
    return document


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat
