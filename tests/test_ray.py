"""Experiments on a Ray cluster: a node lost in mid-run, mistakes, Ctrl-C."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from edgewise import __version__
from edgewise.common.errors import ConfigurationError
from edgewise.common.interrupt import Interrupted
from edgewise.execution.choose import executor
from edgewise.execution.contract import TaskReporter
from edgewise.execution.local import serial
from edgewise.experiments.cell import CellResult
from edgewise.experiments.compute import make_jobs
from edgewise.experiments.experiment import run_experiment
from edgewise.experiments.job import Job
from edgewise.experiments.results import Results
from edgewise.experiments.store import Store
from tiny_experiment import DQN, PROFILE, TABLE, gated

ray = pytest.importorskip("ray", reason="Ray is not installed: the extra ray")
ray_executor = pytest.importorskip("edgewise.execution.ray_cluster")
pytestmark = pytest.mark.slow
STORE_BYTES = 80_000_000  # about the least that Ray takes
LONG = dataclasses.replace(PROFILE, name="long", steps=8 * 80, evaluations=8)
ONLY = ("DQN 11", "random")
TWO = dataclasses.replace(
    TABLE,
    learners=tuple(
        dataclasses.replace(DQN, label=f"DQN {seed}", training={**DQN.training, "seed": seed, "checkpoint_every": 2})
        for seed in (11, 12)
    ),
    references=("random",),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)  # jobs that wait are of this folder
        cluster = Cluster(initialize_head=True, head_node_args=node)
        cluster.second = cluster.add_node(**node)
        yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run_experiment(TWO, LONG, Store(tmp_path_factory.mktemp("serial")), serial)


def same(one: Results, other: Results) -> None:
    for a, b in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(a.result.episodes, b.result.episodes, check_exact=True)
    pd.testing.assert_frame_equal(TWO.output(one).table, TWO.output(other).table)


def test_a_node_killed_in_mid_run_changes_nothing(tmp_path: Path, cluster: Any, undisturbed: Results) -> None:
    """Two nodes train one learner each when one of them is killed."""
    gate = tmp_path / "gate"
    working: dict[int, float] = {}
    killed: list[dict[int, float]] = []
    finished: list[Job] = []

    def disturbed(jobs: Sequence[Job], report: TaskReporter) -> Iterator[tuple[Job, list[CellResult]]]:
        def watch(index: int, done: int, text: str) -> None:
            if done > jobs[index].work / 3:
                working[index] = done / jobs[index].work
            if len(working) == 2 and not killed:
                killed.append(dict(working))
                cluster.remove_node(cluster.second, allow_graceful=False)
                gate.touch()
            report(index, done, text)

        for job, results in gated(executor("ray", cluster.address), 3, gate)(jobs, watch):
            finished.append(job)
            yield job, results

    found = run_experiment(TWO, LONG, Store(tmp_path), disturbed)
    [shares] = killed
    assert all(0 < share < 1 for share in shares.values())
    assert len(finished) == len({id(job) for job in finished}) == 3
    assert len(list((tmp_path / "cells").iterdir())) == 3
    assert not [path for path in (tmp_path / "runs").iterdir() if path.suffix == ".shared"]
    same(undisturbed, found)


def interrupted(folder: Path, address: str) -> None:
    """A command, with Ctrl-C after three evaluations."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def stopped(jobs: Sequence[Job], report: TaskReporter) -> Iterator[tuple[Job, list[CellResult]]]:
        def watch(index: int, done: int, text: str) -> None:
            if done > jobs[index].work / 3:
                signal.raise_signal(signal.SIGINT)

        return gated(executor("ray", address), 3)(jobs, watch)

    with pytest.raises(Interrupted, match="stopped; give the same command again to go on"):
        run_experiment(TWO, LONG, Store(folder), stopped, ONLY)


def test_after_ctrl_c_the_command_goes_on(tmp_path: Path, cluster: Any) -> None:
    """One CPU is left: the learner is at work, random waits."""
    command = multiprocessing.get_context("spawn").Process(target=interrupted, args=(tmp_path, cluster.address))
    command.start()
    command.join()
    assert command.exitcode == 0
    [run] = [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]
    [*_, last] = sorted(int(path.name) for path in (run / "checkpoints").iterdir())
    assert last in (3, 4)
    finished = run_experiment(TWO, LONG, Store(tmp_path), serial, ONLY)
    assert finished.find("DQN 11").curve("return").shape == (LONG.evaluations, LONG.seeds)


def test_a_node_that_does_not_see_the_folder_or_is_of_another_version_says_so(tmp_path: Path) -> None:
    [job, *_] = make_jobs([planned.cell for planned in TWO.cells(LONG)], Store(tmp_path))
    with ray_executor._marked([job]) as mark:
        assert ray_executor._carry_out(None, 0, job, mark, "0.0.1")[1].endswith(
            "must be '0.0.1', as where the command was given"
        )
    kind, said = ray_executor._carry_out(None, 0, job, mark, __version__)
    assert kind == "error"
    assert said.startswith(f"{tmp_path / 'runs'}: is not seen by node")


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:1"])
def test_an_address_where_no_cluster_is(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"ray_address = '{address}': must be HOST:PORT"):
        run_experiment(TWO, LONG, Store(tmp_path), executor("ray", address), ("random",))
