"""Critics that see more than the actor in training, and critics with normalised layers."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.base import Transition
from edgewise.algorithms.registry import find_algorithm
from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import to_plain
from edgewise.environments import registry
from edgewise.environments.elements import faults
from edgewise.environments.spaces import Box, Spaces
from edgewise.networks.mlp import MLP

SPACES = Spaces(Box.of(-1, 1, "1", (4,)), Box.of(-1, 1, "1", (2,)), privileged=Box.of(0, 1, "1", (3,)))
LEARNERS = pytest.mark.parametrize("name", ["cgdm", "sac", "td3", "edmsac"])


def learner(name: str, spaces: Spaces = SPACES, **config: object):
    entry = find_algorithm(name)
    return entry.build(entry.config(hidden=(8,), **config), spaces, 100)


def batch(privileged: float) -> Transition:
    keys = jax.random.split(jax.random.key(0), 3)
    observation, action = jax.random.normal(keys[0], (5, 4)), jax.random.uniform(keys[1], (5, 2), minval=-1, maxval=1)
    seen = jnp.full((5, 3), privileged)
    return Transition(observation, action, jnp.ones(5), jnp.full(5, 0.9), observation, seen, 2 * seen)


@LEARNERS
def test_value_targets_depend_on_what_only_the_critic_sees(name: str) -> None:
    algorithm = learner(name, privileged=True)
    state = algorithm.init(jax.random.key(1))
    one, same, other = (
        algorithm.value_target(state, batch(privileged), jax.random.key(2)) for privileged in (0.2, 0.2, 0.7)
    )
    np.testing.assert_array_equal(one, same)
    assert (np.abs(one - other) > 1e-6).all()
    assert algorithm.policy(state).observation_size == 4


@LEARNERS
def test_without_the_option_critics_see_what_the_actor_sees(name: str) -> None:
    algorithm = learner(name)
    assert not algorithm.privileged
    state = algorithm.init(jax.random.key(1))
    assert state.critic.networks[0].layers[0].weight.shape == (8, 4 + 2)
    one, other = (algorithm.value_target(state, batch(privileged), jax.random.key(2)) for privileged in (0.2, 0.7))
    np.testing.assert_array_equal(one, other)


@LEARNERS
def test_plain_values_name_the_options_only_where_they_are_used(name: str) -> None:
    config = find_algorithm(name).config()
    assert not {"privileged", "layer_norm"} & set(to_plain(config))
    assert to_plain(replace(config, privileged=True))["privileged"] is True


def test_an_environment_that_hides_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="privileged"):
        learner("sac", replace(SPACES, privileged=None), privileged=True).init(jax.random.key(0))


def test_normalised_layers_forget_the_size_of_their_inputs() -> None:
    network = MLP((3, 8, 1), jax.random.key(3), layer_norm=True)
    blank = MLP((3, 8, 1), jax.random.key(3))
    x = 1e3 * jax.random.normal(jax.random.key(4), (6, 3))
    np.testing.assert_allclose(network(x), network(2 * x), rtol=1e-2)
    assert np.abs(blank(2 * x) / blank(x)).mean() > 1.5


def test_the_hidden_state_of_agent_migration_is_an_element_of_its_space() -> None:
    environment = registry.make("agent-migration", slots=4)
    state, _ = environment.reset(jax.random.key(0))
    assert faults(environment.privileged_space, environment.privileged(state)) == []
    attacked = replace(state, attacked=~state.attacked)
    changed = environment.privileged(attacked) != environment.privileged(state)
    v, s = environment.vehicles, environment.rsus
    assert np.flatnonzero(changed).tolist() == list(range(2 * v, 2 * v + s))
