"""A module is known by the initial weights that it was begun from, whoever delivers it first and however it was trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")

import construction_parts as parts
from edgewise.common.plain import to_plain
from edgewise.construction.artefact import Refused, describe, pack
from edgewise.construction.books import Books, Edge
from edgewise.construction.cloud import Cloud
from edgewise.construction.contract import price
from edgewise.construction.keys import Key, make_key
from edgewise.construction.kind import MODULES, Weights
from edgewise.construction.origin import Begin, check_begin, trace
from edgewise.construction.parcels import Nearby
from edgewise.construction.terms import PERIODS, TYPICAL, Terms
from edgewise.construction.verdicts import ACCEPTED, Wanted, examine_all
from toy_module import TOY

KIND = "perception"
OF = MODULES.find(KIND)
AUTHOR, THIEF = 1, 2
"""Seeds of the initial weights that they got."""


def trained(weights: Weights, app: str, rounds: int) -> Weights:
    data = OF.draw_data((app,), 500, 5, "de")
    for number in range(rounds):
        weights, _ = OF.train_round(weights, data, number)
    return weights


@pytest.fixture(scope="module")
def authors() -> Weights:
    return trained(OF.initial(AUTHOR), "mail", 16)


@pytest.fixture(scope="module")
def keys() -> dict[int, Key]:
    return {AUTHOR: make_key(), THIEF: make_key()}


def delivered(weights: Weights, seed: int, keys: dict[int, Key]) -> tuple[bytes, Wanted]:
    """A module for the order whose initial weights have a seed."""
    key, order = keys[seed], f"order {seed}"
    log = tuple({"loss": 1.0, "examples": 500.0, "cpu_seconds": 0.1} for _ in range(16))
    manifest = replace(describe(KIND, OF, 500, "drawn", order), rounds=log)
    return pack(manifest, weights, key), Wanted(key.public, order, KIND, 16, seed)


def begun(keys: dict[int, Key]) -> list[Begin]:
    return [Begin(key.public, f"order {seed}", KIND, seed) for seed, key in keys.items()]


def test_a_stolen_module_that_was_trained_further_is_found_even_if_it_comes_first(
    authors: Weights, keys: dict[int, Key]
) -> None:
    held = replace(parts.held_for(KIND), begun=begun(keys))
    honest = delivered(authors, AUTHOR, keys), delivered(trained(OF.initial(THIEF), "shop", 16), THIEF, keys)
    assert [each.verdict for each in examine_all(honest, {KIND: held})] == [ACCEPTED, ACCEPTED]
    for further in (1, 4):
        stolen = delivered(trained(authors, "shop", further), THIEF, keys)
        assert [each.verdict for each in examine_all([stolen, honest[0]], {KIND: held})] == ["copy", ACCEPTED]
        assert [each.verdict for each in examine_all([honest[0], stolen], {KIND: held})] == [ACCEPTED, "copy"]
    same_start = {KIND: replace(held, begun=())}
    assert [each.verdict for each in examine_all([stolen, honest[0]], same_start)] == [ACCEPTED, ACCEPTED]


def test_a_servers_own_module_of_an_earlier_order_is_no_new_work(authors: Weights, keys: dict[int, Key]) -> None:
    before = Begin(keys[THIEF].public, "order before", KIND, AUTHOR)
    with pytest.raises(Refused, match="replayed"):
        check_begin(trained(authors, "shop", 2), OF, THIEF, "order 2", keys[THIEF].public, [before])


@pytest.mark.parametrize(("apart", "different"), [(True, 4), (False, 1)])
def test_every_order_may_have_initial_weights_of_its_own(tmp_path: Path, apart: bool, different: int) -> None:
    books = Books(tmp_path)
    books.begin("town", to_plain(Terms((KIND,), apart=apart)), price(TYPICAL, ((3, 5), ((3, 5), (4, 5)))))
    edges = books.enrol("town", [Edge("b" * 64, "one", KIND), Edge("a" * 64, "two", KIND)])
    books.close()
    cloud = Cloud(tmp_path, "town", Nearby({}))
    orders = [cloud.order(period, edge.edge, edge.kind, 3) for period in PERIODS for edge in edges]
    assert len({order.initial for order in orders}) == different
    assert len({order.name for order in orders}) == 4


def test_the_trace_is_a_correlation_beside_the_own_initial_weights() -> None:
    rng = np.random.default_rng(0)
    own, other = ({"a": rng.standard_normal((40, 50)).astype(np.float32)} for _ in range(2))
    assert trace(other, own, other)[0] == pytest.approx(1)
    assert abs(trace(own, own, other)[0]) < 0.1
    mixed = {"a": own["a"] + other["a"]}
    found, chance = trace(mixed, own, other)
    mine, theirs = own["a"].ravel().astype(float), other["a"].ravel().astype(float)
    beside = theirs - mine * (theirs @ mine) / (mine @ mine)
    changed = mine + theirs
    changed = changed - mine * (changed @ mine) / (mine @ mine)
    assert found == pytest.approx(changed @ beside / np.linalg.norm(changed) / np.linalg.norm(beside))
    assert chance == pytest.approx(2000**-0.5)


def test_initial_weights_that_are_alike_or_few_say_nothing() -> None:
    same = {"a": np.ones((30, 30), np.float32), "cards": np.zeros((4, 8), np.uint8)}
    assert trace(same, same, same)[0] == 0
    check_begin(TOY.initial(1), TOY, 2, "new", "one", [Begin("two", "old", "toy", 1)])
