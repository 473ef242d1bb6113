"""Search for the settings of every learner on dynamic contracts, with the same effort for each.

Each learner gets the same number of trials, the first with common settings and the others drawn at random from its own grid, and
the same environment steps, copies, network
widths and seeds. A trial is judged by the gap of its last policy to the exact optimum over the states of the evaluations, which
are not those that results are reported on. DMSAC and DMDDPG take over what EDMSAC shares with them. What is found goes into
`edgewise.training.presets`.

Run: python benchmarks/dynamic_contract_tuning.py [--only NAME ...] [--trials N] [--steps N] [--json FILE]
A file that exists is continued.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from edgewise.algorithms.registry import find_algorithm
from edgewise.environments import registry
from edgewise.environments.dynamic_contract import DynamicContractConfig
from edgewise.numerics.files import replace_file
from edgewise.training.judge import judge_references
from edgewise.training.loops import training_config
from edgewise.training.presets import SYSTEM_TRAINING
from edgewise.training.run import RunConfig, make_trainer

SYSTEM = "dynamic-contract"
CONFIG = DynamicContractConfig(project=True)
EPISODES = 50
EVALUATION_SEED = 1
HIDDEN = (128, 128)
OFF_POLICY = {"environments": 32, "updates": 8, "warmup_steps": 2_000}
RATES = (3e-4, 1e-3, 3e-3)
DISCOUNTS = (0.0, 0.5, 0.9)
SPANS = (1.0, 2.0)
REPLAYED = {
    "actor_rate": RATES,
    "critic_rate": RATES,
    "discount": DISCOUNTS,
    "target_rate": (0.005, 0.02),
    "input_span": SPANS,
}
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "edmsac": {**REPLAYED, "temperature": (0.001, 0.003, 0.01), "weight_decay": (0.0, 1e-4)},
    "sac": {**REPLAYED, "target_entropy": (-3.0, -2.0, -1.0), "temperature_rate": (3e-4, 3e-3)},
    "ddpg": {**REPLAYED, "exploration": (0.05, 0.1, 0.2)},
    "ppo": {
        "actor_rate": RATES,
        "critic_rate": RATES,
        "discount": DISCOUNTS,
        "entropy_weight": (0.0, 0.001, 0.01),
        "rollout": (16, 32, 64),
        "epochs": (4, 10),
        "input_span": SPANS,
    },
}
_COMMON = {"actor_rate": 1e-3, "critic_rate": 3e-3, "discount": 0.0, "input_span": 2.0}
FIRST: dict[str, dict[str, Any]] = {
    "edmsac": {**_COMMON, "target_rate": 0.01, "temperature": 0.001, "weight_decay": 0.0},
    "sac": {**_COMMON, "target_rate": 0.01, "target_entropy": -2.0},
    "ddpg": {**_COMMON, "target_rate": 0.01, "exploration": 0.1},
    "ppo": {**_COMMON, "rollout": 32, "epochs": 10},
}
"""Settings of the first trials."""
TRAINING_FIELDS = ("input_span", "rollout")


def draw(algorithm: str, trial: int) -> dict[str, Any]:
    """The settings of a trial; they depend on nothing but the algorithm's name and the number."""
    if trial == 0:
        return FIRST[algorithm]
    rng = np.random.default_rng([trial, *algorithm.encode()])
    return {name: values[rng.integers(len(values))] for name, values in GRIDS[algorithm].items()}


@cache
def optimum() -> float:
    """Mean profit of the exact optimum over the states of the evaluations."""
    entry = registry.find(SYSTEM)
    [judged] = judge_references(entry, entry.build(CONFIG), ("optimum",), EPISODES, EVALUATION_SEED)
    return judged.mean("profit")


def run_trial(algorithm: str, settings: dict[str, Any], steps: int, seeds: int) -> dict[str, Any]:
    """Train with some settings; gap to the optimum of every seed's last policy, in percent."""
    kind = training_config(algorithm)
    training = {
        **SYSTEM_TRAINING[SYSTEM],
        **(OFF_POLICY if "updates" in kind.__dataclass_fields__ else {"environments": 32}),
        **{name: settings[name] for name in TRAINING_FIELDS if name in settings},
        "steps": steps,
        "seeds": seeds,
        "evaluations": 1,
        "evaluation_episodes": EPISODES,
        "evaluation_seed": EVALUATION_SEED,
    }
    fields = {name: value for name, value in settings.items() if name not in TRAINING_FIELDS}
    config = find_algorithm(algorithm).config(hidden=HIDDEN, **fields)
    run = RunConfig(SYSTEM, CONFIG, algorithm, config, kind(**training))
    jax.clear_caches()  # compiled programs of earlier trials, whose memory maps the system limits
    begin = time.perf_counter()
    trainer = make_trainer(run)
    state, _, _ = trainer.advance(trainer.start(jax.random.split(jax.random.key(run.training.seed), seeds)))
    result = trainer.evaluate(trainer.policies(state), EVALUATION_SEED, EPISODES)
    gaps = 100 * (1 - np.asarray(result["profit"]).mean(1) / optimum())
    return {"gap_percent": gaps.round(3).tolist(), "wall_s": round(time.perf_counter() - begin, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(GRIDS))
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("results/dynamic-contract/tuning.json"))
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.json.read_text()) if options.json.exists() else {}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    optimum()
    for trial in range(options.trials):
        for algorithm in options.only:
            done = results.setdefault(algorithm, [])
            settings = draw(algorithm, trial)
            if any(entry["settings"] == settings and entry["steps"] == options.steps for entry in done):
                continue
            outcome = run_trial(algorithm, settings, options.steps, options.seeds)
            done.append({"settings": settings, "steps": options.steps, **outcome})
            replace_file(options.json, (json.dumps(results, indent=1) + "\n").encode())
            gap = np.mean(outcome["gap_percent"])
            print(f"{algorithm:>8} {gap:8.2f}%  {outcome['wall_s']:6.1f} s  {settings}", flush=True)
    for algorithm, trials in results.items():
        best = min(trials, key=lambda entry: float(np.mean(entry["gap_percent"])))
        print(f"{algorithm:>8}: best of {len(trials)}: {np.mean(best['gap_percent']):.2f}% with {best['settings']}")


if __name__ == "__main__":
    main()
