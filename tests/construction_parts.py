"""What tests of construction share: modules that are built and signed, and what a cloud server holds for them."""

from __future__ import annotations

from dataclasses import replace

from edgewise.construction.artefact import Manifest, describe, pack
from edgewise.construction.keys import Key
from edgewise.construction.kind import MODULES, Weights
from edgewise.construction.verdicts import Held, Wanted

APPS = ("mail", "shop")
HIDDEN_APPS = ("hidden",)


def build(kind: str, rounds: int, seed: int = 1, order: str = "order") -> tuple[Manifest, Weights]:
    """A module after honest rounds."""
    of = MODULES.find(kind)
    data, weights, log = of.draw_data(APPS, 500, seed, "de"), of.initial(0), []
    for number in range(rounds):
        weights, figures = of.train_round(weights, data, number)
        log.append(figures)
    return replace(describe(kind, of, 500, "drawn", order), rounds=tuple(log)), weights


def delivered(kind: str, rounds: int, key: Key, seed: int = 1, order: str = "order") -> tuple[bytes, Wanted]:
    """A module's file, and the order that it fulfils."""
    return pack(*build(kind, rounds, seed, order), key), Wanted(key.public, order, kind, rounds)


def held_for(kind: str, least: float = 0.0) -> Held:
    """What a cloud server holds that asks for a quality."""
    of = MODULES.find(kind)
    hidden, probe = (of.draw_data(HIDDEN_APPS, 400, seed, "mixed") for seed in (8, 9))
    return Held(hidden, probe, of.initial(0), lambda rounds: least, limit=2**20)
