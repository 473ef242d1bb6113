"""Learners on CartPole and Acrobot: mean return over 20 episodes after equally many steps, and environment steps per second.

Any algorithm of the registry can be named, and where the extra `compare` is installed also `sb3-ppo` and `sb3-dqn`, those of
Stable-Baselines3. All get hidden layers of 64 and 64 units with Mish between them and are judged by their last policy.
Steps per second count everything: compilation, learning, and of ours also evaluations and checkpoints; in the files stands
also the rate from the first evaluation to the last, when all is compiled.

Run: python benchmarks/control.py [--tasks cartpole acrobot] [--learners ppo reinforce sb3-ppo sb3-dqn] [--steps 100000]
     [--seeds 5] [--folder results/control]
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.environments import registry
from edgewise.training.judge import Judgement, judge_policies
from edgewise.training.presets import default_configs
from edgewise.training.run import RunConfig, train

HIDDEN = (64, 64)
EPISODES = 20
EPISODES_SEED = 1_000_003
BARS = {"cartpole": 475.0, "acrobot": -100.0}
GYMNASIUM = {"cartpole": "CartPole-v1", "acrobot": "Acrobot-v1"}
DQN: dict[str, dict[str, Any]] = {
    "cartpole": {
        "learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1000, "gamma": 0.99,
        "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128, "exploration_fraction": 0.16,
        "exploration_final_eps": 0.04,
    },
    "acrobot": {
        "learning_rate": 6.3e-4, "batch_size": 128, "buffer_size": 50_000, "learning_starts": 0, "gamma": 0.99,
        "target_update_interval": 250, "train_freq": 4, "gradient_steps": -1, "exploration_fraction": 0.12,
        "exploration_final_eps": 0.1,
    },
}  # fmt: skip
"""Settings of DQN after the RL Baselines3 Zoo, whose network is larger: CartPole's as in copies of its file, Acrobot's close to
those of its QR-DQN."""

Outcome = tuple[np.ndarray, float, dict[str, Any]]
"""Returns [seeds, episodes]; seconds for all seeds; further figures."""


def ours(task: str, name: str, steps: int, seeds: int) -> Outcome:
    """An algorithm of the registry with its settings for the task; all seeds learn side by side."""
    algorithm, training = default_configs(task, name)
    run = RunConfig(
        task,
        registry.find(task).config(),
        name,
        replace(algorithm, hidden=HIDDEN),
        replace(training, steps=steps, seeds=seeds),
    )
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        marks: list[tuple[int, float]] = []
        train(Path(folder) / "run", run, lambda done, text: marks.append((done, time.perf_counter())))
        wall = time.perf_counter() - begin
        environment = registry.find(task).build_evaluation(run.environment_config)
        judged = {
            which: judge_policies(run, Path(folder) / "run", environment, which, EPISODES, EPISODES_SEED)
            for which in ("last", "best")
        }
    (first, early), (last, late) = marks[0], marks[-1]
    further = {
        "mean_of_best_policies": judged["best"].mean("return"),
        "steps_per_s_once_compiled": seeds * (last - first) / (late - early),
    }
    return judged["last"].values["return"], wall, further


def sb3(task: str, name: str, steps: int, seeds: int) -> Outcome:
    """An algorithm of Stable-Baselines3; PPO with our settings for the task, DQN with those of its authors' collection."""
    import gymnasium
    import torch
    from stable_baselines3 import DQN as SB3DQN
    from stable_baselines3 import PPO as SB3PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor

    torch.set_num_threads(1)  # faster than two with networks this small
    c, t = default_configs(task, "ppo")
    network = {"net_arch": list(HIDDEN), "activation_fn": torch.nn.Mish}

    def rate(remaining: float) -> float:
        return c.actor_rate * (c.final_rate + (1 - c.final_rate) * (1 + math.cos(math.pi * (1 - remaining))) / 2)

    def make(seed: int) -> Any:
        common = {"policy_kwargs": network, "seed": seed, "device": "cpu"}
        if name == "sb3-dqn":
            return SB3DQN("MlpPolicy", make_vec_env(GYMNASIUM[task], 1, seed=seed), **DQN[task], **common)
        return SB3PPO(
            "MlpPolicy", make_vec_env(GYMNASIUM[task], t.environments, seed=seed), learning_rate=rate, n_steps=t.rollout,
            batch_size=t.environments * t.rollout // c.minibatches, n_epochs=c.epochs, gamma=c.discount, gae_lambda=c.trace,
            clip_range=c.clip, ent_coef=c.entropy_weight, max_grad_norm=c.gradient_norm, **common,
        )  # fmt: skip

    returns = []
    wall = 0.0
    for seed in range(seeds):
        begin = time.perf_counter()
        model = make(seed).learn(steps)
        wall += time.perf_counter() - begin
        environment = Monitor(gymnasium.make(GYMNASIUM[task]))
        environment.reset(seed=EPISODES_SEED)
        returns.append(evaluate_policy(model, environment, EPISODES, return_episode_rewards=True)[0])
    return np.array(returns, float), wall, {}


def measure(task: str, name: str, steps: int, seeds: int) -> dict[str, Any]:
    """A learner's figures on a task."""
    play: Callable[[str, str, int, int], Outcome] = sb3 if name.startswith("sb3-") else ours
    returns, wall, further = play(task, name, steps, seeds)
    judgement = Judgement(name, {"return": returns})
    return {
        "task": task, "learner": name, "steps": steps, "seeds": seeds, "episodes": EPISODES,
        "mean_return": judgement.mean("return"), "interval": list(judgement.interval("return")), "over": judgement.source,
        "return_of_each_seed": returns.mean(1).tolist(), "bar": BARS[task],
        "seeds_that_pass": int((returns.mean(1) >= BARS[task]).sum()),
        "wall_s": wall, "steps_per_s": seeds * steps / wall, **further,
    }  # fmt: skip


def show(rows: list[dict[str, Any]]) -> None:
    """Print figures, with speed as a multiple of `sb3-ppo`'s where that was measured."""
    rates = {row["task"]: row["steps_per_s"] for row in rows if row["learner"] == "sb3-ppo"}
    print(f"{'task':9} {'learner':16} {'mean return':>11} {'95% interval':>18} {'pass':>6} {'steps/s':>9} {'ratio':>7}")
    for row in rows:
        low, high = row["interval"]
        ratio = f"{row['steps_per_s'] / rates[row['task']]:.1f}" if row["task"] in rates else ""
        print(
            f"{row['task']:9} {row['learner']:16} {row['mean_return']:11.1f} {f'{low:.1f} .. {high:.1f}':>18} "
            f"{row['seeds_that_pass']:>3} /{row['seeds']} {row['steps_per_s']:9,.0f} {ratio:>7}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(BARS), choices=list(BARS))
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
