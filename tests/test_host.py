"""Training outside of compiled code: autoreset modes, spaces, the same experience as in the compiled loops, whole runs."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from countdown import Countdown
from edgewise.algorithms.base import OffPolicyAlgorithm, OnPolicyAlgorithm, Step
from edgewise.algorithms.dqn import DQNConfig
from edgewise.algorithms.drqn import DRQN, DRQNConfig
from edgewise.algorithms.ppo import PPOConfig
from edgewise.cli import main
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.environments import registry
from edgewise.environments.adapters.gymnasium import GymnasiumEnvironment, GymnasiumVectorEnvironment
from edgewise.environments.host.configuration import HostConfig
from edgewise.environments.host.copies import HostError, NotFiniteError
from edgewise.environments.host.spaces import action_space, decode, encode, observation_space
from edgewise.environments.host.task import HostTask
from edgewise.environments.spaces import Box, Discrete, Spaces
from edgewise.policies.learned import LearnedPolicy
from edgewise.training.host.collector import Collector, stack
from edgewise.training.host.evaluation import evaluate_host
from edgewise.training.host.trainer import HostOffPolicyTrainer, HostOnPolicyTrainer
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyLoop
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig, read_config
from first_chunk import first_chunk

COPIES = 3
MODES = tuple(AutoresetMode)


class FixedCountdown(Countdown):
    """Every episode starts at 4."""

    def reset(self, key):
        count = jnp.asarray(4)
        return (count, jnp.zeros((), dtype=int)), self.observe(count)


def sync(environment: Countdown, mode: AutoresetMode, copies: int, seed: int) -> VectorEnv:
    return SyncVectorEnv([lambda: GymnasiumEnvironment(environment)] * copies, autoreset_mode=mode)


def task(environment: Countdown, mode: AutoresetMode = AutoresetMode.SAME_STEP) -> HostTask:
    return HostTask(partial(sync, environment, mode))


def quiet(done: int, text: str) -> None:
    pass


def rows(task: HostTask, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Steps by a policy that waits at 3 for the cut of an episode, unless that was started at 5."""
    collector = Collector(task.copies(COPIES, seed), seed)
    waits = np.zeros(COPIES, bool)
    taken = []
    while len(taken) < count:
        while not collector.ready:
            now = collector.observation[:, 0]
            waits = np.where(collector.fresh, now < 5, waits)
            action = np.where(waits & (now == 3), 0, 1).astype(np.int32)
            collector.advance(action, action)
        taken.append(collector.take())
    collector.close()
    return stack(taken)


class TestAutoreset:
    def test_every_mode_gives_the_same_steps(self) -> None:
        environment = Countdown()
        same = rows(task(environment), 60, seed=5)
        native = [
            HostTask(lambda copies, seed, mode=mode: GymnasiumVectorEnvironment(environment, copies, mode))
            for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP)
        ]
        for other in (*(task(environment, mode) for mode in MODES), *native):
            for ours, theirs in zip(same, rows(other, 60, seed=5), strict=True):
                np.testing.assert_array_equal(ours, theirs)

    def test_steps_are_those_of_whole_episodes(self) -> None:
        observation, action, reward, terminated, ended, following = rows(task(Countdown()), 60, seed=5)
        np.testing.assert_array_equal(following[..., 0], observation[..., 0] - action)
        np.testing.assert_array_equal(reward, -following[..., 0])
        np.testing.assert_array_equal(terminated, following[..., 0] == 0)
        assert (terminated.sum(0) > 1).all()
        assert (ended & ~terminated).any()
        np.testing.assert_array_equal(observation[1:][~ended[:-1]], following[:-1][~ended[:-1]])
        assert (observation[1:][ended[:-1]] >= 3).all()

    def test_other_seed_other_episodes(self) -> None:
        first, other = (rows(task(Countdown()), 20, seed)[0] for seed in (5, 6000))
        assert not np.array_equal(first, other)

    def test_undeclared_mode_is_refused(self) -> None:
        def make(copies: int, seed: int) -> VectorEnv:
            vector = sync(Countdown(), AutoresetMode.SAME_STEP, copies, seed)
            vector.metadata = {}
            return vector

        with pytest.raises(ConfigurationError, match="autoreset_mode = None"):
            HostTask(make).copies(2, 0)


