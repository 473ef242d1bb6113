"""Model, theorems, exact optimum and projection of dynamic contracts against a plain reading of the paper."""

from __future__ import annotations

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from edgewise.common.errors import ConfigurationError
from edgewise.systems.dynamic_contract import model, theory
from edgewise.systems.dynamic_contract.files import parse_instance
from edgewise.systems.dynamic_contract.model import Contract, Hardware, total_profit
from edgewise.systems.dynamic_contract.network import build_network
from edgewise.systems.dynamic_contract.optimum import (
    MODES,
    first_best,
    optimal_contract,
    optimal_contracts,
    static_contract,
)
from edgewise.systems.dynamic_contract.projection import nearest_monotone, project
from edgewise.systems.dynamic_contract.sampling import random_contract
from reference.dynamic_contract import Case, draw_values

VALUES = {
    "servers": 12, "alpha": 200.0, "beta": 1.0, "unit_cost": 0.75, "power_dbm": 27.0, "rate_mbps": 2.0,
    "integration_energy": 22.0, "p1": [0.4, 0.6], "p2": [[0.7, 0.3], [0.25, 0.75]], "theta1": [17.0, 22.0],
    "theta2": [16.0, 24.0],
}  # fmt: skip
PERIODS = {  # three periods of two types
    "servers": 4, "alpha": 220.0, "beta": 0.9, "unit_cost": 0.7, "power_dbm": 25.0, "rate_mbps": 1.5,
    "integration_energy": 21.0, "types": [[16.0, 23.0], [17.0, 21.0], [15.5, 24.0]], "initial": [0.5, 0.5],
    "transitions": [[[0.6, 0.4], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]]],
}  # fmt: skip


judged = jax.jit(theory.check)
chained = jax.jit(theory.optimal_rewards)
projected = jax.jit(project)
profit_of = jax.jit(total_profit)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def states():
    """Random states of two types, as numbers and stacked for a batch."""
    rng = np.random.default_rng(1)
    values = [draw_values(rng) for _ in range(40)]
    with jax.enable_x64(True):
        networks = [parse_instance(one).network() for one in values]
        return values, jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)


@pytest.fixture(scope="module")
def solved(states):
    with jax.enable_x64(True):
        return {mode: optimal_contracts(states[1], mode) for mode in MODES}


def network_of(**changes):
    return parse_instance(VALUES | changes).network()


def contract_of(case, rounds):
    first, first_rewards, second, second_rewards = map(jnp.asarray, case.menu(np.asarray(rounds)))
    return Contract((first, second), (first_rewards, second_rewards))


class TestModel:
    def test_numbers_of_table_1(self):
        network = network_of(unit_cost=1.0)
        assert float(network.round_cost) == pytest.approx(49.152)
        assert float(model.quality(network.hardware, jnp.asarray(1.0))) == pytest.approx(1 - 2**-0.0368)
        ends = [network_of(unit_cost=s, power_dbm=p, rate_mbps=r).fixed_cost for s, p, r in ((0.5, 20, 3), (1, 33, 1))]
        np.testing.assert_allclose(ends, [17.717, 192.389], rtol=1e-4)

    def test_utility_is_reward_less_the_cost_of_all_energy(self):
        network = network_of()
        parts = model.perception_energy(network.hardware) + model.creation_energy(network.hardware, jnp.asarray(30.0))
        parts += model.upload_energy(network.hardware, network.power, network.rate)
        assert float(model.total_energy(network, jnp.asarray(30.0))) == pytest.approx(float(parts))
        utility = model.server_utility(network, jnp.asarray(20.0), jnp.asarray(30.0), jnp.asarray(60.0))
        assert float(utility) == pytest.approx(20 * 60 - 0.75 * float(parts))

    def test_expected_profit_is_that_of_servers_in_these_shares(self):
        network = network_of(servers=20)
        rounds = (jnp.array([10.0, 30.0]), jnp.array([[5.0, 20.0], [15.0, 45.0]]))
        contract = chained(network, rounds)
        items = jnp.repeat(jnp.arange(2), np.array([8, 12]))
        first = model.cloud_utility(network, rounds[0][items], contract.rewards[0][items])
        assert float(model.period_profits(network, contract)[0]) == pytest.approx(float(first))

    def test_profit_is_that_of_the_paper(self, states):
        values, _ = states
        for one, rounds in zip(values[:5], np.random.default_rng(0).uniform(0, 80, (5, 6)), strict=True):
            case, network = Case(one), parse_instance(one).network()
            assert float(profit_of(network, contract_of(case, rounds))) == pytest.approx(
                case.profit(*case.menu(rounds)), rel=1e-12
            )

    def test_impossible_constants_are_named(self):
        with pytest.raises(ConfigurationError, match=r"delta = 0\.25: must be in \(0, 2 / lipschitz\)"):
            Hardware(delta=0.25)
        with pytest.raises(ConfigurationError, match=r"cpu_speed = 0"):
            Hardware(cpu_speed=0.0)


