"""Learned modules of the phone's agent: trained from several seeds, measured on tasks with unseen names, values and looks.

python benchmarks/agent_modules.py                # ten seeds; prints, and writes results/agent/modules.json
python benchmarks/agent_modules.py --shipped      # the agent of the package alone; prints
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.agent.evaluate import Trial, by_kind, evaluate, figures, latencies
from edgewise.agent.modules.folder import load_modules, modules_of
from edgewise.agent.modules.interfaces import Modules
from edgewise.agent.modules.learned.train import Schooling, train_agent
from edgewise.agent.refusals import recognition_figures, recognitions, refusal_figures, refusals
from edgewise.statistics.estimates import estimate, mean

SUITES = ("simple", "complex")
TEST_SEED = 10_000
"""Seed of the first test tasks; seeds from here on were never used to choose anything."""


def measured(modules: Modules, episodes: int, seed: int) -> dict[str, Any]:
    """Figures of modules on both suites."""
    found: dict[str, Any] = {}
    for suite in SUITES:
        done = evaluate(lambda setting: modules, Trial(suite, episodes, seed))
        found[suite] = {
            "figures": {name: value.value for name, value in figures(done).items()},
            "kinds": by_kind(done),
            "latency": latencies(done),
            "impossible": {
                name: value.value
                for name, value in refusal_figures(refusals(lambda setting: modules, Trial(suite, 1, seed))).items()
            },
        }
    known = recognition_figures(recognitions(lambda setting: modules, Trial("simple", episodes, seed)))
    found["simple"]["fulfilled"] = {name: value.value for name, value in known.items()}
    return found


def trained(schooling: Schooling) -> tuple[Modules, dict[str, float]]:
    """Modules, and the CPU time (s) that it took to draw and to train them."""
    began = time.process_time()
    agent = train_agent(schooling)
    spent = {module.manifest.kind: module.manifest.cpu_seconds for module in agent.modules.values()}
    return modules_of(agent), {"all": time.process_time() - began, **spent}


def over_seeds(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and 95% bootstrap interval over seeds of every figure."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for suite in SUITES:
        found[suite] = {}
        for part in ("figures", "impossible", "fulfilled"):
            for name in rows[0][suite].get(part, ()):
                values = np.array([row[suite][part][name] for row in rows])
                each = estimate([values], mean)
                found[suite][name] = {"value": each.value, "low": each.low, "high": each.high}
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--examples", type=int, default=Schooling.examples)
    parser.add_argument("--rounds", type=int, default=Schooling.rounds)
    parser.add_argument("--episodes", type=int, default=2, help="tasks of every kind for each training seed")
    parser.add_argument("--first", type=int, default=TEST_SEED, help="seed of the first tasks")
    parser.add_argument("--shipped", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("results/agent/modules.json"))
    options = parser.parse_args()
    if options.shipped:
        print(json.dumps(measured(load_modules(), options.episodes, options.first), indent=1))
        return
    rows = []
    for seed in range(options.seeds):
        modules, spent = trained(Schooling(options.examples, options.rounds, seed))
        row = {
            "seed": seed,
            "cpu_s": spent,
            **measured(modules, options.episodes, options.first + seed * options.episodes),
        }
        rows.append(row)
        told = {suite: {name: round(value, 3) for name, value in row[suite]["figures"].items()} for suite in SUITES}
        print(seed, f"{spent['all']:.0f} s", told, flush=True)
    told = {
        "machine": platform.processor() or platform.machine(),
        "examples": options.examples,
        "rounds": options.rounds,
        "episodes": options.episodes,
        "over_seeds": over_seeds(rows),
        "rows": rows,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    for suite, values in told["over_seeds"].items():
        for name, each in values.items():
            print(f"{suite:8} {name:14} {each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}]")


if __name__ == "__main__":
    main()
