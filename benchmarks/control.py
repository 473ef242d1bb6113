"""Learners beside those of other libraries: mean return over 20 episodes after equally many steps, and speed.

Any algorithm of the registry can be named, and where the extra `compare` is installed also the learners of `foreign.py`, which
get the settings that ours have on the task. All are judged by their last policy, on the same episodes of Gymnasium's own
environment, or of ours through its adapter.
Steps per second count everything: compilation, learning, and of ours also evaluations and checkpoints; in the files stands
also the rate from the first evaluation to the last, when all is compiled.

Run: python benchmarks/control.py [--tasks cartpole acrobot pendulum service-selection] [--learners ppo sb3-ppo ...]
     [--steps 100000] [--seeds 5] [--folder results/control]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import foreign
import numpy as np

from edgewise.environments import registry
from edgewise.policies.artefact import PolicyArtefact, load_policy
from edgewise.statistics.judgement import Judgement
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig

EPISODES = 20
EPISODES_SEED = 1_000_003
BARS = {"cartpole": 475.0, "acrobot": -100.0, "pendulum": -200.0, "service-selection": 0.9 * 553.6}
Outcome = tuple[np.ndarray, float, dict[str, Any]]
"""Returns [seeds, episodes]; seconds for all seeds; further figures."""


class Player:
    """A saved policy in one episode."""

    def __init__(self, policy: PolicyArtefact) -> None:
        self._policy = policy
        self._memory = policy.initial_memory(())

    def __call__(self, observation: np.ndarray) -> np.ndarray:
        action, self._memory = self._policy.step(observation, self._memory)
        return action


def ours(task: str, name: str, steps: int, seeds: int) -> Outcome:
    """An algorithm of the registry, or a variant, with its settings for the task; all seeds learn side by side."""
    name, algorithm, training = foreign.configs(task, name)
    run = RunConfig(
        task,
        registry.find(task).config(),
        name,
        algorithm,
        replace(training, steps=steps, seeds=seeds),
    )
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        marks: list[tuple[int, float]] = []
        train(Path(folder) / "run", run, lambda done, text: marks.append((done, time.perf_counter())))
        wall = time.perf_counter() - begin
        judged = {
            which: np.stack(
                [
                    foreign.judge(
                        partial(Player, load_policy(Path(folder) / "run" / "policy" / which / f"seed-{seed}")),
                        task, None, EPISODES, EPISODES_SEED,
                    )
                    for seed in range(seeds)
                ]
            )
            for which in ("last", "best")
        }  # fmt: skip
    (first, early), (last, late) = marks[0], marks[-1]
    further = {
        "mean_of_best_policies": float(judged["best"].mean()),
        "steps_per_s_once_compiled": seeds * (last - first) / (late - early),
    }
    return judged["last"], wall, further


def others(task: str, name: str, steps: int, seeds: int) -> Outcome:
    """A learner of another library with our settings for the task; one seed after the other."""
    begin = time.perf_counter()
    judging = 0.0
    returns = []
    for seed in range(seeds):
        play = foreign.train(name, task, steps, seed)
        paused = time.perf_counter()
        span = foreign.configs(task, foreign.LEARNERS[name][1])[2].input_span
        returns.append(foreign.judge(lambda play=play: play, task, span, EPISODES, EPISODES_SEED))
        judging += time.perf_counter() - paused
    return np.array(returns), time.perf_counter() - begin - judging, {}


def measure(task: str, name: str, steps: int, seeds: int) -> dict[str, Any]:
    """A learner's figures on a task."""
    play: Callable[[str, str, int, int], Outcome] = others if name in foreign.LEARNERS else ours
    returns, wall, further = play(task, name, steps, seeds)
    judgement = Judgement(name, {"return": returns})
    estimate = judgement.estimate("return")
    return {
        "task": task, "learner": name, "steps": steps, "seeds": seeds, "episodes": EPISODES,
        "mean_return": estimate.value, "interval": [estimate.low, estimate.high], "over": judgement.source,
        "return_of_each_seed": returns.mean(1).tolist(), "bar": BARS[task],
        "seeds_that_pass": int((returns.mean(1) >= BARS[task]).sum()),
        "wall_s": wall, "steps_per_s": seeds * steps / wall, **further,
    }  # fmt: skip


def show(rows: list[dict[str, Any]]) -> None:
    """Print figures, with speed as a multiple of the same algorithm's in Stable-Baselines3 where that was measured."""
    rates = {(row["task"], row["learner"]): row["steps_per_s"] for row in rows}
    print(
        f"{'task':17} {'learner':21} {'mean return':>11} {'95% interval':>20} {'pass':>6} {'steps/s':>9} {'ratio':>6}"
    )
    for row in rows:
        low, high = row["interval"]
        theirs = rates.get((row["task"], f"sb3-{row['learner']}"))
        ratio = f"{row['steps_per_s'] / theirs:.1f}" if theirs else ""
        print(
            f"{row['task']:17} {row['learner']:21} {row['mean_return']:11.1f} {f'{low:.1f} .. {high:.1f}':>20} "
            f"{row['seeds_that_pass']:>3} /{row['seeds']} {row['steps_per_s']:9,.0f} {ratio:>6}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["cartpole", "acrobot"], choices=list(BARS))
    parser.add_argument("--learners", nargs="+", default=["ppo", "reinforce"], metavar="NAME")
    parser.add_argument("--steps", type=int, default=100_000, help="environment steps of each seed")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="write the figures here too, and show all that were written before")
    options = parser.parse_args()
    rows = []
    for task in options.tasks:
        for name in options.learners:
            row = measure(task, name, options.steps, options.seeds)
            show([row])
            rows.append(row)
            if options.folder:
                options.folder.mkdir(parents=True, exist_ok=True)
                (options.folder / f"{task}-{name}.json").write_text(json.dumps(row, indent=2) + "\n")
    if options.folder:
        rows = [json.loads(path.read_text()) for path in sorted(options.folder.glob("*.json"))]
    show(rows)


if __name__ == "__main__":
    main()
