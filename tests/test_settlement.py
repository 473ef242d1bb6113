"""Settlement by measured quality: what is paid, and that no lie about effort is worth it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.construction.contract import costs_of, price
from edgewise.construction.curve import Curve, fit
from edgewise.construction.designer import design
from edgewise.construction.menu import UNIT, Costs, choose_first, choose_second
from edgewise.construction.settlement import COVER, Settlement, least_gain, owed
from edgewise.construction.terms import TYPICAL, Terms, curves_of, settlement_of

AT = (0, 5, 10, 15, 20, 30, 40, 60, 80, 100)
COSTS = Costs(30.0, 100.0)
THETA = 17.5


def runs(rate: float, slow: float = 0.0, deviation: float = 0.02) -> Curve:
    """Honest runs on 1 - exp(-rate T), which begin slowly if `slow` is above 0."""
    at = np.array(AT)
    mean = 1 - np.exp(-rate * at * at / (at + slow + 1e-9))
    return fit("k", AT, [np.clip(mean + part * deviation, 0, 1).tolist() for part in (-1, 0, 1)])


@pytest.mark.parametrize(
    ("quality", "paid"),
    [(700_000, 50_000_000), (710_000, 51_234_567), (690_001, 48_765_556), (100_000, 0), (999_999, 87_036_887)],
)
def test_what_is_owed_is_exact_and_within_its_limits(quality: int, paid: int) -> None:
    assert owed(50_000_000, quality, 700_000, 123_456_700) == paid
    assert owed(50_000_000, quality, None, None) == 50_000_000
    assert owed(10_000_000, 999_999, 700_000, 123_456_700) == 20_000_000


@pytest.mark.parametrize("curve", [runs(0.03), runs(0.1), runs(0.08, slow=10.0)], ids=("flat", "steep", "slow start"))
def test_by_the_curve_less_work_pays_no_type(curve: Curve) -> None:
    menu = price(TYPICAL, ((12, 30), ((10, 30), (14, 33))))
    written = Settlement((curve,), 500).written(menu)
    for rounds in (10, 12, 14, 30, 33):
        gauge = written.gauge("k", rounds)
        assert gauge is not None
        assert gauge.quality == pytest.approx(float(curve.smooth(rounds).mean()) * UNIT, abs=1)
        for built in range(rounds):
            lost = gauge.slope / UNIT * (gauge.quality / UNIT - float(curve.smooth(built).mean()))
            for theta in (*menu.theta1, *menu.theta2):
                assert theta * lost >= menu.costs.round * (rounds - built) * (1 - 1e-4)
        assert gauge.slope / UNIT == pytest.approx(menu.costs.round / (17.5 * least_gain(curve, rounds)), abs=1e-6)
    assert written.gauge("another", 10) is None


def test_the_most_rounds_are_the_last_that_chance_and_income_allow() -> None:
    curve = runs(0.06)

    def slope(rounds: int) -> float:
        return 30.0 / (THETA * least_gain(curve, rounds))

    def varies_little(rounds: int) -> bool:
        mean, among = float(np.interp(rounds, AT, np.mean(curve.qualities, axis=0))), 0.02 * math.sqrt(4 / 3)
        deviation = math.sqrt(among**2 + mean * (1 - mean) / 500)
        return 3 * slope(rounds) * deviation <= (30.0 * rounds + 100.0) / THETA

    by_chance = Settlement((curve,), 500).enforceable(COSTS, THETA, 1e9)
    assert 10 < by_chance < 60
    assert varies_little(by_chance)
    assert not varies_little(by_chance + 1)
    by_income = Settlement((curve,), 500).enforceable(COSTS, THETA, 60.0)
    assert by_income < by_chance
    assert slope(by_income) <= 60.0 < slope(by_income + 1)
    assert Settlement((curve,), 5000).enforceable(COSTS, THETA, 1e9) >= by_chance
    assert Settlement((curve, runs(0.2)), 500).enforceable(COSTS, THETA, 1e9) < by_chance


def test_what_cannot_be_told_is_said() -> None:
    flat = Curve("sign", (0, 50, 100), ((0.5, 0.5, 0.5), (0.6, 0.6, 0.6)), 0.1, 0.1, 0.1, 0.0)
    with pytest.raises(
        ConfigurationError, match=r"settlement = 'measured': must be fixed: .* does not tell .* of sign"
    ):
        Settlement((flat,), 500).enforceable(COSTS, THETA, 200.0)


def test_what_is_not_sure_counts_less() -> None:
    at = np.array(AT)
    sure, unsure = (
        fit("k", AT, [(1 - np.exp(-rate * at)).tolist() for rate in rates])
        for rates in ((0.06, 0.06, 0.06), (0.05, 0.06, 0.07))
    )
    assert least_gain(sure, 20) == pytest.approx(float((sure.smooth(20) - sure.smooth(19)).mean()))
    assert least_gain(unsure, 20) < 0.96 * least_gain(sure, 20)


def test_kinds_without_a_curve_are_paid_a_fixed_reward() -> None:
    assert settlement_of(Terms(("perception",))) is None
    others = Terms(("perception", "k"), settlement="measured", round_examples=7)
    assert settlement_of(others) is None
    known = settlement_of(replace(others, curves=(runs(0.1),)))
    assert known is not None
    assert [curve.kind for curve in known.curves] == ["k"]


@pytest.mark.slow
def test_a_menu_that_is_settled_by_quality_covers_the_risk_and_keeps_the_truth() -> None:
    settlement = Settlement(tuple(curves_of(Terms(("x",)))[kind] for kind in ("perception", "action")), 512)
    menu = design(TYPICAL, "optimum", "always", settlement=settlement)
    costs = costs_of(TYPICAL)
    first, second = menu.rounds
    asked = {*first, *second[0], *second[1]}
    assert max(asked) <= settlement.enforceable(costs, 17.5, TYPICAL.alpha)
    assert {(gauge.kind, gauge.rounds) for gauge in menu.gauges} == {
        (kind, rounds) for kind in ("perception", "action") for rounds in asked
    }
    for theta, item in zip(menu.theta1, menu.first, strict=True):
        risk = settlement.risk(item.rounds, costs, 17.5)
        assert item.reward / UNIT >= costs.of(item.rounds) / theta + COVER * risk - 1e-5
    for k, first_theta in enumerate(menu.theta1):
        assert choose_first(menu, first_theta, costs) == k
        for j, second_theta in enumerate(menu.theta2):
            assert choose_second(menu, k, second_theta, costs) == j
