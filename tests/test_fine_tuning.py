"""Runs that start with a policy: learners with its weights, its copy in the run, and what must fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import test_on_policy
from edgewise.algorithms.cgdm import CGDMConfig
from edgewise.algorithms.dqn import DQNConfig
from edgewise.algorithms.entity_ppo import EntityPPOConfig
from edgewise.algorithms.ppo import PPOConfig
from edgewise.algorithms.sac import SACConfig
from edgewise.algorithms.td3 import TD3Config
from edgewise.cli.main import main
from edgewise.cli.train import _defaults as train_defaults
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import to_plain
from edgewise.environments import registry
from edgewise.environments.control.configuration import ControlConfig
from edgewise.environments.control.system import CARTPOLE
from edgewise.environments.description import Description
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.deterministic import DeterministicPolicy
from edgewise.policies.folders import policy_folder
from edgewise.policies.matching import MatchingPolicy, Sets
from edgewise.policies.protocol import core
from edgewise.systems.agent_migration import features
from edgewise.training.build import make_trainer
from edgewise.training.fine_tuning import following, learner_of
from edgewise.training.off_policy import OffPolicyConfig
from edgewise.training.on_policy import OnPolicyConfig
from edgewise.training.origin import started_with, starting_policy
from edgewise.training.run import train
from edgewise.training.run_folder import Origin, RunConfig, read_config
from edgewise.training.sources import origin_folder

SMALL = OffPolicyConfig(
    steps=80, environments=4, evaluations=2, evaluation_episodes=2, warmup_steps=40, replay_capacity=100, seeds=2
)
PENDULUM = ControlConfig(time_limit=10)
LEARNERS = {
    "sac": SACConfig(hidden=(4,), batch_size=8),
    "td3": TD3Config(hidden=(4,), batch_size=8),
    "cgdm": CGDMConfig(hidden=(4, 4), batch_size=8, denoising_steps=2, time_embedding=4),
    "ppo": PPOConfig(hidden=(4,), epochs=1, minibatches=1),
}


def quiet(done: int, text: str) -> None:
    """No report."""


@pytest.fixture(scope="module")
def first(trained: Callable[[RunConfig], Path]) -> Path:
    """A run to go on from."""
    return trained(test_on_policy.RUN)


def leaves(policy: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(policy)]


@pytest.mark.parametrize("algorithm", LEARNERS)
def test_learners_start_with_the_policy(algorithm: str, tmp_path: Path) -> None:
    training = OnPolicyConfig(steps=64, environments=2, rollout=4, evaluations=1) if algorithm == "ppo" else SMALL
    run = RunConfig("pendulum", PENDULUM, algorithm, LEARNERS[algorithm], training)
    trainer = make_trainer(run)
    ours = jax.tree.map(lambda leaf: leaf[0], trainer.policies(trainer.start(jax.random.split(jax.random.key(7), 1))))
    save_policy(tmp_path / "policy", PolicyArtefact(ours, "pendulum", {}, algorithm, 1))
    origin = following(run, str(tmp_path / "policy"))
    policy = starting_policy(tmp_path / "run", origin, trainer)
    begun = trainer.start(jax.random.split(jax.random.key(1), 2))
    state = started_with(trainer, begun, policy)
    for seed in range(2):
        for one, other in zip(leaves(trainer.policies(state)), leaves(ours), strict=True):
            np.testing.assert_array_equal(one[seed], other)
    assert any(
        not np.array_equal(one[0], other)
        for one, other in zip(leaves(trainer.policies(begun)), leaves(ours), strict=True)
    )
    assert (tmp_path / "run/origin/policy.json").read_bytes() == (tmp_path / "policy/policy.json").read_bytes()


def test_a_policy_of_any_size_goes_on_in_a_fleet_of_another(tmp_path: Path) -> None:
    entry = registry.find("agent-migration")
    sizes = (len(features.VEHICLE_FIELDS), len(features.UNIT_FIELDS), len(features.PAIR_FIELDS))
    fresh = MatchingPolicy.create(Sets("vehicles", "units", "target", "defence"), sizes, 8, 1, jax.random.key(0))
    config = to_plain(entry.config(observation="entities", instances="drawn"))
    described = Description.of(features.space(8, 4), "observation", ())
    save_policy(tmp_path, PolicyArtefact(fresh, "agent-migration", config, "entity-ppo", 1, described))
    assert learner_of(entry, str(tmp_path)) == "entity-ppo"
    training = OnPolicyConfig(steps=32, environments=2, rollout=4, evaluations=1)
    settings = EntityPPOConfig(minibatches=2)
    run = following(
        RunConfig("agent-migration", entry.config(vehicles=3, rsus=2), "entity-ppo", settings, training), str(tmp_path)
    )
    assert (run.environment_config.observation, run.environment_config.vehicles) == ("entities", 3)
    assert run.environment_config.instances is None
    assert run.algorithm_config == EntityPPOConfig(minibatches=2, width=8, rounds=1)
    trainer = make_trainer(run)
    policy = starting_policy(tmp_path / "run", run, trainer)
    state = trainer.learner.with_policy(trainer.learner.init(jax.random.key(1)), policy)
    for one, other in zip(leaves(trainer.learner.policy(state)), leaves(fresh), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_goes_on_bit_for_bit_without_its_origin(first: Path, tmp_path: Path) -> None:
    origin = shutil.copytree(policy_folder(first, "best", 1), tmp_path / "origin")
    run = following(replace(test_on_policy.RUN, training=replace(test_on_policy.SMALL, seed=9)), str(origin))
    train(tmp_path / "undisturbed", run, quiet)

    class Stopped(Exception):
        """In the middle of a run."""

    def stop(done: int, text: str) -> None:
        if text.startswith("return") and done > 64:
            raise Stopped

    with pytest.raises(Stopped):
        train(tmp_path / "stopped", run, stop)
    shutil.rmtree(origin)
    train(tmp_path / "stopped", read_config(tmp_path / "stopped"), quiet)
    results = [
        [p.read_bytes() for p in sorted((tmp_path / name).glob("policy/**/*.safetensors"))]
        for name in ("undisturbed", "stopped")
    ]
    assert results[0] == results[1]
    assert len(results[0]) == 4


def test_the_configuration_records_where_a_run_comes_from(first: Path, tmp_path: Path) -> None:
    run = following(test_on_policy.RUN, str(first))
    assert run.origin == Origin(str(first), run.origin.sha256 if run.origin else "")
    train(tmp_path, replace(run, training=replace(run.training, steps=32, evaluations=1, seeds=1)), quiet)
    assert read_config(tmp_path).origin == run.origin
    assert "origin" not in (first / "config.yaml").read_text()
    again = train_defaults(["--config", str(tmp_path / "config.yaml")], None, str(tmp_path / "config.yaml"), None)
    assert again.origin == replace(run.origin, source=str(tmp_path / "origin"))  # type: ignore[type-var]


def test_architecture_and_learner_follow_the_policy(first: Path) -> None:
    plain = RunConfig("cartpole", ControlConfig(), "ppo", PPOConfig(clip=0.3), OnPolicyConfig(input_span=2.0))
    run = following(plain, str(first))
    assert run.algorithm_config == PPOConfig(clip=0.3, hidden=(8,))
    assert run.training.input_span is None
    assert learner_of(CARTPOLE, str(first)) == "ppo"


def test_another_architecture_is_refused_naming_both(first: Path, tmp_path: Path) -> None:
    run = following(test_on_policy.RUN, str(first))
    run = replace(run, algorithm_config=replace(run.algorithm_config, hidden=(6,)))
    with pytest.raises(ConfigurationError, match=r"hidden = \[6\].*as this learner's are.*hidden = \[8\]") as caught:
        train(tmp_path / "run", run, quiet)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run/config.yaml").exists()
    assert not (tmp_path / "run/origin").exists()


def test_a_learner_that_cannot_start_from_a_policy_says_so(tmp_path: Path) -> None:
    run = RunConfig("cartpole", ControlConfig(time_limit=10), "dqn", DQNConfig(hidden=(4,), batch_size=8), SMALL)
    trainer = make_trainer(run)
    greedy = jax.tree.map(lambda leaf: leaf[0], trainer.policies(trainer.start(jax.random.split(jax.random.key(0), 1))))
    save_policy(tmp_path / "policy", PolicyArtefact(greedy, "cartpole", {}, "dqn", 1))
    with pytest.raises(ConfigurationError, match=r"DQN.*can start from a policy"):
        train(tmp_path / "run", following(run, str(tmp_path / "policy")), quiet)


def test_a_policy_that_was_replaced_is_refused(first: Path, tmp_path: Path) -> None:
    run = replace(test_on_policy.RUN, origin=Origin(str(first), "0" * 64))
    with pytest.raises(EdgewiseError, match="another policy than the one that the run starts with"):
        train(tmp_path / "run", run, quiet)


def test_policies_are_found_by_name_and_folder(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = replace(CARTPOLE, shipped={"steady": policy_folder(first, "last", 0)})
    assert origin_folder(system, "steady") == policy_folder(first, "last", 0)
    assert origin_folder(system, str(first)) == policy_folder(first, "best", 0)
    for name in ("nobody", "pendulum"):
        with pytest.raises(ConfigurationError, match="must be one of steady, the folder of a run or of a policy"):
            origin_folder(system, name)
    with pytest.raises(ConfigurationError, match="a policy of pendulum; it is one of cartpole"):
        origin_folder(registry.find("pendulum"), str(first))


def test_the_command_line_goes_on_from_a_policy(first: Path, tmp_path: Path) -> None:
    words = [
        "--steps",
        "32",
        "--environments",
        "4",
        "--rollout",
        "8",
        "--evaluations",
        "1",
        "--evaluation-episodes",
        "2",
    ]
    more = [
        "--epochs",
        "2",
        "--minibatches",
        "2",
        "--time-limit",
        "20",
        "--no-report",
        "--folder",
        str(tmp_path / "run"),
    ]
    assert main(["train", "cartpole", "--from", str(first), *words, *more]) == 0
    config = read_config(tmp_path / "run")
    assert (config.algorithm, config.algorithm_config.hidden) == ("ppo", (8,))
    copy, best = load_policy(tmp_path / "run/origin"), load_policy(policy_folder(first, "best", 0))
    assert all(map(np.array_equal, leaves(core(copy.policy)), leaves(core(best.policy))))


def test_mistakes_get_one_line(first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    fresh = DeterministicPolicy.create(3, 1, (4,), jax.random.key(0))
    save_policy(other, PolicyArtefact(fresh, "pendulum", {}, "td3", 1))
    for system, origin, said in (
        ("cartpole", "nowhere", "from = 'nowhere'"),
        ("pendulum", str(first), "a policy of pendulum"),
        ("cartpole", str(other), "a policy of cartpole"),
    ):
        assert main(["train", system, "--from", origin, "--folder", str(tmp_path / "run")]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
