"""Search for the settings of every learner on service selection, with the same effort for each.

Each learner gets the same number of trials, drawn at random from its own grid, and one more chosen by hand after those; the
same environment steps, copies, updates per step, network widths and seeds. The instance is one that no result is reported on.
What is found goes into `edgewise.training.presets`.

Run: python benchmarks/service_selection_tuning.py [--only NAME ...] [--trials N] [--steps N] [--json FILE]
A file that exists is continued.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd

from edgewise.algorithms.registry import find_algorithm
from edgewise.environments.service_selection import ServiceSelectionConfig
from edgewise.numerics.files import replace_file
from edgewise.training.loops import training_config
from edgewise.training.presets import SYSTEM_TRAINING
from edgewise.training.run import RunConfig, train

SYSTEM = "service-selection"
INSTANCE = 1000
HIDDEN = (128, 128)
RATES = (3e-4, 1e-3, 3e-3)
DISCOUNTS = (0.0, 0.5, 0.8, 0.95)
N_STEPS = (1, 3)
Q_LEARNING = {"rate": RATES, "discount": DISCOUNTS, "epsilon_end": (0.01, 0.05), "target_rate": (0.005, 0.02)}
ACTOR_CRITIC = {
    "actor_rate": RATES,
    "critic_rate": RATES,
    "discount": DISCOUNTS,
    "n_step": N_STEPS,
    "temperature": (0.02, 0.05, 0.1),
}
POLICY_GRADIENT = {
    "actor_rate": RATES,
    "critic_rate": RATES,
    "discount": DISCOUNTS,
    "entropy_weight": (0.0, 0.01, 0.05),
    "rollout": (16, 32, 64),
}
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "d2sac": {**ACTOR_CRITIC, "predicts": ("clean", "noise")},
    "discrete-sac": {**ACTOR_CRITIC, "soft_target": (True, False)},
    "dqn": {**Q_LEARNING, "n_step": N_STEPS},
    "prioritised-dqn": {**Q_LEARNING, "n_step": N_STEPS, "priority_exponent": (0.3, 0.6)},
    "drqn": {**Q_LEARNING, "sequence_length": (8, 16)},
    "rainbow": {
        "rate": RATES,
        "discount": DISCOUNTS,
        "n_step": N_STEPS,
        "noise": (0.1, 0.5),
        "target_rate": (0.005, 0.02),
        "lowest": (-20.0, -10.0),
    },
    "reinforce": {**POLICY_GRADIENT, "critic_steps": (5, 20)},
    "ppo": {**POLICY_GRADIENT, "epochs": (4, 10)},
}
WIDTHS: dict[str, dict[str, Any]] = {
    "drqn": {"hidden": HIDDEN[:1], "memory": HIDDEN[1]},
    "rainbow": {"hidden": HIDDEN[:1], "stream": HIDDEN[1]},
}
CHOSEN: dict[str, dict[str, Any]] = {
    "d2sac": {
        "actor_rate": 1e-3, "critic_rate": 2e-3, "discount": 0.8, "n_step": 1, "temperature": 0.05, "predicts": "clean",
    },
    "discrete-sac": {
        "actor_rate": 1e-3, "critic_rate": 2e-3, "discount": 0.8, "n_step": 1, "temperature": 0.05, "soft_target": True,
    },
    "dqn": {"rate": 3e-3, "discount": 0.8, "epsilon_end": 0.01, "target_rate": 0.02, "n_step": 1},
    "prioritised-dqn": {
        "rate": 3e-3, "discount": 0.8, "epsilon_end": 0.01, "target_rate": 0.02, "n_step": 1, "priority_exponent": 0.3,
    },
    "drqn": {"rate": 3e-3, "discount": 0.8, "epsilon_end": 0.01, "target_rate": 0.02, "sequence_length": 16},
    "rainbow": {
        "rate": 3e-3, "discount": 0.5, "n_step": 1, "noise": 0.5, "target_rate": 0.02, "lowest": -10.0,
    },
    "reinforce": {
        "actor_rate": 3e-3, "critic_rate": 3e-3, "discount": 0.5, "entropy_weight": 0.01, "rollout": 16, "critic_steps": 20,
    },
    "ppo": {
        "actor_rate": 1e-3, "critic_rate": 1e-3, "discount": 0.8, "entropy_weight": 0.01, "rollout": 16, "epochs": 10,
    },
}  # fmt: skip
"""By hand, one for each learner, from what the draws had shown."""


def draw(algorithm: str, trial: int) -> dict[str, Any]:
    """The settings of a trial; they depend on nothing but the algorithm's name and the number."""
    rng = np.random.default_rng([trial, *algorithm.encode()])
    return {name: values[rng.integers(len(values))] for name, values in GRIDS[algorithm].items()}


def run_trial(algorithm: str, settings: dict[str, Any], steps: int, seeds: int) -> dict[str, Any]:
    """Train with some settings; mean return of every seed's last policy in the last evaluation."""
    widths = WIDTHS.get(algorithm, {"hidden": HIDDEN})
    training = {
        **SYSTEM_TRAINING[SYSTEM],
        "steps": steps,
        "seeds": seeds,
        "evaluations": 4,
        "evaluation_episodes": 8,
        "checkpoint_every": 4,
    }
    kind = training_config(algorithm)
    if "updates" in kind.__dataclass_fields__:
        training["updates"] = 1
    if "rollout" in settings:
        training["rollout"] = settings["rollout"]
    fields = {name: value for name, value in settings.items() if name != "rollout"}
    config = find_algorithm(algorithm).config(**widths, **fields)
    run = RunConfig(SYSTEM, ServiceSelectionConfig(instance_seed=INSTANCE), algorithm, config, kind(**training))
    begin = time.perf_counter()
    jax.clear_caches()  # compiled programs of earlier trials, whose memory maps the system limits
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder) / "run", run, lambda done, text: None)
        table = pd.read_csv(Path(folder) / "run" / "metrics.csv")
    last = table[table["evaluation"] == table["evaluation"].max()]
    return {"returns": last["return"].tolist(), "wall_s": round(time.perf_counter() - begin, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(GRIDS))
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("results/d2sac/tuning.json"))
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.json.read_text()) if options.json.exists() else {}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    for trial in range(options.trials + 1):
        for algorithm in options.only:
            done = results.setdefault(algorithm, [])
            settings = draw(algorithm, trial) if trial < options.trials else CHOSEN[algorithm]
            if any(entry["settings"] == settings and entry["steps"] == options.steps for entry in done):
                continue
            outcome = run_trial(algorithm, settings, options.steps, options.seeds)
            done.append({"settings": settings, "steps": options.steps, **outcome})
            replace_file(options.json, (json.dumps(results, indent=1) + "\n").encode())
            print(
                f"{algorithm:>16} {np.mean(outcome['returns']):8.1f}  {outcome['wall_s']:6.1f} s  {settings}",
                flush=True,
            )
    for algorithm, trials in results.items():
        best = max(trials, key=lambda entry: float(np.mean(entry["returns"])))
        print(f"{algorithm:>16}: best of {len(trials)}: {np.mean(best['returns']):.1f} with {best['settings']}")


if __name__ == "__main__":
    main()
