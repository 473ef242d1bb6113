"""From which initial weights a module was begun: a copy that was trained further still has those of the one it was taken from.

Where every order has initial weights of its own (`Terms.apart`), nobody's honest module has anything of another's, while
training leaves much of one's own: see `benchmarks/origins.py`. It does not matter who delivers first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgewise.construction.artefact import Refused
from edgewise.construction.kind import ModuleKind, Weights

TRACE = 0.05
"""Correlation with initial weights above which a module was begun from them."""
CHANCE = 8.0
"""Deviations of the correlation of weights that have nothing to do with each other, by which it must be above 0 too: it is
never taken for one by chance, nor for a kind of few weights."""


@dataclass(frozen=True)
class Begin:
    """Initial weights that were sent out.

    Attributes:
        edge: public key of the server that got them.
        order: name of the order.
        kind: of the module.
        seed: of `ModuleKind.initial`.
    """

    edge: str
    order: str
    kind: str
    seed: int


def check_begin(weights: Weights, kind: ModuleKind, seed: int, order: str, edge: str, begun: Iterable[Begin]) -> None:
    """That a module was not begun from the initial weights of another order.

    Args:
        weights: of the module, of the shapes of its kind.
        kind: of it.
        seed: of the initial weights of its order.
        order, edge: name of the order, and whose it is.
        begun: all initial weights that were sent out for its kind.

    Raises:
        Refused: "copy" if they are another server's, "replayed" if they are its own of an earlier order.
    """
    own = kind.initial(seed)
    for each in begun:
        if each.order == order:
            continue
        found, chance = trace(weights, own, kind.initial(each.seed))
        if found > max(TRACE, CHANCE * chance):
            told = f"was begun from the initial weights of another order: correlation {found:.3f}"
            raise Refused("replayed" if each.edge == edge else "copy", f"{told}, with those of {each.edge[:16]}")


def trace(weights: Weights, own: Weights, other: Weights) -> tuple[float, float]:
    """What a module has of other initial weights, beside its own ones.

    Arrays are scaled by the deviation of their initial numbers, so that small ones count; what both initial weights share,
    such as zeros, says nothing.

    Args:
        weights: of the module.
        own, other: initial weights, of the same shapes.

    Returns:
        The correlation with what is peculiar to the other ones, in [-1, 1], and the deviation that it has by chance.
    """
    names = [name for name in own if own[name].dtype.kind == "f" and not np.array_equal(own[name], other[name])]
    if not names:
        return 0.0, 1.0
    scales = {name: 1 / max(float(np.std(own[name])), 1e-12) for name in names}
    built, mine, theirs = (
        np.concatenate([scales[name] * each[name].ravel().astype(np.float64) for name in names])
        for each in (weights, own, other)
    )
    built, theirs = (each - mine * (each @ mine) / (mine @ mine) for each in (built, theirs))
    lengths = float(np.linalg.norm(built) * np.linalg.norm(theirs))
    return (float(built @ theirs) / lengths if lengths > 0 else 0.0), 1 / len(mine) ** 0.5
