"""Runs that are killed without warning and begun again end as if nothing had been, whatever loop they are of."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import test_edmsac
import test_entity_learners
import test_groups
import test_late_rewards
import test_malppo
import test_on_policy
import test_training
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig, read_config

RUNS = {
    "off-policy": (test_training.RUN, 3),
    "off-policy, pruned": (test_edmsac.RUN, 1),
    "off-policy, over sets": (test_entity_learners.RUN, 1),
    "off-policy, late rewards": (test_late_rewards.RUN, 1),
    "on-policy": (test_on_policy.RUN, 1),
    "game": (test_malppo.RUN, 1),
    "groups of instances": (test_groups.RUN, 1),
}
SCRIPT = """
import sys
from pathlib import Path
from edgewise.training.run import train
from edgewise.training.run_folder import read_config
folder = Path(sys.argv[1])
train(folder, read_config(folder), lambda done, text: text.startswith("return") and print(done, flush=True))
"""


def outcome(folder: Path) -> tuple[dict[str, bytes], str]:
    weights = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.glob("policy/**/*.safetensors"))}
    assert weights
    return weights, (folder / "test.json").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("run", "evaluations"), RUNS.values(), ids=RUNS)
def test_a_killed_run_goes_on_bit_for_bit(
    run: RunConfig, evaluations: int, trained: Callable[[RunConfig], Path], tmp_path: Path
) -> None:
    undisturbed = trained(run)
    shutil.copy(undisturbed / "config.yaml", tmp_path)
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(evaluations):
        assert process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "test.json").exists()
    train(tmp_path, read_config(tmp_path), lambda done, text: None)
    assert outcome(tmp_path) == outcome(undisturbed)
    ours, theirs = (pd.read_csv(f / "metrics.csv").drop(columns="wall_s") for f in (tmp_path, undisturbed))
    pd.testing.assert_frame_equal(ours, theirs)
    assert sorted(ours["steps"].unique()) == [run.training.steps_done(i + 1) for i in range(run.training.evaluations)]
