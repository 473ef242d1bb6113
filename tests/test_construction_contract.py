"""Menus with whole rounds: truth pays, by brute force over every lie; books add up."""

from __future__ import annotations

import dataclasses
import sqlite3
from itertools import product
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import EdgewiseError
from edgewise.construction.books import ACCEPTED, Books, Choice, Delivery, Edge, Integrated, Judged, Rates, total_profit
from edgewise.construction.contract import Truth, costs_of, energy, expected_profit, price, quality
from edgewise.construction.designer import design
from edgewise.construction.menu import UNIT, Menu, choose_first, choose_second, read_menu, utility
from edgewise.construction.terms import TYPICAL
from edgewise.systems.dynamic_contract.files import Instance
from edgewise.systems.dynamic_contract.model import Contract, Network, total_energy
from edgewise.systems.dynamic_contract.model import quality as model_quality
from edgewise.systems.dynamic_contract.model import total_profit as model_profit
from edgewise.systems.dynamic_contract.optimum import precision
from edgewise.systems.dynamic_contract.solution import solve
from edgewise.systems.dynamic_contract.theory import check

INSTANCE = dataclasses.replace(TYPICAL, theta2=(16.0, 23.0))
THREE = dataclasses.replace(
    INSTANCE,
    p1=(0.3, 0.3, 0.4),
    p2=((0.6, 0.3, 0.1), (0.2, 0.5, 0.3), (0.1, 0.3, 0.6)),
    theta1=(16.0, 20.0, 24.0),
    theta2=(15.5, 19.0, 23.5),
)
ROUNDS = {
    2: ((27, 45), ((24, 45), (35, 45))),
    3: ((10, 25, 45), ((20, 30, 45), (24, 30, 45), (30, 35, 45))),
}
"""By the number of types."""


def of(instance: Instance, truth: Truth) -> Menu:
    return price(instance, ROUNDS[len(instance.theta1)], truth)


def over_both(menu: Menu, theta1: float, theta2: float, first: int, second: int) -> float:
    later = utility(theta2, menu.second[first][second], menu.costs)
    return utility(theta1, menu.first[first], menu.costs) + menu.beta * later


@pytest.mark.parametrize("instance", [INSTANCE, THREE], ids=("two types", "three types"))
@pytest.mark.parametrize("truth", ["expected", "always"])
def test_every_type_takes_its_own_items(instance: Instance, truth: Truth) -> None:
    menu = of(instance, truth)
    for k, theta1 in enumerate(instance.theta1):
        assert choose_first(menu, theta1, menu.costs) == k
        for j, theta2 in enumerate(instance.theta2):
            assert choose_second(menu, k, theta2, menu.costs) == j


@pytest.mark.parametrize("instance", [INSTANCE, THREE], ids=("two types", "three types"))
def test_no_lie_pays_whatever_the_second_type(instance: Instance) -> None:
    menu, kinds = of(instance, "always"), range(len(instance.theta1))
    for k, j in product(kinds, kinds):
        honest = over_both(menu, instance.theta1[k], instance.theta2[j], k, j)
        for first, second in product(kinds, kinds):
            assert over_both(menu, instance.theta1[k], instance.theta2[j], first, second) <= honest


def test_in_expectation_no_lie_pays_for_less_reward() -> None:
    menu, kinds = of(INSTANCE, "expected"), range(2)
    for k in kinds:
        expected = [
            np.dot(INSTANCE.p2[k], [over_both(menu, INSTANCE.theta1[k], INSTANCE.theta2[j], first, j) for j in kinds])
            for first in kinds
        ]
        assert int(np.argmax(expected)) == k
    assert expected_profit(INSTANCE, menu) > expected_profit(INSTANCE, of(INSTANCE, "always"))


@jax.jit
def modelled(network: Network, contract: Contract) -> dict[str, jax.Array]:
    rounds = contract.rounds[0]
    return {
        "feasible": check(network, contract).feasible(0.0),
        "profit": model_profit(network, contract),
        "energy": total_energy(network, rounds),
        "quality": model_quality(network.hardware, rounds),
        "round": network.round_cost,
        "fixed": network.fixed_cost,
    }


def test_costs_energy_quality_and_profit_are_those_of_the_model() -> None:
    menu, network = of(INSTANCE, "expected"), INSTANCE.network()
    first = np.array([item.reward / UNIT for item in menu.first])
    second = np.array([[item.reward / UNIT for item in row] for row in menu.second])
    with precision(network):
        rounds = tuple(jnp.asarray(each, float) for each in menu.rounds)
        model = modelled(network, Contract(rounds, (jnp.asarray(first), jnp.asarray(second))))
    built = [item.rounds for item in menu.first]
    assert bool(model["feasible"])
    assert expected_profit(INSTANCE, menu) == pytest.approx(float(model["profit"]), rel=1e-9)
    assert [energy(INSTANCE, each) for each in built] == pytest.approx(model["energy"].tolist())
    assert [quality(INSTANCE, each) for each in built] == pytest.approx(model["quality"].tolist())
    costs = costs_of(INSTANCE)
    assert (costs.round, costs.fixed) == pytest.approx((float(model["round"]), float(model["fixed"])))


