"""What the numbers of every system's observations and actions mean, and what reads the decisions."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from crowd import Crowd
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.description import Description, plain_description, read_description
from edgewise.environments.fields import join, split, vector
from edgewise.environments.game import Game
from edgewise.environments.spaces import Box
from edgewise.training.saved import describe_spaces

SMALL: dict[str, dict[str, Any]] = {
    "agent-migration": {"vehicles": 3, "rsus": 2, "attacked_rsus": 1},
    "service-selection": {"providers": 3, "show_mask": True},
    "dynamic-contract": {},
    "twin-trading": {},
}


def described(name: str, agent: str | None = None) -> tuple[Any, Description, Description]:
    environment = registry.make(name, **SMALL.get(name, {}))
    return environment, *describe_spaces(registry.find(name), environment, agent)


def agents(name: str) -> tuple[str | None, ...]:
    environment = registry.make(name, **SMALL.get(name, {}))
    return (environment.leaders[0], environment.followers[-1]) if isinstance(environment, Game) else (None,)


@pytest.mark.parametrize("name", registry.names())
def test_fields_fill_the_spaces_with_their_bounds_and_come_back_from_json(name: str) -> None:
    for agent in agents(name):
        _, *both = described(name, agent)
        for description in both:
            again = read_description(json.loads(json.dumps(plain_description(description), allow_nan=False)))
            assert again.fields == description.fields
            for space in (description.space, again.space):
                if isinstance(space, Box):
                    box = vector(description.fields)
                    np.testing.assert_allclose(box.low, space.low, rtol=1e-6)
                    np.testing.assert_allclose(box.high, space.high, rtol=1e-6)
                    assert all(field.unit for field in description.fields)


def test_a_structure_comes_back_from_json() -> None:
    observation, _ = describe_spaces(registry.find("pendulum"), Crowd())
    plain = plain_description(observation)
    assert plain_description(read_description(json.loads(json.dumps(plain)))) == plain


def test_agent_migration() -> None:
    environment, observation, action = described("agent-migration")
    state, seen = environment.reset(jax.random.key(0))
    drawn = environment.action_space.sample(jax.random.key(1))
    state, timestep = environment.step(jax.random.key(2), state, drawn)
    seen = np.asarray(timestep.observation)
    found = split(observation.fields, seen)
    np.testing.assert_allclose(found["position"], environment.mobility.positions(state.mobility), rtol=1e-4)
    np.testing.assert_allclose(found["load"], np.clip(environment.load(state), 0, 4), atol=1e-5)
    np.testing.assert_allclose(found["reputation"], state.reputation, atol=1e-6)
    np.testing.assert_array_equal(found["serving"].argmax(1), state.serving)
    np.testing.assert_allclose(join(observation.fields, found), seen, atol=1e-6)
    read = registry.find("agent-migration").action_decoder(registry.find("agent-migration").config(vehicles=3, rsus=2))
    assert read is not None
    decision = read(np.asarray(drawn), seen)
    scores = split(action.fields, drawn)
    np.testing.assert_array_equal(decision["target"], scores["target_score"].argmax(1))
    np.testing.assert_array_equal(decision["defence"], scores["defence"] > 0)
    for rsu in set(np.asarray(state.serving).tolist()):
        assert np.asarray(decision["share"])[np.asarray(state.serving) == rsu].sum() == pytest.approx(1, abs=1e-5)
    with pytest.raises(ConfigurationError, match="observation = None: must be that for which the action was given"):
        read(np.asarray(drawn), None)


def test_service_selection() -> None:
    environment, observation, _ = described("service-selection")
    state, _ = environment.reset(jax.random.key(0))
    state, timestep = environment.step(jax.random.key(2), state, jnp.asarray(1))
    found = split(observation.fields, timestep.observation)
    assert found["task"] == pytest.approx(float(state.task), rel=1e-5)
    np.testing.assert_allclose(found["capacity"], environment.providers.capacity, rtol=1e-5)
    np.testing.assert_allclose(found["free"], environment.free(state), rtol=1e-5)
    np.testing.assert_array_equal(found["fits"], state.task <= environment.free(state))


def test_dynamic_contract() -> None:
    from edgewise.systems.dynamic_contract.observation import network

    environment, _, action = described("dynamic-contract")
    state, seen = environment.reset(jax.random.key(0))
    shown, true = network(environment.config, seen), environment.network(state)
    for ours, theirs in zip(jax.tree.leaves(shown), jax.tree.leaves(true), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    drawn = environment.action_space.sample(jax.random.key(1))
    rounds = environment.rounds_of(drawn)
    np.testing.assert_allclose(split(action.fields, drawn)["first_rounds"], rounds[0], rtol=1e-4, atol=1e-4)
    system = registry.find("dynamic-contract")
    read = system.action_decoder(environment.config)
    assert read is not None
    np.testing.assert_allclose(read(drawn, None)["second_rounds"], rounds[1])
    menu = read(drawn, np.asarray(seen))
    assert set(menu) == {"first_rounds", "second_rounds", "first_rewards", "second_rewards"}
    assert np.asarray(menu["second_rewards"]).shape == rounds[1].shape


def test_twin_trading() -> None:
    environment, observation, action = described("twin-trading", "leader_1")
    state, seen = environment.reset(jax.random.key(0))
    found = split(observation.fields, seen["leader_1"])
    np.testing.assert_allclose(found["past_prices"], state.past_prices, rtol=1e-5)
    np.testing.assert_allclose(found["past_demands"], state.past_demands, rtol=1e-5)
    price = split(action.fields, np.array([0.25]))["price"][0]
    assert price == pytest.approx(float(environment.price_of(jnp.full(environment.market.leaders, 0.25))[1]), rel=1e-5)
    _, observation, action = described("twin-trading", "follower_2")
    found = split(observation.fields, seen["follower_2"])
    np.testing.assert_allclose(found["past_demands"], np.delete(np.asarray(state.past_demands), 2, axis=1), rtol=1e-5)
    assert split(action.fields, np.ones(environment.market.leaders))["demand"][0] == pytest.approx(
        float(environment.largest_demand), rel=1e-6
    )
