"""Tables and numbers for a terminal of any width."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

LARGE = 1e7
"""Numbers from here on are written with an exponent: nobody counts so many digits."""
GAP, EDGE = 3, 1
"""Characters between two columns of a table, and at its edges."""


def number(value: float, digits: int) -> str:
    """A number as printed: `digits` decimals, no minus before zero, an exponent if it is large."""
    if abs(value) >= LARGE:
        return f"{value:.3g}"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: Collection[str] = (),
    keys: int = 1,
) -> None:
    """Print a table on standard output that fits the terminal.

    Columns for which there is no room stand in further tables below, each of which begins with the key columns again.

    Args:
        title: printed above.
        columns: their names; a line break in one is kept.
        rows: the rows of text, one cell for each column.
        words: columns of words, which stand to the left like the first one; all others stand to the right.
        keys: how many columns from the left name a row.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(title))
    for chosen in _parts(columns, rows, keys, console.width):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for index in chosen:
            left = index == 0 or columns[index] in words
            table.add_column(Text(columns[index]), justify="left" if left else "right", no_wrap=len(chosen) > keys + 1)
        for row in rows:
            table.add_row(*(Text(row[index]) for index in chosen))
        console.print(table)


def _parts(columns: Sequence[str], rows: Sequence[Sequence[str]], keys: int, width: int) -> Iterator[list[int]]:
    """Which columns each table has: the key columns, then as many others as there is room for, but at least one."""
    widths = [
        max(len(line) for text in (name, *(row[index] for row in rows)) for line in text.split("\n"))
        for index, name in enumerate(columns)
    ]
    named = list(range(min(keys, len(columns))))
    room = width - 2 * EDGE + GAP - sum(widths[index] + GAP for index in named)
    part: list[int] = []
    for index in range(len(named), len(columns)):
        if part and sum(widths[each] + GAP for each in (*part, index)) > room:
            yield [*named, *part]
            part = []
        part.append(index)
    if part or not columns[keys:]:
        yield [*named, *part]
