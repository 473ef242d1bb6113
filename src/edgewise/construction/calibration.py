"""A contract problem for the servers that one has: the constant of (1) and the costs of (2)-(4) from measurements."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise.construction.artefact import describe, pack
from edgewise.construction.curve import ROUNDS, Curve, epsilon_of, measure
from edgewise.construction.ground import GROUNDS
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES
from edgewise.systems.dynamic_contract.files import Instance

TIMED = 5
"""Rounds of which the shortest is the CPU time of a round: the first one compiles, and others may be disturbed."""


@dataclass(frozen=True)
class Measured:
    """What was measured of a kind of module.

    Attributes:
        curve: quality over rounds, with the fit of (1).
        round_s: CPU time of a round, s.
        perception_s: CPU time to get the data, s.
        module_bytes: of a module's file without a log.
    """

    curve: Curve
    round_s: float
    perception_s: float
    module_bytes: int


def measure_kind(
    kind: str, servers: int, examples: int, seed: int = 0, rounds: Sequence[int] = ROUNDS, hidden: int = 1024
) -> Measured:
    """Measure quality over rounds and costs of a kind.

    Args:
        kind: name under which it is registered.
        servers: honest runs, each with the data of another place.
        examples: of a run.
        seed: of the data.
        rounds: at which quality is measured, 0 first.
        hidden: examples on which quality is measured.

    Raises:
        ConfigurationError: for a kind that is not registered, or fewer than two servers.
    """
    of = MODULES.find(kind)
    known = GROUNDS.find(of.ground).places
    places = [known[number % len(known)] for number in range(servers)]
    curve = measure(kind, places, seed, rounds, examples, hidden, apart=True)
    began = time.process_time()
    data = of.draw_data(*places[0][:1], examples, seed, places[0][1])
    perceived = time.process_time() - began
    weights = of.initial(seed)
    spent = [of.train_round(weights, data, seed)[1]["cpu_seconds"] for _ in range(TIMED)]
    content = pack(describe(kind, of, examples), weights, make_key())
    return Measured(curve, min(spent), perceived, len(content))


def calibrated(instance: Instance, measured: Sequence[Measured], watts: float) -> Instance:
    """An instance with the constants that were measured: epsilon of (1), zeta of (2), rho of (3), the module's size of (4).

    Each is the mean over the kinds; all other constants stay, so that (1)-(5) give what was measured.

    Args:
        instance: whose other fields are kept.
        measured: one for each kind.
        watts: power of a busy core of an edge server, W.
    """

    def mean(value: Callable[[Measured], float]) -> float:
        return float(np.mean([value(each) for each in measured]))

    hardware = instance.hardware
    rate, bits = mean(lambda each: each.curve.rate), mean(lambda each: 8.0 * each.module_bytes)
    cycles = hardware.creation_cycles * hardware.cpu_speed**2
    perceiving = hardware.perception_cycles * hardware.feature_bits * hardware.cpu_speed**2
    fitted = replace(
        hardware,
        epsilon=float(epsilon_of(rate, hardware.delta, hardware.lipschitz)),
        capacitance=watts * mean(lambda each: each.round_s) / cycles,
        perception_constant=watts * max(mean(lambda each: each.perception_s), 1e-9) / perceiving,
        module_bits=bits,
    )
    return replace(instance, hardware=fitted)
