"""Speed and certificates of the bandwidth market's solvers.

Run: python benchmarks/twin_trading.py [--json FILE] [--parts single certificates ...]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from edgewise.systems.twin_trading.admm import admm_equilibrium
from edgewise.systems.twin_trading.equilibrium import stackelberg_equilibrium
from edgewise.systems.twin_trading.followers import follower_equilibrium
from edgewise.systems.twin_trading.market import Market
from edgewise.systems.twin_trading.sampling import MarketDistribution, draw_market

PAPER = MarketDistribution()
UNLIMITED = MarketDistribution(with_delay=False)
FOLLOWERS = (2, 3, 4, 5, 6)
LEADERS = (2, 3, 4)
COSTS = ((3, 2), (6, 4), (12, 6), (25, 8), (50, 10), (100, 15), (200, 20))
SOCIAL_TOTAL = 25.0
ADMM_MARKETS = 40


def timed(call: Callable[[], Any], repeats: int) -> dict[str, float]:
    """Least, median and largest wall time of a call after one that compiles it, s."""
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - begin)
    return {"least_s": min(times), "median_s": float(np.median(times)), "largest_s": max(times)}


def markets(
    count: int, followers: int, leaders: int, distribution: MarketDistribution = PAPER, seed: int = 0
) -> Market:
    """Drawn markets, stacked along a leading axis, in double precision."""
    keys = jax.random.split(jax.random.key(seed), count)
    drawn = jax.jit(jax.vmap(lambda key: draw_market(key, followers, leaders, distribution)))(keys)
    with jax.enable_x64(True):
        stacked: Market = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), drawn)
    return stacked


def pick(stacked: Market, index: int) -> Market:
    """One of several markets."""
    one: Market = jax.tree.map(lambda leaf: leaf[index], stacked)
    return one


def single_times() -> dict[str, Any]:
    """N = 6, M = 4: one follower equilibrium, one Stackelberg equilibrium, with and without the delay limit."""
    result: dict[str, Any] = {}
    for name, distribution in (("delay", PAPER), ("no delay", UNLIMITED)):
        many = markets(30, 6, 4, distribution)
        with jax.enable_x64(True):
            price_levels = [jnp.full(4, level, jnp.float64) for level in (0.5, 0.9, 1.4)]
        one = pick(many, 0)
        followers = [timed(lambda one=one, p=p: follower_equilibrium(one, p), 300) for p in price_levels]
        leaders = [timed(lambda one=one: stackelberg_equilibrium(one), 5) for one in [pick(many, i) for i in range(30)]]
        medians = sorted(each["median_s"] for each in leaders)
        result[name] = {
            "follower_us_at_prices_0.5_0.9_1.4": [1e6 * each["median_s"] for each in followers],
            "follower_us_least": [1e6 * each["least_s"] for each in followers],
            "stackelberg_ms_median_market": 1e3 * medians[len(medians) // 2],
            "stackelberg_ms_slowest_market": 1e3 * medians[-1],
        }
    return result


def certificates(total: int) -> dict[str, Any]:
    """Certificates of random markets of every size, in one vmapped call for each size."""
    sizes = [(n, m) for n in FOLLOWERS for m in LEADERS]
    per_size = -(-total // len(sizes))
    rows, worst = [], []
    for n, m in sizes:
        solved = jax.vmap(stackelberg_equilibrium)(markets(per_size, n, m, seed=n * 10 + m))
        certificate, equilibria = np.asarray(solved.certificate), np.asarray(solved.equilibria)
        worst.append(certificate)
        rows.append(
            {
                "followers": n,
                "leaders": m,
                "markets": per_size,
                "largest_certificate": float(certificate.max()),
                "certified_share": float((certificate < 1e-6).mean()),
                "delay_binds_share": float(np.asarray(solved.limited).any(axis=1).mean()),
                "limit_out_of_reach_share": float((~np.asarray(solved.feasible)).any(axis=1).mean()),
                "several_equilibria_share": float((equilibria > 1).mean()),
                "a_price_at_the_cap_share": float((np.asarray(solved.prices) >= 1.5 - 1e-6).any(axis=1).mean()),
            }
        )
        print(rows[-1], flush=True)
    everything = np.concatenate(worst)
    return {
        "markets": len(everything),
        "largest": float(everything.max()),
        "certified_below_1e-6": int((everything < 1e-6).sum()),
        "sizes": rows,
    }


def throughput(batch: int, limited_batch: int) -> dict[str, Any]:
    """Many markets with N = 3, M = 2 in one vmapped call."""
    result: dict[str, Any] = {}
    for name, distribution, count in (("no delay", UNLIMITED, batch), ("delay", PAPER, limited_batch)):
        many = markets(count, 3, 2, distribution)
        solve = jax.vmap(stackelberg_equilibrium)
        took = timed(lambda solve=solve, many=many: solve(many), 1)["least_s"]
        certificate = np.asarray(solve(many).certificate)
        result[name] = {
            "markets": count,
            "seconds": took,
            "markets_per_s": count / took,
            "certified_below_1e-6": int((certificate < 1e-6).sum()),
            "largest_certificate": float(certificate[np.isfinite(certificate)].max()),
        }
        print(name, result[name], flush=True)
    return result


def cost_curve(limit_s: float) -> list[dict[str, Any]]:
    """Time against size, social ties shrunk so that a follower's sum to 25; stops beyond a size that takes too long."""
    rows = []
    for with_delay in (False, True):
        for n, m in COSTS:
            social = SOCIAL_TOTAL / (n - 1)
            market = pick(
                markets(1, n, m, MarketDistribution(social=(social, social / 5, 0.0), with_delay=with_delay)), 0
            )
            begin = time.perf_counter()
            solved = jax.block_until_ready(stackelberg_equilibrium(market))
            first = time.perf_counter() - begin
            took = timed(lambda market=market: stackelberg_equilibrium(market), 1)["least_s"]
            rows.append(
                {
                    "followers": n,
                    "leaders": m,
                    "delay": with_delay,
                    "seconds": took,
                    "seconds_with_compilation": first,
                    "certificate": float(solved.certificate),
                }
            )
            print(rows[-1], flush=True)
            if took > limit_s:
                break
    return rows


