"""Tables and numbers for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from edgewise.common.terminal import number, print_table

Printed = Callable[[int], list[str]]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    columns = ["policy", "latency", "missing\ncopies", "migrations", "defences"]
    rows = [["ours", "345.6", "0.00", "1.25", "0.50"], ["look-ahead", "12345678.9", "0.10", "2.25", "0.75"]]

    def lines(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        print_table("what was [judged]", columns, rows)
        return capsys.readouterr().out.splitlines()

    return lines


@pytest.mark.parametrize("width", [30, 40, 80, 200])
def test_a_table_fits_the_terminal_and_loses_nothing(width: int, printed: Printed) -> None:
    lines = printed(width)
    assert max(map(len, lines)) <= width
    words = re.findall(r"[^\s─]+", " ".join(lines))
    for word in ("[judged]", "ours", "12345678.9", "missing", "copies", "2.25", "defences", "0.75"):
        assert word in words


def test_a_table_is_split_only_where_it_must_be(printed: Printed) -> None:
    assert sum("look-ahead" in line for line in printed(80)) == 1
    assert sum("look-ahead" in line for line in printed(40)) == 2


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.0004, 2, "0.00"),
        (-1.27898e-13, 6, "0.000000"),
        (-0.006, 2, "-0.01"),
        (345.64, 1, "345.6"),
        (109285588992.0, 2, "1.09e+11"),
        (float("nan"), 2, "nan"),
        (float("-inf"), 2, "-inf"),
    ],
)
def test_a_number_is_printed_as_a_reader_wants_it(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text
