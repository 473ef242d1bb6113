"""Actions of any finite box: learners act in [-1, 1], environments and deployed policies in the environment's own units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Array, Int, PRNGKeyArray

from edgewise.algorithms.registry import ALGORITHMS, find_algorithm
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.environment import Environment, TimeStep, scalar
from edgewise.environments.registry import SYSTEMS
from edgewise.environments.rescaled import RescaledActions, with_unit_actions
from edgewise.environments.scaled import ScaledObservations
from edgewise.environments.spaces import Box, Discrete
from edgewise.environments.system import System
from edgewise.numerics.rescaling import Rescaling
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.deterministic import DeterministicPolicy
from edgewise.policies.learned import LearnedPolicy
from edgewise.policies.recurrent import RecurrentGreedyPolicy
from edgewise.policies.rescaled import RescaledPolicy, with_outputs
from edgewise.training.build import build
from edgewise.training.choose_loop import training_config
from edgewise.training.evaluation import evaluate
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig
from edgewise.training.saved import load_learned

LOW, HIGH = np.array([0, -2], np.float32), np.array([10, -1], np.float32)
BOX_LEARNERS = [name for name in ALGORITHMS.names() if "box" in find_algorithm(name).actions]
BOUND = st.floats(-(2.0**127), 2.0**127, width=32, allow_subnormal=False)
TO_BOX = Rescaling(tuple(LOW.tolist()), tuple(HIGH.tolist()))


@dataclass(frozen=True)
class ValvesConfig:
    """Bounds of both actions."""

    low: tuple[float, float] = (0.0, -2.0)
    high: tuple[float, float] = (10.0, -1.0)


class Valves(Environment[Int[Array, ""]]):
    """Rewards a flow near 7 and a level near -1.25, tells which it was given, and always shows the same."""

    config: ValvesConfig = eqx.field(static=True)

    @property
    def observation_space(self) -> Box:
        return Box(np.zeros(2, np.float32), np.full(2, 4, np.float32))

    @property
    def action_space(self) -> Box:
        return Box(np.array(self.config.low, np.float32), np.array(self.config.high, np.float32))

    @property
    def horizon(self) -> int:
        return 4

    def reset(self, key: PRNGKeyArray) -> tuple[Int[Array, ""], Array]:
        return jnp.zeros((), int), jnp.array([1.0, 3.0])

    def step(self, key: PRNGKeyArray, state: Int[Array, ""], action: Array) -> tuple[Int[Array, ""], TimeStep]:
        flow, level = action
        timestep = TimeStep(
            observation=jnp.array([1.0, 3.0]),
            reward=1 - ((flow - 7) / 10) ** 2 - (level + 1.25) ** 2,
            terminated=state + 1 >= self.horizon,
            truncated=jnp.zeros((), bool),
            info={"flow": scalar(flow), "level": scalar(level)},
        )
        return state + 1, timestep


@dataclass(frozen=True)
class ValvesSystem(System):
    """Described for the registry."""

    @property
    def config(self) -> type[Any]:
        return ValvesConfig

    def build(self, config: Any) -> Any:
        return Valves(config)


@pytest.fixture(scope="module", autouse=True)
def known() -> Iterator[None]:
    registry.register(ValvesSystem("valves", "two actions in a box of their own"))
    yield
    del SYSTEMS._registered["valves"]


def run_of(name: str, config: ValvesConfig = ValvesConfig()) -> RunConfig:
    fields = find_algorithm(name).config.__dataclass_fields__
    small = {"hidden": (16,), "batch_size": 16, "denoising_steps": 2, "actor_rate": 1e-2, "critic_rate": 1e-2}
    kind = training_config(name)
    sizes = (
        {"warmup_steps": 64, "replay_capacity": 600} if "warmup_steps" in kind.__dataclass_fields__ else {"rollout": 8}
    )
    training = kind(steps=600, environments=4, evaluations=2, evaluation_episodes=2, seeds=1, **sizes)
    algorithm = find_algorithm(name).config(**{k: v for k, v in small.items() if k in fields})
    return RunConfig("valves", config, name, algorithm, training)


def inside(action: np.ndarray) -> bool:
    return bool((action >= LOW).all() and (action <= HIGH).all())


class TestRescaling:
    def test_ends_are_exact_and_the_middle_is_the_middle(self) -> None:
        for x, expected in ((-1.0, LOW), (1.0, HIGH), (0.0, (LOW + HIGH) / 2), (-7.0, LOW), (7.0, HIGH)):
            np.testing.assert_array_equal(TO_BOX(jnp.full(2, x)), expected)

    @settings(deadline=None)
    @given(BOUND, BOUND, st.floats(-1.5, 1.5, width=32, allow_subnormal=False))
    def test_images_lie_between_the_bounds(self, one: float, other: float, x: float) -> None:
        low, high = sorted((one, other))
        image = np.asarray(Rescaling((low,), (high,))(jnp.full((1,), x)))
        assert np.float32(low) <= image[0] <= np.float32(high)


class TestEnvironment:
    def test_acted_on_in_the_unit_box(self) -> None:
        plain = Valves(ValvesConfig())
        seen = with_unit_actions(plain)
        assert isinstance(seen, RescaledActions)
        assert seen.action_space.is_unit
        assert seen.horizon == plain.horizon
        state, observation = seen.reset(jax.random.key(0))
        np.testing.assert_array_equal(observation, plain.reset(jax.random.key(0))[1])
        _, timestep = seen.step(jax.random.key(0), state, jnp.array([0.4, 0.5]))
        np.testing.assert_allclose([timestep.info["flow"], timestep.info["level"]], [7.0, -1.25], rtol=1e-6)
        np.testing.assert_allclose(timestep.reward, 1.0, rtol=1e-6)

    def test_observations_may_be_scaled_too(self) -> None:
        seen = ScaledObservations(with_unit_actions(Valves(ValvesConfig())), 1.0)
        assert seen.rescaling == TO_BOX
        assert seen.action_space.is_unit

    def test_unit_boxes_and_choices_stay_as_they_are(self) -> None:
        unit = Valves(ValvesConfig((-1.0, -1.0), (1.0, 1.0)))
        assert with_unit_actions(unit) is unit
        choices = registry.make("cartpole")
        assert isinstance(choices.action_space, Discrete)
        assert with_unit_actions(choices) is choices
        policy = DeterministicPolicy.create(2, 2, (4,), jax.random.key(0))
        assert with_outputs(policy, unit.rescaling) is policy

    @pytest.mark.parametrize("name", BOX_LEARNERS)
    def test_a_box_without_bounds_is_refused(self, name: str) -> None:
        endless = ValvesConfig((0.0, -np.inf), (10.0, np.inf))
        with pytest.raises(ConfigurationError, match=r"action_space = 'box of shape \(2,\) in \[-inf, inf\]': must be"):
            build(run_of(name, endless))


class TestPolicy:
    def test_saved_and_loaded_it_acts_in_the_units_of_the_environment(self, tmp_path: Path) -> None:
        inner = DeterministicPolicy.create(2, 2, (4,), jax.random.key(0))
        policy = RescaledPolicy(inner, TO_BOX)
        save_policy(tmp_path, PolicyArtefact(policy, "valves", {}, "td3", 0))
        observation = np.array([[1.0, 3.0], [0.5, 0.5]], np.float32)
        expected = LOW + (HIGH - LOW) * (np.asarray(inner(jnp.asarray(observation))) + 1) / 2
        np.testing.assert_allclose(load_policy(tmp_path).act(observation), expected, rtol=1e-5)
        again = RescaledPolicy.blank(policy.architecture)
        assert jax.tree.structure(again) == jax.tree.structure(policy)

    def test_memory_goes_through(self) -> None:
        class Remembering(RecurrentGreedyPolicy):
            def step(self, observation: Array, memory: Any, key: PRNGKeyArray | None) -> tuple[Array, Any]:
                values, memory = self.values(observation, memory)
                return jnp.tanh(values), memory

        inner = RecurrentGreedyPolicy.create(2, 2, (4,), "gru", 3, jax.random.key(0))
        inner = Remembering(inner.encoder, inner.cell, inner.head)
        policy = RescaledPolicy(inner, TO_BOX)
        memory = policy.initial_memory((5,))
        action, after = policy.step(jnp.ones((5, 2)), memory, None)
        assert inside(np.asarray(action))
        np.testing.assert_array_equal(after, inner.step(jnp.ones((5, 2)), memory, None)[1])


def test_the_action_used_is_the_scaled_one() -> None:
    environment, loop = build(run_of("td3"))
    state = jax.eval_shape(loop.algorithm.init, jax.random.key(0))
    assert loop.environment.rescaling == TO_BOX
    train_state = loop.algorithm.init(jax.random.key(0))
    assert jax.tree.structure(train_state) == jax.tree.structure(state)
    inner, policy = loop.algorithm.policy(train_state), loop.policy(train_state)
    observation = jnp.array([1.0, 3.0])
    played = evaluate(environment, LearnedPolicy(policy), jax.random.key(0), 2)
    used = np.stack([played["flow"], played["level"]], -1)
    np.testing.assert_allclose(used, np.tile(TO_BOX(inner(observation)), (2, 1)), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOX_LEARNERS)
def test_every_box_learner_trains_and_acts_inside_the_box(name: str, tmp_path: Path) -> None:
    run = run_of(name)
    test = train(tmp_path, run, lambda done, text: None)
    environment, _ = build(run)
    loaded = load_policy(tmp_path / "policy/best/seed-0")
    action = loaded.act(np.array([1.0, 3.0], np.float32))
    assert inside(action)
    drawn = [loaded.act(np.array([1.0, 3.0], np.float32), jax.random.key(i)) for i in range(20)]
    assert inside(np.stack(drawn))
    learned = load_learned(tmp_path / "policy/best/seed-0", environment)
    played = evaluate(environment, LearnedPolicy(learned), jax.random.key(1), 2)
    np.testing.assert_allclose([played["flow"][0], played["level"][0]], action, rtol=1e-5)
    np.testing.assert_allclose(test["flow"]["mean"][0], action[0], rtol=1e-5)
