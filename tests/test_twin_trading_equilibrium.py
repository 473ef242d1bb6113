"""Equilibria of the bandwidth market: other solvers, the paper's case, certificates, trends, corners, ADMM, command."""

from __future__ import annotations

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.cli import main
from edgewise.common.errors import ConfigurationError
from edgewise.systems.twin_trading.admm import AdmmConfig, admm_equilibrium
from edgewise.systems.twin_trading.equilibrium import stackelberg_equilibrium
from edgewise.systems.twin_trading.files import market_of, plain_market
from edgewise.systems.twin_trading.followers import best_response, follower_equilibrium, largest_root
from edgewise.systems.twin_trading.market import expected_delay, follower_utilities
from edgewise.systems.twin_trading.sampling import MarketDistribution, draw_market
from reference import twin_trading as reference

PAPER = {
    "satisfaction": [30, 25, 35],
    "sensitivity": [30, 30, 30],
    "social": [[0, 5, 5], [5, 0, 5], [5, 5, 0]],
    "cost": [0.3, 0.1],
    "price_cap": 1.5,
    "payment_scale": 15,
    "leader_scale": 100,
}
COUNT = 30
SOLVE_FOLLOWERS = jax.jit(follower_equilibrium)
RESPOND = jax.jit(best_response)


@jax.jit
def try_out(market, prices, demands, key):
    """Utility and delay of each follower with 200 purchases of its own, the others' as they are."""

    def one(purchase, follower):
        changed = demands.at[follower].set(purchase)
        return follower_utilities(market, prices, changed)[follower], expected_delay(market.delay, prices, changed)[
            follower
        ]

    tried = jax.random.uniform(key, (200, 3, 2), float, 0.0, 1.5)
    return jax.vmap(jax.vmap(one, (0, 0)), (0, None))(tried, jnp.arange(3))


def pick(tree, index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def edited(**changes):
    return market_of(PAPER | changes)


@pytest.fixture(scope="module")
def markets():
    return jax.jit(jax.vmap(lambda key: draw_market(key, 3, 2)))(jax.random.split(jax.random.key(0), COUNT))


@pytest.fixture(scope="module")
def solved(markets):
    """Equilibria of random markets with the delay limit, in one vmapped call."""
    with jax.enable_x64(True):
        return jax.vmap(stackelberg_equilibrium)(markets)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.2, 1.5), st.floats(0.2, 1.5))
def test_demands_maximise_the_potential(seed, first, second) -> None:
    market = draw_market(jax.random.key(seed), 3, 2, MarketDistribution(cpu_hz=(15e9, 5e9, 6e9)))
    with jax.enable_x64(True):
        solution = SOLVE_FOLLOWERS(market, jnp.array([first, second]))
    expected = reference.followers(plain_market(market), [first, second])
    np.testing.assert_allclose(solution.demands, expected, atol=2e-5)
    assert float(solution.residual) < 1e-9
    assert bool(solution.unique)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 1.5))
def test_no_follower_gains_by_deviating(seed, price) -> None:
    """By exact best responses, and by random feasible purchases."""
    market = draw_market(jax.random.key(seed), 3, 2)
    with jax.enable_x64(True):
        market = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), market)
        prices = jnp.array([price, 0.8])
        solution = SOLVE_FOLLOWERS(market, prices)
        response, feasible = RESPOND(market, prices, solution.demands)
        np.testing.assert_array_equal(feasible, solution.feasible)
        np.testing.assert_allclose(response, solution.demands, atol=1e-8)
        utility, late = try_out(market, prices, solution.demands, jax.random.key(seed))
        here = np.asarray(follower_utilities(market, prices, solution.demands))
        allowed = (np.asarray(late) <= np.asarray(market.delay.deadline_s)) & np.asarray(feasible)
        assert (np.where(allowed, np.asarray(utility), -np.inf) <= here + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(1.0, 100.0), st.floats(-200.0, 50.0), st.floats(1e-6, 50.0))
