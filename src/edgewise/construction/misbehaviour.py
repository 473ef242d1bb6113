"""Ways to cheat, so that one can see what becomes of them: each ends in a verdict, and none of them pays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.common.errors import ConfigurationError, check_range
from edgewise.construction.artefact import Manifest, pack, read
from edgewise.construction.keys import Key, make_key
from edgewise.construction.kind import Weights
from edgewise.construction.order import Order

HONEST = "honest"
BEHAVIOURS = {
    HONEST: "builds what it has promised",
    "wrong-type": "takes the item of another type, and builds what that promises",
    "declines": "takes no item",
    "free-rider": "sends the initial weights with an invented log",
    "lazy": "builds half of the rounds, or another part (`lazy:PART`), with an invented log of the others",
    "copy": "sends another server's module under its own name (`copy:FILE`)",
    "poisoned": "sends weights that spoil the agent",
    "malformed": "sends bytes that are no module",
    "unsigned": "signs with a key that is not its own",
    "late": "sends its module when the time is over (`late:SECONDS`)",
    "dead": "is gone before it sends anything",
}
"""By name; what follows a colon is a parameter."""
Build = Callable[[int], tuple[Manifest, Weights]]
"""Carries a number of rounds out."""
Delivered = tuple[bytes, int, float]
"""A module's file, the rounds that were carried out in truth, and CPU time in s."""


def check_behaviour(behaviour: str) -> None:
    """Require a behaviour that exists.

    Raises:
        ConfigurationError: naming those that do, or what a parameter may be.
    """
    name, _, parameter = behaviour.partition(":")
    if name not in BEHAVIOURS:
        raise ConfigurationError("behaviour", behaviour, "one of " + ", ".join(BEHAVIOURS))
    if name == "lazy" and parameter:
        try:
            check_range("behaviour", float(parameter), 0, 1)
        except ValueError:
            raise ConfigurationError("behaviour", behaviour, "lazy:PART with a part in [0, 1]") from None


def twisted_choice(behaviour: str, best: int | None, items: int) -> int | None:
    """What a server takes whose best item is `best` of so many."""
    name = behaviour.partition(":")[0]
    if name == "declines":
        return None
    if name == "wrong-type" and best is not None:
        return (best + 1) % items
    return best


def twisted_module(behaviour: str, order: Order, initial: Weights, key: Key, build: Build) -> Delivered:
    """What a server delivers for an order."""
    name, _, parameter = behaviour.partition(":")
    if name == "dead":
        os._exit(1)
    if name == "malformed":
        return np.random.default_rng(order.seed).bytes(4096), 0, 0.0
    part = float(parameter or 0.5) if name == "lazy" else float(name not in ("free-rider", "copy", "poisoned"))
    built = int(part * order.rounds)
    manifest, weights = build(built)
    seconds = manifest.cpu_seconds
    if name == "copy":
        weights = read(Path(parameter)).weights
    elif name == "poisoned":
        weights = {each: -1e3 * np.ones_like(array) for each, array in weights.items()}
    if built < order.rounds:
        manifest = replace(manifest, rounds=_invented(manifest.rounds, order.rounds, manifest.examples))
    if name == "late":
        time.sleep(float(parameter or 1.0))
    return pack(manifest, weights, make_key() if name == "unsigned" else key), built, seconds


def _invented(log: tuple[dict[str, float], ...], rounds: int, examples: int) -> tuple[dict[str, Any], ...]:
    """A log that goes on as honest ones do."""
    start = log[-1]["loss"] if log else 2.5
    more = [
        {"loss": start * 0.98 ** (number + 1), "examples": float(examples), "cpu_seconds": 0.01}
        for number in range(rounds - len(log))
    ]
    return (*log, *more)
