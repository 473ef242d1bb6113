"""The exact optimum of dynamic contracts: how fast it is, whether other methods agree, and what other schemes earn.

Run: python benchmarks/dynamic_contract.py [--output FILE] [--kinds K ...] [--repeats N]
States are random ones of the paper's Table I with N = 12 servers (more where K asks for it). Other methods: SciPy's SLSQP on
a plain reading of the paper (tests/reference), a zooming grid for K = 2, and menus drawn at random.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from edgewise.systems.dynamic_contract import theory
from edgewise.systems.dynamic_contract.files import parse_instance
from edgewise.systems.dynamic_contract.model import Network, total_profit
from edgewise.systems.dynamic_contract.optimum import first_best, optimal_contract, optimal_contracts
from edgewise.systems.dynamic_contract.sampling import random_contract
from reference.dynamic_contract import Case, draw_values

BATCH = 1000
SOLVED_AGAIN = {2: 150, 3: 30, 4: 17, 6: 3}
GRID_STATES = 10
JOINT = 4


def draw_networks(rng: np.random.Generator, kinds: int, count: int) -> tuple[list[dict[str, Any]], Network]:
    """States as numbers, and stacked for a batch."""
    values = [draw_values(rng, kinds) for _ in range(count)]
    networks = [parse_instance(one).network() for one in values]
    return values, jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)


def seconds(function: Callable[[int], Any], repeats: int) -> np.ndarray:
    """Wall time of each call, the first two left out."""
    taken = []
    for call in range(repeats + 2):
        start = time.perf_counter()
        jax.block_until_ready(function(call))
        taken.append(time.perf_counter() - start)
    return np.array(taken[2:])


def speed(rng: np.random.Generator, kinds: int, repeats: int) -> dict[str, Any]:
    """Time of one state, and per state of a batch, for each mode."""
    count = BATCH if kinds <= 4 else 100 if kinds <= 6 else 8
    _, networks = draw_networks(rng, kinds, max(8, min(count, BATCH)))
    row: dict[str, Any] = {"types": kinds, "variables": kinds + kinds**2, "batch": count}
    for mode in ("feasible", "joint") if kinds <= JOINT else ("feasible",):
        single = [jax.tree.map(lambda leaf, i=i: leaf[i], networks) for i in range(8)]
        taken = seconds(lambda call, mode=mode, single=single: optimal_contract(single[call % 8], mode), repeats)
        row[f"{mode}_ms_median"] = 1e3 * float(np.median(taken))
        row[f"{mode}_ms_worst"] = 1e3 * float(taken.max())
        batched = seconds(lambda call, mode=mode: optimal_contracts(networks, mode), 3)
        row[f"{mode}_batched_ms_per_state"] = 1e3 * float(np.median(batched)) / count
        result = optimal_contracts(networks, mode)
        row[f"{mode}_largest_gap"] = float(((result.upper_bound - result.profit) / result.profit).max())
    return row


def agreement(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Relative difference to SLSQP."""
    rows = []
    for kinds, count in SOLVED_AGAIN.items():
        values, networks = draw_networks(rng, kinds, count)
        ours = np.asarray(optimal_contracts(networks).profit)
        theirs = np.array([Case(one).optimum() for one in values])
        rows.append(
            {"types": kinds, "states": count, "largest_relative_difference": float(np.abs(ours / theirs - 1).max())}
        )
    return rows


def zooming_grid(network: Network, levels: int = 60, points: int = 5, shrink: float = 0.75) -> float:
    """Best profit of two types on grids that close in on the best point so far.

    The coordinates are the lower rounds and the rise of each row of period 2, and by how much the rounds of period 1 exceed
    the least ones that are feasible, so that every grid point is feasible up to the upper bound of the rounds.
    """
    c, e, beta = float(network.round_cost), float(network.fixed_cost), float(network.beta)
    (low, high), p2 = np.asarray(network.types[0]), np.asarray(network.transitions[0])
    top = network.hardware.max_rounds
    steps = np.stack(np.meshgrid(*[np.linspace(-1, 1, points)] * 6, indexing="ij"), -1).reshape(-1, 6)

    @jax.jit
    @jax.vmap
    def judge(point: jax.Array) -> jax.Array:
        second = jnp.stack([point[:2], point[:2] + point[2:4]], axis=-1)
        zero = theory.optimal_rewards(network, (jnp.zeros(2), second)).rewards[1]
        utility = network.types[1] * zero - c * second - e  # [report, type]
        ahead = beta * utility @ p2.T  # [report, type before]
        least = ((ahead[1, 1] - ahead[0, 1]) / (high / low - 1) - e) / c  # (36) of the high type
        first = jnp.maximum(least, 0.0) + point[4]
        slope = c * (1 - low / high)
        needed = ahead[1, 0] - ahead[0, 0] + low / high * (ahead[0, 1] - ahead[1, 1])  # (37) of the low type
        later = jnp.maximum(first + needed / slope, 0.0) + point[5]
        rounds = (jnp.stack([first, later]), second)
        contract = theory.optimal_rewards(network, rounds)
        fits = (rounds[0].max() <= top) & (second.max() <= top)
        feasible = theory.check(network, contract).feasible(1e-9) & fits
        return jnp.where(feasible, total_profit(network, contract), -jnp.inf)

    best, width, value = np.full(6, 25.0), 50.0, -np.inf
    for _ in range(levels):
        grid = np.clip(best + width * steps, 0, None)
        profits = np.asarray(judge(jnp.asarray(grid)))
        if profits.max() > value:
            best, value = grid[profits.argmax()], float(profits.max())
        width *= shrink
    return value


