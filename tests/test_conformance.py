"""What every environment of the registry must do."""

from __future__ import annotations

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.adapters.spaces import to_gymnasium
from edgewise.environments.environment import Environment

COPIES = 3
NEVER_TERMINATED = {"agent-migration", "service-selection", "dynamic-contract", "pendulum"}
RANDOM_ONLY_AT_RESET = {"cartpole", "acrobot", "pendulum"}


class Case:
    """An environment with its compiled functions and one whole episode."""

    def __init__(self, name: str, environment: Environment) -> None:
        self.name = name
        self.environment = environment
        self.reset = eqx.filter_jit(environment.reset)
        self.step = eqx.filter_jit(environment.step)
        self.first_state, self.first_observation = self.reset(jax.random.key(1))
        self.actions, (self.states, self.episode) = self._episode(jax.random.key(2))

    def _episode(self, key):
        action_key, step_key = jax.random.split(key)
        steps = self.environment.horizon
        actions = jax.vmap(self.environment.action_space.sample)(jax.random.split(action_key, steps))

        def advance(state, inputs):
            key, action = inputs
            state, timestep = self.environment.step(key, state, action)
            return state, (state, timestep)

        _, history = jax.lax.scan(advance, self.first_state, (jax.random.split(step_key, steps), actions))
        return actions, history


ALONE = [name for name in registry.names() if not registry.find(name).several_agents]


@pytest.fixture(scope="module", params=ALONE)
def case(request):
    return Case(request.param, registry.make(request.param))


def assert_equal(these, those, tolerance=0.0):
    assert jax.tree.structure(these) == jax.tree.structure(those)
    for this, that in zip(jax.tree.leaves(these), jax.tree.leaves(those), strict=True):
        np.testing.assert_allclose(np.asarray(this, float), np.asarray(that, float), rtol=tolerance, atol=tolerance)


def test_observations_lie_in_their_space(case):
    space = to_gymnasium(case.environment.observation_space)
    assert np.asarray(case.first_observation) in space
    for observation in np.asarray(case.episode.observation):
        assert observation in space


def test_bounds_are_finite(case):
    for space in (to_gymnasium(case.environment.observation_space), to_gymnasium(case.environment.action_space)):
        if isinstance(space, gymnasium.spaces.Box):
            assert np.isfinite(space.low).all()
            assert np.isfinite(space.high).all()


def test_sampled_actions_lie_in_their_space(case):
    space = to_gymnasium(case.environment.action_space)
    for key in jax.random.split(jax.random.key(0), 20):
        assert np.asarray(case.environment.action_space.sample(key)) in space


def test_observation_and_reward_are_float32(case):
    assert case.first_observation.dtype == case.episode.observation.dtype == jnp.float32
    assert case.episode.reward.dtype == jnp.float32
    assert {value.dtype for value in case.episode.info.values()} == {jnp.dtype("float32")}
    assert case.episode.terminated.dtype == case.episode.truncated.dtype == bool


def test_everything_is_finite(case):
    for leaf in jax.tree.leaves((case.states, case.episode)):
        assert jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) or np.isfinite(np.asarray(leaf)).all()


def test_info_has_the_same_scalars_at_every_step(case):
    _, timestep = case.step(jax.random.key(3), case.first_state, case.actions[0])
    assert timestep.info.keys() == case.episode.info.keys()
    assert all(value.shape == () for value in timestep.info.values())
    assert all(value.shape == (case.environment.horizon,) for value in case.episode.info.values())


def test_headline_and_columns_are_in_info(case):
    entry = registry.find(case.name)
    assert {entry.headline.metric, *entry.columns} <= {"return", *case.episode.info}


def test_an_episode_is_cut_at_the_horizon_unless_it_terminates_before(case):
    terminated, truncated = np.asarray(case.episode.terminated), np.asarray(case.episode.truncated)
    if case.name in NEVER_TERMINATED:
        assert not terminated.any()
    if not terminated.any():
        np.testing.assert_array_equal(truncated, np.arange(len(truncated)) == case.environment.horizon - 1)


def test_step_does_not_reset(case):
    """The observation of the last slot belongs to the episode that ends: one more step goes on from it."""
    last = jax.tree.map(lambda leaf: leaf[-1], case.states)
    following, timestep = case.step(jax.random.key(4), last, case.actions[0])
    assert bool(timestep.truncated | timestep.terminated)
    fresh, _ = case.reset(jax.random.key(4))
    different = [
        not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(following), jax.tree.leaves(fresh), strict=True)
    ]
    assert any(different)


def test_state_keeps_its_structure_shapes_and_types(case):
    def describe(state):
        return jax.tree.map(lambda leaf: (jnp.shape(leaf), jnp.asarray(leaf).dtype, jnp.asarray(leaf).weak_type), state)

    state, _ = case.step(jax.random.key(3), case.first_state, case.actions[0])
    assert describe(state) == describe(case.first_state)


def test_same_key_same_path_and_another_key_another(case):
    again, observation = case.reset(jax.random.key(1))
    assert_equal((again, observation), (case.first_state, case.first_observation))
    _, other = case.reset(jax.random.key(99))
    assert not np.array_equal(other, observation)
    one, two, three = (case.step(jax.random.key(k), case.first_state, case.actions[0]) for k in (5, 5, 6))
    assert_equal(one, two)
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(three), strict=True)
    assert all(np.array_equal(this, that) for this, that in leaves) == (case.name in RANDOM_ONLY_AT_RESET)


def test_compiled_equals_interpreted(case):
    compiled = case.step(jax.random.key(7), case.first_state, case.actions[0])
    with jax.disable_jit():
        interpreted = case.environment.step(jax.random.key(7), case.first_state, case.actions[0])
    assert_equal(compiled, interpreted, tolerance=1e-5)


def test_vectorised_equals_a_loop(case):
    keys = jax.random.split(jax.random.key(8), COPIES)
    states, observations = jax.jit(jax.vmap(case.environment.reset))(keys)
    stepped = jax.jit(jax.vmap(case.environment.step))(keys, states, case.actions[:COPIES])
    for index in range(COPIES):
        state, observation = case.reset(keys[index])
        np.testing.assert_allclose(observations[index], observation, rtol=1e-5, atol=1e-5)
        alone = case.step(keys[index], state, case.actions[index])
        assert_equal(jax.tree.map(lambda leaf, i=index: leaf[i], stepped), alone, tolerance=1e-5)


def test_gymnasium_ids_are_those_of_the_entries():
    for name in ALONE:
        assert gymnasium.spec(registry.find(name).gymnasium_id).kwargs == {"system": name}


def test_unknown_name_and_field_are_named_with_what_exists():
    with pytest.raises(ConfigurationError, match="environment = 'agent': must be one of acrobot, agent-migration"):
        registry.make("agent")
    with pytest.raises(
        ConfigurationError, match=r"field = 'vehicels': must be one of vehicles, rsus, slots, .*; did you mean vehicles"
    ):
        registry.make("agent-migration", vehicels=3)


def test_overrides_reach_the_environment():
    environment = registry.make("agent-migration", vehicles=3, rsus=2, slots=7, attacked_rsus=1)
    assert (environment.vehicles, environment.rsus, environment.horizon) == (3, 2, 7)
