"""Service selection: how much of the bound the reference policies and the best schedule found earn, over known episodes.

Run: python benchmarks/service_selection_bound.py [--episodes N] [--seed N] [--sweeps N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np

from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.offline import KnownEpisode, solve_episode


def summary(solved: list[KnownEpisode], wall_s: float) -> dict[str, object]:
    """Rewards and shares of the bound, of each episode and on the average."""
    names = [*solved[0].references, "schedule"]
    rewards = {name: [(s.references | {"schedule": s.schedule})[name] for s in solved] for name in names}
    bounds = [s.bound for s in solved]
    return {
        "episodes": len(solved),
        "bound": {"mean": float(np.mean(bounds)), "each": bounds},
        "policies": {
            name: {
                "mean_reward": float(np.mean(values)),
                "mean_share": float(np.mean(np.divide(values, bounds))),
                "smallest_share": float(np.min(np.divide(values, bounds))),
                "rewards": values,
            }
            for name, values in rewards.items()
        },
        "wall_s_per_episode": wall_s / len(solved),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first episode; the others follow")
    parser.add_argument("--sweeps", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    environment = ServiceSelection(ServiceSelectionConfig())
    solved: list[KnownEpisode] = []
    begin = time.monotonic()
    for seed in range(options.seed, options.seed + options.episodes):
        solved.append(solve_episode(environment, jax.random.key(seed), options.sweeps))
        found = solved[-1]
        print(
            f"episode {seed}: bound {found.bound:.2f}, schedule {found.share(found.schedule):.2%}, "
            + ", ".join(f"{name} {found.share(reward):.2%}" for name, reward in found.references.items()),
            flush=True,
        )
    result = summary(solved, time.monotonic() - begin)
    for name, row in result["policies"].items():
        print(f"{name}: {row['mean_reward']:.1f}, {row['mean_share']:.2%} of the bound")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
