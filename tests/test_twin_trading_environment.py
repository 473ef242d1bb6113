"""The twin-trading environment: rewards, order of moves, what agents see, and PettingZoo's own tests."""

from __future__ import annotations

import warnings
from typing import Any

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from pettingzoo.test import parallel_api_test, parallel_seed_test

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.adapters.pettingzoo import parallel_env
from edgewise.systems.twin_trading import references
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.environment import TwinTrading
from edgewise.systems.twin_trading.equilibrium import stackelberg_equilibrium
from edgewise.systems.twin_trading.files import plain_market
from edgewise.systems.twin_trading.sampling import draw_market
from reference import twin_trading as reference

KEY = jax.random.key(0)
MOVE = eqx.filter_jit(lambda environment, state, stage, actions: environment.move(KEY, state, stage, actions))


def actions_of(environment, seed):
    keys = jax.random.split(jax.random.key(seed), len(environment.agents))
    return {a: environment.action_spaces[a].sample(k) for a, k in zip(environment.agents, keys, strict=True)}


@pytest.fixture(scope="module", params=[True, False], ids=["prices seen", "all at once"])
def environment(request):
    return TwinTrading(TwinTradingConfig(followers_see_price=request.param, slots=4))


def play_slot(environment, state, actions):
    for stage in range(len(environment.stages)):
        state, step = MOVE(environment, state, stage, actions)
    return state, step


def test_rewards_are_the_papers(environment) -> None:
    """(19) and (20), against loops over players; some followers are late, some are not."""
    plain = plain_market(environment.market)
    state, _ = environment.reset(KEY)
    late = set()
    for seed in range(8):
        actions = actions_of(environment, seed)
        _, step = play_slot(environment, state, actions)
        prices = [c + (1.5 - c) * float(actions[f"leader_{j}"][0]) for j, c in enumerate(plain["cost"])]
        b = [np.asarray(actions[f"follower_{i}"]) * float(environment.largest_demand) for i in range(3)]
        for j in range(2):
            assert float(step.rewards[f"leader_{j}"]) == pytest.approx(
                reference.leader_utility(plain, j, prices, b), rel=1e-4
            )
        for i in range(3):
            in_time = reference.expected_delay(plain, i, prices, b) <= plain["delay"]["deadline_s"][i]
            expected = reference.follower_utility(plain, i, prices, b) if in_time else 0.0
            assert float(step.rewards[f"follower_{i}"]) == pytest.approx(expected, rel=1e-3, abs=1e-3)
            late.add(in_time)
    assert late == {True, False}


def test_the_equilibrium_pays_what_the_solver_says() -> None:
    environment = TwinTrading(TwinTradingConfig(with_delay=False))
    solution = stackelberg_equilibrium(environment.market)
    state, _ = environment.reset(KEY)
    _, step = environment.trade(state, solution.prices, solution.demands)
    np.testing.assert_allclose([step.rewards[a] for a in environment.leaders], solution.leader_utilities, rtol=1e-4)
    np.testing.assert_allclose([step.rewards[a] for a in environment.followers], solution.follower_utilities, rtol=1e-4)
    assert float(solution.demands.max()) < float(environment.largest_demand)


def test_leaders_move_before_followers() -> None:
    environment = TwinTrading(TwinTradingConfig())
    assert environment.stages == (("leader_0", "leader_1"), ("follower_0", "follower_1", "follower_2"))
    state, before = environment.reset(KEY)
    actions = actions_of(environment, 1)
    announced, step = MOVE(environment, state, 0, actions)
    assert not any(float(reward) for reward in step.rewards.values())
    assert not bool(step.truncated)
    shown = np.asarray(environment.price_of(jnp.concatenate([actions["leader_0"], actions["leader_1"]]))) / 1.5
    for agent in environment.followers:
        np.testing.assert_allclose(step.observations[agent][-2:], shown, rtol=1e-6)
        np.testing.assert_allclose(step.observations[agent][:-2], before[agent][:-2], rtol=1e-6)
        assert not np.asarray(before[agent][-2:]).any()
    for agent in environment.leaders:
        np.testing.assert_allclose(step.observations[agent], before[agent], rtol=1e-6)
    for name in environment.followers:  # the followers' actions do not count in the leaders' stage
        changed = MOVE(environment, state, 0, actions | {name: jnp.ones(2)})[0]
        np.testing.assert_array_equal(changed.prices, announced.prices)


