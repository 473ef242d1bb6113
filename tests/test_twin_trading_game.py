"""The bandwidth market's equations against loops, files and what they refuse, and the paper's distributions."""

from __future__ import annotations

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.systems.twin_trading import market as equations
from edgewise.systems.twin_trading.files import load_market, market_of, plain_market
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
DELAY = {
    "data_bits": [8e7, 2e8, 4e8],
    "cycles": [5e9, 4.5e9, 5.5e9],
    "deadline_s": [2.0, 3.0, 4.0],
    "cpu_hz": [1e10, 2e10],
    "arrival_rate": [450, 440],
    "service_rate": [500, 520],
    "rate_per_bandwidth": 3.85e8,
}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31))
def test_equations_agree_with_loops(seed) -> None:
    market = draw_market(jax.random.key(seed), 3, 2)
    generator = np.random.default_rng(seed)
    prices, b = generator.uniform(0.2, 1.5, 2), generator.uniform(0.05, 1.0, (3, 2))
    plain = plain_market(market)
    arrays = jnp.asarray(prices), jnp.asarray(b)
    np.testing.assert_allclose(equations.pairing_probabilities(arrays[0]), reference.pairing(prices), rtol=1e-5)
    ours = equations.follower_utilities(market, *arrays)
    theirs = [reference.follower_utility(plain, i, prices, b) for i in range(3)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    sellers = equations.leader_utilities(market, *arrays)
    np.testing.assert_allclose(
        sellers, [reference.leader_utility(plain, j, prices, b) for j in range(2)], rtol=1e-4, atol=1e-4
    )
    assert float(equations.welfare(market, *arrays)) == pytest.approx(float(ours.sum() + sellers.sum()), rel=1e-5)
    late = [reference.expected_delay(plain, i, prices, b) for i in range(3)]
    np.testing.assert_allclose(equations.expected_delay(market.delay, *arrays), late, rtol=1e-4)
    met = np.array(late) <= np.array(plain["delay"]["deadline_s"])
    np.testing.assert_array_equal(equations.deadline_met(market, *arrays), met)


def test_hand_computed_utilities() -> None:
    """p = (1, 0.5): theta = (1/3, 2/3). Follower 1 with b = (0.2, 0.4), the others 0.1 each."""
    market = market_of(PAPER)
    prices, b = jnp.array([1.0, 0.5]), jnp.array([[0.2, 0.4], [0.1, 0.1], [0.1, 0.1]])
    first = (30 * 0.2 - 30 * 0.04 + 5 * 0.2 * 0.2 - 15 * 0.2) / 3 + 2 * (
        30 * 0.4 - 30 * 0.16 + 5 * 0.4 * 0.2 - 7.5 * 0.4
    ) / 3
    assert float(equations.follower_utilities(market, prices, b)[0]) == pytest.approx(first, rel=1e-6)
    sellers = equations.leader_utilities(market, prices, b)
    np.testing.assert_allclose(sellers, [100 / 3 * 0.7 * 0.4, 200 / 3 * 0.4 * 0.6], rtol=1e-6)
    assert bool(equations.deadline_met(market, prices, b).all())


def test_rate_of_the_paper() -> None:
    """40 dBm, -20 dB, 500 m, exponent 2, -150 dBm: 38.5 bit/s/Hz."""
    ours = equations.rate_per_bandwidth(40.0, -20.0, 500.0, 2.0, -150.0)
    assert ours == pytest.approx(reference.rate(40, -20, 500, 2, -150), rel=1e-12)
    assert ours == pytest.approx(3.85e8, rel=2e-3)


def test_a_market_comes_back_from_its_file(tmp_path) -> None:
    market = draw_market(jax.random.key(3), 4, 3)
    file = tmp_path / "market.yaml"
    file.write_text(yaml.safe_dump(plain_market(market)))
    again = load_market(file)
    for one, other in zip(jax.tree.leaves(market), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("satisfaction", 0), -1.0, "satisfaction = "),
        (("satisfaction",), 3.0, "satisfaction = 3.0: must be a list of numbers"),
        (("satisfaction",), ["a", "b", "c"], "satisfaction = "),
        (("sensitivity", 1), 0.0, "sensitivity = "),
        (("sensitivity",), [30, 30], "sensitivity = .*: must be a list of 3 numbers"),
        (("social", 0, 1), 6.0, r"social\[0\]\[1\] = 6.0: must be social\[1\]\[0\] = 5"),
        (("social", 1, 1), 1.0, r"social\[1\]\[1\] = 1.0: must be 0"),
        (("social",), [[0, 5], [5, 0]], "social = .*: must be 3 rows of 3"),
        (("social", 0, 1), float("nan"), "social = "),
        (("cost", 0), -0.1, "cost = "),
        (("price_cap",), 0.2, "price_cap = .*: must be at least the largest cost"),
        (("payment_scale",), 0.0, "payment_scale = "),
        (("leader_scale",), [1], "leader_scale = .*: must be a number"),
        (("colour",), 1, "colour = 1: must be left out; known keys are satisfaction"),
        (
            ("delay", "service_rate", 1),
            440,
            r"delay.service_rate\[1\] = 440.0: must be more than delay.arrival_rate\[1\]",
        ),
        (("delay", "data_bits"), [1.0], "delay.data_bits = .*: must be a list of 3 numbers"),
        (("delay", "cpu_hz", 0), 0.0, "delay.cpu_hz = "),
        (("delay", "distance"), 1.0, "distance = 1.0: must be left out"),
        (("delay",), [1], r"delay = \[1\]: must be a mapping"),
    ],
)
def test_bad_values_are_named(path, value, said) -> None:
    values = copy.deepcopy(PAPER | {"delay": DELAY})
    place = values
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ConfigurationError, match=said):
        market_of(values)