class TestTheory:
    @pytest.mark.parametrize("kinds", [1, 2, 4])
    def test_rewards_are_those_of_theorems_2_and_4(self, kinds):
        rng = np.random.default_rng(kinds)
        case = Case(draw_values(rng, kinds))
        rounds = rng.uniform(0, 80, kinds + kinds**2)
        expected = contract_of(case, rounds)
        actual = chained(parse_instance(case.values).network(), expected.rounds)
        for ours, theirs in zip(actual.rewards, expected.rewards, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)

    def test_phi_as_printed_vanishes_for_two_types(self):
        case = Case(VALUES)
        first, second = np.array([10.0, 30.0]), np.array([[5.0, 20.0], [15.0, 45.0]])
        alone = case.first_rewards(first, np.zeros((2, 2)))
        np.testing.assert_allclose(case.first_rewards(first, second, as_printed=True), alone)
        assert not np.allclose(case.first_rewards(first, second), alone)

    def test_report_is_that_of_every_pair(self):
        rng = np.random.default_rng(5)
        case = Case(draw_values(rng, 3))
        menu = case.menu(rng.uniform(0, 80, 12))
        contract = contract_of(case, np.concatenate([menu[0], menu[2].ravel()]))
        groups = judged(parse_instance(case.values).network(), contract).groups()
        for name, expected in case.slacks(*menu).items():
            actual = np.asarray(groups[name]).ravel()
            np.testing.assert_allclose(actual[np.isfinite(actual)], expected, atol=1e-9)

    def test_a_failure_is_named_with_its_types_and_size(self):
        network = network_of()
        good = optimal_contract(network).contract
        assert theory.failures(judged(network, good)) == []
        less = dataclasses.replace(good, rewards=(good.rewards[0].at[1].add(-1.0), good.rewards[1]))
        report = judged(network, less)
        failure = theory.failures(report)[0]
        assert (failure.group, failure.place) == ("individual_rationality_1", (2,))
        assert failure.shortfall == pytest.approx(22.0, abs=1e-6)
        assert float(report.shortfall()) == pytest.approx(22.0, abs=1e-6)
        assert not bool(report.feasible())

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.floats(0, 90), min_size=4, max_size=4))
    def test_theorem_1_rounds_that_rise_are_enough_and_needed_in_period_2(self, second):
        network = network_of()
        rounds = jnp.asarray(second).reshape(2, 2)
        report = judged(network, chained(network, (jnp.array([10.0, 30.0]), rounds)))
        rising = bool((rounds[:, 1] >= rounds[:, 0]).all())
        least = min(
            float(report.worst()[f"{name}_2"]) for name in ("individual_rationality", "incentive_compatibility")
        )
        assert (least >= -1e-6) == rising or np.isclose(rounds[:, 0], rounds[:, 1], atol=1e-6).any()

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 1000), st.integers(0, 3), st.floats(0.01, 5.0))
    def test_theorem_2_no_reward_can_be_lower(self, seed, item, cut):
        network = network_of()
        rng = np.random.default_rng(seed)
        rounds = (jnp.sort(jnp.asarray(rng.uniform(0, 80, 2))), jnp.sort(jnp.asarray(rng.uniform(0, 80, (2, 2)))))
        contract = chained(network, rounds)
        cheaper = contract.rewards[1].ravel().at[item].add(-cut).reshape(2, 2)
        worst = judged(network, dataclasses.replace(contract, rewards=(contract.rewards[0], cheaper))).worst()
        assert min(worst["individual_rationality_2"], worst["incentive_compatibility_2"]) < -1e-6

    def test_theorem_3_is_not_sufficient(self, states, solved):
        """Its conditions hold for the optimum that asks nothing else, yet constraints fail in a good part of states."""
        reports = jax.vmap(theory.check)(states[1], solved["paper"].contract)
        monotone = jnp.stack([slack.reshape(40, -1).min(axis=1) for slack in reports.monotonicity]).min(axis=0)
        feasible = np.asarray(jax.vmap(lambda report: report.feasible())(reports))
        assert float(monotone.min()) > -1e-6
        assert 0.2 < feasible.mean() < 0.9
        np.testing.assert_allclose(solved["paper"].profit[feasible], solved["feasible"].profit[feasible], rtol=1e-8)

    def test_least_rewards_are_least(self):
        """They are feasible, and no one of them can be lowered."""
        network = network_of(p2=[[0.9, 0.1], [0.1, 0.9]])
        rounds = (jnp.array([20.0, 40.0]), jnp.array([[10.0, 40.0], [30.0, 45.0]]))
        contract = theory.complete(network, rounds, theory.least_rewards)
        assert bool(judged(network, contract).feasible())
        for item in range(2):
            cheaper = (contract.rewards[0].at[item].add(-0.5), contract.rewards[1])
            assert not bool(judged(network, dataclasses.replace(contract, rewards=cheaper)).feasible())