def test_the_cubic_root_is_exact(leading, pull, push) -> None:
    with jax.enable_x64(True):
        root = float(largest_root(jnp.asarray(leading), jnp.asarray(pull), jnp.asarray(push)))
    assert root > 0
    terms = np.array([leading * root**3, -pull * root**2, -push])
    assert abs(terms.sum()) < 1e-12 * np.abs(terms).max()


def test_the_papers_case() -> None:
    solution = stackelberg_equilibrium(market_of(PAPER))
    np.testing.assert_allclose(solution.prices, [0.956, 0.811], atol=6e-4)
    np.testing.assert_allclose(solution.leader_utilities, [28.3, 41.2], atol=0.06)
    np.testing.assert_allclose(solution.follower_utilities, [3.42, 2.04, 5.15], atol=6e-3)
    assert float(solution.certificate) < 1e-9
    assert int(solution.equilibria) == 1
    assert solution.mode == "stackelberg"


def test_the_papers_conditions_price_above_the_equilibrium() -> None:
    market = market_of(PAPER)
    exact, frozen = stackelberg_equilibrium(market), stackelberg_equilibrium(market, "paper")
    assert (np.asarray(frozen.prices) > 1.05 * np.asarray(exact.prices)).all()
    assert float(frozen.certificate) > 1e-3
    assert int(frozen.equilibria) == 0


def test_random_markets_are_certified(solved) -> None:
    assert np.asarray(solved.certificate).max() < 1e-6
    assert (np.asarray(solved.equilibria) >= 1).all()
    assert np.asarray(solved.limited).any(axis=1).mean() > 0.2


def test_some_markets_have_two_equilibria(solved) -> None:
    """Where the delay limit binds Theorem 2 fails; both candidates are certified and differ."""
    several = np.flatnonzero(np.asarray(solved.equilibria) > 1)
    assert several.size
    for index in several:
        certified = np.asarray(solved.candidate_certificates[index]) < 1e-6
        found = np.asarray(solved.candidates[index])[certified]
        assert np.abs(found[:, None] - found[None]).max() > 1e-5
        assert bool(np.asarray(solved.limited[index]).any())


@pytest.mark.slow
def test_certificates_hold_against_another_solver(markets, solved) -> None:
    """Leaders on a grid of prices with the followers' reaction by a general optimiser."""
    checked = [
        int(np.flatnonzero(np.asarray(solved.limited).any(axis=1))[0]),
        int(np.flatnonzero(~np.asarray(solved.limited).any(axis=1))[0]),
    ]
    for index in checked:
        plain = plain_market(pick(markets, index))
        prices = np.asarray(solved.prices[index])
        scale = float(np.abs(solved.leader_utilities[index]).max())
        for leader in range(2):
            for trial in np.linspace(plain["cost"][leader], 1.5, 25):
                changed = prices.copy()
                changed[leader] = trial
                gained = reference.leader_utility(plain, leader, changed, reference.followers(plain, changed))
                assert gained <= float(solved.leader_utilities[index, leader]) + 1e-4 * scale


def test_results_have_the_callers_precision() -> None:
    market = market_of(PAPER)
    assert stackelberg_equilibrium(market).prices.dtype == jnp.float32
    with jax.enable_x64(True):
        assert stackelberg_equilibrium(market).prices.dtype == jnp.float64


def test_corners_are_part_of_the_solution() -> None:
    """Formulas as printed (both scales 1): every leader at the cap. A follower with little to gain buys nothing."""
    printed = stackelberg_equilibrium(edited(payment_scale=1, leader_scale=1))
    np.testing.assert_allclose(printed.prices, [1.5, 1.5])
    assert float(printed.certificate) < 1e-9
    poor = stackelberg_equilibrium(edited(satisfaction=[30, 3, 35], social=np.zeros((3, 3)).tolist()))
    assert not np.asarray(poor.demands[1]).any()
    assert np.asarray(poor.demands)[[0, 2]].all()
    assert float(poor.certificate) < 1e-6


def test_strong_ties_are_reported_and_not_certified() -> None:
    solution = stackelberg_equilibrium(edited(social=[[0, 40, 40], [40, 0, 40], [40, 40, 0]]))
    assert not bool(solution.followers_unique)
    assert not np.isfinite(float(solution.certificate))
    assert int(solution.equilibria) == 0


