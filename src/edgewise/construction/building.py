"""The rounds of a module, kept on disk so that a builder that was killed goes on where it was."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgewise.common import packed
from edgewise.common.files import replace_file
from edgewise.construction.artefact import Manifest, describe
from edgewise.construction.edge_config import EdgeConfig, data_of
from edgewise.construction.kind import MODULES, Data, Weights
from edgewise.construction.order import Order
from edgewise.construction.parcels import digest

PROGRESS, ROUNDS = "progress", "rounds"
"""Files in the folder of an order: weights and log of the last state that is kept; a byte for each round, for who looks on."""
ORDERS = "orders"
KEPT_S = 1.0
"""Least time between two states that are kept, s: a lost second is built again."""


def carry_out(
    config: EdgeConfig, order: Order, initial: Weights, folder: Path, rounds: int
) -> tuple[Manifest, Weights]:
    """Carry rounds of training out.

    Args:
        config: of the server whose data are used.
        order: what for.
        initial: weights to begin with, as the cloud server sent them.
        folder: of the server.
        rounds: how many.

    Returns:
        The manifest with the log, not signed yet, and the weights.
    """
    kind = MODULES.find(order.kind)
    place = place_of(folder, order)
    data = data_of(config, kind, order.period, folder)
    examples = len(next(iter(data.values())))
    weights, log = _kept(place, initial)
    last = time.monotonic()
    while len(log) < rounds:
        seed = order.seed + len(log)
        weights, figures = kind.train_round(weights, part_of(data, config.round_examples, seed), seed)
        log.append(figures)
        with (place / ROUNDS).open("ab") as counted:
            counted.write(b".")
        if time.monotonic() - last > KEPT_S:
            replace_file(place / PROGRESS, packed.pack(weights, log))
            last = time.monotonic()
    manifest = describe(order.kind, kind, examples, f"{examples} examples", order.name)
    return replace(manifest, rounds=tuple(log)), weights


def part_of(data: Data, most: int | None, seed: int) -> Data:
    """So many examples, drawn; all of them where there are no more, or if `most` is None."""
    count = len(next(iter(data.values())))
    if most is None or most >= count:
        return data
    chosen = np.random.default_rng(seed).permutation(count)[:most]
    return {name: array[chosen] for name, array in data.items()}


def place_of(folder: Path, order: Order) -> Path:
    """The folder of an order at an edge server."""
    return folder / ORDERS / order.name


def rounds_built(folder: Path) -> int:
    """Rounds that an edge server has carried out for all its orders; what was lost and carried out again counts again."""
    return sum(path.stat().st_size for path in folder.glob(f"{ORDERS}/*/{ROUNDS}"))


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
