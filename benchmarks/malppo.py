"""How near MALPPO and its baselines come to the exact equilibrium, and how fast.

Markets: the MALPPO paper's case (Fig. 3: three followers, two leaders), and drawn ones without delay limit. For every
algorithm and market: distances and exploitability of the last policies, percent, interquartile mean over seeds; and after how
many seconds the prices of half of the seeds, and of all, stayed within 2 % of the equilibrium's. Seconds count compilation and
evaluations, and all seeds learn side by side.

Run: python benchmarks/malppo.py [--algorithms malppo mappo ...] [--seeds 10] [--markets 0] [--steps N] [--json FILE]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
from scipy import stats

from edgewise.papers.malppo.markets import PAPER_CASE, SYSTEM
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.training.presets import default_configs
from edgewise.training.run import train
from edgewise.training.run_folder import METRICS_FILE, RunConfig

NEAR = 2.0
METRICS = (
    "price_distance",
    "demand_distance",
    "leader_distance",
    "follower_distance",
    "exploitability",
    "leader_utility",
    "follower_utility",
    "return",
)


def settled(curve: pd.DataFrame) -> float | None:
    """Seconds after which a seed's prices stayed near the equilibrium's, if they did."""
    away = curve.loc[curve["price_distance"] > NEAR, "evaluation"].max()
    rest = curve if np.isnan(away) else curve[curve["evaluation"] > away]
    return None if rest.empty else float(rest["wall_s"].min())


def measure(algorithm: str, system: TwinTradingConfig, seeds: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Train and sum up."""
    config, training = default_configs(SYSTEM, algorithm)
    training = dataclasses.replace(training, seeds=seeds, **changes)
    with tempfile.TemporaryDirectory() as folder:
        run = RunConfig(SYSTEM, system, algorithm, config, training)
        test = train(Path(folder) / "run", run, lambda done, text: print(f"  {done:>9,} slots  {text}", flush=True))
        metrics = pd.read_csv(Path(folder) / "run" / METRICS_FILE)
    times = [settled(curve) for _, curve in metrics.groupby("seed")]
    reached = sorted(time for time in times if time is not None)
    return {
        "slots": training.steps_done(training.evaluations),
        "wall_s": float(metrics["wall_s"].max()),
        "seeds_near": len(reached),
        "half_near_after_s": reached[(seeds - 1) // 2] if len(reached) > (seeds - 1) // 2 else None,
        "all_near_after_s": reached[-1] if len(reached) == seeds else None,
        "test": {name: test[name]["mean"] for name in METRICS},
        "interquartile_mean": {name: float(stats.trim_mean(test[name]["mean"], 0.25)) for name in METRICS},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithms", nargs="+", default=["malppo"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--markets", type=int, default=0, help="drawn markets beside the paper's case")
    parser.add_argument("--steps", type=int, help="slots per seed, instead of the usual number")
    parser.add_argument("--evaluations", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the figures here too; a file that exists is continued")
    options = parser.parse_args()
    changes = {"evaluations": options.evaluations} | ({"steps": options.steps} if options.steps else {})
    result: dict[str, Any] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    markets = {"paper": PAPER_CASE.build()}
    markets |= {f"drawn {i}": TwinTradingConfig(with_delay=False, instance_seed=i) for i in range(options.markets)}
    for algorithm in options.algorithms:
        for name, system in markets.items():
            if name in result.get(algorithm, {}):
                continue
            print(f"{algorithm} on {name}", flush=True)
            figures = result.setdefault(algorithm, {})[name] = measure(algorithm, system, options.seeds, changes)
            print(json.dumps({key: value for key, value in figures.items() if key != "test"}), flush=True)
            if options.json:
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(result, indent=2) + "\n")
            jax.clear_caches()


if __name__ == "__main__":
    main()
