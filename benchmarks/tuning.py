"""Search for the settings of several learners on one system, with the same effort for each.

Each learner gets the same number of trials, drawn at random from its own grid, and perhaps some more chosen by hand after those;
the same environment steps, copies, updates per step and seeds. What is found goes into `edgewise.training.presets`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd

from edgewise.algorithms.registry import find_algorithm
from edgewise.common.files import replace_file
from edgewise.environments import registry
from edgewise.training.choose_loop import training_config
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig

Grid = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Search:
    """What is searched, and where.

    Attributes:
        system: name in the registry.
        environment: its configuration, of an instance that no result is reported on.
        grids: allowed values of every field, for each learner; a field of the training configuration may be among them.
        fixed: fields of a learner's configuration that are the same in every trial.
        training: fields of the training configuration, of those learners that have them.
        steps, seeds: of every trial.
        chosen: settings of more trials for each learner, by hand.
        metric: column of the evaluations that decides.
    """

    system: str
    environment: Any
    grids: dict[str, Grid]
    fixed: dict[str, dict[str, Any]]
    training: dict[str, Any]
    steps: int
    seeds: int = 2
    chosen: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    metric: str = "return"

    def draw(self, learner: str, trial: int) -> dict[str, Any]:
        """The settings of a trial; they depend on nothing but the learner's name and the number."""
        rng = np.random.default_rng([trial, *learner.encode()])
        return {name: values[rng.integers(len(values))] for name, values in self.grids[learner].items()}

    def run(self, learner: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Train with some settings; the metric of every seed's last policy in the last evaluation."""
        config, kind = find_algorithm(learner).config, training_config(learner)
        of_training = {name: value for name, value in settings.items() if name in kind.__dataclass_fields__}
        of_learner = {name: value for name, value in settings.items() if name not in of_training}
        training = {
            **registry.find(self.system).training,
            **{name: value for name, value in self.training.items() if name in kind.__dataclass_fields__},
            **of_training,
            "steps": self.steps,
            "seeds": self.seeds,
            "evaluations": 4,
            "checkpoint_every": 4,
        }
        algorithm = config(**self.fixed.get(learner, {}), **of_learner)
        run = RunConfig(self.system, self.environment, learner, algorithm, kind(**training))
        begin = time.perf_counter()
        jax.clear_caches()  # compiled programs of earlier trials, whose memory maps the system limits
        with tempfile.TemporaryDirectory() as folder:
            train(Path(folder) / "run", run, lambda done, text: None)
            table = pd.read_csv(Path(folder) / "run" / "metrics.csv")
        last = table[table["evaluation"] == table["evaluation"].max()]
        return {f"{self.metric}s": last[self.metric].tolist(), "wall_s": round(time.perf_counter() - begin, 1)}


def command(search: Search, results_file: Path, description: str) -> None:
    """Carry a search out from the command line; a file that exists is continued."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--only", nargs="*", default=list(search.grids))
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--json", type=Path, default=results_file)
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.json.read_text()) if options.json.exists() else {}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    values = f"{search.metric}s"
    trials = {
        learner: [*(search.draw(learner, i) for i in range(options.trials)), *search.chosen.get(learner, ())]
        for learner in options.only
    }
    for trial in range(max(map(len, trials.values()))):
        for learner in options.only:
            done = results.setdefault(learner, [])
            if trial >= len(trials[learner]):
                continue
            settings = trials[learner][trial]
            if any(e["settings"] == settings and e["steps"] == search.steps for e in done):
                continue
            outcome = search.run(learner, settings)
            done.append({"settings": settings, "steps": search.steps, **outcome})
            replace_file(options.json, (json.dumps(results, indent=1) + "\n").encode())
            print(f"{learner:>16} {np.mean(outcome[values]):8.2f}  {outcome['wall_s']:6.1f} s  {settings}", flush=True)
    for learner, trials in results.items():
        best = max(trials, key=lambda entry: float(np.mean(entry[values])))
        print(f"{learner:>16}: best of {len(trials)}: {np.mean(best[values]):.2f} with {best['settings']}")
