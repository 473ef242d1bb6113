"""What every environment of the registry must do."""

from __future__ import annotations

import equinox as eqx
import gymnasium
import jax
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.adapters.spaces import to_gymnasium
from edgewise.environments.checker import check_environment
from edgewise.environments.environment import Environment
from edgewise.environments.game_checker import check_game

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


@pytest.mark.exact
def test_the_contract_is_kept(case):
    check_environment(case.environment)


def test_gymnasiums_spaces_hold_what_is_seen(case):
    space = to_gymnasium(case.environment.observation_space)
    assert np.asarray(case.first_observation) in space
    for observation in np.asarray(case.episode.observation):
        assert observation in space


@pytest.mark.parametrize("name", [name for name in registry.names() if name not in ALONE])
def test_games_keep_theirs(name):
    check_game(registry.make(name))


def test_headline_and_columns_are_in_info(case):
    entry = registry.find(case.name)
    assert {entry.headline.metric, *entry.columns} <= {"return", *case.episode.info}


def test_an_episode_is_cut_at_the_horizon_unless_it_terminates_before(case):
    terminated, truncated = np.asarray(case.episode.terminated), np.asarray(case.episode.truncated)
    if case.name in NEVER_TERMINATED:
        assert not terminated.any()
    if not terminated.any():
        np.testing.assert_array_equal(truncated, np.arange(len(truncated)) == case.environment.horizon - 1)


def test_same_key_same_path_and_another_key_another(case):
    again, observation = case.reset(jax.random.key(1))
    assert_equal((again, observation), (case.first_state, case.first_observation))
    _, other = case.reset(jax.random.key(99))
    assert not np.array_equal(other, observation)
    one, two, three = (case.step(jax.random.key(k), case.first_state, case.actions[0]) for k in (5, 5, 6))
    assert_equal(one, two)
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(three), strict=True)
    assert all(np.array_equal(this, that) for this, that in leaves) == (case.name in RANDOM_ONLY_AT_RESET)


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