def test_history_is_what_was_traded(environment) -> None:
    state, _ = environment.reset(KEY)
    for seed in range(4):
        actions = actions_of(environment, seed)
        state, step = play_slot(environment, state, actions)
        traded = np.stack([actions[a] for a in environment.followers])
        seen = np.asarray(step.observations["leader_0"])
        np.testing.assert_allclose(seen[6:24].reshape(3, 3, 2)[-1], traded, rtol=1e-5)
        follower = np.asarray(step.observations["follower_1"])
        np.testing.assert_allclose(follower[6:18].reshape(3, 2, 2)[-1], traded[[0, 2]], rtol=1e-5)
        np.testing.assert_allclose(follower[:6], seen[:6])
        assert bool(step.truncated) == (seed == 3)


def test_nobody_sees_what_is_private(environment) -> None:
    """In another market with the same trade, only the leader whose queue differs sees another observation."""
    state, _ = environment.reset(KEY)

    def private(e):
        followers = (e.market.satisfaction, e.market.sensitivity, e.market.social)
        tasks = (e.market.delay.data_bits, e.market.delay.cycles, e.market.delay.deadline_s)
        return (*followers, *tasks, e.market.cost, e.market.delay.cpu_hz, e.market.delay.arrival_rate)

    changes = [leaf.at[0].mul(0.9) for leaf in private(environment)]
    other = eqx.tree_at(private, environment, changes)
    one, another = environment.observe(state), other.observe(state)
    changed = {agent for agent in one if not np.array_equal(one[agent], another[agent])}
    assert changed == {"leader_0"}


def test_observations_lie_in_their_spaces_and_an_episode_ends(environment) -> None:
    adapted = parallel_env("twin-trading", followers_see_price=environment.config.followers_see_price, slots=4)
    observations, infos = adapted.reset(seed=3)
    steps = 0
    while adapted.agents:
        assert {a for a, info in infos.items() if info["moves"]} == set(
            environment.stages[steps % len(environment.stages)]
        )
        assert all(observations[a] in adapted.observation_space(a) for a in adapted.agents)
        observations, _, _, truncations, infos = adapted.step(
            {a: adapted.action_space(a).sample() for a in adapted.agents}
        )
        steps += 1
    assert all(truncations.values())
    assert steps == 4 * len(environment.stages)
    with pytest.raises(gymnasium.error.ResetNeeded):
        adapted.step({})


@pytest.mark.parametrize("seen", [True, False])
def test_pettingzoo_finds_nothing_to_complain_about(seen, capsys) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(parallel_env("twin-trading", followers_see_price=seen, slots=30), num_cycles=100)
        parallel_seed_test(lambda: parallel_env("twin-trading", followers_see_price=seen, slots=30), num_cycles=60)
    assert "Passed Parallel API test" in capsys.readouterr().out


def test_missing_and_misshaped_actions_are_named() -> None:
    adapted = parallel_env("twin-trading")
    adapted.reset(seed=0)
    with pytest.raises(ConfigurationError, match="that of leader_1 is missing"):
        adapted.step({"leader_0": np.zeros(1)})
    with pytest.raises(ConfigurationError, match="shape"):
        adapted.step({"leader_0": np.zeros(2), "leader_1": np.zeros(1)})


def test_sizes_are_free_and_files_give_the_market(tmp_path) -> None:
    environment = registry.make("twin-trading", followers=5, leaders=1, history=0, with_delay=False)
    _, observations = environment.reset(KEY)
    assert {a: o.shape for a, o in observations.items()} == {
        a: s.shape for a, s in environment.observation_spaces.items()
    }
    _, step = play_slot(environment, environment.reset(KEY)[0], actions_of(environment, 0))
    assert np.isfinite([float(r) for r in step.rewards.values()]).all()
    file = tmp_path / "market.yaml"
    file.write_text(yaml.safe_dump(plain_market(draw_market(jax.random.key(5), 4, 3))))
    own = registry.make("twin-trading", instance=str(file))
    assert (len(own.followers), len(own.leaders)) == (4, 3)
    with pytest.raises(ConfigurationError, match=r"environment = 'trade': must be one of .*twin-trading"):
        registry.make("trade")
    with pytest.raises(ConfigurationError, match=r"field = .sellers.: must be one of followers"):
        registry.make("twin-trading", sellers=3)
    with pytest.raises(ConfigurationError, match="history = -1"):
        TwinTradingConfig(history=-1)


