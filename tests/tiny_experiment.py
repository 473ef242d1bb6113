"""An experiment that takes seconds; run as a script it is killed after the given number of evaluations."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgewise.execution.contract import Executor, TaskReporter
from edgewise.execution.local import serial
from edgewise.experiments.cell import CellResult
from edgewise.experiments.experiment import BOUND, Experiment, run_experiment
from edgewise.experiments.job import Job
from edgewise.experiments.profile import Profile
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.store import Store
from edgewise.papers.d2sac import claims, figures, tables

PROFILE = Profile("tiny", steps=240, seeds=2, evaluations=3, episodes=3)
SETTING = Setting("default", "service-selection", {"tasks": 10, "providers": 3})
DQN = Learner(
    "DQN",
    "dqn",
    {"hidden": (8,), "batch_size": 8},
    {"environments": 4, "warmup_steps": 16, "evaluation_episodes": 2, "checkpoint_every": 1},
)
REFERENCES = ("random", "prophet")
TABLE = Experiment("tasks", "What becomes of the tasks", (SETTING,), (DQN,), REFERENCES, tables.tasks, claims.tasks)
REWARDS = Experiment("rewards", "Rewards", (SETTING,), (DQN,), REFERENCES, tables.rewards, claims.rewards)
CURVES = Experiment("curves", "Learning curves", (SETTING,), (DQN,), REFERENCES, figures.learning, claims.learning)
LIMIT = Experiment("limit", "What is possible", (SETTING,), (), (*REFERENCES, BOUND), tables.rewards, claims.rewards)


@dataclass(frozen=True)
class Gated:
    """A job that waits after so many evaluations, until it is told to stop or the gate exists."""

    job: Job
    folder: Path | None
    evaluations: int
    gate: Path

    def carry_out(self, report: Callable[[int, str], None]) -> list[CellResult]:
        told = threading.Event()
        count = 0

        def watched(done: int, text: str) -> None:
            nonlocal count
            report(done, text)
            count += "return" in text
            stop = signal.getsignal(signal.SIGINT)
            if text.endswith("learning"):
                signal.signal(signal.SIGINT, lambda *what: (told.set(), stop(*what)))
            if count == self.evaluations:
                patience = time.monotonic() + 300
                while not told.wait(0.1) and not self.gate.exists():
                    assert time.monotonic() < patience

        return replace(self.job, folder=self.folder).carry_out(watched)


def gated(carry_out: Executor, evaluations: int, gate: Path = Path("never")) -> Executor:
    """The executor, with jobs that wait."""

    def waiting(jobs: Sequence[Job], report: TaskReporter) -> Iterator[tuple[Job, list[CellResult]]]:
        for job, results in carry_out([Gated(job, job.folder, evaluations, gate) for job in jobs], report):
            yield job.job, results

    return waiting


def must_not_be_called(jobs: Sequence[Any], report: TaskReporter) -> Iterator[tuple[Any, Any]]:
    """An executor for a store that holds everything."""
    raise AssertionError(f"{len(jobs)} tasks are carried out")


def killed_after(evaluations: int, jobs: Sequence[Job], report: TaskReporter) -> Iterator[tuple[Job, list[CellResult]]]:
    """The serial executor, killed without warning while it trains."""
    count = 0

    def watched(index: int, work: int, text: str) -> None:
        nonlocal count
        count += text.startswith("return") or " return " in text
        if count == evaluations:
            os.kill(os.getpid(), signal.SIGKILL)

    return serial(jobs, watched)


if __name__ == "__main__":
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    run_experiment(TABLE, PROFILE, Store(folder), lambda jobs, report: killed_after(number, jobs, report))