class TestOptimum:
    def test_agrees_with_another_solver(self, states, solved):
        expected = [Case(one).optimum() for one in states[0]]
        np.testing.assert_allclose(solved["feasible"].profit, expected, rtol=1e-6)

    def test_agrees_with_another_solver_for_three_types(self):
        rng = np.random.default_rng(3)
        for _ in range(2):
            values = draw_values(rng, 3)
            optimum = optimal_contract(parse_instance(values).network())
            assert float(optimum.profit) == pytest.approx(Case(values).optimum(), rel=1e-6)

    @pytest.mark.parametrize("mode", MODES)
    def test_the_bound_proves_it(self, solved, mode):
        gap = (solved[mode].upper_bound - solved[mode].profit) / solved[mode].profit
        assert float(gap.min()) >= 0
        assert float(gap.max()) < 1e-6

    @pytest.mark.parametrize("mode", ["feasible", "joint"])
    def test_every_menu_is_feasible(self, states, solved, mode):
        feasible = jax.vmap(lambda network, contract: theory.check(network, contract).feasible(1e-9))
        assert bool(feasible(states[1], solved[mode].contract).all())

    def test_no_feasible_menu_found_at_random_is_better(self, states, solved):
        """Uniform rounds, and rounds near the optimum, with the rewards of the theorems."""
        network = jax.tree.map(lambda leaf: leaf[0], states[1])
        best = jnp.concatenate([part[0].ravel() for part in solved["feasible"].contract.rounds])
        rng = np.random.default_rng(0)
        near = best + rng.normal(size=(20_000, 6)) * rng.choice([0.01, 0.3, 3.0, 20.0], size=(20_000, 1))
        drawn = jnp.clip(jnp.concatenate([near, rng.uniform(0, 100, (20_000, 6))]), 0, 100)

        @jax.jit
        @jax.vmap
        def judge(rounds):
            contract = chained(network, (rounds[:2], rounds[2:].reshape(2, 2)))
            return total_profit(network, contract), judged(network, contract).feasible(0.0)

        profits, feasible = judge(drawn)
        assert int(feasible.sum()) > 500
        assert float(profits[feasible].max()) <= float(solved["feasible"].profit[0]) * (1 + 1e-9)

    def test_schemes_are_in_order(self, states, solved):
        static = optimal_contracts(states[1], "feasible", True).profit
        known = jax.vmap(lambda network: total_profit(network, first_best(network)))(states[1])
        chain = [static, solved["feasible"].profit, solved["joint"].profit, known]
        for lower, higher in itertools.pairwise(chain):
            assert bool((lower <= higher * (1 + 1e-7)).all())
        assert bool((solved["feasible"].profit <= solved["paper"].profit * (1 + 1e-9)).all())
        assert float((solved["feasible"].profit - static).mean()) > 1
        assert float((solved["joint"].profit - solved["feasible"].profit).max()) > 0.01  # paying late can be cheaper

    def test_one_by_one_and_inside_a_single_precision_program(self, states, solved):
        network = jax.tree.map(lambda leaf: leaf[7], states[1])
        assert float(optimal_contract(network).profit) == pytest.approx(float(solved["feasible"].profit[7]), rel=1e-10)
        with jax.enable_x64(False):
            narrow = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float32), network)
            twice = jax.jit(lambda network: optimal_contract(network).profit * 2)(narrow)
            assert twice.dtype == jnp.float32
            assert float(twice) == pytest.approx(2 * float(solved["feasible"].profit[7]), rel=1e-5)

    def test_profit_grows_with_servers_alpha_and_beta(self):
        base = float(optimal_contract(network_of(beta=0.5)).profit)
        for change in ({"servers": 18}, {"alpha": 250.0}, {"beta": 1.0}):
            assert float(optimal_contract(network_of(**{"beta": 0.5, **change})).profit) > base

    def test_impossible_types_and_a_single_type(self):
        never = optimal_contract(network_of(p1=[0.0, 1.0], p2=[[1.0, 0.0], [0.0, 1.0]]))
        assert float(never.upper_bound - never.profit) < 1e-6 * float(never.profit)
        network = parse_instance(VALUES | {"p1": [1.0], "p2": [[1.0]], "theta1": [17.0], "theta2": [24.0]}).network()
        alone = optimal_contract(network)
        assert float(alone.profit) == pytest.approx(float(total_profit(network, first_best(network))), rel=1e-9)


