"""Kill a training run or an experiment with SIGKILL at random moments, resume it, and compare with an undisturbed one.

A run is compared bit for bit: weights, metrics without wall time, test. Of an experiment, the data behind its figure and the
means of every metric per seed. Compiled programs are cached on disk between the processes, so that the moments fall into the
work and not into compilation.

Run: python benchmarks/kill_and_resume.py [--subject run] [--kills 10] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

TRAIN = ["--steps", "40000", "--evaluations", "20", "--checkpoint-every", "1", "--hidden", "64", "64", "--no-report"]
EXPERIMENT = ["d2sac", "table5", "--only", "DQN", "REINFORCE", "random", "prophet"]


@dataclass(frozen=True)
class Subject:
    """What is killed.

    Attributes:
        words: of the command line, the first time and after a kill, for the folder that all is written to.
        content: of what must be equal in the end.
    """

    words: Callable[[Path], list[str]]
    content: Callable[[Path], dict[str, bytes]]


def train(folder: Path) -> list[str]:
    """Start a run, or resume it."""
    if (folder / "config.yaml").exists():
        return ["train", "--resume", str(folder), "--no-report"]
    return ["train", "agent-migration", "--folder", str(folder), *TRAIN]


def trained(folder: Path) -> dict[str, bytes]:
    """Weights of every saved policy and the metrics without wall time."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.glob("policy/**/weights.safetensors"))}
    metrics = pd.read_csv(folder / "metrics.csv").drop(columns="wall_s")
    return files | {
        "metrics.csv": metrics.to_csv(index=False).encode(),
        "test.json": (folder / "test.json").read_bytes(),
    }


def experiment(folder: Path) -> list[str]:
    """Start an experiment, or go on with it: the command is the same."""
    return ["experiment", *EXPERIMENT, "--out", str(folder / "out"), "--cells", str(folder / "cells")]


def tables(folder: Path) -> dict[str, bytes]:
    """Data of the figure, means per seed."""
    return {name: (folder / "out" / EXPERIMENT[1] / name).read_bytes() for name in ("data.csv", "seeds.csv")}


SUBJECTS = {"run": Subject(train, trained), "experiment": Subject(experiment, tables)}


def start(words: list[str], cache: Path) -> subprocess.Popen[bytes]:
    """The command line in a process of its own."""
    command = [sys.executable, "-c", "import sys; from edgewise.cli import main; sys.exit(main())", *words]
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subject", choices=list(SUBJECTS), default="run")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    subject = SUBJECTS[options.subject]
    content = subject.content
    with tempfile.TemporaryDirectory() as scratch:
        cache, calm, stormy = (Path(scratch) / name for name in ("cache", "calm", "stormy"))
        if start(subject.words(Path(scratch) / "first"), cache).wait() != 0:
            raise SystemExit("the first one failed")
        begin = time.perf_counter()
        if start(subject.words(calm), cache).wait() != 0 or content(calm) != content(Path(scratch) / "first"):
            raise SystemExit("two undisturbed ones differ")
        took = time.perf_counter() - begin
        print(f"undisturbed: {took:.1f} s", flush=True)
        moments, kills = [], 0
        while kills < options.kills:
            process = start(subject.words(stormy), cache)
            moment = draw.uniform(0.2, 1.0) * took
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                saved = [p for p in stormy.glob("**/checkpoints/*") if p.name.isdigit()]
                cells = len(list(stormy.glob("cells/cells/[!.]*")))
                checkpoints = sorted(int(p.name) for p in saved)
                moments.append({"after_s": round(moment, 2), "checkpoints": checkpoints, "cells": cells})
                print(f"kill {kills}: {moments[-1]}", flush=True)
                continue
            if process.returncode != 0:
                raise SystemExit(f"a resumed one failed with exit code {process.returncode}")
            if content(stormy) != content(calm):
                raise SystemExit("a resumed one differs from the undisturbed one")
            print("finished before the kill and equal; starting again", flush=True)
            shutil.rmtree(stormy)
        if start(subject.words(stormy), cache).wait() != 0:
            raise SystemExit("the last resumed one failed")
        equal = content(stormy) == content(calm)
    print(f"{kills} kills; result {'equals' if equal else 'DIFFERS FROM'} the undisturbed one")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(
            json.dumps({"subject": options.subject, "kills": moments, "equal": equal}, indent=2) + "\n"
        )
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
