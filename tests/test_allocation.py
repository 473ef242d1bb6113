"""Closed-form processor shares against a general solver, random search and the equal split."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from edgewise.systems.agent_migration import allocation

V, S = 8, 4


def group_cost(share, a, b, m):
    return np.sum(a / share + np.maximum(b / share, m))


def slsqp(a, b, m):
    """Epigraph form: minimise sum a / x + t with t >= b / x, t >= m, sum x = 1."""
    n = len(a)
    start = np.concatenate([np.full(n, 1 / n), np.maximum(b * n, m)])
    result = minimize(
        lambda z: np.sum(a / z[:n] + z[n:]),
        start,
        method="SLSQP",
        bounds=[(1e-4, 1)] * n + [(0, None)] * n,
        constraints=[
            {"type": "eq", "fun": lambda z: z[:n].sum() - 1},
            {"type": "ineq", "fun": lambda z: z[n:] - b / z[:n]},
            {"type": "ineq", "fun": lambda z: z[n:] - m},
        ],
        options={"maxiter": 500, "ftol": 1e-10},
    )
    return group_cost(result.x[:n] / result.x[:n].sum(), a, b, m)


@pytest.fixture(scope="module")
def solve():
    return jax.jit(lambda a, b, m, k: allocation.optimal_shares_migrating(a, b, m, k, S))


def instance(rng):
    """Mixes of present and missing agents, of staying vehicles and of migrations that do and do not bind."""
    a = rng.uniform(1, 15, V) * (rng.random(V) < rng.choice([0.0, 0.4, 1.0]))
    b = rng.uniform(1, 15, V)
    m = rng.uniform(1, 120, V) * (rng.random(V) < rng.choice([0.0, 0.6, 1.0]))
    return a, b, m, rng.integers(0, S, V)


def as_arrays(a, b, m, serving):
    return jnp.asarray(a, float), jnp.asarray(b, float), jnp.asarray(m, float), jnp.asarray(serving)


def test_square_root_rule_matches_hand_computed_case():
    share = allocation.optimal_shares(jnp.asarray([1.0, 9.0, 5.0]), jnp.asarray([0, 0, 1]), 3)
    np.testing.assert_allclose(share, [0.25, 0.75, 1.0], rtol=1e-6)
    time = allocation.optimal_time(jnp.asarray([1.0, 9.0, 5.0]), jnp.asarray([0, 0, 1]), 3)
    np.testing.assert_allclose(time, [16.0, 5.0, 0.0], rtol=1e-6)


def test_square_root_rule_attains_its_value_and_beats_the_equal_split():
    rng = np.random.default_rng(0)
    for _ in range(20):
        work, serving = rng.uniform(0.1, 20, V), rng.integers(0, S, V)
        args = jnp.asarray(work, float), jnp.asarray(serving), S
        share, time = np.asarray(allocation.optimal_shares(*args)), np.asarray(allocation.optimal_time(*args))
        for s in range(S):
            mine = serving == s
            assert np.isclose((work[mine] / share[mine]).sum(), time[s], rtol=1e-5)
            assert time[s] <= mine.sum() * work[mine].sum() * (1 + 1e-6)


def test_shares_with_migration_add_up_to_one_and_match_slsqp(solve):
    rng = np.random.default_rng(1)
    for _ in range(15):
        a, b, m, serving = instance(rng)
        share = np.asarray(solve(*as_arrays(a, b, m, serving)))
        assert (share > 0).all()
        for s in np.unique(serving):
            mine = serving == s
            assert np.isclose(share[mine].sum(), 1, atol=1e-5)
            ours = group_cost(share[mine], a[mine], b[mine], m[mine])
            assert np.isclose(ours, slsqp(a[mine], b[mine], m[mine]), rtol=2e-4)


def test_shares_with_migration_beat_random_search(solve):
    rng = np.random.default_rng(2)
    serving = np.zeros(V, int)
    for _ in range(10):
        a, b, m, _ = instance(rng)
        ours = group_cost(np.asarray(solve(*as_arrays(a, b, m, serving))), a, b, m)
        tries = rng.dirichlet(np.full(V, 3.0), 4000)
        cost = (a / tries + np.maximum(b / tries, m)).sum(1)
        assert ours <= cost.min() * (1 + 1e-5)


def test_without_migration_it_is_the_square_root_rule(solve):
    rng = np.random.default_rng(3)
    a, b, m, serving = instance(rng)
    arrays = as_arrays(a, b, 0 * m, serving)
    expected = allocation.optimal_shares(arrays[0] + arrays[1], arrays[3], S)
    np.testing.assert_allclose(solve(*arrays), expected, rtol=1e-5)


def test_spare_processor_is_spread_in_proportion_to_the_kinks(solve):
    b, m = np.full(V, 1.0), np.linspace(40, 80, V)
    share = solve(*as_arrays(np.zeros(V), b, m, np.zeros(V, int)))
    np.testing.assert_allclose(share, (b / m) / (b / m).sum(), rtol=1e-5)
