"""Modules of one kind from several edge servers as one: those which together measure best on the cloud server's data."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.common.errors import EdgewiseError
from edgewise.construction.agent import together
from edgewise.construction.artefact import Module
from edgewise.construction.kind import Data

MOST = 4
"""Modules that answer together at most: an answer takes as many times as long."""


def best_together(modules: Sequence[Module], qualities: Sequence[float], data: Data) -> tuple[Module, ...]:
    """The best module, and those that make it better when they answer with it.

    From the second best on, each joins those before if all together measure better than without it.

    Args:
        modules: of one kind, one or more.
        qualities: measured on the data.
        data: of the cloud server's own.

    Returns:
        The best first.
    """
    order = sorted(range(len(modules)), key=lambda place: -qualities[place])
    chosen: tuple[Module, ...] = (modules[order[0]],)
    reached = qualities[order[0]]
    for place in order[1:]:
        more = (*chosen, modules[place])
        if len(more) > MOST:
            break
        try:
            kind, weights = together(more)
            kind.load(weights)
            quality = kind.evaluate(weights, data)
        except (EdgewiseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue  # of a kind whose modules are not joined, or do not fit
        if quality > reached:
            chosen, reached = more, quality
    return chosen
