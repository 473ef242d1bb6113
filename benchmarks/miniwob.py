"""Success of agents on MiniWoB++, per task: 91 tasks that a person solved on Android, ten seeds each.

python benchmarks/miniwob.py measure --agents random rules miniwob    # results/agent/miniwob/AGENT.csv, a row an episode
python benchmarks/miniwob.py measure --agents random --tasks click-button enter-text --seeds 3 --output /tmp/some
python benchmarks/miniwob.py tell                                     # success.md, success.png, success.svg from these files
python benchmarks/miniwob.py teacher --seeds 10                       # how often the scripted teacher succeeds
python benchmarks/miniwob.py lessons --seeds 120                      # .cache/miniwob/TASK.jsonl.gz: what the teacher shows
python benchmarks/miniwob.py train --rounds 30 --out FOLDER           # modules that have learned from these lessons

What was broken off goes on where it was. Seeds of the measurement begin at 0, those of lessons at 1000.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from edgewise.agent.agents import Setting, make_modules
from edgewise.agent.miniwob.browser import Browser
from edgewise.agent.miniwob.device import PageDevice
from edgewise.agent.miniwob.evaluate import PageEpisode, evaluate_miniwob
from edgewise.agent.miniwob.learned import SCHOOLING, train_miniwob
from edgewise.agent.miniwob.lessons import FIRST_SEED, lessons, read_lessons, write_lessons
from edgewise.agent.miniwob.tasks import TASKS
from edgewise.agent.miniwob.teacher import TEACHERS
from edgewise.construction.agent import write_agent

OUTPUT = Path("results/agent/miniwob")
COLUMNS = ("task", "seed", "success", "reward", "reason", "actions", "seconds")
WHOLE = 0.999  # reward that counts as whole: some pages reward a part of the way
SOLVED = 0.8  # success from which a task counts as solved


def measure(agent: str, tasks: Sequence[str], seeds: Sequence[int], output: Path) -> None:
    """Episodes of an agent, each written as soon as it is over."""
    path = output / f"{Path(agent).name}.csv"
    output.mkdir(parents=True, exist_ok=True)
    known = {(row["task"], int(row["seed"])) for row in rows_of(path)} if path.exists() else set()
    if not known:
        path.write_text(",".join(COLUMNS) + "\n")

    def told(episode: PageEpisode) -> None:
        with path.open("a", newline="") as file:
            csv.writer(file).writerow(
                (
                    episode.kind,
                    episode.seed,
                    int(episode.succeeded),
                    round(episode.reward, 4),
                    episode.reason,
                    episode.actions,
                    round(episode.seconds, 2),
                )
            )

    def make(setting: Setting):
        return make_modules(agent, setting)

    for task in tasks:
        left = [seed for seed in seeds if (task, seed) not in known]
        if left:
            found = evaluate_miniwob(make, [task], left, told=told)
            print(agent, task, np.mean([each.succeeded for each in found]), flush=True)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def tell(output: Path) -> None:
    """A table and a figure of what was measured."""
    agents = {path.stem: rows_of(path) for path in sorted(output.glob("*.csv"))}
    order = [each for each in ("random", "rules", "trained", "miniwob-rules", "miniwob") if each in agents]
    order += [each for each in agents if each not in order]
    success = {
        agent: {task: [int(row["success"]) for row in agents[agent] if row["task"] == task] for task in TASKS}
        for agent in order
    }
    table = {
        agent: np.array([np.mean(runs) if runs else np.nan for runs in success[agent].values()]) for agent in order
    }
    lines = ["| task | " + " | ".join(order) + " |", "|---|" + "---|" * len(order)]
    lines += [f"| {task} | " + " | ".join(f"{table[a][n]:.1f}" for a in order) + " |" for n, task in enumerate(TASKS)]
    whole = [f"{np.mean([float(row['reward']) >= WHOLE for row in agents[a]]):.3f}" for a in order]
    last = [f"{np.nanmean(table[a]):.3f}" for a in order]
    solved = [str(int(np.nansum(table[a] >= SOLVED))) for a in order]
    pace = [_pace(agents[a]) for a in order]
    lines += [f"| mean of {len(TASKS)} tasks | " + " | ".join(last) + " |"]
    lines += ["| mean, the whole reward alone | " + " | ".join(whole) + " |"]
    lines += [f"| tasks with success of at least {SOLVED} | " + " | ".join(solved) + " |"]
    lines += ["| the same, the whole reward alone | " + " | ".join(_wholly(agents[a]) for a in order) + " |"]
    lines += ["| seconds an action | " + " | ".join(pace) + " |"]
    (output / "success.md").write_text("\n".join(lines) + "\n")
    plot_success(table, output / "success")
    print("\n".join(lines[-5:]))


def _wholly(rows: Sequence[dict[str, str]]) -> str:
    """Tasks that give the whole reward often enough."""
    shares = [np.mean([float(row["reward"]) >= WHOLE for row in rows if row["task"] == task] or [0]) for task in TASKS]
    return str(sum(share >= SOLVED for share in shares))


def _pace(rows: Sequence[dict[str, str]]) -> str:
    actions = sum(int(row["actions"]) for row in rows)
    seconds = sum(float(row["seconds"]) for row in rows)
    return (
        f"{seconds / actions:.2f}" if actions >= len(rows) else "-"
    )  # of an agent that gives up at once there is no pace


def plot_success(table: dict[str, np.ndarray], path: Path) -> None:
    """A row for every task that some agent has solved at least once, a column for every agent."""
    best = np.nan_to_num(np.stack(list(table.values()))).max(axis=0)
    kept = sorted(np.flatnonzero(best > 0), key=lambda n: (-list(table.values())[-1][n], TASKS[n]))
    values = np.stack([array[kept] for array in table.values()], axis=1)
    figure, axes = plt.subplots(figsize=(4 + 0.6 * len(table), 0.6 + 0.17 * len(kept)), layout="constrained")
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(table)), list(table))
    axes.set_yticks(range(len(kept)), [TASKS[n] for n in kept], fontsize=7)
    figure.colorbar(image, label="success, share of episodes")
    for kind in ("png", "svg"):
        figure.savefig(path.with_suffix(f".{kind}"), dpi=150)
    plt.close(figure)


def teacher(tasks: Sequence[str], seeds: int) -> None:
    """How often the teacher succeeds without stray steps."""
    with Browser(scale=1) as browser:
        device = PageDevice(browser)
        for task in [each for each in tasks if each in TEACHERS]:
            ways = [list(lessons(device, task, FIRST_SEED + each, stray=0.0)) for each in range(seeds)]
            print(task, np.mean([bool(way and way[-1].finishes) for way in ways]), flush=True)


def show(tasks: Sequence[str], seeds: int, folder: Path) -> None:
    """Lessons on every task that has a teacher, with stray steps among them."""
    folder.mkdir(parents=True, exist_ok=True)
    with Browser(scale=1) as browser:
        device = PageDevice(browser)
        for task in [each for each in tasks if each in TEACHERS]:
            path = folder / f"{task}.jsonl.gz"
            if path.exists():
                continue
            part = path.with_suffix(".part")
            write_lessons(part, (each for n in range(seeds) for each in lessons(device, task, FIRST_SEED + n)))
            part.rename(path)
            print(path, flush=True)


def train(folder: Path, rounds: int, out: Path) -> None:
    """Modules from lessons, written as an agent's folder."""
    shown = [each for path in sorted(folder.glob("*.jsonl.gz")) for each in read_lessons(path)]
    print(len(shown), "lessons")
    began = time.process_time()
    agent = train_miniwob(shown, replace(SCHOOLING, rounds=rounds), lambda line: print(line, flush=True))
    write_agent(out, agent)
    print(f"{out}: agent {agent.lock.digest[:16]}, {time.process_time() - began:.0f} s of the processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("measure", "tell", "teacher", "lessons", "train"))
    parser.add_argument("--agents", nargs="+", default=["random", "rules", "miniwob"])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--lessons", type=Path, default=Path(".cache/miniwob"))
    parser.add_argument("--rounds", type=int, default=SCHOOLING.rounds)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.command == "tell":
        tell(options.output)
    elif options.command == "teacher":
        teacher(options.tasks, options.seeds)
    elif options.command == "lessons":
        show(options.tasks, options.seeds, options.lessons)
    elif options.command == "train":
        train(options.lessons, options.rounds, options.out)
    else:
        for agent in options.agents:
            measure(agent, options.tasks, range(options.seeds), options.output)


if __name__ == "__main__":
    main()
