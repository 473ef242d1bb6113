"""The off-policy loop and the run folder: determinism, bookkeeping, resume after kill -9, failures."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

import test_on_policy as on_policy
from edgewise.algorithms.cgdm import CGDM, CGDMConfig
from edgewise.algorithms.registry import find_algorithm
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.policies.artefact import PolicyArtefact
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.training.checkpoint import CheckpointError, Checkpoints
from edgewise.training.claim import claimed
from edgewise.training.config import TrainingConfig
from edgewise.training.evaluation import evaluate
from edgewise.training.finite import not_finite
from edgewise.training.loop import repeat
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from edgewise.training.on_policy import OnPolicyConfig
from edgewise.training.run import TrainingError, train
from edgewise.training.run_folder import RunConfig, read_config
from edgewise.training.saved import save_learned
from first_chunk import first_chunk
from probes import Probe

SMALL = OffPolicyConfig(
    steps=400, environments=4, updates=1, warmup_steps=40, evaluations=4, evaluation_episodes=3, checkpoint_every=1, seeds=2,
    replay_capacity=300,
)  # fmt: skip
RUN = RunConfig(
    "agent-migration",
    AgentMigrationConfig(vehicles=2, rsus=2, slots=5),
    "cgdm",
    CGDMConfig(hidden=(16, 16), batch_size=16, denoising_steps=2),
    SMALL,
)


def quiet(done: int, text: str) -> None:
    pass


@pytest.fixture(scope="module")
def finished(trained: Callable[[RunConfig], Path]) -> Path:
    return trained(RUN)


def weights(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.glob("policy/**/*.safetensors"))}


def metrics(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "metrics.csv").drop(columns="wall_s")


def product(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
    return shown * action


class TestLoop:
    config = OffPolicyConfig(steps=200, environments=4, updates=1, warmup_steps=40, evaluations=1, replay_capacity=1000)

    def play(self, key: int) -> tuple[OffPolicyLoop, object]:
        probe = Probe(product, 3, False)
        loop = OffPolicyLoop(probe, CGDM(replace(RUN.algorithm_config, discount=0.9), probe.spaces, 40), self.config)
        state, _ = first_chunk(loop, jax.random.key(key))
        return loop, state

    def test_same_key_same_bits_other_key_other_bits(self) -> None:
        first, again, other = (jax.tree.leaves(self.play(k)[1].train_state) for k in (0, 0, 1))
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))

    def test_replay_keeps_final_observations_and_their_discount(self) -> None:
        _, state = self.play(0)
        stored = state.replay.experience
        filled = self.config.steps_done(1)
        observation, following = (np.asarray(x)[0, :filled] for x in (stored.observation, stored.next_observation))
        assert filled == 200
        # an episode shows one number throughout: a transition that crossed a reset would join two of them
        np.testing.assert_array_equal(observation[:, 1], following[:, 1])
        assert len(np.unique(observation[:, 1])) > 20
        np.testing.assert_array_equal(np.asarray(stored.discount)[0, :filled], np.float32(0.9))

    def test_termination_has_no_future(self) -> None:
        probe = Probe(lambda step, shown, action: shown, 2, True)
        loop = OffPolicyLoop(probe, CGDM(RUN.algorithm_config, probe.spaces, 40), self.config)
        stored = loop.start(jax.random.key(0)).replay.experience
        last = np.isclose(np.asarray(stored.next_observation)[0, :40, 0], 1.0)
        discount = np.asarray(stored.discount)[0, :40]
        assert last.any()
        assert (discount[last] == 0).all()
        assert (discount[~last] > 0).all()

    def test_evaluation_stops_at_the_end(self) -> None:
        probe = Probe(lambda step, shown, action: 1.0, 4, True)
        result = evaluate(probe, LearnedPolicy(lambda observation, key: jnp.zeros(1)), jax.random.key(0), 5)
        np.testing.assert_array_equal(result["return"], 4.0)
        np.testing.assert_array_equal(result["length"], 4.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 10),
        ("environments", 0),
        ("updates", 0),
        ("warmup_steps", -1),
        ("seeds", 0),
        ("test_seed", 1),
        ("evaluations", 0),
    ],
)
def test_bad_budgets_name_the_field(field: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=field):
        replace(SMALL, **{field: value})


def test_everything_that_is_wrong_with_a_budget_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        replace(SMALL, steps=10, test_seed=1, input_span=0.0)
    assert [part.partition(" = ")[0] for part in str(caught.value).split("; ")] == ["steps", "input_span", "test_seed"]
    with pytest.raises(
        ConfigurationError, match=r"^evaluations = 0: .*; updates = 0: must be an integer in \[1, inf\]$"
    ):
        replace(SMALL, steps=10, evaluations=0, updates=0)


@given(
    steps=st.integers(2_000, 100_000),
    environments=st.integers(1, 64),
    evaluations=st.integers(1, 20),
    kind=st.sampled_from([OffPolicyConfig, OnPolicyConfig]),
)
def test_the_whole_budget_is_spent(steps: int, environments: int, evaluations: int, kind: type[TrainingConfig]) -> None:
    unit = environments * (1 if kind is OffPolicyConfig else 16)
    sizes = {"warmup_steps": 50} if kind is OffPolicyConfig else {"rollout": 16}
    assume(steps >= (evaluations + 2) * unit + 50)
    config = kind(steps=steps, environments=environments, evaluations=evaluations, **sizes)
    done = [config.steps_done(number) for number in range(evaluations + 1)]
    assert steps - unit < done[-1] <= steps
    gaps = np.diff(done)
    assert gaps.min() > 0
    assert gaps.max() - gaps.min() <= unit


def test_metrics_are_means_over_so_many_iterations() -> None:
    def count(state: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        return state + 1, {"number": state}

    for times in (1, 4):
        state, metrics = jax.jit(lambda times: repeat(count, jnp.zeros(()), times))(times)
        assert state == times
        assert metrics["number"] == (times - 1) / 2


def test_folder_is_complete(finished: Path) -> None:
    assert read_config(finished) == RUN
    rows = pd.read_csv(finished / "metrics.csv")
    assert len(rows) == SMALL.evaluations * SMALL.seeds
    assert sorted(rows["steps"].unique()) == [SMALL.steps_done(i + 1) for i in range(SMALL.evaluations)]
    assert len(weights(finished)) == 4
    assert len(set(weights(finished).values())) >= 3
    assert (finished / "test.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["policies", "checkpoint"])
def test_what_dies_while_it_saves_the_last_time_is_repaired(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class Death(Exception):
        pass

    def save_some(folder: Path, policy: object, describe: Callable[[object, str | None], PolicyArtefact]) -> None:
        if folder.name == "seed-1" and describe(policy, None).steps == SMALL.steps_done(SMALL.evaluations):
            raise Death
        save_learned(folder, policy, describe)

    def save_checkpoint(checkpoints: Checkpoints, number: int, tree: object) -> None:
        if number == SMALL.evaluations:
            raise Death
        before(checkpoints, number, tree)

    before = Checkpoints.save
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        if moment == "policies":
            patch.setattr("edgewise.training.run.save_learned", save_some)
        else:
            patch.setattr(Checkpoints, "save", save_checkpoint)
        with pytest.raises(Death):
            train(folder, RUN, quiet)
    train(folder, RUN, quiet)
    assert weights(folder) == weights(finished)
    assert (folder / "test.json").read_text() == (finished / "test.json").read_text()


def test_a_finished_run_is_left_as_it_is(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    shutil.rmtree(folder / "checkpoints")
    before = weights(folder)
    monkeypatch.setattr("edgewise.training.run.make_trainer", None)
    assert train(folder, RUN, quiet) == json.loads((finished / "test.json").read_text())
    assert weights(folder) == before


def test_a_folder_keeps_its_configuration(finished: Path) -> None:
    with pytest.raises(EdgewiseError, match="another configuration"):
        train(finished, replace(RUN, training=replace(SMALL, seed=7)), quiet)


def test_non_finite_numbers_stop_the_run(tmp_path: Path) -> None:
    broken = replace(on_policy.RUN, algorithm_config=replace(on_policy.RUN.algorithm_config, critic_rate=1e38))
    with pytest.raises(TrainingError, match=r"not finite .* step 32; last good checkpoint: none"):
        train(tmp_path / "run", broken, quiet)
    assert not (tmp_path / "run" / "policy").exists()


def test_a_broken_environment_is_named(tmp_path: Path) -> None:
    state = SimpleNamespace(observation=np.array([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [np.nan, 1.0]]]))
    assert not_finite(state) == "the observation of copy 1 for seed 1"
    rewards = SimpleNamespace(reward=np.array([[1.0, np.inf]]))
    assert not_finite(SimpleNamespace(replay=SimpleNamespace(experience=rewards))) == "a stored reward of seed 0"
    assert not_finite(SimpleNamespace(observations={"leader": np.zeros((1, 2, 3))})) is None


@pytest.mark.parametrize("what", ["checkpoint", "metrics", "policy", "events"])
def test_a_full_disk_is_told_in_one_line_with_the_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, finished: Path
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = {
        "checkpoint": "orbax.checkpoint.CheckpointManager.save",
        "metrics": "edgewise.training.metrics.replace_file",
        "policy": "edgewise.policies.artefact.replace_file",
        "events": "tensorboardX.record_writer.RecordWriter.write",
    }[what]
    folder = tmp_path / "my run"
    with monkeypatch.context() as patch:
        patch.setattr(target, full)
        with pytest.raises(EdgewiseError) as caught:
            train(folder, RUN, quiet)
    told = str(caught.value)
    assert "No space left on device" in told
    assert told.endswith(f"go on with: edgewise train --resume '{folder}'")
    assert "\n" not in told
    train(folder, RUN, quiet)
    assert weights(folder) == weights(finished)


def test_a_run_at_work_keeps_others_out(tmp_path: Path) -> None:
    with claimed(tmp_path / "run"), pytest.raises(EdgewiseError, match="another process is at work"):
        train(tmp_path / "run", RUN, quiet)


def test_damaged_checkpoint_is_named(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / "test.json").unlink()
    for file in (folder / "checkpoints" / "4" / "default").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CheckpointError, match="checkpoints/4"):
        train(folder, RUN, quiet)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"environment": "nowhere"}, "nowhere"),
        ({"algorithm": "magic"}, "magic"),
        ({"training": {"steps": "many"}}, "steps"),
        ({"algorithm_config": {"denoising_step": 5}}, "denoising_step"),
        ({"environment_config": {"vehicles": 0}}, "vehicles = 0"),
        ({"environment_config": None}, "mapping"),
    ],
)
def test_broken_configuration_files(finished: Path, tmp_path: Path, change: dict[str, object], said: str) -> None:
    values = yaml.safe_load((finished / "config.yaml").read_text()) | change
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(EdgewiseError, match=said) as caught:
        read_config(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_run_that_cannot_be_built_leaves_no_folder(tmp_path: Path) -> None:
    run = replace(RUN, algorithm="dqn", algorithm_config=find_algorithm("dqn").config())
    with pytest.raises(ConfigurationError, match="dqn"):
        train(tmp_path / "run", run, quiet)
    assert not (tmp_path / "run").exists()
