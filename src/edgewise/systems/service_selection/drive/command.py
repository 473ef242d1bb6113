"""`edgewise drive requests FILE`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from edgewise.common.client import Client
from edgewise.common.errors import check_integer, check_range
from edgewise.common.progress import progress_bar
from edgewise.common.terminal import print_table
from edgewise.common.times import TimeUnit
from edgewise.systems.service_selection.build import fit_requests, with_providers
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.drive.day import ADDRESS, Day, Log, Task
from edgewise.systems.service_selection.requests import read_requests
from edgewise.systems.service_selection.sampling import Providers, draw_providers
from edgewise.systems.service_selection.workload import Workload, find_workload, is_workload

DEFAULTS = ServiceSelectionConfig()
PER_PROVIDER = DEFAULTS.arrival_rate / DEFAULTS.providers
"""Tasks per second for each provider in the paper."""


@dataclass(frozen=True)
class Drive:
    """Let recorded requests be served by a policy server (extra "serve").

    Tasks arrive as recorded, at the rate that is asked for, run as long as in the paper, and turn out as the curve of their
    provider says. The server is told of arrivals, of tasks that are done, and of their quality; it learns the curves from them.

    Attributes:
        requests: the file: CSV or JSON, gzip or not; or "bursty", the workload that comes with the package.
        server: address of a running `edgewise serve`.
        model: that decides. If None, the server's first one.
        providers_file: CSV or YAML file with the providers, as `edgewise workload measure-quality` writes it. If None, they are
            drawn as in the paper.
        providers: number of providers that are drawn.
        arrival_rate: mean arrivals per second that time is scaled to. If None, the paper's for as many providers.
        time_column: column with the time, a number or a date. If None, it is guessed.
        time_unit: the time unit of times that are numbers.
        size_column: column with the size. If None, it is guessed.
        tasks: requests to serve at most, from the first one on.
        quality_noise: standard deviation of an observed quality.
        pace: simulated seconds per second, so that one can watch. If None, as fast as it goes.
        seed: of the providers that are drawn, and of noise.
        json: print JSON.
    """

    requests: tyro.conf.Positional[str]
    server: str = "http://127.0.0.1:8080"
    model: str | None = None
    providers_file: Path | None = None
    providers: int = DEFAULTS.providers
    arrival_rate: float | None = None
    time_column: str | None = None
    time_unit: TimeUnit = "s"
    size_column: str | None = None
    tasks: int = 1000
    quality_noise: float = 0.0
    pace: float | None = None
    seed: int = 0
    json: bool = False

    def __post_init__(self) -> None:
        check_integer("providers", self.providers, 1)
        check_integer("tasks", self.tasks, 1)
        check_integer("seed", self.seed, 0)
        check_range("quality_noise", self.quality_noise, 0, 1)
        for name in ("arrival_rate", "pace"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), 0, open_low=True)


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Drive, args=words, prog="edgewise drive requests")
    providers, config = _system(options)
    tasks = _tasks(_workload(options, config), options.tasks)
    with Client(options.server) as client, progress_bar("requests", len(tasks), "tasks") as report:
        log = serve(client, providers, config, tasks, options, lambda done, log: report(done, f"{log.quality[-1]:.2f}"))
    facts = facts_of(log)
    if options.json:
        print(json.dumps(facts))
    else:
        rows = [[name.replace("_", " "), f"{v:.3f}" if isinstance(v, float) else str(v)] for name, v in facts.items()]
        print_table("requests", ["measure", "value"], rows)
    return 0


def serve(
    client: Client,
    providers: Providers,
    config: ServiceSelectionConfig,
    tasks: list[Task],
    options: Drive,
    tell: Any,
) -> Log:
    """Serve tasks in a session of the server, and close it."""
    names = [f"provider {number}" for number in range(len(providers.capacity))]
    query = {} if options.model is None else {"model": options.model}
    opening = {
        "providers": [
            {"id": name, "capacity_steps": float(capacity)}
            for name, capacity in zip(names, providers.capacity, strict=True)
        ],
        "system": {"arrival_rate": config.arrival_rate, "quality_noise": options.quality_noise},
    }
    session = client.post(ADDRESS, opening, **query)["session"]
    try:
        curves = _Curves(providers, config, options.quality_noise, options.seed)
        return Day(client, session, names, curves, options.pace).run(tasks, tell)
    finally:
        client.delete(f"{ADDRESS}/{session}")


def facts_of(log: Log) -> dict[str, Any]:
    """What is told of a day."""
    answered = 1e3 * np.asarray(log.answered_s)
    return {
        "tasks": len(log.quality),
        "mean_quality": float(np.mean(log.quality)),
        "share_of_the_best_provider": float(np.mean(log.quality) / np.mean(log.best)),
        "tasks_that_waited": int(np.count_nonzero(log.waited_s)),
        "mean_wait_s": float(np.mean(log.waited_s)),
        "providers_used": sum(count > 0 for count in log.done_at.values()),
        "answered_by_the_rule": log.degraded,
        "answer_median_ms": float(np.median(answered)),
        "answer_p99_ms": float(np.percentile(answered, 99)),
    }


def _system(options: Drive) -> tuple[Providers, ServiceSelectionConfig]:
    file = None if options.providers_file is None else str(options.providers_file)
    told = ServiceSelectionConfig(providers=options.providers, providers_file=file)
    found, config = with_providers(told)
    providers = found or draw_providers(jax.random.key(options.seed), options.providers)
    rate = options.arrival_rate or PER_PROVIDER * config.providers
    return providers, ServiceSelectionConfig(providers=config.providers, arrival_rate=rate)


def _workload(options: Drive, config: ServiceSelectionConfig) -> Workload:
    if options.requests == "bursty" or is_workload(Path(options.requests)):
        found = find_workload(options.requests, (config.smallest_task, config.largest_task))
        scale = 1 / (config.arrival_rate * found.mean_gap)
        return Workload((found.time_s - found.time_s[0]) * scale, found.size_steps, found.source)
    requests = read_requests(
        options.requests,
        time_column=options.time_column,
        size_column=options.size_column,
        time_unit=options.time_unit,
    )
    return fit_requests(requests, config)


def _tasks(workload: Workload, most: int) -> list[Task]:
    pairs = zip(workload.time_s[:most].tolist(), workload.size_steps[:most].tolist(), strict=True)
    return [Task(f"task {number}", time, steps) for number, (time, steps) in enumerate(pairs)]


class _Curves:
    """Quality by size and provider; each size is asked of the curves once."""

    def __init__(self, providers: Providers, config: ServiceSelectionConfig, noise: float, seed: int) -> None:
        self._providers, self._with_offset = providers, config.with_offset
        self._known: dict[float, np.ndarray] = {}
        self._noise, self._random = noise, np.random.default_rng(seed)

    def observed(self, provider: int, steps: float) -> float:
        error = self._noise * self._random.standard_normal() if self._noise else 0.0
        return float(np.clip(self._of(steps)[provider] + error, 0.0, 1.0))

    def best(self, steps: float) -> float:
        return float(self._of(steps).max())

    def _of(self, steps: float) -> np.ndarray:
        if steps not in self._known:
            utility = self._providers.utility(jnp.asarray(steps, float), self._with_offset)
            self._known[steps] = np.asarray(utility, float)
        return self._known[steps]