def admm() -> dict[str, Any]:
    """Distance of ADMM's prices and demands from the nearest certified equilibrium, and from the paper's fixed point."""
    result: dict[str, Any] = {"markets": 0}
    for mode in ("stackelberg", "paper"):
        prices, demands, seconds, converged = [], [], [], []
        for n, m in ((3, 2), (4, 3)):
            many = markets(ADMM_MARKETS // 2, n, m, seed=7)
            for index in range(ADMM_MARKETS // 2):
                market = pick(many, index)
                exact = stackelberg_equilibrium(market, mode)
                found = jax.block_until_ready(admm_equilibrium(market, mode))
                seconds.append(timed(lambda market=market, mode=mode: admm_equilibrium(market, mode), 1)["least_s"])
                nearest = exact.candidates[jnp.argmin(jnp.abs(exact.candidates - found.prices).max(axis=1))]
                prices.append(float(jnp.abs(nearest - found.prices).max()))
                demands.append(float(jnp.abs(follower_equilibrium(market, nearest).demands - found.demands).max()))
                converged.append(bool(found.converged))
        result["markets"] = len(prices)
        result[mode] = {
            "largest_price_difference": max(prices),
            "largest_demand_difference": max(demands),
            "converged": sum(converged),
            "median_s": float(np.median(seconds)),
        }
        print(mode, result[mode], flush=True)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="parts that are not measured now stay as they are in it")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--markets", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--limited-batch", type=int, default=200, help="markets with a delay limit, which take longer")
    parser.add_argument(
        "--limit", type=float, default=60.0, help="the cost curve stops beyond a size that takes longer, s"
    )
    options = parser.parse_args()
    result = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for part in options.parts:
        machine = (
            f"{platform.machine()}, {os.cpu_count()} cores, {jax.devices()[0].platform}; load {os.getloadavg()[0]:.1f}"
        )
        result[part] = {"machine": machine, "measured": PARTS[part](options)}
        print(part, json.dumps(result[part], indent=2), flush=True)
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(result, indent=2) + "\n")


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "single": lambda options: single_times(),
    "throughput": lambda options: throughput(options.batch, options.limited_batch),
    "certificates": lambda options: certificates(options.markets),
    "admm": lambda options: admm(),
    "cost_curve": lambda options: cost_curve(options.limit),
}


if __name__ == "__main__":
    main()