def test_a_limit_out_of_reach_is_reported(markets) -> None:
    market = pick(markets, 0)
    deadline = market.delay.deadline_s.at[1].set(0.01)
    market = dataclasses.replace(market, delay=dataclasses.replace(market.delay, deadline_s=deadline))
    solution = follower_equilibrium(market, jnp.array([0.8, 0.9]))
    np.testing.assert_array_equal(solution.feasible, [True, False, True])
    assert not np.asarray(solution.demands[1]).any()
    assert float(solution.residual) < 1e-6


def test_one_leader_is_a_monopolist() -> None:
    """(G + c) / 2 with G the choke price."""
    market = edited(cost=[0.1])
    choke = np.linalg.solve(60 * np.eye(3) - np.array(PAPER["social"]), np.array([[30, 25, 35], [15] * 3]).T).sum(0)
    solution = stackelberg_equilibrium(market)
    np.testing.assert_allclose(solution.prices, [(choke[0] / choke[1] + 0.1) / 2], rtol=1e-5)


def even_market(followers, leaders, **changes):
    """Players at the means of the paper's distributions; followers beyond the given number want nothing."""
    n = 6
    there = np.arange(n) < followers
    values = {
        "satisfaction": np.where(there, 30.0, 1e-6).tolist(),
        "sensitivity": [30.0] * n,
        "social": (5.0 * np.outer(there, there) * (1 - np.eye(n))).tolist(),
        "cost": [0.1] * leaders,
    }
    return market_of(PAPER | values | changes)


def means(solution, followers):
    return {
        "price": float(solution.prices.mean()),
        "demand": float(solution.demands[:followers].sum(axis=1).mean()),
        "per pair": float(solution.demands[:followers].mean()),
        "follower": float(solution.follower_utilities[:followers].mean()),
        "leader": float(solution.leader_utilities.mean()),
        "welfare": float(solution.welfare),
    }


def assert_monotone(rows, rising=(), falling=()):
    for name in (*rising, *falling):
        values = [row[name] for row in rows]
        assert all(np.diff(values) > 0) if name in rising else all(np.diff(values) < 0), (name, values)


@pytest.mark.slow
def test_trends_of_fig_5() -> None:
    """More buyers: demand and utilities up. More sellers: prices and leaders' utilities down, followers' up."""
    table = {(n, m): means(stackelberg_equilibrium(even_market(n, m)), n) for m in (2, 3, 4) for n in (2, 4, 6)}
    for m in (2, 3, 4):
        assert_monotone([table[n, m] for n in (2, 4, 6)], rising=("per pair", "follower", "leader", "welfare"))
    for n in (2, 4, 6):
        rows = [table[n, m] for m in (2, 3, 4)]
        assert_monotone(rows, rising=("per pair", "follower"), falling=("price", "leader", "welfare"))


@pytest.mark.slow
def test_trends_of_fig_6() -> None:
    """Cost up: price up, demand and utilities down (leaders' from 0.1 on). Satisfaction up: everything up."""
    table = {
        (cost, alpha): means(
            stackelberg_equilibrium(even_market(4, 3, cost=[cost] * 3, satisfaction=[alpha] * 4 + [1e-6] * 2)), 4
        )
        for cost in (0.1, 0.2, 0.3, 0.4, 0.5)
        for alpha in (25.0, 30.0, 35.0)
    }
    for alpha in (25.0, 30.0, 35.0):
        rows = [table[cost, alpha] for cost in (0.1, 0.2, 0.3, 0.4, 0.5)]
        assert_monotone(rows, rising=("price",), falling=("demand", "follower", "leader", "welfare"))
    for cost in (0.1, 0.3, 0.5):
        rows = [table[cost, alpha] for alpha in (25.0, 30.0, 35.0)]
        assert_monotone(rows, rising=("price", "demand", "follower", "leader", "welfare"))


