"""Statements of the paper on what rises and falls, and how they are judged on tables of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from edgewise.experiments.claims import HOLDS, overall
from edgewise.experiments.results import Claim

Value = TypeVar("Value")
Table = dict[tuple[str, str, float], Value]
"""By quantity, curve and place on the axis."""
UP, DOWN = 1, -1
"""Directions of a trend."""
MOST_TOLD = 4
"""Places that the evidence of a claim names."""


@dataclass(frozen=True)
class Trend:
    """A statement of the paper.

    Attributes:
        text: the statement.
        ways: quantity to whether it goes up or down.
        across: from curve to curve at the same place; or else along the axis on every curve.
        curves: that it is about; if empty, all.
        paper: the paper's figures.
    """

    text: str
    ways: Mapping[str, int]
    across: bool = False
    curves: tuple[str, ...] = ()
    paper: str = ""

    def chains(self, table: Table[Value], quantity: str) -> list[tuple[str, list[tuple[str, Value]]]]:
        """What must go one way: for every curve, or every place, its name and the values in order with where they are."""
        kept = {(c, x): v for (q, c, x), v in table.items() if q == quantity and (not self.curves or c in self.curves)}
        curves, places = list(dict.fromkeys(c for c, _ in kept)), sorted({x for _, x in kept})
        if self.across:
            chains = [(f"{x:g}", [(c, kept[c, x]) for c in curves if (c, x) in kept]) for x in places]
        else:
            chains = [(c, [(f"{x:g}", kept[c, x]) for x in places if (c, x) in kept]) for c in curves]
        return [(name, chain) for name, chain in chains if len(chain) > 1]

    def judge(
        self, table: Table[Value], of: str, compare: Callable[[Value, Value], str], text: Callable[[Value], str]
    ) -> Claim | None:
        """The claim on one kind of values; None if no two of them can be compared.

        Args:
            table: values.
            of: whose they are.
            compare: whether the second is above the first.
            text: a value in words.
        """
        words, doubts, ends = [], [], []
        for quantity, way in self.ways.items():
            for name, chain in self.chains(table, quantity):
                for (place, one), (next_place, two) in pairwise(chain):
                    words.append(compare(one, two) if way == UP else compare(two, one))
                    if words[-1] != HOLDS:
                        change = f"{text(one)} at {place}, {text(two)} at {next_place}"
                        doubts.append(f"{words[-1]} for {quantity} ({name}): {change}")
                ends.append(f"{quantity} ({name}) {text(chain[0][1])} to {text(chain[-1][1])}")
        if not words:
            return None
        told = doubts or ends
        more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        return Claim(f"{self.text} [{of}]", overall(words), "; ".join([*told[:MOST_TOLD], *more]), self.paper)
