"""Jobs in several processes: what Ctrl-C leaves."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgewise.common.interrupt import Interrupted
from edgewise.execution.choose import executor
from edgewise.execution.local import serial
from edgewise.experiments.compute import make_jobs
from edgewise.experiments.experiment import run_experiment
from edgewise.experiments.job import Job
from edgewise.experiments.store import Store
from tiny_experiment import PROFILE, TABLE

LONG = dataclasses.replace(PROFILE, name="long", steps=8 * 80, evaluations=8)
ONLY = ("DQN",)
COMMAND = f"""
import dataclasses, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_executors import LONG, ONLY
from tiny_experiment import TABLE, gated
from edgewise.execution.choose import executor
from edgewise.experiments.experiment import run_experiment
from edgewise.experiments.store import Store
from edgewise.common.interrupt import Interrupted
if __name__ == "__main__":
    try:
        run_experiment(TABLE, LONG, Store(Path(sys.argv[1])), gated(executor(2), 3), ONLY)
    except Interrupted as error:
        sys.exit(str(error))
"""


def end_after_ctrl_c(news: Any, parent: int, index: int, job: Job) -> None:
    """A job in its last moments: told to stop, it ends, with more to say than a pipe holds."""
    told = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: told.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    news.put((index, "progress", (1, "nearly done")))
    told.wait()
    news.put((index, "results", b"x" * 2_000_000))


def test_a_job_that_ends_after_ctrl_c_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed = threading.Event()

    @contextmanager
    def flag(acknowledge: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        yield pressed.is_set

    def ctrl_c(index: int, done: int, text: str) -> None:
        pressed.set()

    monkeypatch.setattr("edgewise.execution.local.interrupt_flag", flag)
    monkeypatch.setattr("edgewise.execution.local._work", end_after_ctrl_c)
    [job] = make_jobs([planned.cell for planned in TABLE.cells(PROFILE, ("random",))], Store(Path("unused")))
    found = executor(2)([job], ctrl_c)
    ended, results = next(found)
    assert ended is job
    assert len(results) == 2_000_000
    with pytest.raises(Interrupted):
        next(found)


@pytest.mark.slow
def test_a_command_that_alone_is_told_to_stop_stops_its_processes(tmp_path: Path) -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    patience = time.monotonic() + 300
    while not list(tmp_path.glob("runs/*/checkpoints/[0-9]*")):
        assert command.poll() is None
        assert time.monotonic() < patience
        time.sleep(0.05)
    os.kill(command.pid, signal.SIGINT)
    _, said = command.communicate(timeout=120)
    assert said.strip().endswith("stopped; give the same command again to go on")
    assert "Traceback" not in said
    [checkpoints] = tmp_path.glob("runs/*/checkpoints")
    assert 0 < max(int(path.name) for path in checkpoints.iterdir()) < LONG.evaluations
    finished = run_experiment(TABLE, LONG, Store(tmp_path), serial, ONLY)
    assert finished.find("DQN").curve("return").shape == (LONG.evaluations, LONG.seeds)
    assert not checkpoints.exists()
