"""What each piece of information is worth to a look-ahead, on the same episodes: parts of its belief replaced by the truth.

Run: python benchmarks/knowledge.py [--vehicles V] [--rsus S] [--episodes N] [--only NAME ...]
[--out FILE]

Figures are means over episodes of the latency per slot in s; differences to the look-ahead that knows no part of the truth
are paired, with their standard errors.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from edgewise.systems.agent_migration.ablation import ablation
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.training.evaluation import evaluate

LOOK_AHEADS = ("look-ahead", "filtering-look-ahead", "far-sighted-look-ahead")
SEED = 1_000_003
"""Randomness of the episodes, that of the study of agent migration."""


def worth(environment: AgentMigration, episodes: int, only: Sequence[str]) -> list[dict[str, Any]]:
    """One row per policy: its figures, and what it gains on the one that knows no part of the truth.

    Args:
        environment: the system.
        episodes: number of episodes.
        only: the look-aheads that are played, with all parts of the truth.
    """
    play = eqx.filter_jit(lambda environment, policy, key: evaluate(environment, policy, key, episodes))
    rows: list[dict[str, Any]] = []
    plain: dict[str, np.ndarray] = {}
    for name, policy in ablation(environment).items():
        base = name.partition(" + ")[0]
        if base not in only:
            continue
        found = {metric: np.asarray(value) for metric, value in play(environment, policy, jax.random.key(SEED)).items()}
        latency = found["latency"]
        gain = plain.setdefault(base, latency) - latency
        row = {
            "policy": name,
            "latency": latency.mean(),
            "error": latency.std(ddof=1) / episodes**0.5,
            "gain": gain.mean(),
            "gain_error": gain.std(ddof=1) / episodes**0.5,
            **{metric: found[metric].mean() for metric in ("return", "violations", "defences")},
        }
        rows.append({key: value if isinstance(value, str) else round(float(value), 3) for key, value in row.items()})
        print(
            f"{name:58} {row['latency']:8.1f} +- {row['error']:.1f}   gain {row['gain']:6.1f} +- {row['gain_error']:.1f}"
            f"   return {row['return']:7.2f}",
            flush=True,
        )
    return rows


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=8)
    parser.add_argument("--rsus", type=int, default=4)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--only", nargs="+", choices=LOOK_AHEADS, default=LOOK_AHEADS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    config = AgentMigrationConfig(vehicles=options.vehicles, rsus=options.rsus)
    rows = worth(AgentMigration.build(config), options.episodes, options.only)
    if options.out is not None:
        facts = {"vehicles": options.vehicles, "rsus": options.rsus, "episodes": options.episodes, "seed": SEED}
        options.out.write_text(json.dumps({**facts, "policies": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
