"""The rounds of a module, kept on disk so that a builder that was killed goes on where it was."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from edgewise.common import packed
from edgewise.common.files import replace_file
from edgewise.construction.artefact import Manifest, describe
from edgewise.construction.edge_config import EdgeConfig, data_of
from edgewise.construction.kind import MODULES, Weights
from edgewise.construction.order import Order
from edgewise.construction.parcels import digest

PROGRESS = "progress"
KEPT_S = 1.0
"""Least time between two states that are kept, s: a lost second is built again."""


def carry_out(config: EdgeConfig, order: Order, initial: Weights, place: Path, rounds: int) -> tuple[Manifest, Weights]:
    """Carry rounds of training out.

    Args:
        config: of the server whose data are used.
        order: what for.
        initial: weights to begin with, as the cloud server sent them.
        place: folder of the order.
        rounds: how many.

    Returns:
        The manifest with the log, not signed yet, and the weights.
    """
    kind = MODULES.find(order.kind)
    data = data_of(config, kind, order.period)
    examples = len(next(iter(data.values())))
    weights, log = _kept(place, initial)
    last = time.monotonic()
    while len(log) < rounds:
        weights, figures = kind.train_round(weights, data, order.seed + len(log))
        log.append(figures)
        if time.monotonic() - last > KEPT_S:
            replace_file(place / PROGRESS, packed.pack(weights, log))
            last = time.monotonic()
    manifest = describe(order.kind, kind, examples, f"{examples} examples", order.name)
    return replace(manifest, rounds=tuple(log)), weights


def _kept(place: Path, initial: Weights) -> tuple[Weights, list[dict[str, float]]]:
    path = place / PROGRESS
    if not path.exists():
        return initial, []
    weights, log = packed.unpack(path.read_bytes())
    return weights, log


def initial_weights(kind: str, seed: int) -> bytes:
    """The initial configuration that the cloud server sends, as bytes."""
    return packed.pack(MODULES.find(kind).initial(seed), None)


def weights_digest(weights: Weights) -> str:
    """What two modules of the same weights share, whatever their logs say."""
    return digest(packed.pack(dict(sorted(weights.items())), None))
