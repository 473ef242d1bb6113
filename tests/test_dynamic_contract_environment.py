"""Environment, reference policies, instance files and the command of dynamic contracts."""

from __future__ import annotations

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from scipy import stats

from edgewise.cli import main
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.systems.dynamic_contract import references, theory
from edgewise.systems.dynamic_contract.files import parse_instance
from edgewise.systems.dynamic_contract.model import total_profit
from edgewise.systems.dynamic_contract.optimum import optimal_contracts
from edgewise.systems.dynamic_contract.sampling import draw_latent, drift, network_of, order_rows
from pictures import shows_something
from reference.dynamic_contract import Case
from test_dynamic_contract import VALUES

ENTRY = registry.find("dynamic-contract")


@pytest.fixture(scope="module")
def environment():
    return registry.make("dynamic-contract")


@pytest.fixture(scope="module")
def states(environment):
    """Sixty-four states, and what every reference does in them."""
    keys = jax.random.split(jax.random.key(3), 64)
    states, observations = jax.vmap(environment.reset)(keys)
    policies = ENTRY.references(environment, ("random", "static", "optimum"))

    @jax.jit
    def play(keys, states, observations):
        result = {}
        for name, policy in policies.items():
            actions = jax.vmap(policy)(keys, states, observations)
            result[name] = jax.vmap(environment.step)(keys, states, actions)[1].info
        return result

    return states, observations, play(keys, states, observations)


def test_observation_is_the_state_of_the_paper(environment, states):
    network = environment.network(jax.tree.map(lambda leaf: leaf[0], states[0]))
    seen = np.asarray(states[1][0])
    assert seen.shape == environment.observation_space.shape == (6 + 3 * 2 + 4,)
    np.testing.assert_allclose(seen[:3], [12, 2, float(network.unit_cost)], rtol=1e-6)
    assert 20 <= seen[3] <= 33
    np.testing.assert_allclose(10 ** ((seen[3] - 30) / 10), network.power, rtol=1e-4)
    np.testing.assert_allclose(seen[4] * 1e6, network.rate, rtol=1e-6)
    np.testing.assert_allclose(seen[6:8], network.initial, rtol=1e-6)
    np.testing.assert_allclose(seen[8:12].reshape(2, 2), network.transitions[0], rtol=1e-6)
    np.testing.assert_allclose(seen[12:].reshape(2, 2), network.types, rtol=1e-6)


def test_reward_is_profit_less_the_action_penalty(environment, states):
    state = jax.tree.map(lambda leaf: leaf[0], states[0])
    network = environment.network(state)
    action = jnp.array([-0.6, -0.2, -0.5, -0.1, -0.4, 0.2])
    _, timestep = eqx.filter_jit(environment.step)(jax.random.key(0), state, action)
    rounds = (jnp.array([20.0, 40.0]), jnp.array([[25.0, 45.0], [30.0, 60.0]]))
    profit = float(total_profit(network, theory.optimal_rewards(network, rounds)))
    assert float(timestep.reward) == pytest.approx((profit - 0.01 * float((action**2).sum())) / 1000, rel=1e-5)
    assert float(timestep.info["printed_profit"]) == pytest.approx(profit, rel=1e-5)
    np.testing.assert_allclose(environment.action_of(rounds), action, atol=1e-6)


def test_a_menu_that_fails_is_told_and_the_feasible_one_is_paid_on_request(states):
    """Rounds that fall with the type: printed rewards cannot make them work."""
    projecting = registry.make("dynamic-contract", project=True, penalty=0.0)
    state = jax.tree.map(lambda leaf: leaf[0], states[0])
    falling = projecting.action_of((jnp.array([60.0, 20.0]), jnp.array([[70.0, 10.0], [60.0, 5.0]])))
    info = eqx.filter_jit(projecting.step)(jax.random.key(0), state, falling)[1]
    assert float(info.info["infeasible"]) == 1
    assert float(info.info["shortfall"]) > 1
    assert float(info.reward) == pytest.approx(float(info.info["profit"]) / 1000, rel=1e-5)
    assert float(info.info["profit"]) != pytest.approx(float(info.info["printed_profit"]), rel=1e-3)