class Broken(gymnasium.Env):
    """Its second component, or its reward, is broken after the given step."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, what: str, step: int, value: float) -> None:
        self.what, self.when, self.value = what, step, value

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.now = 0
        return self.show(), {}

    def show(self) -> np.ndarray:
        return np.array([0, self.value if (self.what, self.when) == ("observation", self.now) else 0], np.float32)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.now += 1
        reward = self.value if (self.what, self.when) == ("reward", self.now) else 1.0
        return self.show(), reward, False, self.now >= 4, {}


class TestFinite:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(
        ("what", "step", "value", "said"),
        [
            ("observation", 0, np.nan, "the observation .*: copy 1, at the start of its episode, component 1: nan"),
            ("observation", 3, -np.inf, "the observation .*: copy 1, after step 3 of its episode, component 1: -inf"),
            ("observation", 4, np.nan, "the observation .*: copy 1, after step 4 of its episode, component 1: nan"),
            ("reward", 2, np.inf, "the reward .*: copy 1, after step 2 of its episode: inf"),
        ],
    )
    def test_what_is_not_finite_is_named(
        self, mode: AutoresetMode, what: str, step: int, value: float, said: str
    ) -> None:
        def make(copies: int, seed: int) -> VectorEnv:
            makers = [partial(Broken, "nothing", 0, 0.0), partial(Broken, what, step, value)]
            return SyncVectorEnv(makers, autoreset_mode=mode)

        copies = HostTask(make).copies(2, 0)

        def play() -> None:
            copies.reset(0)
            for _ in range(5):
                copies.step(np.zeros(2, np.int32))

        with pytest.raises(NotFiniteError, match=said):
            play()


class Failing(Broken):
    """Fails in its second step, or in a reset, or shows three numbers there instead of two."""

    def __init__(self, what: str) -> None:
        super().__init__("nothing", 0, 0.0)
        self.fault = what

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        if self.fault == "reset":
            raise RuntimeError("no cable\nand no card")
        return super().reset(seed=seed)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        shown, reward, *rest = super().step(action)
        if self.now == 2 and self.fault == "step":
            raise AssertionError
        return np.zeros(3, np.float32) if self.fault == "shape" else shown, reward, *rest


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("reset", r"the reset of the environment failed: RuntimeError: no cable \(test_host.py:\d+\)"),
        ("step", r"the step of the environment failed: AssertionError \(test_host.py:\d+\)"),
        ("shape", r"the step of the environment failed: ValueError: Output array is the wrong shape"),
    ],
)
def test_what_fails_inside_an_environment_is_one_line(what: str, said: str) -> None:
    copies = HostTask(lambda copies, seed: SyncVectorEnv([partial(Failing, what)] * copies)).copies(2, 0)

    def play() -> None:
        copies.reset(0)
        for _ in range(2):
            copies.step(np.zeros(2, np.int32))

    with pytest.raises(HostError, match=f"^{said}$"):
        play()


def test_a_failure_is_told_even_if_closing_fails_too() -> None:
    class Stuck(SyncVectorEnv):
        def close_extras(self, **kwargs: Any) -> None:
            raise EOFError

    copies = HostTask(lambda copies, seed: Stuck([partial(Failing, "reset")] * copies)).copies(1, 0)
    with pytest.raises(HostError, match="no cable"), closing(copies):
        copies.reset(0)


class TestNames:
    @pytest.mark.parametrize("name", ["NoSuch-v0", "CartPole-v77", "nospace/NoSuch-v0", "CartPol-v1"])
    def test_an_unknown_id_is_refused_before_anything_else(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["train", f"gymnasium:{name}", "--steps", "1"]) == 2
        error = capsys.readouterr().err
        assert f"environment = 'gymnasium:{name}'" in error
        assert error.count("\n") == 1

    def test_an_id_without_a_version_stands_for_the_newest(self) -> None:
        assert registry.find("gymnasium:CartPole").name == "gymnasium:CartPole"


@pytest.mark.slow
def test_copies_in_processes_of_their_own_give_the_same_steps(tmp_path: Path) -> None:
    """Of an environment that runs JAX itself, which a forked process could not."""
    entry = registry.find("gymnasium:edgewise:edgewise/CartPole-v1")
    results = []
    for vectorise in ("sync", "async"):
        copies = entry.build(HostConfig(vectorise=vectorise)).copies(2, 0)
        first = copies.reset(0)
        for process in getattr(copies._environment, "processes", ()):
            os.kill(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal
        results.append([first, *(copies.step(np.ones(2, np.int32)).final for _ in range(3))])
        copies.close()
    np.testing.assert_array_equal(*results)


class Fixture(eqx.Module):
    """Learners below act by the number of their updates, so that episodes end in both ways."""

    count: Any
    rollout: Any = None


def scripted(state: Fixture, observation: jax.Array) -> jax.Array:
    return jnp.full(observation.shape[:-1], jnp.asarray(state.count // 7 % 2, jnp.int32))


@dataclass(frozen=True)
class ScriptedConfig:
    discount: float = 0.9
    batch_size: int = 2


@dataclass(frozen=True)
class RecorderConfig:
    copies: int
    rollout: int


SPACES = Spaces(Box(np.zeros(1, np.float32), np.ones(1, np.float32)), Discrete(2))


class Scripted(OffPolicyAlgorithm[ScriptedConfig, Fixture]):
    def init(self, key):
        return Fixture(jnp.zeros(()))

    def policy(self, train_state):
        return train_state

    def act(self, train_state, observation, key, explore):
        return scripted(train_state, observation)

    def update(self, train_state, batch, key):
        return Fixture(train_state.count + 1), {"loss": train_state.count}


class Recorder(OnPolicyAlgorithm[RecorderConfig, Fixture]):
    def init(self, key):
        shape = self.config.rollout, self.config.copies
        flags, numbers = jnp.zeros(shape, bool), jnp.zeros(shape)
        blank = Step(numbers[..., None], numbers.astype(jnp.int32), numbers, flags, flags, numbers[..., None])
        return Fixture(jnp.zeros(()), blank)

    def policy(self, train_state):
        return train_state

    def act(self, train_state, observation, key):
        return scripted(Fixture(train_state.count + observation[..., 0].sum()), observation)

    def update(self, train_state, rollout, key):
        return Fixture(train_state.count + 1, rollout), {"loss": train_state.count}


def assert_same(ours: Any, theirs: Any) -> None:
    for one, two in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


class TestSameExperienceAsTheCompiledLoop:
    @pytest.mark.parametrize("mode", MODES)
    def test_replay(self, mode: AutoresetMode) -> None:
        config = OffPolicyConfig(
            steps=180, environments=COPIES, updates=1, warmup_steps=0, evaluations=1, seeds=1, replay_capacity=200
        )
        learner = Scripted(ScriptedConfig(), SPACES, 1)
        loop = OffPolicyLoop(FixedCountdown(), learner, config)
        compiled, metrics = first_chunk(loop, jax.random.key(0))
        trainer = HostOffPolicyTrainer(
            task(FixedCountdown(), mode), task(FixedCountdown()), Scripted(ScriptedConfig(), SPACES, 1), config
        )
        state, means, healthy = trainer.advance(trainer.start(jax.random.key(0)[None]), config.iterations_done(1))
        trainer.close()
        experience = compiled.replay.experience
        assert_same(jax.tree.map(lambda x: x[0], state.replay.experience), experience)
        np.testing.assert_allclose([means["loss"][0], metrics["loss"]], 29.5, rtol=1e-6)
        assert all(flags.all() for flags in healthy.values())
        discount, following = np.asarray(experience.discount)[0, :180], np.asarray(experience.next_observation)[0, :180]
        np.testing.assert_array_equal(discount, np.where(following[:, 0] == 0, 0, np.float32(0.9)))
        assert (discount == 0).sum() > COPIES
        starts = np.asarray(experience.observation)[0, COPIES:180:COPIES, 0] == 4
        cut = starts & (following[:-COPIES:COPIES, 0] > 0) & (following[:-COPIES:COPIES, 0] < 4)
        assert cut.any()  # ended by the time limit: bootstrapped

    @pytest.mark.parametrize("mode", MODES)
    def test_rollouts(self, mode: AutoresetMode) -> None:
        config = OnPolicyConfig(steps=COPIES * 20 * 3, environments=COPIES, rollout=20, evaluations=1, seeds=1)
        learner = Recorder(RecorderConfig(COPIES, 20), SPACES, 1)
        loop = OnPolicyLoop(FixedCountdown(), learner, config)
        compiled, _ = first_chunk(loop, jax.random.key(0))
        trainer = HostOnPolicyTrainer(
            task(FixedCountdown(), mode), task(Countdown()), Recorder(RecorderConfig(COPIES, 20), SPACES, 1), config
        )
        state, _, _ = trainer.advance(trainer.start(jax.random.key(0)[None]), config.iterations_done(1))
        trainer.close()
        assert_same(jax.tree.map(lambda x: x[0], state.train_state), compiled.train_state)
        assert compiled.train_state.rollout.ended.any()

    def test_what_was_drawn_is_learned_from_and_what_is_allowed_is_carried_out(self) -> None:
        class Echo(gymnasium.Env):
            observation_space = action_space = spaces.Box(-2.0, 2.0, (1,), np.float32)

            def reset(self, *, seed=None, options=None):
                return np.zeros(1, np.float32), {}

            def step(self, action):
                return action, 0.0, False, False, {}

        class Wild(Recorder):
            def act(self, train_state, observation, key):
                return jnp.full(observation.shape, 3.0)

        echo = HostTask(lambda n, seed: SyncVectorEnv([Echo] * n, autoreset_mode=AutoresetMode.SAME_STEP))
        config = OnPolicyConfig(steps=4, environments=1, rollout=4, evaluations=1)
        trainer = HostOnPolicyTrainer(echo, echo, Wild(RecorderConfig(1, 4), SPACES, 1), config)
        rollout = trainer.advance(trainer.start(jax.random.key(0)[None]), config.iterations_done(1))[
            0
        ].train_state.rollout
        trainer.close()
        np.testing.assert_array_equal(rollout.action, np.full((1, 4, 1, 1), 3))
        np.testing.assert_array_equal(rollout.next_observation, np.full((1, 4, 1, 1), 2))


class TestGoingOn:
    def test_episodes_in_flight_count_as_cut(self) -> None:
        config = OffPolicyConfig(
            steps=120, environments=COPIES, updates=1, warmup_steps=60, evaluations=1, seeds=2, replay_capacity=200
        )
        spaces = task(FixedCountdown()).spaces
        learner = DRQN(DRQNConfig(hidden=(8,), memory=4, sequence_length=4, burn_in=1, batch_size=2), spaces, 20)
        trainer = HostOffPolicyTrainer(task(FixedCountdown()), task(FixedCountdown()), learner, config)
        before = trainer.start(jax.random.split(jax.random.key(0), 2))
        after = trainer.go_on(before)
        trainer.close()
        index = int(before.replay.current_index[0]) - 1
        steps, cut = np.asarray(before.replay.experience.ended), np.asarray(after.replay.experience.ended)
        assert cut[:, :, index].all()
        np.testing.assert_array_equal(np.delete(cut, index, 2), np.delete(steps, index, 2))
        assert not steps[:, :, index].all()


DICT = spaces.Dict(
    {
        "image": spaces.Box(0, 255, (4, 4, 3), np.uint8),
        "many": spaces.MultiDiscrete([2, 3], start=[0, 1]),
        "one": spaces.Discrete(3, start=-1),
        "pair": spaces.Tuple((spaces.MultiBinary(2), spaces.Box(-2.0, np.inf, (1,), np.float32))),
    }
)


class TestSpaces:
    def test_every_kind_of_observation(self) -> None:
        image = np.zeros((2, 4, 4, 3), np.uint8)
        image[1, :2, :2] = 255
        batch = {
            "image": image,
            "many": np.array([[0, 1], [1, 3]]),
            "one": np.array([-1, 1]),
            "pair": (np.array([[0, 1], [1, 1]], np.int8), np.array([[0.5], [7.0]], np.float32)),
        }
        rest = [[1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0.5], [0, 1, 0, 0, 1, 0, 0, 1, 1, 1, 7.0]]
        small = encode(DICT, batch, shrink=2)
        np.testing.assert_array_equal(small[:, 12:], np.float32(rest))
        np.testing.assert_array_equal(small[:, :12], [[0] * 12, [1] * 3 + [0] * 9])
        full = encode(DICT, batch)
        assert full.shape == (2, 48 + 11)
        assert full.dtype == np.float32
        box = observation_space(DICT)
        np.testing.assert_array_equal(box.low, [0] * 58 + [-2])
        np.testing.assert_array_equal(box.high, [1] * 58 + [np.inf])

    def test_colours_may_come_first(self) -> None:
        image = np.zeros((1, 3, 4, 4), np.uint8)
        image[0, 1, 2:, :2] = 255
        expected = np.zeros((3, 2, 2))
        expected[1, 1, 0] = 1
        shrunk = encode(spaces.Box(0, 255, (3, 4, 4), np.uint8), image, shrink=2)
        np.testing.assert_array_equal(shrunk.reshape(3, 2, 2), expected)

    def test_final_observations_of_dictionaries(self) -> None:
        class Two(gymnasium.Env):
            observation_space = spaces.Dict({"a": spaces.Discrete(4), "b": spaces.Box(0, 9, (1,), np.float32)})
            action_space = spaces.Discrete(2)

            def reset(self, *, seed=None, options=None):
                self.time = 0
                return self.see(), {}

            def step(self, action):
                self.time += 1
                return self.see(), 1.0, self.time == 3, False, {}

            def see(self):
                return {"a": self.time, "b": np.full(1, 2 * self.time, np.float32)}

        taken = [
            rows(HostTask(lambda n, seed, mode=mode: SyncVectorEnv([Two] * n, autoreset_mode=mode)), 7, 0)
            for mode in MODES
        ]
        np.testing.assert_array_equal(taken[0][5][2, 0], [0, 0, 0, 1, 6])
        assert_same(taken[0], taken[1])
        assert_same(taken[0], taken[2])

    def test_actions(self) -> None:
        box = spaces.Box(np.float32([[0, -4]]), np.float32([[1, 4]]))
        ours = action_space(box)
        assert isinstance(ours, Box)
        np.testing.assert_array_equal(ours.low, [-1, -1])
        there = decode(box, np.float32([[-1, 1], [0, 0], [3, -3]]))
        np.testing.assert_array_equal(there, np.float32([[[0, 4]], [[0.5, 0]], [[1, -4]]]))
        assert action_space(spaces.Discrete(3, start=2)) == Discrete(3)
        np.testing.assert_array_equal(decode(spaces.Discrete(3, start=2), np.int32([0, 2])), [2, 4])

    @pytest.mark.parametrize(
        "space", [spaces.MultiDiscrete([2, 2]), spaces.Box(-np.inf, np.inf, (1,)), spaces.Box(0, 3, (1,), np.int8)]
    )
    def test_unsupported_actions_are_named(self, space: gymnasium.Space) -> None:
        with pytest.raises(ConfigurationError, match="action_space = "):
            action_space(space)

    def test_unsupported_observations_and_squares_are_named(self) -> None:
        with pytest.raises(ConfigurationError, match="observation_space = Text"):
            observation_space(spaces.Dict({"words": spaces.Text(5)}))
        with pytest.raises(ConfigurationError, match="shrink = 3"):
            observation_space(DICT, shrink=3)

    def test_scaled_observations(self) -> None:
        scaled = task(Countdown()).scaled(1.0)
        np.testing.assert_array_equal(scaled.spaces.observation.low, [-1])
        np.testing.assert_allclose(
            rows(scaled, 1, 5)[0], rows(task(Countdown()), 1, 5)[0] / 2.5 - 1, rtol=1e-6, atol=1e-6
        )


class TestEvaluation:
    def test_every_episode_counts_once(self) -> None:
        policy = LearnedPolicy(lambda observation, key: jnp.ones(observation.shape[:-1], jnp.int32))
        for mode in MODES:
            result = evaluate_host(task(Countdown(), mode), policy, 3, 20)
            length = result["length"]
            np.testing.assert_array_equal(result["return"], -length * (length - 1) / 2)
            assert set(length) == {3, 4, 5}

    def test_an_endless_episode_is_cut(self) -> None:
        policy = LearnedPolicy(lambda observation, key: jnp.zeros(observation.shape[:-1], jnp.int32))
        result = evaluate_host(replace(task(Countdown()), longest_evaluation=4), policy, 3, 5)
        np.testing.assert_array_equal(result["length"], 4)


DQN_RUN = RunConfig(
    "gymnasium:CartPole-v1",
    HostConfig(),
    "dqn",
    DQNConfig(hidden=(8,), batch_size=8),
    OffPolicyConfig(
        steps=240, environments=2, updates=1, warmup_steps=40, evaluations=2, evaluation_episodes=3, checkpoint_every=1, seeds=2,
        replay_capacity=200,
    ),
)  # fmt: skip
PPO_RUN = RunConfig(
    "gymnasium:CartPole-v1",
    HostConfig(),
    "ppo",
    PPOConfig(hidden=(8,), minibatches=2, epochs=1),
    OnPolicyConfig(
        steps=128, environments=2, rollout=16, evaluations=2, evaluation_episodes=2, checkpoint_every=1, input_span=1.0
    ),
)


def outcome(folder: Path, run: RunConfig) -> tuple[pd.DataFrame, dict[str, bytes], str]:
    train(folder, run, quiet)
    weights = {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("policy/**/*.safetensors")}
    return pd.read_csv(folder / "metrics.csv").drop(columns="wall_s"), weights, (folder / "test.json").read_text()


class TestRuns:
    @pytest.mark.slow
    @pytest.mark.parametrize("run", [DQN_RUN, PPO_RUN], ids=["off-policy", "on-policy"])
    def test_same_seed_same_run_other_seed_another(self, run: RunConfig, tmp_path: Path) -> None:
        first, again = outcome(tmp_path / "first", run), outcome(tmp_path / "again", run)
        other = outcome(tmp_path / "other", replace(run, training=replace(run.training, seed=9)))
        pd.testing.assert_frame_equal(first[0], again[0])
        assert first[1:] == again[1:]
        assert not first[0].equals(other[0])
        assert all(first[1][name] != other[1][name] for name in first[1])
        assert len(set(first[1].values())) >= run.training.seeds
        assert read_config(tmp_path / "first") == run

    @pytest.mark.slow
    def test_a_stopped_run_goes_on(self, tmp_path: Path) -> None:
        def stop(done: int, text: str) -> None:
            if done > 150:
                raise RuntimeError

        with pytest.raises(RuntimeError):
            train(tmp_path / "run", DQN_RUN, stop)
        metrics, weights, _ = outcome(tmp_path / "run", DQN_RUN)
        whole, _, _ = outcome(tmp_path / "whole", DQN_RUN)
        assert list(metrics["steps"]) == list(whole["steps"])
        pd.testing.assert_frame_equal(metrics[:2], whole[:2])
        assert len(weights) == 4

    def test_replay_must_fit_into_memory(self, tmp_path: Path) -> None:
        run = replace(DQN_RUN, training=replace(DQN_RUN.training, replay_capacity=10**12, steps=10**12))
        with pytest.raises(ConfigurationError, match="replay_capacity = 1000000000000: must be at most"):
            train(tmp_path / "run", run, quiet)
        assert not (tmp_path / "run").exists()

    def test_command_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder = str(tmp_path / "run")
        words = ["train", "gymnasium:CartPole-v1", "--algorithm", "dqn", "--folder", folder]
        words += [
            "--arguments",
            "sutton_barto_reward=true",
            "--hidden",
            "8",
            "--batch-size",
            "8",
            "--environments",
            "2",
        ]
        sizes = ["--steps", "120", "--warmup-steps", "40", "--evaluations", "1"]
        assert main([*words, *sizes, "--evaluation-episodes", "3", "--no-report", "--json"]) == 0
        assert '"return": {"mean": [-1.0]' in capsys.readouterr().out
        assert main(["evaluate", folder, "--episodes", "4", "--json"]) == 0
        assert '"policy": "random"' in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["gymnasium:CartPole-v9"], "CartPole-v9"),
            (["gymnasium:"], "gymnasium:ID"),
            (["gymnasium:no_such_module:Thing-v0"], "no_such_module"),
            (["gymnasium:CartPole-v1", "--arguments", "colour=red"], "colour"),
            (["gymnasium:CartPole-v1", "--arguments", "colour"], "NAME=VALUE"),
            (["gymnasium:CartPole-v1", "--wrappers", "gymnasium.wrappers:NoSuch"], "NoSuch"),
            (["gymnasium:CartPole-v1", "--algorithm", "sac"], "one for discrete actions"),
            (["gymnasium:Pendulum-v1", "--algorithm", "dqn"], "one for box actions"),
            (["envpool:NoSuchGame-v0"], "env"),
        ],
    )
    def test_mistakes_get_one_clear_line(
        self, words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["train", *words, "--folder", str(tmp_path / "run")]) in (1, 2)
        error = capsys.readouterr().err
        assert said in error
        assert error.splitlines()[-1].startswith("edgewise train: ")
        assert "Traceback" not in error
        assert not (tmp_path / "run").exists()


def test_compiled_environments_are_not_confused_with_others() -> None:
    with pytest.raises(ConfigurationError, match="which are compiled"):
        registry.make("gymnasium:CartPole-v1")
    with pytest.raises(ConfigurationError, match="gymnasium:ID"):
        registry.find("nowhere")
    with pytest.raises(EdgewiseError, match="envpool"):
        registry.find("envpool:NoSuch-v0").build(HostConfig()).copies(1, 0)