@pytest.mark.parametrize("name", list(PAPER))
def test_missing_keys_are_named(name) -> None:
    with pytest.raises(ConfigurationError, match=f"complete: {name} is missing"):
        market_of({key: value for key, value in PAPER.items() if key != name})


def test_unreadable_files_are_named(tmp_path) -> None:
    with pytest.raises(EdgewiseError, match="cannot be read"):
        load_market(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("cost: [1, 2")
    with pytest.raises(EdgewiseError, match="is not YAML"):
        load_market(broken)


@pytest.mark.exact
def test_drawn_markets_follow_the_paper() -> None:
    many = jax.jit(jax.vmap(lambda key: draw_market(key, 4, 3)))(jax.random.split(jax.random.key(0), 4000))
    assert float(many.satisfaction.mean()) == pytest.approx(30, abs=0.05)
    assert float(many.sensitivity.std()) == pytest.approx(1, abs=0.05)
    assert float(many.social.mean()) == pytest.approx(5 * 12 / 16, abs=0.05)
    assert float(many.cost.min()) >= 0.01
    np.testing.assert_array_equal(many.social, many.social.swapaxes(1, 2))
    assert not np.asarray(jnp.diagonal(many.social, axis1=1, axis2=2)).any()
    delay = many.delay
    assert 8e7 <= float(delay.data_bits.min()) <= float(delay.data_bits.max()) <= 4e8
    assert 2 <= float(delay.deadline_s.min()) <= float(delay.deadline_s.max()) <= 4
    assert float(delay.cpu_hz.min()) >= 1e9
    assert float((delay.service_rate - delay.arrival_rate).min()) >= 5 - 1e-3
    assert float(delay.rate_per_bandwidth[0]) == pytest.approx(3.85e8, rel=2e-3)


def test_the_seed_alone_decides_the_market_in_any_precision() -> None:
    one, other = draw_market(jax.random.key(1), 3, 2), draw_market(jax.random.key(2), 3, 2)
    with jax.enable_x64(True):
        again = draw_market(jax.random.key(1), 3, 2)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(again), strict=True))
    assert not np.array_equal(one.satisfaction, other.satisfaction)


def test_bad_distributions_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"deadline_s high = 1\.0"):
        MarketDistribution(deadline_s=(2.0, 1.0))
    with pytest.raises(ConfigurationError, match="cost standard deviation = -1"):
        MarketDistribution(cost=(0.1, -1.0, 0.0))