def test_shared_actions_are_static_menus():
    environment = registry.make("dynamic-contract", shared=True, types=3)
    assert environment.action_space.shape == (6,)
    first, second = environment.rounds_of(jnp.linspace(-1, 1, 6))
    assert first.shape == (3,)
    np.testing.assert_allclose(second, jnp.broadcast_to(second[0], (3, 3)))
    np.testing.assert_allclose(environment.action_of((first, second)), np.linspace(-1, 1, 6), atol=1e-6)


@pytest.mark.slow
def test_references_are_in_order_below_the_bound(environment, states):
    profit = {name: np.asarray(info["profit"]) for name, info in states[2].items()}
    networks = jax.vmap(environment.network)(states[0])
    bound = ENTRY.bound(environment, states[0])
    exact = optimal_contracts(networks).profit
    np.testing.assert_allclose(profit["optimum"], exact, rtol=2e-4)
    assert (profit["static"] <= profit["optimum"] * (1 + 1e-4)).all()
    means = [profit[name].mean() for name in ("random", "static", "optimum")]
    assert means == sorted(means)
    assert means[-1] <= float(bound) * (1 + 1e-5)
    assert float(states[2]["optimum"]["infeasible"].mean()) == 0


def test_static_and_constant_references_are_so(environment, states):
    assert ENTRY.reference_names == references.NAMES == tuple(references.build(environment))
    state = jax.tree.map(lambda leaf: leaf[0], states[0])
    policies = references.build(environment)
    action = policies["random-static"](jax.random.key(0), state, states[1][0])
    np.testing.assert_allclose(action[2:4], action[4:6], atol=1e-6)
    other = jax.tree.map(lambda leaf: leaf[1], states[0])
    constant = eqx.filter_jit(policies["constant"])
    same = [constant(jax.random.key(0), one, states[1][0]) for one in (state, other)]
    np.testing.assert_array_equal(*same)


def test_states_drift_slowly_and_keep_their_distribution():
    latent = draw_latent(jax.random.key(0), 40)
    moved = latent
    move = jax.jit(lambda key, latent: drift(key, latent, 0.05))
    for key in jax.random.split(jax.random.key(1), 200):
        before, moved = moved, move(key, moved)
    step = jnp.abs(moved.transitions - before.transitions)
    assert 0.02 < float(step.mean()) < 0.06
    assert stats.kstest(np.asarray(moved.transitions).ravel(), "uniform").pvalue > 0.001
    assert float(jnp.abs(moved.transitions - latent.transitions).mean()) > 0.2


def test_a_drifting_state_stays_near():
    environment = registry.make("dynamic-contract", states="drifting", drift=0.01)
    state, observation = environment.reset(jax.random.key(0))
    action = environment.action_space.sample(jax.random.key(2))
    _, timestep = eqx.filter_jit(environment.step)(jax.random.key(1), state, action)
    space = environment.observation_space
    change = np.abs(timestep.observation - observation)[2:] / (space.high - space.low)[2:]
    assert 0 < change.max() < 0.1


def test_draws_are_those_of_the_paper():
    config = ENTRY.config(types=3)
    networks = jax.vmap(lambda key: network_of(config, draw_latent(key, 3)))(jax.random.split(jax.random.key(0), 2000))
    slices = 15 + 10 / 3 * np.arange(4)
    for kind in range(3):
        values = np.asarray(networks.types[:, :, kind]).ravel()
        assert stats.kstest((values - slices[kind]) / (10 / 3), "uniform").pvalue > 0.001
    dirichlet = stats.beta(1, 2)  # a margin of Dirichlet(1, 1, 1)
    assert stats.kstest(np.asarray(networks.transitions[:, 0, 1, 2]), dirichlet.cdf).pvalue > 0.001
    np.testing.assert_allclose(networks.initial.sum(axis=1), 1.0, rtol=1e-5)


