"""Learners in environments that are stepped outside of compiled code: CartPole, MiniGrid from pixels, Procgen.

Every policy is the best one of its run, judged on 50 episodes that neither training nor model selection has seen, beside
random actions. MiniGrid shows 56 x 56 pixels, averaged to 7 x 7; Procgen 64 x 64, averaged to 16 x 16. Steps per second count
learning, evaluations and compilation.

Run: python benchmarks/host.py [cartpole-ppo minigrid-ppo minigrid-d2sac coinrun-ppo maze-ppo] [--seeds 1]
     [--folder results/control/host]
MiniGrid needs the extra `minigrid`, CoinRun and Maze the extra `procgen`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewise.environments import registry
from edgewise.environments.host.configuration import HostConfig
from edgewise.training.judgement import judge_policies, judge_references
from edgewise.training.presets import default_configs
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig

EPISODES = 50
SEED = 1_000_003
MINIGRID = (
    "gymnasium:minigrid:MiniGrid-Empty-5x5-v0",
    HostConfig(wrappers=("minigrid.wrappers:RGBImgPartialObsWrapper", "minigrid.wrappers:ImgObsWrapper"), shrink=8),
)
PIXELS = HostConfig(shrink=4)
CASES: dict[str, tuple[str, HostConfig, str, dict[str, Any]]] = {
    "cartpole-ppo": ("gymnasium:CartPole-v1", HostConfig(), "ppo", {"steps": 50_000}),
    "minigrid-ppo": (*MINIGRID, "ppo", {"steps": 60_000}),
    "minigrid-d2sac": (*MINIGRID, "d2sac", {"steps": 10_000, "warmup_steps": 2_000, "updates": 1, "evaluations": 4}),
    "coinrun-ppo": (
        "envpool:CoinrunEasy-v0",
        PIXELS,
        "ppo",
        {"steps": 100_000, "environments": 32, "evaluations": 4, "evaluation_episodes": 50},
    ),
    "maze-ppo": (
        "envpool:MazeEasy-v0",
        PIXELS,
        "ppo",
        {"steps": 100_000, "environments": 32, "evaluations": 4, "evaluation_episodes": 50},
    ),
}


def measure(case: str, seeds: int) -> dict[str, Any]:
    """Train and judge one case."""
    name, config, algorithm, changes = CASES[case]
    learner, training = default_configs(name, algorithm)
    run = RunConfig(name, config, algorithm, learner, replace(training, seeds=seeds, **changes))
    entry = registry.find(name)
    environment = entry.build_evaluation(config)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        train(Path(folder) / "run", run, lambda done, text: print(f"  {done} {text}", flush=True))
        wall = time.perf_counter() - begin
        judged = judge_policies(run, Path(folder) / "run", environment, "best", EPISODES, SEED)
    random = judge_references(entry, environment, ("random",), EPISODES, SEED)[0]
    return {
        "case": case,
        "environment": name,
        "algorithm": algorithm,
        "steps": run.training.steps,
        "seeds": seeds,
        "episodes": EPISODES,
        "mean_return": judged.value("return"),
        "interval": [judged.estimate("return").low, judged.estimate("return").high],
        "over": judged.source,
        "random_return": random.mean("return"),
        "random_interval": [random.estimate("return").low, random.estimate("return").high],
        "wall_s": wall,
        "steps_per_s": run.training.steps * seeds / wall,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; none takes the first three")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the figures go, as host-CASE.json")
    options = parser.parse_args()
    for case in options.cases or tuple(CASES)[:3]:
        print(case, flush=True)
        row = measure(case, options.seeds)
        low, high = row["interval"]
        print(
            f"  return {row['mean_return']:.2f} [{low:.2f}, {high:.2f}] over {row['over']}, random "
            f"{row['random_return']:.2f}; {row['wall_s']:.0f} s, {row['steps_per_s']:.0f} steps/s"
        )
        if options.folder:
            options.folder.mkdir(parents=True, exist_ok=True)
            (options.folder / f"host-{case}.json").write_text(json.dumps(row, indent=2) + "\n")


if __name__ == "__main__":
    main()
