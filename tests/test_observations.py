"""Structured observations: spaces, scaling, masks, replay, loops, adapters; shown by a crowd of walkers of changing number."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from crowd import AREA_M, Crowd
from edgewise.algorithms.base import PrioritisedAlgorithm, RecurrentAlgorithm, Step, Transition
from edgewise.common.errors import ConfigurationError
from edgewise.environments.adapters.gymnasium import GymnasiumEnvironment, GymnasiumVectorEnvironment
from edgewise.environments.adapters.spaces import from_bounds, to_array, to_gymnasium
from edgewise.environments.elements import batch_shape, faults
from edgewise.environments.environment import step_autoreset
from edgewise.environments.scaled import ScaledObservations
from edgewise.environments.spaces import Box, Dict, Discrete, Entities, components
from edgewise.numerics.masks import FORBIDDEN_LOGIT, allowed_actions
from edgewise.numerics.scaling import plain_scaling, read_scaling
from edgewise.policies.learned import LearnedPolicy
from edgewise.policies.scaled import with_inputs
from edgewise.training.evaluation import evaluate
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop, OffPolicyState
from edgewise.training.replay import PrioritisedReplay, SequenceReplay, UniformReplay, make_replay
from first_chunk import first_chunk

CROWD = Crowd()
SPACE = CROWD.observation_space
CONFIG = OffPolicyConfig(steps=400, environments=4, updates=1, warmup_steps=80, evaluations=1, replay_capacity=200)


def values(weight: jax.Array, observation: Any) -> jax.Array:
    """Q of the four quarters: linear in the mean of the walkers that are there."""
    walkers = observation["walkers"]
    there = walkers["mask"][..., None]
    mean = jnp.where(there, walkers["position"], 0.0).sum(-2) / jnp.maximum(there.sum(-2), 1) / AREA_M
    features = jnp.concatenate([mean, mean[..., :1] * mean[..., 1:], observation["clock"]["time"][..., None]], -1)
    return features @ weight


class SetPolicy(eqx.Module):
    """The open quarter of largest value."""

    weight: jax.Array

    @property
    def architecture(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> SetPolicy:
        return SetPolicy(jnp.zeros((4, 4)))

    def __call__(self, observation: Any, key: jax.Array | None) -> jax.Array:
        return jnp.argmax(
            jnp.where(allowed_actions(observation, 4), values(self.weight, observation), FORBIDDEN_LOGIT), -1
        )


@dataclass(frozen=True)
class Settings:
    """Of both learners."""

    discount: float = 0.5
    batch_size: int = 8
    n_step: int = 2
    priority_exponent: float = 0.0


class Bandit(PrioritisedAlgorithm[Settings, jax.Array]):
    """Learns the rewards of two steps, by stochastic gradient descent."""

    def importance_exponent(self, train_state: jax.Array) -> jax.Array:
        return jnp.asarray(0.5)

    def init(self, key: jax.Array) -> jax.Array:
        return jnp.zeros((4, 4))

    def policy(self, train_state: jax.Array) -> SetPolicy:
        return SetPolicy(train_state)

    def act(self, train_state: jax.Array, observation: Any, key: jax.Array, explore: bool) -> jax.Array:
        allowed = allowed_actions(observation, 4)
        return jax.random.categorical(key, jnp.where(allowed, 0.0, FORBIDDEN_LOGIT))

    def update_prioritised(
        self, train_state: jax.Array, batch: Transition, weight: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array], jax.Array]:
        def loss(w: jax.Array) -> tuple[jax.Array, jax.Array]:
            q = jnp.take_along_axis(values(w, batch.observation), batch.action[:, None], 1)[:, 0]
            return jnp.mean(weight * (q - batch.reward) ** 2), jnp.abs(q - batch.reward)

        (error, each), gradient = jax.value_and_grad(loss, has_aux=True)(train_state)
        return train_state - 1e-3 * gradient, {"loss": error}, each


class Follower(RecurrentAlgorithm[Settings, jax.Array]):
    """Learns nothing; its memory counts the walkers that it has seen."""

    @property
    def span(self) -> int:
        return 3

    def init(self, key: jax.Array) -> jax.Array:
        return jnp.zeros((4, 4))

    def policy(self, train_state: jax.Array) -> SetPolicy:
        return SetPolicy(train_state)

    def initial_memory(self, batch: tuple[int, ...]) -> jax.Array:
        return jnp.zeros(batch)

    def step(
        self, train_state: jax.Array, observation: Any, memory: jax.Array, key: jax.Array, explore: bool
    ) -> tuple[jax.Array, jax.Array]:
        return SetPolicy(train_state)(observation, None), memory + observation["walkers"]["mask"].sum(-1)

    def update(self, train_state: jax.Array, batch: Step, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        return train_state, {"time": batch.observation["clock"]["time"].mean()}


def bandit(exponent: float = 0.0) -> Bandit:
    return Bandit(Settings(priority_exponent=exponent), CROWD.spaces, CONFIG.total_updates)


def play(learner: Any, environment: Any = CROWD) -> OffPolicyState:
    state, metrics = first_chunk(OffPolicyLoop(environment, learner, CONFIG), jax.random.key(0))
    assert all(np.isfinite(np.asarray(value)).all() for value in metrics.values())
    return state


class TestSpaces:
    def test_drawn_elements_lie_in_their_space_and_in_gymnasiums(self) -> None:
        drawn = jax.vmap(SPACE.sample)(jax.random.split(jax.random.key(0), 40))
        assert faults(SPACE, drawn) == []
        assert batch_shape(SPACE, drawn) == (40,)
        counts = np.asarray(drawn["walkers"]["mask"].sum(1))
        assert set(counts) == {0, 1, 2, 3, 4}
        blank = ~np.asarray(drawn["walkers"]["mask"])
        assert (np.asarray(drawn["walkers"]["position"])[blank] == 0).all()
        space = to_gymnasium(SPACE)
        assert space.contains(GymnasiumEnvironment(CROWD)._observation(jax.tree.map(lambda x: x[0], drawn)))

    def test_components_are_counted(self) -> None:
        assert components(SPACE) == 4 * (1 + 2 + 1 + 1) + 1 + 1 + 4

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"walkers": {"mask": np.ones(4, bool)}}, "walkers/position is missing"),
            ({"wind": np.zeros(2)}, "wind is unknown: must be one of walkers, clock, action_mask"),
            ({"clock": np.zeros(2)}, "clock is no dictionary: must hold time, phase"),
            ({"clock": {"time": 9.0, "phase": 0}}, r"clock/time = 9: must be in \[0, 5\] slot"),
            ({"clock": {"time": 1.0, "phase": 2}}, r"clock/phase = 2: must be an integer in \[0, 1\]"),
            ({"clock": {"time": np.nan, "phase": 1}}, "clock/time holds a value that is not finite"),
            ({"clock": {"time": "noon", "phase": 1}}, "clock/time is no array of numbers"),
            ({"action_mask": np.ones(3)}, r"action_mask has shape \(3,\): must end in \(4,\)"),
            ({"action_mask": np.full(4, 0.5)}, "action_mask = 0.5: must be true or false"),
            ({"action_mask": np.ones((2, 4))}, r"action_mask has the leading axes \(2,\), walkers/mask has \(\)"),
        ],
    )
    def test_what_is_wrong_is_named(self, change: dict[str, Any], said: str) -> None:
        element = SPACE.sample(jax.random.key(1))
        assert faults(SPACE, element) == []
        found = faults(SPACE, {**element, **change})
        assert len(found) >= 1
        with pytest.raises(ValueError, match=said):
            raise ValueError("; ".join(found))

    def test_a_number_outside_is_named_by_its_place(self) -> None:
        element = SPACE.sample(jax.random.key(1))
        element["walkers"]["position"] = np.array([[0, 0], [0, 101], [0, 0], [0, 0]])
        assert faults(SPACE, element) == ["walkers/position[1, 1] = 101: must be in [-100, 100] m"]
        assert faults(SPACE, element, bounds=False) == []

    def test_impossible_spaces_are_refused(self) -> None:
        number = Box.of(0, 1, "m")
        for make, said in (
            (lambda: Entities({"mask": number}, 3), "mask"),
            (lambda: Entities({"kind": Discrete(3)}, 3), "Flags"),
            (lambda: Entities({"x": number}, 0), "most = 0"),
            (lambda: Dict({}), "must have a field"),
            (lambda: Dict({"a/b": number}), "without /"),
        ):
            with pytest.raises(ValueError, match=said):
                make()

    def test_sets_inside_sets(self) -> None:
        space = Entities({"cars": Entities({"speed": Box.of(-1, 1, "m/s")}, 3)}, 2)
        element = space.sample(jax.random.key(3))
        assert element["cars"]["speed"].shape == (2, 3)
        assert faults(space, element) == []

    def test_unbounded_boxes_are_drawn_within_two_units(self) -> None:
        low, high = np.array([-np.inf, 3, -np.inf], np.float32), np.array([np.inf, np.inf, 7], np.float32)
        drawn = np.asarray(jax.vmap(Box(low, high).sample)(jax.random.split(jax.random.key(0), 50)))
        assert (drawn >= [-1, 3, 5]).all()
        assert (drawn <= [1, 5, 7]).all()
        assert drawn.std(0).min() > 0.3

    def test_to_and_from_other_libraries(self) -> None:
        space = to_gymnasium(SPACE)
        assert space["walkers"]["body"]["left"] == gymnasium.spaces.MultiBinary((4,))
        back = from_bounds("observation_space", to_gymnasium(Dict({"a": Box.of(0, 1, "m", (2,)), "b": Discrete(3)})))
        assert isinstance(back, Dict)
        assert back.fields["b"] == Discrete(3)
        array = to_array(SPACE, SPACE.sample(jax.random.key(0)))
        assert array["walkers"]["mask"].dtype == bool
        with pytest.raises(ConfigurationError, match="must be a dictionary of walkers, clock"):
            to_array(SPACE, {"walkers": array["walkers"]})


class TestScaling:
    def test_numbers_are_scaled_and_flags_and_choices_stay(self) -> None:
        seen = ScaledObservations(CROWD, 2.0)
        key = jax.random.key(3)
        (_, raw), (state, observation) = CROWD.reset(key), seen.reset(key)
        np.testing.assert_allclose(observation["walkers"]["position"], raw["walkers"]["position"] * 2 / AREA_M)
        np.testing.assert_allclose(
            observation["walkers"]["body"]["distance"], raw["walkers"]["body"]["distance"] / 50 - 2
        )
        assert observation["clock"]["time"] == -2
        for path in ("mask",), ("body", "left"):
            ours, theirs = observation["walkers"], raw["walkers"]
            for name in path:
                ours, theirs = ours[name], theirs[name]
            np.testing.assert_array_equal(ours, theirs)
        assert observation["clock"]["phase"].dtype == raw["clock"]["phase"].dtype
        _, timestep = seen.step(key, state, jnp.asarray(1))
        assert faults(seen.observation_space, timestep.observation) == []

    def test_it_is_written_and_read(self) -> None:
        scaling = ScaledObservations(CROWD, 2.0).inputs
        assert read_scaling(plain_scaling(scaling)) == scaling

    def test_a_policy_takes_raw_observations(self) -> None:
        seen = ScaledObservations(CROWD, 2.0)
        inside = SetPolicy(jax.random.normal(jax.random.key(0), (4, 4)))
        raw = jax.vmap(SPACE.sample)(jax.random.split(jax.random.key(1), 20))
        action = with_inputs(inside, seen.inputs)(raw, None)
        np.testing.assert_array_equal(action, inside(seen.inputs(raw), None))
        result = evaluate(CROWD, LearnedPolicy(with_inputs(inside, seen.inputs)), jax.random.key(0), 3)
        assert result["return"].shape == (3,)


class TestLearning:
    def test_autoreset_keeps_the_final_observation(self) -> None:
        state, _ = CROWD.reset(jax.random.key(5))
        step = eqx.filter_jit(step_autoreset)
        for time in range(1, CROWD.steps + 1):
            state, timestep, observation = step(CROWD, jax.random.key(time), state, jnp.asarray(0))
            ended = bool(timestep.terminated | timestep.truncated)
            assert timestep.observation["clock"]["time"] == time
            assert observation["clock"]["time"] == (0 if ended else time)
            if ended:
                break
        assert ended

    @pytest.mark.slow
    @pytest.mark.parametrize("exponent", [0.0, 0.7])
    def test_transitions_of_two_steps(self, exponent: float) -> None:
        learner = bandit(exponent)
        state = play(learner)
        replay = make_replay(learner, CONFIG.environments, CONFIG.replay_capacity)
        assert isinstance(replay, PrioritisedReplay if exponent else UniformReplay)
        batch = replay._buffer.sample(state.replay, jax.random.key(3)).experience
        assert faults(SPACE, batch.observation) == faults(SPACE, batch.next_observation) == []
        before, after = (np.asarray(o["walkers"]["mask"]) for o in (batch.observation, batch.next_observation))
        assert not (after & ~before).any()
        passed = np.asarray(batch.next_observation["clock"]["time"] - batch.observation["clock"]["time"])
        assert set(passed) <= {1.0, 2.0}
        assert (passed[np.asarray(batch.discount) == 0.25] == 2).all()
        assert np.abs(np.asarray(state.train_state)).max() > 0

    def test_windows_of_steps_and_a_memory(self) -> None:
        learner = Follower(Settings(), CROWD.spaces, CONFIG.total_updates)
        state = play(learner)
        replay = make_replay(learner, CONFIG.environments, CONFIG.replay_capacity)
        assert isinstance(replay, SequenceReplay)
        batch = replay._buffer.sample(state.replay, jax.random.key(3)).experience
        assert faults(SPACE, batch.observation) == []
        time, ended = np.asarray(batch.observation["clock"]["time"]), np.asarray(batch.ended)
        assert time.shape == (8, 3)
        np.testing.assert_array_equal(time[:, 1:], np.where(ended[:, :-1], 0, time[:, :-1] + 1))

    def test_scaled_observations_are_learned_from_and_raw_ones_played(self) -> None:
        seen = ScaledObservations(CROWD, 1.0)
        loop = OffPolicyLoop(seen, bandit(), replace(CONFIG, input_span=1.0))
        state = play(bandit(), seen)
        assert np.abs(state.observation["walkers"]["position"]).max() <= 1
        assert loop.policy(state.train_state).inputs == seen.inputs

    def test_closed_quarters_are_not_chosen(self) -> None:
        raw = jax.vmap(SPACE.sample)(jax.random.split(jax.random.key(1), 50))
        action = SetPolicy(jax.random.normal(jax.random.key(0), (4, 4)))(raw, None)
        open_ones = np.asarray(raw["action_mask"])
        chosen = np.take_along_axis(open_ones, np.asarray(action)[:, None], 1)[:, 0]
        assert (chosen | ~open_ones.any(1)).all()


class TestGymnasium:
    def test_its_own_checker_is_content(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(GymnasiumEnvironment(CROWD), skip_render_check=True)

    @pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
    def test_copies_step_together(self, mode: str) -> None:
        copies = GymnasiumVectorEnvironment(CROWD, 3, mode)
        observations, _ = copies.reset(seed=1)
        finals = 0
        for _ in range(8):
            assert copies.observation_space.contains(observations)
            observations, _, _, _, info = copies.step(copies.action_space.sample())
            for index in np.flatnonzero(info.get("_final_obs", [])):
                assert copies.single_observation_space.contains(info["final_obs"][index])
                finals += 1
        assert (finals > 0) == (mode == "SameStep")