def test_ordered_rows_dominate():
    rows = jax.random.dirichlet(jax.random.key(0), jnp.ones(4), (100, 4))
    ordered = jax.jit(order_rows)(rows)
    assert float(ordered.min()) >= -1e-6
    np.testing.assert_allclose(ordered.sum(axis=-1), 1.0, rtol=1e-5)
    assert float(jnp.diff(jnp.cumsum(ordered, axis=-1), axis=-2).max()) <= 1e-6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p1": [0.5, 0.6]}, "p1 = [0.5, 0.6]: must be probabilities that add up to 1, not 1.1"),
        ({"p2": [[0.5, 0.5], [0.2, 0.7]]}, "p2 = [0.2, 0.7]: must be probabilities"),
        ({"p2": [[0.5, 0.5], [1.0]]}, "p2 = ((0.5, 0.5), (1.0,)): must be 2 rows of 2 numbers"),
        ({"theta1": [22.0, 17.0]}, "theta1 = (22.0, 17.0): must be sorted"),
        ({"theta2": [16.0]}, "theta2 = (16.0,): must be 2 numbers"),
        ({"unit_cost": -1.0}, "unit_cost = -1.0"),
        ({"integration_energy": -1.0}, "integration_energy = -1.0"),
        ({"rate_mbps": 0.0}, "rate_mbps = 0.0"),
        ({"servers": 1}, "servers = 1: must be at least the number of types, 2"),
        ({"beta": 1.5}, "beta = 1.5"),
        ({"alpha": None}, "alpha = None"),
        ({"colour": 1}, "colour = 1: must be left out"),
        ({"hardware": {"speed": 1}}, "speed = 1: must be left out"),
        ({"hardware": {"delta": 0.5}}, "delta = 0.5"),
        ({"mode": "best"}, "mode = 'best'"),
        ({"mode": "joint", "p1": [0.0, 1.0]}, "p1 = (0.0, 1.0): must be above 0 everywhere in joint mode"),
    ],
)
def test_a_bad_instance_is_named(change, said):
    with pytest.raises(ConfigurationError) as caught:
        parse_instance(VALUES | change)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_field_is_named():
    with pytest.raises(ConfigurationError, match="complete: theta2 is missing"):
        parse_instance({name: value for name, value in VALUES.items() if name != "theta2"})


def test_solve_prints_json_and_draws_the_menu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "servers.yaml"
    file.write_text(yaml.safe_dump(VALUES))
    assert main(["solve", "dynamic-contract", "--instance", str(file), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"rounds1", "rewards1", "rounds2", "rewards2", "profit", "upper_bound", "feasibility"}
    assert answer["profit"] == pytest.approx(Case(VALUES).optimum(), rel=1e-8)
    assert 0 <= answer["upper_bound"] - answer["profit"] < 1e-6 * answer["profit"]
    menu = [np.array(answer[name]) for name in ("rounds1", "rewards1", "rounds2", "rewards2")]
    for name, slacks in Case(VALUES).slacks(*menu).items():
        assert answer["feasibility"][name] == pytest.approx(min(slacks), abs=1e-6)
        assert min(slacks) > -1e-6
    assert shows_something(tmp_path / "servers.png")


def test_solve_says_that_the_menu_of_the_theorems_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "servers.yaml"
    file.write_text(yaml.safe_dump(VALUES))
    image = tmp_path / "menu.svg"
    assert main(["solve", "dynamic-contract", "--instance", str(file), "--figure", str(image)]) == 0
    told = capsys.readouterr().out
    assert "this menu is feasible" in told
    assert "Theorems 1 and 3 word for word (profit 1014.908014) is NOT feasible: 1 constraint fails" in told
    assert "individual rationality 1 of types (2) by 97.2442" in told
    assert image.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["solve"], 2, ""),
        (["solve", "dynamic-contract", "--instance", "missing.yaml"], 1, "missing.yaml: cannot be read"),
        (["solve", "dynamic-contract", "--instance", "x.yaml", "--figure", "x.txt"], 2, "figure = 'x.txt'"),
    ],
)
def test_mistakes_get_one_clear_line(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(words) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") <= 1


def test_training_options_do_not_collide(capsys: pytest.CaptureFixture[str]) -> None:
    for algorithm in ("cgdm", "ppo"):
        assert main(["train", "dynamic-contract", "--algorithm", algorithm, "--help"]) == 0
    assert "--ordered-rows" in capsys.readouterr().out