def test_given_numbers_take_the_place_of_drawn_ones() -> None:
    drawn = TwinTrading(TwinTradingConfig(followers=3, leaders=2)).market
    given = TwinTrading(
        TwinTradingConfig(followers=3, leaders=2, satisfaction=(30.0, 25.0, 35.0), social=4.0, cost=(0.2,))
    ).market
    np.testing.assert_allclose(given.satisfaction, [30, 25, 35])
    np.testing.assert_allclose(given.social, [[0, 4, 4], [4, 0, 4], [4, 4, 0]])
    np.testing.assert_allclose(given.cost, [0.2, 0.2])
    np.testing.assert_array_equal(given.sensitivity, drawn.sensitivity)
    np.testing.assert_array_equal(given.delay.data_bits, drawn.delay.data_bits)
    with pytest.raises(ConfigurationError, match=r"^satisfaction = .*none, one number, or 3"):
        TwinTradingConfig(followers=3, satisfaction=(30.0, 25.0))
    with pytest.raises(ConfigurationError, match=r"^social = 4.0: must be left out: the instance gives it"):
        TwinTradingConfig(instance="market.yaml", social=4.0)
    with pytest.raises(ConfigurationError, match=r"^price_cap = 1.5: must be at least the largest cost, 2"):
        TwinTrading(TwinTradingConfig(cost=(2.0,)))


def test_metrics_name_every_agent() -> None:
    environment = TwinTrading(TwinTradingConfig(followers=3, leaders=2, with_delay=False))
    prices, demands = jnp.array([0.9, 0.7]), jnp.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.7]])
    _, step = environment.trade(environment.reset(KEY)[0], prices, demands)
    found = {name: float(value) for name, value in step.info.items() if "/" in name}
    assert found == pytest.approx(
        {
            "price/leader_0": 0.9,
            "price/leader_1": 0.7,
            "sold/leader_0": 0.9,
            "sold/leader_1": 1.3,
            "bought/follower_0": 0.3,
            "bought/follower_1": 0.7,
            "bought/follower_2": 1.2,
        }
    )


def test_markets_can_be_swept_by_vmap() -> None:
    """Price caps as a batched leaf: one compiled program steps in all of them."""
    environment = TwinTrading(TwinTradingConfig())
    state, _ = environment.reset(KEY)

    def rewards(cap):
        swept = eqx.tree_at(lambda e: e.market.price_cap, environment, cap)
        actions = actions_of(environment, 0)
        announced, _ = swept.move(KEY, state, 0, actions)
        _, step = swept.move(KEY, announced, 1, actions)
        return step.rewards["leader_0"]

    caps = jnp.array([1.0, 1.5, 2.0])
    swept = jax.jit(jax.vmap(rewards))(caps)
    np.testing.assert_allclose(swept, [float(rewards(cap)) for cap in caps], rtol=1e-5)
    assert len(set(np.asarray(swept).tolist())) == 3


@pytest.mark.slow
def test_gains_have_a_scale_where_every_follower_is_late() -> None:
    """All rewards are 0 then; the equilibrium's utilities still measure what better purchases would bring."""
    environment = registry.find("twin-trading").build_evaluation(TwinTradingConfig(slots=3))
    solved = environment.equilibrium
    state, _ = environment.reset(jax.random.key(0))

    def late(stage: int, state: Any) -> dict[str, Any]:
        leaders = {agent: jnp.full(1, 0.5) for agent in environment.leaders}
        return leaders | {agent: jnp.full(2, 0.01) for agent in environment.followers}

    gains = environment.gains(state, late)
    assert 1 < float(gains["exploitability"]) < 1000
    assert float(gains["gain_by_lateness"]) == 0

    def play(stage: int, state: Any) -> dict[str, Any]:
        return references.BUILDERS["equilibrium"](environment)(jax.random.key(0), state, None)

    gains = environment.gains(state, play)
    assert float(gains["exploitability"]) < 0.1
    worst = -float(solved.follower_utilities.min())
    assert float(gains["gain_by_lateness"]) == pytest.approx(100 * worst / float(abs(solved.follower_utilities).max()))
