"""Constructions in one process whose pay follows the measured quality: no lie pays; and whose menu a policy has designed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import EdgewiseError
from edgewise.construction.books import Books
from edgewise.construction.cloud import Cloud
from edgewise.construction.commands.cloud import begin
from edgewise.construction.contract import price
from edgewise.construction.designer import design
from edgewise.construction.settlement import COVER, Settlement
from edgewise.construction.terms import TYPICAL, Terms
from edgewise.policies.artefact import load_policy
from edgewise.policies.folders import policy_folder
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract
from edgewise.systems.dynamic_contract.optimum import precision
from edgewise.systems.dynamic_contract.projection import project
from edgewise.training.run_folder import RunConfig
from served import save_small_policy
from test_construction import MENU, NAME, _toy, at_once, build, carry_out, curve, near  # noqa: F401 - two are fixtures
from test_edmsac import RUN


def utilities(
    folder: Path, behaviour: str, settlement: Settlement | None, patience: float = 5.0
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Utility of each server over both periods if all of them behave so, and the rows of the books."""
    theta, rounds = min(MENU.theta1), ((20, 30), ((20, 30), (20, 30)))
    cover = None if settlement is None else lambda built: COVER * settlement.risk(built, MENU.costs, theta)
    menu = price(dataclasses.replace(TYPICAL, servers=6), rounds, "always", cover)
    types = [(a, b) for a in MENU.theta1 for b in MENU.theta2] + [(17.5, 17.5), (22.5, 22.5)]
    servers = build(
        folder,
        {f"es{number}": behaviour for number in range(len(types))},
        types,
        menu if settlement is None else settlement.written(menu),
        patience,
    )
    carry_out(folder, servers)
    books = Books(folder / "cloud")
    books.check(NAME)
    own = [[server.book.row(NAME, period) for period in (1, 2)] for server in servers.values()]
    earned = [sum((row["utility"] or 0.0) for row in rows if row is not None) for rows in own]
    return np.array(earned), books.rows(NAME)


@pytest.fixture(scope="module")
def truths(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, list[dict[str, Any]]]:
    return utilities(tmp_path_factory.mktemp("truths"), "honest", Settlement((curve(),), 200))


def test_payments_follow_the_measured_quality_to_the_last_digit(truths: tuple[np.ndarray, Any]) -> None:
    _, rows = truths
    for row in rows:
        reward, slope = Decimal(row["reward_promised"]), Decimal(row["slope"])
        right = reward + (slope * (row["quality_measured"] - row["quality_honest"]) / 1_000_000).quantize(Decimal(1))
        assert (row["verdict"], row["paid"]) == ("accepted", right)
    assert len({row["paid"] for row in rows}) > 6
    assert np.mean([row["paid"] / row["reward_promised"] for row in rows]) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "lie", ["lazy:0.9", "dead", *(pytest.param(lie, marks=pytest.mark.slow) for lie in ("lazy", "wrong-type"))]
)
def test_no_lie_pays_where_quality_settles(
    lie: str, truths: tuple[np.ndarray, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(code: int) -> None:
        raise EdgewiseError("gone")

    monkeypatch.setattr("edgewise.construction.misbehaviour.os._exit", gone)
    monkeypatch.setattr("edgewise.construction.post.PAUSE_S", 0.5)
    lied, rows = utilities(tmp_path, lie, Settlement((curve(),), 200), 0.2 if lie == "dead" else 5.0)
    assert lied.mean() < truths[0].mean()
    if lie == "dead":
        assert {(row["verdict"], row["paid"]) for row in rows} == {("dead", 0)}


@pytest.mark.slow
def test_a_fixed_reward_leaves_room_to_do_less(tmp_path: Path) -> None:
    honest, _ = utilities(tmp_path / "honest", "honest", None)
    lied, rows = utilities(tmp_path / "lied", "lazy:0.9", None)
    assert {row["verdict"] for row in rows} == {"accepted"}
    assert (lied > honest).all()


@pytest.mark.slow
def test_a_trained_policy_designs_the_menu(trained: Callable[[RunConfig], Path], tmp_path: Path) -> None:
    folder = trained(RUN)
    servers = build(tmp_path)
    terms = Terms(
        ("toy",), TYPICAL, str(folder), examples=200, tasks=4, curves=(curve(),), gather_s=1.0, settlement="measured"
    )
    books = Books(tmp_path / "cloud")
    begin(books, "learned", terms, 0)
    Cloud(tmp_path / "cloud", "learned", near(servers)).run()
    rows = books.rows("learned")
    assert {row["verdict"] for row in rows} <= {"accepted", "idle"}
    assert any(row["paid"] for row in rows)

    artefact = load_policy(policy_folder(folder, "best", 0))
    environment = DynamicContract(dataclasses.replace(DynamicContractConfig(), servers=TYPICAL.servers))
    network = TYPICAL.network()
    with precision(network):
        action = artefact.act(np.asarray(environment.show(network), np.float32))
        asked = environment.rounds_of(jnp.asarray(action))
        wanted = project(network, tuple(each.astype(float) for each in asked)).contract.rounds
    fixed = design(TYPICAL, str(folder)).rounds
    np.testing.assert_allclose(
        np.hstack([fixed[0], np.ravel(fixed[1])]), np.hstack([wanted[0], np.ravel(wanted[1])]), atol=0.51
    )
    three = dataclasses.replace(
        TYPICAL, p1=(0.3, 0.3, 0.4), p2=((0.6, 0.3, 0.1),) * 3, theta1=(16.0, 20.0, 24.0), theta2=(15.5, 19.0, 23.5)
    )
    with pytest.raises(EdgewiseError, match=r"seed-0/policy\.json: types = 2: must be 3, as in the instance"):
        design(three, str(folder))


def test_what_cannot_design_a_menu_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        EdgewiseError, match=r"designer = '.*none': must be optimum, static, random, or the folder of a run"
    ):
        design(TYPICAL, str(tmp_path / "none"))
    save_small_policy(tmp_path)
    told = r"policy\.json: environment = 'agent-migration': must be dynamic-contract"
    with pytest.raises(EdgewiseError, match=told):
        design(TYPICAL, str(tmp_path))
