"""A generator of bursty workloads, for when no recording is at hand."""

from __future__ import annotations

import numpy as np

from edgewise.common.errors import check_integer, check_range
from edgewise.systems.service_selection.requests import Requests

SIZE_SPREAD = 0.5
"""Standard deviation of the logarithm of a request's size."""


def generate_bursts(
    requests: int = 8000,
    arrival_rate: float = 0.001,
    burst_factor: float = 3.0,
    calm_seconds: float = 120_000.0,
    burst_seconds: float = 40_000.0,
    burst_size: float = 1.5,
    seed: int = 0,
) -> Requests:
    """Draw requests of a Poisson process that alternates between calm times and bursts (Markov-modulated).

    The lengths of calm times and bursts are exponential. Sizes are log-normal with a deviation of 0.5 of the logarithm;
    their unit has no meaning until `fit_workload` takes their quantiles.

    Args:
        requests: number of requests.
        arrival_rate: mean arrivals per second over calm times and bursts together.
        burst_factor: rate in a burst over the rate in calm times.
        calm_seconds: mean length of a calm time, s.
        burst_seconds: mean length of a burst, s.
        burst_size: median size in a burst over that in calm times.
        seed: the seed of everything drawn.
    """
    check_integer("requests", requests, 2)
    check_range("arrival_rate", arrival_rate, 0, open_low=True)
    check_range("burst_factor", burst_factor, 1)
    check_range("calm_seconds", calm_seconds, 0, open_low=True)
    check_range("burst_seconds", burst_seconds, 0, open_low=True)
    check_range("burst_size", burst_size, 0, open_low=True)
    check_integer("seed", seed, 0)
    rng = np.random.default_rng(seed)
    burst_share = burst_seconds / (calm_seconds + burst_seconds)
    calm_rate = arrival_rate / (1 + burst_share * (burst_factor - 1))
    time, size = np.empty(0), np.empty(0)
    begin, burst = 0.0, False
    while len(time) < requests:
        seconds = rng.exponential(burst_seconds if burst else calm_seconds)
        count = rng.poisson(seconds * calm_rate * (burst_factor if burst else 1.0))
        time = np.append(time, begin + np.sort(rng.uniform(0, seconds, count)))
        size = np.append(size, (burst_size if burst else 1.0) * rng.lognormal(0.0, SIZE_SPREAD, count))
        begin, burst = begin + seconds, not burst
    return Requests(time[:requests], size[:requests], "bursts", "size")