@pytest.mark.slow
def test_trends_of_fig_7() -> None:
    """Stronger social ties: demand and all utilities up."""
    there = np.arange(6) < 4
    ties = [(w * np.outer(there, there) * (1 - np.eye(6))).tolist() for w in (4.0, 4.5, 5.0, 5.5, 6.0)]
    rows = [means(stackelberg_equilibrium(even_market(4, 3, social=social)), 4) for social in ties]
    assert_monotone(rows, rising=("demand", "follower", "leader", "welfare"))


@pytest.mark.slow
def test_trends_of_fig_8() -> None:
    """Leader 1's cost up: its price up, its sales and utility down; the others' utilities up."""
    solutions = [stackelberg_equilibrium(even_market(4, 3, cost=[c, 0.1, 0.5])) for c in (0.0, 0.15, 0.3, 0.45, 0.6)]
    rows = [
        {
            "price 1": float(s.prices[0]),
            "price 2": float(s.prices[1]),
            "sold 1": float(s.demands[:, 0].sum()),
            **{f"utility {j + 1}": float(s.leader_utilities[j]) for j in range(3)},
        }
        for s in solutions
    ]
    assert_monotone(rows, rising=("price 1", "price 2", "utility 2", "utility 3"), falling=("sold 1", "utility 1"))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["stackelberg", "paper"])
def test_admm_agrees_with_the_exact_solution(markets, solved, mode) -> None:
    with jax.enable_x64(True):
        for index in range(6):
            market = pick(markets, index)
            found = admm_equilibrium(market, mode)
            exact = pick(solved, index) if mode == "stackelberg" else stackelberg_equilibrium(market, mode)
            nearest = exact.candidates[np.abs(np.asarray(exact.candidates - found.prices)).max(axis=1).argmin()]
            np.testing.assert_allclose(found.prices, nearest, atol=1e-3)
            demands = follower_equilibrium(market, nearest).demands
            np.testing.assert_allclose(found.demands, demands, atol=1e-3)
            assert bool(found.converged)
            rounds = int(found.rounds)
            residuals = np.asarray(found.residuals)
            assert np.isnan(residuals[rounds:]).all()
            assert residuals[rounds - 1] <= 1e-9 * float(np.abs(exact.leader_utilities.sum())) * 1.1


def test_admm_says_when_it_was_stopped(markets) -> None:
    found = admm_equilibrium(pick(markets, 2), "paper", AdmmConfig(outer_rounds=2))
    assert not bool(found.converged)
    assert int(found.rounds) == 2
    with pytest.raises(ConfigurationError, match="penalty = 0"):
        AdmmConfig(penalty=0.0)


def solve(capsys, words, code=0):
    assert main(["solve", "twin-trading", *words]) == code
    return capsys.readouterr()


def test_command(tmp_path, capsys) -> None:
    file = tmp_path / "market.yaml"
    file.write_text(yaml.safe_dump(PAPER))
    text = solve(capsys, ["--instance", str(file)]).out
    assert "nobody gains by deviating" in text
    assert (tmp_path / "market.png").read_bytes()[:4] == b"\x89PNG"
    plain = json.loads(solve(capsys, ["--instance", str(file), "--figure", str(tmp_path / "b.svg"), "--json"]).out)
    assert list(plain) == [
        "prices", "demands", "leader_utilities", "follower_utilities", "welfare", "certificate", "mode",
    ]  # fmt: skip
    np.testing.assert_allclose(plain["prices"], [0.95618653, 0.81081217], atol=1e-7)
    assert np.shape(plain["demands"]) == (3, 2)
    assert plain["welfare"] == pytest.approx(sum(plain["leader_utilities"]) + sum(plain["follower_utilities"]))
    assert plain["certificate"] < 1e-9


def test_command_refuses(tmp_path, capsys) -> None:
    file = tmp_path / "market.yaml"
    file.write_text(yaml.safe_dump(PAPER | {"cost": [0.3, -1]}))
    assert "cost = [0.3, -1.0]" in solve(capsys, ["--instance", str(file)], 2).err
    assert "cannot be read" in solve(capsys, ["--instance", str(tmp_path / "none.yaml")], 1).err
    assert "figure = 'a.txt'" in solve(capsys, ["--instance", str(file), "--figure", "a.txt"], 2).err