class TestMorePeriods:
    def test_two_static_periods_are_one_and_one(self):
        network = network_of()
        marginal = network.initial @ network.transitions[0]
        one = {name: value for name, value in VALUES.items() if name not in ("p1", "p2", "theta1", "theta2")}
        alone = [
            float(optimal_contract(build_network(**one, types=[types], initial=p.tolist(), transitions=[])).profit)
            for types, p in ((VALUES["theta1"], network.initial), (VALUES["theta2"], marginal))
        ]
        assert float(static_contract(network).profit) == pytest.approx(sum(alone), rel=1e-9)

    def test_a_period_that_counts_for_nothing_changes_nothing(self):
        three = build_network(**PERIODS | {"beta": 0.0})
        short = {name: PERIODS[name][:1] for name in ("types",)} | {"transitions": [], "beta": 0.0}
        one = optimal_contract(build_network(**PERIODS | short))
        assert float(optimal_contract(three).profit) == pytest.approx(float(one.profit), rel=1e-6)

    @pytest.mark.parametrize("mode", ["feasible", "joint"])
    def test_no_way_of_misreporting_beats_the_truth_in_three_periods(self, mode):
        """Every plan of reports, enumerated: in period 1, in period 2 by type, in period 3 by both types."""
        network = build_network(**PERIODS)
        optimum = optimal_contract(network, mode)
        assert float(optimum.upper_bound - optimum.profit) < 1e-6 * float(optimum.profit)
        utilities = [
            np.asarray(
                network.types[t][:, None] * optimum.contract.rewards[t][..., None, :]
                - network.round_cost * optimum.contract.rounds[t][..., None, :]
                - network.fixed_cost
            )
            for t in range(3)
        ]  # [..., true type, report]
        p2, p3, beta = np.asarray(network.transitions[0]), np.asarray(network.transitions[1]), float(network.beta)
        for k in range(2):
            values = {}
            for a, b, c in itertools.product(
                range(2), itertools.product(range(2), repeat=2), itertools.product(range(2), repeat=4)
            ):
                value = utilities[0][k, a]
                for j, i in itertools.product(range(2), repeat=2):
                    third = utilities[2][a, b[j], i, c[2 * j + i]]
                    value += beta * p2[k, j] * p3[j, i] * (utilities[1][a, j, b[j]] + beta * third)
                values[a, b, c] = value
            truth = values[k, (0, 1), (0, 1, 0, 1)]
            assert truth >= max(values.values()) - 1e-6


class TestProjection:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 10_000))
    def test_any_rounds_become_a_feasible_menu(self, seed):
        rng = np.random.default_rng(seed)
        network = parse_instance(draw_values(rng)).network()
        rounds = (jnp.asarray(rng.uniform(0, 100, 2)), jnp.asarray(rng.uniform(0, 100, (2, 2))))
        result = projected(network, rounds)
        assert bool(judged(network, result.contract).feasible(2e-6))
        assert 0 <= float(result.pooled) <= 1

    @pytest.mark.slow
    def test_more_types_and_periods(self):
        types = [[15.0, 18.0, 21.0], [16.0, 19.0, 24.0], [15.5, 20.0, 22.0]]
        periods = len(types)
        rows = np.random.default_rng(0).dirichlet(np.ones(3), (periods - 1, 3)).tolist()
        changed = {"types": types, "initial": [0.2, 0.5, 0.3], "transitions": rows}
        network = build_network(**PERIODS | changed)
        draw = jax.jit(jax.vmap(random_contract, in_axes=(0, None, None)), static_argnums=2)
        for shared in (False, True):
            contracts = draw(jax.random.split(jax.random.key(0), 8), network, shared)
            feasible = jax.vmap(lambda contract: theory.check(network, contract).feasible(2e-6))(contracts)
            assert bool(feasible.all())
            spread = jnp.ptp(contracts.rounds[-1], axis=tuple(range(1, periods)))
            assert (float(spread.max()) < 1e-9) == shared

    def test_the_optimum_stays_as_it_is(self, states, solved):
        result = jax.jit(jax.vmap(project))(states[1], solved["feasible"].contract.rounds)
        assert float(result.pooled.max()) == 0
        profits = jax.vmap(total_profit)(states[1], result.contract)
        np.testing.assert_allclose(profits, solved["feasible"].profit, rtol=1e-7)

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.floats(0, 100), min_size=5, max_size=5))
    def test_nearest_monotone_rounds(self, values):
        expected = IsotonicRegression().fit_transform(np.arange(5.0), np.array(values))
        np.testing.assert_allclose(nearest_monotone(jnp.asarray(values)), expected, atol=1e-9)