def test_an_item_without_rounds_costs_and_pays_nothing() -> None:
    menu = price(THREE, ((0, 25, 45), ((0, 30, 45), (24, 30, 45), (30, 35, 45))))
    assert menu.first[0].reward == menu.second[0][0].reward == 0
    assert choose_first(menu, THREE.theta1[0], menu.costs) == 0


def test_a_server_that_nothing_is_worth_it_to_stays_away() -> None:
    menu = of(INSTANCE, "expected")
    assert choose_first(menu, 1.0, menu.costs) is None
    assert choose_second(menu, 0, 1.0, menu.costs) is None
    assert choose_second(menu, None, 20.0, menu.costs) is None


def test_rounds_that_fall_with_the_type_have_no_rewards() -> None:
    with pytest.raises(EdgewiseError, match=r"\(30, 20\)"):
        price(INSTANCE, ((10, 45), ((30, 20), (20, 30))))


def test_a_menu_comes_back_from_plain_values() -> None:
    menu = of(THREE, "always")
    assert read_menu(menu.plain()) == menu


@pytest.mark.slow
def test_designers_earn_in_their_order_and_the_optimum_what_the_solver_says() -> None:
    profits = [expected_profit(INSTANCE, design(INSTANCE, name)) for name in ("optimum", "static", "random")]
    assert profits == sorted(profits, reverse=True)
    assert profits[0] == pytest.approx(solve(INSTANCE).profit, rel=1e-3)


RATES = Rates(alpha=200 * UNIT, integration=16_875_000)
EDGES = [Edge("a" * 64, "one", "decision"), Edge("b" * 64, "two", "planning"), Edge("c" * 64, "three", "memory")]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    books = Books(tmp_path)
    books.begin("city", {"alpha": 200}, of(INSTANCE, "always"))
    books.enrol("city", EDGES)
    for number, edge in enumerate(EDGES[:2]):
        books.choose("city", 1, edge.edge, Choice(number, 27, 59_046_029 + number, 498_333, None, 86_526_675))
        books.receive("city", 1, edge.edge, Delivery(f"{number:064d}", 27, 5_000_001, 1000, 200))
    books.choose("city", 1, EDGES[2].edge, Choice(None))
    return books


def settle(books: Books, period: int = 1) -> None:
    judged = {
        EDGES[0].edge: Judged(ACCEPTED, "", 512_345),
        EDGES[1].edge: Judged("copy", "of one's", 512_345),
        EDGES[2].edge: Judged("declined"),
    }
    books.settle("city", period, RATES, judged, Integrated("d" * 64, 900_000, ("memory",), 7))


def test_books_add_up_and_only_what_was_accepted_is_paid(books: Books) -> None:
    settle(books)
    books.check("city")
    paid = {row["name"]: row["paid"] for row in books.rows("city", 1)}
    assert paid == {"one": 59_046_029, "two": 0, "three": 0}
    [closed] = books.periods("city")
    assert closed["income"] == 102_469_000
    assert closed["profit"] == 102_469_000 - 59_046_029 - 16_875_000
    assert total_profit([closed, {**closed, "period": 2}], 0.5) == closed["profit"] + round(closed["profit"] / 2)


def test_what_stands_in_the_books_stays(books: Books) -> None:
    settle(books)
    before = (books.rows("city"), books.periods("city"), books.edges("city"))
    books.choose("city", 1, EDGES[0].edge, Choice(1, 45, 90 * UNIT))
    books.receive("city", 1, EDGES[0].edge, Delivery("e" * 64, 45))
    books.enrol("city", EDGES[:1])
    settle(books)
    assert (books.rows("city"), books.periods("city"), books.edges("city")) == before


def test_a_module_is_never_paid_twice(books: Books) -> None:
    settle(books)
    for edge in EDGES:
        books.choose("city", 2, edge.edge, Choice(0, 24, 52 * UNIT))
    books.receive("city", 2, EDGES[0].edge, Delivery(f"{0:064d}", 24))
    with pytest.raises(EdgewiseError, match="twice"):
        settle(books, 2)
    assert len(books.periods("city")) == 1
    assert all(row["paid"] == 0 for row in books.rows("city", 2))


def test_books_that_were_changed_do_not_add_up(books: Books, tmp_path: Path) -> None:
    settle(books)
    with sqlite3.connect(tmp_path / "books.db") as connection:
        connection.execute("UPDATE rows SET paid = paid + 1 WHERE paid > 0")
    with pytest.raises(EdgewiseError, match=r"period 1: paid = 59\.046029: must be 59\.046030"):
        books.check("city")
