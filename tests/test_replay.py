"""What is replayed: n-step transitions, priorities and their weights, windows of steps; and the memory of a learner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.base import Step, Transition
from edgewise.algorithms.cgdm import CGDMConfig
from edgewise.algorithms.dqn import DQN, DQNConfig
from edgewise.algorithms.drqn import DRQN, DRQNConfig
from edgewise.algorithms.registry import find_algorithm
from edgewise.common.errors import ConfigurationError
from edgewise.environments.episode import record_episode
from edgewise.numerics.select import select
from edgewise.policies.learned import LearnedPolicy
from edgewise.training.choose_loop import build_loop
from edgewise.training.evaluation import evaluate
from edgewise.training.experience import n_step
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop, OffPolicyState
from edgewise.training.replay import PrioritisedReplay, importance, make_replay
from first_chunk import first_chunk
from probes import Probe

GAMMA = 0.5
CONFIG = OffPolicyConfig(steps=400, environments=4, updates=2, warmup_steps=40, evaluations=1, replay_capacity=1000)
PROBE = Probe(lambda step, shown, action: shown * action, 3, True, actions=2)
SMALL = DQNConfig(hidden=(8,), batch_size=16, discount=GAMMA)


def steps(rewards: list[float], terminated: list[int], ended: list[int]) -> Step:
    """Steps of one copy; step t leads from observation t to observation t + 1."""
    t = jnp.arange(len(rewards), dtype=float)[:, None, None]
    return Step(
        observation=t,
        action=jnp.arange(len(rewards))[:, None],
        reward=jnp.array(rewards)[:, None],
        terminated=jnp.array(terminated, bool)[:, None],
        ended=jnp.array(ended, bool)[:, None],
        next_observation=t + 1,
    )


@pytest.mark.parametrize(
    ("terminated", "ended", "reward", "discount", "following"),
    [
        ([0, 0, 0], [0, 0, 0], 1 + 2 * GAMMA + 4 * GAMMA**2, GAMMA**3, 3),
        ([0, 0, 1], [0, 0, 1], 1 + 2 * GAMMA + 4 * GAMMA**2, 0, 3),
        ([0, 0, 0], [0, 0, 1], 1 + 2 * GAMMA + 4 * GAMMA**2, GAMMA**3, 3),
        ([0, 1, 0], [0, 1, 0], 1 + 2 * GAMMA, 0, 2),
        ([0, 0, 0], [0, 1, 0], 1 + 2 * GAMMA, GAMMA**2, 2),
        ([1, 0, 0], [1, 0, 0], 1, 0, 1),
        ([0, 0, 0], [1, 0, 0], 1, GAMMA, 1),
        ([0, 0, 1], [1, 0, 1], 1, GAMMA, 1),
    ],
    ids=["inside", "terminated last", "truncated last", "terminated in the middle", "truncated in the middle",
         "terminated first", "truncated first", "the next episode ends too"],
)  # fmt: skip
def test_n_step(terminated: list[int], ended: list[int], reward: float, discount: float, following: int) -> None:
    transition = n_step(steps([1.0, 2.0, 4.0], terminated, ended), GAMMA)
    assert (transition.observation[0, 0], transition.action[0]) == (0, 0)
    assert transition.reward[0] == reward
    assert transition.discount[0] == discount
    assert transition.next_observation[0, 0] == following


def play(algorithm: Any, config: OffPolicyConfig = CONFIG, probe: Probe = PROBE) -> OffPolicyState:
    loop = OffPolicyLoop(probe, algorithm, config)
    state, _ = first_chunk(loop, jax.random.key(0))
    return state


class TestPrioritised:
    def test_weights(self) -> None:
        probability = np.array([0.1, 0.4, 0.05, 0.2], np.float32)
        raw = (1000 * probability) ** -0.6
        np.testing.assert_allclose(importance(jnp.asarray(probability), jnp.asarray(0.6)), raw / raw.max(), rtol=1e-5)
        np.testing.assert_array_equal(importance(jnp.asarray(probability), jnp.asarray(0.0)), 1)
        np.testing.assert_allclose(importance(jnp.array([0.0, 0.2, 0.1]), jnp.asarray(1.0)), [0, 0.5, 1])

    def test_drawn_in_proportion_to_the_powers_of_the_errors(self) -> None:
        """A learner without any learning, which finds the error of a transition in its reward."""

        class Fixed(DQN):
            def update_prioritised(
                self, train_state: Any, batch: Transition, weight: jax.Array, key: jax.Array
            ) -> tuple[Any, dict[str, jax.Array], jax.Array]:
                drawn = (batch.reward[:, None] == jnp.arange(4.0)).sum(0)
                weights = jnp.where(batch.reward[:, None] == jnp.arange(4.0), weight[:, None], 0.0).max(0)
                return train_state, {"drawn": drawn, "weights": weights}, batch.reward

        learner = Fixed(DQNConfig(batch_size=64, priority_exponent=0.5, importance_exponent=1.0), PROBE.spaces, 10)
        replay = make_replay(learner, 4, 64)
        assert isinstance(replay, PrioritisedReplay)
        one = steps([0.0], [0], [0])
        state = replay.init(jax.tree.map(lambda x: x[0, 0], one))
        four = jax.tree.map(lambda x: jnp.repeat(x, 4, axis=1), one)
        state = replay.add(state, replace(four, reward=jnp.arange(4.0)[None]))
        learn = eqx.filter_jit(replay.learn)
        _, _, metrics = learn(learner.init(jax.random.key(0)), state, jax.random.split(jax.random.key(1), 60))
        np.testing.assert_array_equal(metrics["drawn"][0], 16)  # new ones all have the same priority
        share = np.asarray(metrics["drawn"][5:]).mean(0) / 64
        expected = np.sqrt(np.arange(4)) / np.sqrt(np.arange(4)).sum()
        np.testing.assert_allclose(share, expected, atol=0.02)
        weights = np.asarray(metrics["weights"][5:]).max(0)
        np.testing.assert_allclose(weights[2:] / weights[1], 1 / np.sqrt([2, 3]), rtol=0.01)

    def test_uniform_unless_asked_otherwise(self) -> None:
        assert not isinstance(make_replay(DQN(SMALL, PROBE.spaces, 10), 4, 100), PrioritisedReplay)

    @pytest.mark.slow
    def test_it_runs_inside_the_loop_over_seeds_and_priorities_move(self) -> None:
        config = replace(CONFIG, replay_capacity=100)  # filled more than once
        algorithm = DQN(replace(SMALL, priority_exponent=0.6, n_step=2), PROBE.spaces, config.total_updates)
        loop = OffPolicyLoop(PROBE, algorithm, config)
        run = eqx.filter_vmap(first_chunk, in_axes=(None, 0))
        state, metrics = run(loop, jax.random.split(jax.random.key(0), 2))
        nodes = np.asarray(state.replay.sum_tree_state.nodes)
        assert len(np.unique(nodes[0, -128:])) > 20
        np.testing.assert_allclose(nodes[:, 0], nodes[:, -128:].sum(1), rtol=1e-3)
        assert not np.array_equal(nodes[0], nodes[1])
        assert np.isfinite(np.asarray(metrics["loss"])).all()


class TestSequences:
    config = DRQNConfig(hidden=(8,), memory=4, batch_size=16, sequence_length=5, burn_in=1, discount=GAMMA)

    @pytest.mark.slow
    def test_windows_are_successive_steps_of_one_copy(self) -> None:
        algorithm = DRQN(self.config, PROBE.spaces, CONFIG.total_updates)
        state = play(algorithm, replace(CONFIG, replay_capacity=60))  # filled more than once
        replay = make_replay(algorithm, 4, 60)
        batch = replay._buffer.sample(state.replay, jax.random.key(3)).experience
        assert batch.reward.shape == (16, 5)
        going = ~np.asarray(batch.ended[:, :-1])
        assert 0 < going.mean() < 1
        # inside an episode a step goes on from where the last one led, and the number shown tells the copies apart
        np.testing.assert_array_equal(
            np.asarray(batch.next_observation[:, :-1])[going], np.asarray(batch.observation[:, 1:])[going]
        )
        assert (np.asarray(batch.observation[:, 1:, 0])[~going] == 0).all()

    def test_memory_starts_anew_with_every_episode(self) -> None:
        algorithm = DRQN(self.config, PROBE.spaces, CONFIG.total_updates)
        loop = OffPolicyLoop(PROBE, algorithm, CONFIG)
        state = eqx.filter_jit(loop.start)(jax.random.key(0))
        collect = eqx.filter_jit(loop._collect)
        memory = jnp.ones((4, 4))
        ends = 0
        for i in range(6):
            state = collect(state, jnp.zeros(4, int), memory, jax.random.key(i))
            begun = np.asarray(state.observation[:, 0]) == 0
            np.testing.assert_array_equal(state.memory, np.where(begun[:, None], 0.0, np.ones((4, 4))))
            ends += begun.sum()
        assert ends == 8

    def test_select_takes_any_memory(self) -> None:
        ended = jnp.array([True, False])
        fresh, kept = (jnp.zeros((2, 3)), jnp.zeros(2)), (jnp.ones((2, 3)), jnp.ones(2))
        h, c = select(ended, fresh, kept)
        np.testing.assert_array_equal(h, [[0, 0, 0], [1, 1, 1]])
        np.testing.assert_array_equal(c, [0, 1])
        assert select(ended, (), ()) == ()


class Counter(eqx.Module):
    """A policy whose action is the number of steps that it remembers."""

    @property
    def observation_size(self) -> int:
        return 2

    @property
    def architecture(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> Counter:
        return Counter()

    def initial_memory(self, batch: tuple[int, ...]) -> jax.Array:
        return jnp.zeros(batch, int)

    def step(self, observation: jax.Array, memory: jax.Array, key: jax.Array | None) -> tuple[jax.Array, jax.Array]:
        return memory, memory + 1


def test_an_episode_is_played_with_its_own_memory() -> None:
    probe = Probe(lambda step, shown, action: action, 4, True, actions=9)
    _, _, actions = record_episode(probe, LearnedPolicy(Counter()), jax.random.key(0))
    np.testing.assert_array_equal(actions, np.arange(probe.horizon))
    result = evaluate(probe, LearnedPolicy(Counter()), jax.random.key(0), 5)
    np.testing.assert_array_equal(result["return"], 0 + 1 + 2 + 3)


@pytest.mark.parametrize(
    ("name", "config", "training", "said"),
    [
        ("dqn", replace(SMALL, n_step=12), {}, r"warmup_steps = 40: must be at least .* = 44"),
        ("drqn", DRQNConfig(sequence_length=12), {}, r"warmup_steps = 40: must be at least .* = 44"),
        (
            "drqn",
            DRQNConfig(sequence_length=9, batch_size=4),
            {"replay_capacity": 30},
            r"replay_capacity = 30: .* = 36",
        ),
        (
            "dqn",
            replace(SMALL, batch_size=401),
            {"replay_capacity": 400},
            r"batch_size = 401: must be at most .*replay_capacity = 400",
        ),
    ],
)
def test_too_little_experience_is_refused(name: str, config: Any, training: dict[str, int], said: str) -> None:
    algorithm = find_algorithm(name).build(config, PROBE.spaces, 10)
    with pytest.raises(ConfigurationError, match=said):
        build_loop(PROBE, algorithm, replace(CONFIG, **training))


@pytest.mark.slow
def test_the_shortest_warm_up_is_enough() -> None:
    play(DQN(replace(SMALL, n_step=3, batch_size=4), PROBE.spaces, 10), replace(CONFIG, steps=20, warmup_steps=8))


@pytest.mark.parametrize("exponent", [0.0, 0.6], ids=["uniform", "prioritised"])
def test_a_run_shorter_than_a_batch_learns(exponent: float) -> None:
    learner = DQN(replace(SMALL, batch_size=32, priority_exponent=exponent), PROBE.spaces, 10)
    state = play(learner, replace(CONFIG, steps=20, warmup_steps=8))
    fresh = learner.init(jax.random.key(0))
    leaves = jax.tree.leaves(eqx.filter((state.train_state, fresh), eqx.is_inexact_array))
    assert all(np.isfinite(leaf).all() for leaf in leaves)


@pytest.mark.parametrize("name", ["dqn", "prioritised-dqn", "drqn", "rainbow"])
def test_continuous_actions_are_refused_and_the_fitting_ones_named(name: str) -> None:
    entry = find_algorithm(name)
    with pytest.raises(ConfigurationError, match=rf"algorithm = '{name}': must be one for box actions: .*cgdm"):
        entry.build(entry.config(), replace(PROBE, actions=None).spaces, 10)
    with pytest.raises(ConfigurationError, match=rf"one for discrete actions: .*{name}"):
        find_algorithm("cgdm").build(CGDMConfig(), PROBE.spaces, 10)
