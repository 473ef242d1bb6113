"""Agent migration as a game: agents that come and go, masks, rewards, and PettingZoo's own tests."""

from __future__ import annotations

import warnings

import equinox as eqx
import gymnasium
import jax
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.adapters.pettingzoo import PettingZooEnvironment, parallel_env
from edgewise.environments.game_checker import check_game
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.entities import EntityMigration
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.game import AgentMigrationGame
from edgewise.systems.agent_migration.mobility.replay import TraceReplay

V, S, SLOTS = 2, 2, 4
CONFIG = AgentMigrationConfig(vehicles=V, rsus=S, slots=SLOTS, area_m=1000.0, coverage_m=400.0)


def recorded() -> AgentMigrationGame:
    """Two places for exactly one episode, each of which is taken over twice."""
    ways = np.linspace([[100.0, 300.0], [900.0, 600.0]], [[900.0, 500.0], [200.0, 400.0]], SLOTS + 1)
    handover = np.zeros((SLOTS + 1, V), bool)
    handover[[1, 3], 0] = handover[[2, 3], 1] = True
    replay = TraceReplay.build(ways, handover, SLOTS, V)
    return AgentMigrationGame(
        EntityMigration(AgentMigration.build(CONFIG, replay), view="own"), "own", replay.most_visitors
    )


@pytest.fixture(scope="module")
def game():
    return recorded()


@pytest.fixture(scope="module")
def adapted(game):
    return PettingZooEnvironment(game, "agent-migration")


reset = eqx.filter_jit(lambda game, key: game.reset(key))


@pytest.fixture(scope="module")
def move():
    return eqx.filter_jit(lambda game, key, state, actions: game.move(key, state, 0, actions))


def test_it_keeps_the_contract_of_games(game):
    check_game(game)


def test_pettingzoos_own_checkers_are_content(game, adapted, capsys):
    from pettingzoo.test import parallel_api_test, parallel_seed_test
    from pettingzoo.test.state_test import test_parallel_env, test_state_space

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(adapted, num_cycles=3 * SLOTS)
        parallel_seed_test(lambda: PettingZooEnvironment(game, "agent-migration"), num_cycles=2 * SLOTS)
        test_state_space(adapted)
        test_parallel_env(adapted)
    assert "Passed Parallel API test" in capsys.readouterr().out


def test_who_takes_a_place_over_is_another_agent(adapted):
    seen, _ = adapted.reset(seed=0)
    first = int(adapted._state.entities.system.mobility.places[0])  # an episode shuffles the recorded places
    a, b = ([f"vehicle_{n * V + place}" for n in range(3)] for place in ((0, 1) if first == 0 else (1, 0)))
    there, left = [set(adapted.agents)], []
    while adapted.agents:
        actions = {each: adapted.action_space(each).sample(seen[each].get("action_mask")) for each in adapted.agents}
        seen, _, terminated, truncated, _ = adapted.step(actions)
        there.append(set(adapted.agents))
        left.append({each for each, gone in terminated.items() if gone})
    vehicles = [{each for each in agents if each.startswith("vehicle")} for agents in there]
    assert vehicles == [{a[0], b[0]}, {a[1], b[0]}, {a[1], b[1]}, {a[2], b[2]}, set()]
    assert left == [{a[0]}, {b[0]}, {a[1], b[1]}, set()]
    assert all(truncated.values())


def test_masks_are_the_units_in_reach_and_who_wishes_another_stays(game, move):
    state, seen = reset(game, jax.random.key(2))
    vehicle = next(each for each in ("vehicle_0", "vehicle_1") if not seen[each]["action_mask"].all())
    place = int(vehicle[-1])
    outside = int(np.flatnonzero(~np.asarray(seen[vehicle]["action_mask"]))[0])
    actions = {each: jax.numpy.zeros((), int) for each in game.agents}
    after, _ = move(game, jax.random.key(0), state, {**actions, vehicle: jax.numpy.asarray(outside)})
    assert after.entities.memory.target.shape == (V,)
    sent = int(after.entities.memory.target[place])
    assert sent != outside


def test_absent_vehicles_see_nothing_and_earn_nothing(game, move):
    state, seen = reset(game, jax.random.key(0))
    actions = {each: jax.numpy.zeros((), int) for each in game.agents}
    _, step = move(game, jax.random.key(1), state, actions)
    absent = [each for each, there in game.present(state).items() if not there]
    assert set(absent) == set(game.agents[V : 3 * V])
    for each in absent:
        assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(seen[each]))
        assert step.rewards[each] == 0


def test_own_rewards_are_what_everyone_costs(game, move):
    state, _ = reset(game, jax.random.key(0))
    actions = {each: jax.numpy.zeros((), int) for each in game.agents}
    _, own = move(game, jax.random.key(1), state, actions)
    shared = AgentMigrationGame(game.environment, "team", game.visitors)
    _, team = move(shared, jax.random.key(1), state, actions)
    first = [float(team.rewards[each]) for each in (*game.agents[:V], *game.units)]
    assert first == [first[0]] * len(first)
    # What each costs holds its own latency and more, so together it is at least what the team pays.
    costs = np.array([float(own.rewards[each]) for each in game.agents[:V]])
    assert (costs < 0).all()
    assert costs.mean() <= first[0] + 1e-5
    served = np.asarray(state.entities.system.serving)
    for unit in range(S):
        reached = np.asarray(game._reach(state))[:, 0]
        concerned = (served == unit) | ((np.where(reached, 0, served)) == unit)
        assert float(own.rewards[f"unit_{unit}"]) == pytest.approx(costs[concerned].sum(), rel=1e-5)


def test_state_is_the_central_observation(game, adapted):
    adapted.reset(seed=4)
    whole = gymnasium.spaces.unflatten(adapted._whole, adapted.state())
    assert whole["vehicles"]["mask"].all()
    assert whole["pairs"]["distance"].shape == (V, S)


def test_it_is_made_by_name_and_only_systems_with_a_game_are():
    made = parallel_env("agent-migration", vehicles=3, rewards="own")
    assert made.possible_agents == ["vehicle_0", "vehicle_1", "vehicle_2", "unit_0", "unit_1", "unit_2", "unit_3"]
    with pytest.raises(ConfigurationError, match="instances"):
        registry.make_game("agent-migration", instances="drawn")
    with pytest.raises(ConfigurationError, match=r"gymnasium\.make"):
        parallel_env("service-selection")
