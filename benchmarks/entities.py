"""Policies over entities, dense and with candidates: decisions, sizes, a city, training; and what candidates cost in quality.

Run: python benchmarks/entities.py {decisions,sizes,city,training,quality} ... [--policy FOLDER] [--json FILE]

Times of a call are the smallest and the median wall time, and the processor time of all threads per call, which other programs
on the machine disturb least. A file that exists keeps its other parts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from edgewise.algorithms.entity import matching_sets, matching_sizes
from edgewise.algorithms.registry import find_algorithm
from edgewise.environments import registry
from edgewise.policies.learned import LearnedPolicy
from edgewise.policies.matching import MatchingPolicy
from edgewise.training.choose_loop import build_loop
from edgewise.training.evaluation import evaluate
from edgewise.training.presets import default_configs
from edgewise.training.saved import load_learned

SIZES = ((8, 4), (32, 16), (64, 16))
GRID = ((8, 32, 128, 512), (4, 16, 64))
"""Vehicles and units of the table of sizes."""
CITIES = ((2000, 100), (500, 100), (10_000, 100), (50_000, 100))
DENSE_PAIRS = 200_000
"""Larger cities are decided with candidates only."""
CANDIDATES = 8
COPIES = 64
EPISODES, SEED = 20, 1_000_003
UNIT_SPACING_M = 1000.0
"""Distance of units on the grid, as in the default system."""


def world(vehicles: int, rsus: int, candidates: int | None = None, **more: Any) -> Any:
    """The default system stretched to more units at the same spacing, half of them targets of the attacker."""
    return registry.make(
        "agent-migration",
        observation="entities",
        vehicles=vehicles,
        rsus=rsus,
        area_m=UNIT_SPACING_M * math.sqrt(rsus),
        attacked_rsus=rsus // 2,
        candidates=candidates,
        **more,
    )


def fresh_policy(environment: Any) -> MatchingPolicy:
    """A policy of the usual size with weights that mean nothing."""
    spaces = environment.spaces
    return MatchingPolicy.create(matching_sets(spaces), matching_sizes(spaces), 32, 2, jax.random.key(0))


def times(function: Callable[..., Any], *arguments: Any, seconds: float = 2.0, least: int = 5) -> dict[str, float]:
    """Times of a compiled call in ms, and of its first in s."""
    call = eqx.filter_jit(function)
    begin = time.perf_counter()
    jax.block_until_ready(call(*arguments))
    first = time.perf_counter() - begin
    walls: list[float] = []
    begin, processor = time.perf_counter(), time.process_time()
    while len(walls) < least or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        jax.block_until_ready(call(*arguments))
        walls.append(time.perf_counter() - start)
    processor = time.process_time() - processor
    return {
        "least_ms": round(1e3 * min(walls), 3),
        "median_ms": round(1e3 * statistics.median(walls), 3),
        "processor_ms": round(1e3 * processor / len(walls), 3),
        "first_s": round(first, 2),
    }


def decide(policy: Any, environment: Any, state: Any) -> Any:
    """Features and decision."""
    return policy(environment.observe(state), None)


def decisions() -> list[dict[str, Any]]:
    """One decision at several sizes, with its features, and a batch."""
    rows = []
    for vehicles, rsus in SIZES:
        for candidates in (None, 4) if rsus > 4 else (None,):
            environment = world(vehicles, rsus, candidates)
            policy = fresh_policy(environment)
            state, _ = eqx.filter_jit(environment.reset)(jax.random.key(0))
            row = {"vehicles": vehicles, "rsus": rsus, "candidates": candidates, "batch": 1}
            rows.append(row | times(decide, policy, environment, state))
            tell(rows[-1])
    environment = world(8, 4)
    states, _ = eqx.filter_jit(jax.vmap(environment.reset))(jax.random.split(jax.random.key(0), COPIES))
    many = eqx.filter_vmap(decide, in_axes=(None, None, 0))
    batch = {"vehicles": 8, "rsus": 4, "candidates": None, "batch": COPIES}
    rows.append(batch | times(many, fresh_policy(environment), environment, states))
    tell(rows[-1])
    return rows


def sizes() -> list[dict[str, Any]]:
    """A decision, dense and with candidates, at every number of vehicles and of units."""
    rows = []
    for vehicles in GRID[0]:
        for rsus in GRID[1]:
            for candidates in (None, CANDIDATES) if rsus > CANDIDATES else (None,):
                environment = world(vehicles, rsus, candidates)
                state, _ = eqx.filter_jit(environment.reset)(jax.random.key(0))
                row: dict[str, Any] = {"vehicles": vehicles, "rsus": rsus, "candidates": candidates}
                rows.append(row | times(decide, fresh_policy(environment), environment, state))
                tell(rows[-1])
    return rows


def city() -> list[dict[str, Any]]:
    """A slot and a decision in growing cities."""
    rows = []
    for vehicles, rsus in CITIES:
        for candidates in (CANDIDATES, None) if vehicles * rsus <= DENSE_PAIRS else (CANDIDATES,):
            environment = world(vehicles, rsus, candidates)
            policy = fresh_policy(environment)
            state, _ = eqx.filter_jit(environment.reset)(jax.random.key(0))
            decision = times(decide, policy, environment, state)
            action = eqx.filter_jit(decide)(policy, environment, state)
            slot = times(lambda e, s, a: e.step(jax.random.key(1), s, a)[0], environment, state, action)
            row: dict[str, Any] = {"vehicles": vehicles, "rsus": rsus, "candidates": candidates}
            row |= {"decision": decision, "slot": slot, "peak_memory_mib": peak_mib()}
            rows.append(row)
            tell(row)
    return rows


def training() -> list[dict[str, Any]]:
    """Slots per second of learners on the default system once compiled, with rollouts or replay and updates."""
    rows = []
    for name in ("entity-ppo", "ppo", "cgdm"):
        algorithm, config = default_configs("agent-migration", name)
        entry = find_algorithm(name)
        view = {"observation": "entities"} if name.startswith("entity") else {}
        environment = registry.make("agent-migration", **view)
        loop = build_loop(environment, entry.build(algorithm, environment.spaces, config.total_updates), config)
        chunk = eqx.filter_jit(lambda loop, state, n: loop.chunk(state, n))
        state = eqx.filter_jit(lambda loop: loop.start(jax.random.key(0)))(loop)
        taken = times(chunk, loop, state, jnp.asarray(1), seconds=10.0, least=2)
        slots = getattr(config, "rollout_steps", config.environments)
        rates = {kind: round(1e3 * slots / taken[f"{kind}_ms"]) for kind in ("least", "processor")}
        rows.append(
            {"algorithm": name, "slots_per_s": rates["least"], "slots_per_processor_s": rates["processor"]} | taken
        )
        tell(rows[-1])
    return rows


def quality(folder: Path) -> list[dict[str, Any]]:
    """Mean latency of a policy with k candidates, on the same episodes."""
    rows = []
    for vehicles, rsus in ((8, 4), (16, 8), (64, 16)):
        for candidates in [k for k in (1, 2, 3, 4, 6, 8, 12) if k < rsus] + [None]:
            environment = world(vehicles, rsus, candidates)
            policy = LearnedPolicy(load_learned(folder, environment))
            play = eqx.filter_jit(lambda e, p: evaluate(e, p, jax.random.key(SEED), EPISODES))
            result = play(environment, policy)
            row: dict[str, Any] = {"vehicles": vehicles, "rsus": rsus, "candidates": candidates, "episodes": EPISODES}
            rows.append(row | {name: round(float(result[name].mean()), 3) for name in ("latency", "return")})
            tell(rows[-1])
    return rows


def peak_mib() -> int:
    """Largest memory of this process so far."""
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**10)


def tell(row: dict[str, Any]) -> None:
    """Print a row."""
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", choices=("decisions", "sizes", "city", "training", "quality"))
    parser.add_argument("--policy", type=Path, help="folder of a policy, for quality")
    parser.add_argument("--json", type=Path, default=Path("results/agent-migration/entities.json"))
    options = parser.parse_args()
    if "quality" in options.parts and options.policy is None:
        parser.error("quality needs --policy")
    made: dict[str, Callable[[], Any]] = {
        "decisions": decisions,
        "sizes": sizes,
        "city": city,
        "training": training,
        "quality": lambda: quality(options.policy),
    }
    kept = json.loads(options.json.read_text()) if options.json.is_file() else {}
    for part in options.parts:
        rows = made[part]()
        machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
        machine |= {"load": round(os.getloadavg()[1], 1), "command": f"python benchmarks/entities.py {part}"}
        kept[part] = {**machine, "rows": rows}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