def grid(rng: np.random.Generator) -> dict[str, Any]:
    """Relative difference to the zooming grid."""
    _, networks = draw_networks(rng, 2, GRID_STATES)
    ours = np.asarray(optimal_contracts(networks).profit)
    singles = [jax.tree.map(lambda leaf, i=i: leaf[i], networks) for i in range(GRID_STATES)]
    theirs = np.array([zooming_grid(network) for network in singles])
    below = 1 - theirs / ours
    return {
        "states": GRID_STATES,
        "grid_below_optimum_median": float(np.median(below)),
        "grid_below_optimum_largest": float(below.max()),
        "grid_above_optimum_largest": float(-below.min()),
    }


def random_search(rng: np.random.Generator, draws: int, states: int = 4) -> dict[str, Any]:
    """Feasible menus at random, anywhere and near the optimum, against the optimum."""
    _, networks = draw_networks(rng, 2, states)
    optima = optimal_contracts(networks)
    feasible_count, best = 0, -np.inf

    @jax.jit
    def judge(network: Network, rounds: jax.Array) -> tuple[jax.Array, jax.Array]:
        def one(flat: jax.Array) -> tuple[jax.Array, jax.Array]:
            contract = theory.optimal_rewards(network, (flat[:2], flat[2:].reshape(2, 2)))
            return total_profit(network, contract), theory.check(network, contract).feasible(0.0)

        return jax.vmap(one)(rounds)

    for state in range(states):
        network = jax.tree.map(lambda leaf, i=state: leaf[i], networks)
        optimum = np.concatenate([np.asarray(part[state]).ravel() for part in optima.contract.rounds])
        near = optimum + rng.normal(size=(draws // 2, 6)) * 10 ** rng.uniform(-3, 1.5, size=(draws // 2, 1))
        drawn = np.clip(np.concatenate([near, rng.uniform(0, 100, (draws // 2, 6))]), 0, 100)
        profits, feasible = map(np.asarray, judge(network, jnp.asarray(drawn)))
        feasible_count += int(feasible.sum())
        best = max(best, float((profits[feasible] / float(optima.profit[state])).max()))
    return {"draws": draws * states, "feasible": feasible_count, "best_over_optimum_minus_1": best - 1}


def schemes(rng: np.random.Generator, kinds: int, count: int) -> dict[str, Any]:
    """Mean profit of every scheme over the same states."""
    _, networks = draw_networks(rng, kinds, count)
    results = {mode: optimal_contracts(networks, mode) for mode in ("paper", "feasible", "joint")}
    static = optimal_contracts(networks, "feasible", True).profit
    keys = jax.random.split(jax.random.key(0), count)

    def drawn(shared: bool, feasible: bool) -> jax.Array:
        def one(key: jax.Array, network: Network) -> jax.Array:
            return total_profit(network, random_contract(key, network, shared, feasible))

        return jax.jit(jax.vmap(one))(keys, networks)

    reports = jax.jit(jax.vmap(theory.check))(networks, results["paper"].contract)
    worst = {name: slack.reshape(count, -1).min(axis=1) for name, slack in reports.groups().items()}
    gain = (results["joint"].profit - results["feasible"].profit) / results["feasible"].profit
    return {
        "types": kinds,
        "states": count,
        "mean_profit": {
            "first best": float(jax.vmap(lambda n: total_profit(n, first_best(n)))(networks).mean()),
            "paper": float(results["paper"].profit.mean()),
            "joint": float(results["joint"].profit.mean()),
            "feasible": float(results["feasible"].profit.mean()),
            "static": float(static.mean()),
            "random": float(drawn(False, True).mean()),
            "random static": float(drawn(True, True).mean()),
            "random, rewards as printed": float(drawn(False, False).mean()),
        },
        "paper_menus_that_fail": {name: float((slack < -1e-3).mean()) for name, slack in worst.items()},
        "joint_above_feasible": {
            "share": float((gain > 1e-6).mean()),
            "mean": float(gain.mean()),
            "most": float(gain.max()),
        },
        "dynamic_over_static": float((results["feasible"].profit / static).mean() - 1),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("results/dynamic-contract/solver.json"))
    parser.add_argument("--kinds", type=int, nargs="+", default=[2, 4, 6, 12, 20], help="K of the speed table")
    parser.add_argument("--repeats", type=int, default=10, help="calls that are timed (default: 10)")
    parser.add_argument("--draws", type=int, default=250_000, help="random menus per state (default: 250000)")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        results: dict[str, Any] = {
            "machine": f"{platform.machine()}, {jax.device_count()} {jax.default_backend()} device"
        }
        steps: dict[str, Callable[[], Any]] = {
            "agreement_with_slsqp": lambda: agreement(rng),
            "agreement_with_grid": lambda: grid(rng),
            "random_search": lambda: random_search(rng, arguments.draws),
            "schemes": lambda: [schemes(rng, 2, 300), schemes(rng, 6, 50)],
            "speed": lambda: [speed(rng, kinds, arguments.repeats) for kinds in arguments.kinds],
        }
        for name, measure in steps.items():
            start = time.perf_counter()
            results[name] = measure()
            arguments.output.parent.mkdir(parents=True, exist_ok=True)
            arguments.output.write_text(json.dumps(results, indent=2) + "\n")
            print(f"{name} ({time.perf_counter() - start:.0f} s)", json.dumps(results[name], indent=1), flush=True)


if __name__ == "__main__":
    main()
