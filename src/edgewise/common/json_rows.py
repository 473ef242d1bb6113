"""Rows from JSON: one object per line, or a list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import TextIOBase
from itertools import islice
from typing import Any, NamedTuple

FIRST = 1000
"""So many objects are read before the columns are known; a key that only later ones have is no column."""


LONGEST_WHOLE = 300
"""Digits; a longer number is infinite in floating point."""


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
        first, first_row = _parsed(line, row), row
        line, row = text.readline(), row + 1
        while line and not line.strip():
            line, row = text.readline(), row + 1
        if not line and (listed := _only_list(first)):
            yield from _listed(listed)
            return
        yield Entry(first_row, _flat(first))
        while line:
            if line.strip():
                yield Entry(row, _flat(_parsed(line, row)))
            line, row = text.readline(), row + 1
        return
    document = _loaded("\n" * (row - 1) + line + text.read(), 0)
    yield from _listed(_list_of(document))


def _listed(entries: list[Any]) -> Iterator[Entry]:
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise JsonProblem(f"entry {str(entry)[:40]!r}: must be an object with names and values", number)
        yield Entry(number, _flat(entry))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line.strip("\ufeff"), parse_int=_whole), dict)
    except ValueError:
        return False


def _parsed(line: str, row: int) -> dict[str, Any]:
    value = _loaded(line, row)
    if not isinstance(value, dict):
        raise JsonProblem(f"{line.strip()[:40]!r}: must be one JSON object", row)
    return value


def _loaded(text: str, row: int) -> Any:
    try:
        return json.loads(text.strip("\ufeff"), object_pairs_hook=_once, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise JsonProblem(f"column {error.colno}: no JSON here: {error.msg}", row or error.lineno) from None
    except RecursionError:
        raise JsonProblem("no JSON: brackets are nested too deep", max(row, 1)) from None
    except ValueError as error:
        raise JsonProblem(str(error), max(row, 1)) from None


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= LONGEST_WHOLE else float(digits)


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
        document = _only_list(document) or document
    if not isinstance(document, list):
        raise JsonProblem("must be a list of objects, or one object per line", 1)
    return document


def _only_list(document: dict[str, Any]) -> list[Any] | None:
    """The only list of objects in an object and the objects in it; None if there is none, or more than one."""
    lists: list[list[Any]] = []
    for value in document.values():
        if isinstance(value, dict):
            inner = _only_list(value)
            lists += [] if inner is None else [inner]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lists.append(value)
    return lists[0] if len(lists) == 1 else None


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat
