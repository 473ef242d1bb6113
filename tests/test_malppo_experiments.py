"""The MALPPO paper's experiments: games judged like everything else, and verdicts on made-up results."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from edgewise.execution.local import serial
from edgewise.experiments.cell import CellResult, Learned, Planned, ProbeResult
from edgewise.experiments.experiment import TEST_SEED, Experiment, run_experiment
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import Outcome, Output, Results
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.store import Store
from edgewise.papers.malppo.claims import iterations
from edgewise.papers.malppo.experiments import EXPERIMENTS, SHOWN
from edgewise.papers.malppo.figures import PANELS
from edgewise.papers.malppo.markets import PAPER_CASE, SYSTEM, at_means
from edgewise.papers.malppo.names import EQUILIBRIA
from edgewise.papers.malppo.paper import PROFILES
from edgewise.papers.malppo.probes import Equilibria, equilibria, metrics
from edgewise.papers.malppo.published import TRENDS
from edgewise.papers.malppo.trends import DOWN, UP, Trend
from edgewise.reports.folder import write_output
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium

SWEEPS = ("fig5", "fig6", "fig7", "fig8")
SEEDS, EPISODES = 6, 2
DISTANCES = ("price_distance", "demand_distance", "leader_distance", "follower_distance")

TINY = Profile("tiny", steps=32, seeds=2, evaluations=2, episodes=3)
SHORT = Setting("short", SYSTEM, {**PAPER_CASE.config, "slots": 3})
SMALL, FEW = (
    {"hidden": (4,), "memory": (), "epochs": 1, "minibatches": 1},
    {"environments": 2, "rollout": 4, "evaluation_episodes": 3, "test_seed": TEST_SEED},
)
AGREES = {
    "MALPPO": 1582.0, "MAPPO": 1540.0, "MAA2C": 1490.0, "MALPPO-RF": 1270.0, "MALPPO-RL": 1150.0,
    "equilibrium": 1590.0, "random": 990.0,
}  # fmt: skip
SETTLED = {"MALPPO": 4, "MAPPO": 16, "MAA2C": 24}
TABLE = {("q", "a", 0.0): 1.0, ("q", "a", 1.0): 2.0, ("q", "b", 0.0): 3.0, ("q", "b", 2.0): 2.5, ("r", "a", 0.0): 9.0}


pytestmark = pytest.mark.usefixtures("few_resamples")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_cell_can_be_described(name: str, profile: Profile) -> None:
    cells = EXPERIMENTS[name].cells(profile)
    assert len({planned.cell.address for planned in cells}) == len(EXPERIMENTS[name].settings) * len(
        EXPERIMENTS[name].labels()
    )


def test_what_figures_share_is_computed_once() -> None:
    cells = {name: {c.cell.address for c in e.cells(PROFILES["paper"])} for name, e in EXPERIMENTS.items()}
    assert cells["fig3"] < cells["fig4"]
    assert len(cells["fig6"] & cells["fig7"]) == 1  # the market with every parameter at its default mean


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A learner and the references of a game through the engine that all experiments share."""
    game = Experiment(
        "game",
        "A game",
        (SHORT,),
        (Learner("MALPPO", "malppo", SMALL, FEW),),
        ("random", "equilibrium"),
        EXPERIMENTS["fig4"].plot,
    )
    return run_experiment(game, TINY, Store(tmp_path_factory.mktemp("malppo")), serial)


class TestGames:
    @pytest.mark.slow
    def test_joint_policies_are_judged_as_the_run_tests_them(self, played: Results) -> None:
        """Each agent's policy is read from a folder of its own; the run's last test had them in memory, and the same episodes."""
        found = played.find("MALPPO")
        tested = json.loads((found.folder / "test.json").read_text())
        for metric in ("return", "exploitability", "price/leader_1", "bought/follower_2"):
            np.testing.assert_allclose(found.units(metric), tested[metric]["mean"], rtol=1e-4)
            assert np.ptp(found.units(metric)) > 0

    @pytest.mark.slow
    def test_references_move_everyone(self, played: Results) -> None:
        exact, chance = (played.find(label).result.episodes.mean() for label in ("equilibrium", "random"))
        assert max(exact[metric] for metric in (*DISTANCES, "exploitability")) < 1e-2
        assert min(chance[metric] for metric in (*DISTANCES, "exploitability")) > 5
        [solved] = Equilibria({"short": SHORT.build()}).compute(None).to_dict("records")
        for panel in PANELS:
            for metric in panel.metrics():
                assert exact[metric] == pytest.approx(solved[metric], rel=1e-4)

    @pytest.mark.slow
    def test_the_figures(self, played: Results) -> None:
        fig4 = EXPERIMENTS["fig4"].plot(played)
        assert sorted(fig4.table["policy"]) == ["MALPPO", "Random", "exact equilibrium"]
        solved = Equilibria({"short": SHORT.build()}).compute(None)
        alone = Results(TINY, (played.find("MALPPO"),), {(EQUILIBRIA, ""): ProbeResult(solved, "code")})
        fig3 = EXPERIMENTS["fig3"].plot(alone)
        assert set(fig3.data["quantity"]) == {panel.quantity for panel in PANELS}
        assert len(fig3.data) == 10 * TINY.evaluations
        exact = fig3.table.set_index("quantity")["exact"]
        assert exact["price, MRP 1, c = 0.3"] == "0.956"  # as edgewise solve twin-trading has it
        assert exact["total demand (1e7 Hz), MSP 2, alpha = 25"] == "0.516"
        assert exact["utility of MRPs, MRP 2, c = 0.1"] == "41.167"


Values = dict[str, float]


def outcome(planned: Planned, values: Values, settled: int = 1, evaluations: int = 4) -> Outcome:
    """As if a player had these values, with a little spread; a learner had them from an evaluation on, and was far before."""
    cell = planned.cell
    learned = isinstance(cell.player, Learned)
    seeds, episodes = (SEEDS, EPISODES) if learned else (1, 8)
    spread = np.repeat(np.linspace(-1, 1, seeds), episodes) + np.tile(np.linspace(-1, 1, episodes), seeds)
    index = {"seed": np.repeat(np.arange(seeds), episodes), "episode": np.tile(np.arange(episodes), seeds)}
    table = pd.DataFrame(index | {name: value * (1 + 1e-4 * spread) for name, value in values.items()})
    steps = cell.player.run.training.steps_done if learned else None
    curve = pd.DataFrame(
        [
            {"evaluation": k, "steps": steps(k), "seed": seed, "wall_s": float(k), **values}
            | ({} if k >= settled else dict.fromkeys(DISTANCES, 60.0))
            for k in range(1, evaluations + 1)
            for seed in range(seeds if learned else 0)
        ]
    )
    return Outcome.of(planned, CellResult(table, curve, "code"))


def made_up(name: str, values: Any, settled: Any = lambda label: 1, solved: Any = None) -> Results:
    """Results of an experiment, from each player's values in each setting; nothing is trained.

    The budget is 312 iterations, so that convergence after the paper's 200 can be late as well as early.
    """
    profile = dataclasses.replace(PROFILES["paper"], seeds=SEEDS, episodes=EPISODES, steps=400_000)
    return Results(
        profile,
        tuple(
            outcome(each, values(each.setting, each.label), settled(each.label), profile.evaluations)
            for each in EXPERIMENTS[name].cells(profile)
        ),
        {} if solved is None else {(EQUILIBRIA, ""): ProbeResult(pd.DataFrame(solved), "code")},
    )


def distances(percent: float) -> Values:
    return dict.fromkeys((*DISTANCES, "exploitability"), percent)


LEVELS = StackelbergEquilibrium(
    prices=jnp.array([0.9, 0.8]),
    demands=jnp.array([[0.4, 0.4], [0.3, 0.3], [0.5, 0.4]]),
    leader_utilities=jnp.array([30.0, 45.0]),
    follower_utilities=jnp.array([4.0, 2.0, 5.0]),
    welfare=jnp.array(86.0),
    certificate=jnp.array(1e-9),
    feasible=jnp.ones(3, bool),
    limited=jnp.zeros(3, bool),
    followers_unique=jnp.array(True),
    candidates=jnp.array([[0.9, 0.8]]),
    candidate_certificates=jnp.array([1e-9]),
    equilibria=jnp.array(1),
    mode="stackelberg",
)


class TestPapersCase:
    def judged(self, part: float, settled: int) -> Output:
        exact = metrics(LEVELS)
        gains = {f"exploitability/{kind}_{i}": 0.5 for kind in ("leader", "follower") for i in range(3)}
        values = {name: value * (1 + part) for name, value in exact.items()} | gains | distances(100 * part)
        solved = [{"market": PAPER_CASE.label, **exact}]
        return EXPERIMENTS["fig3"].output(made_up("fig3", lambda *_: values, lambda _: settled, solved))

    def test_at_the_equilibrium_and_away_from_it(self) -> None:
        near = self.judged(0.01, 4)
        assert [claim.verdict for claim in near.claims] == ["holds", "holds"]
        rows = near.table.set_index("quantity")
        assert float(rows.loc["price, MRP 1, c = 0.3", "distance, %"].split()[0]) == pytest.approx(1, abs=0.02)
        assert rows.loc["utility of MRPs, MRP 2, c = 0.1", "paper from exact, %"] == "+0"
        far = self.judged(0.07, 24)
        assert [claim.verdict for claim in far.claims] == ["does not hold", "does not hold"]

    def test_slow_ones_do_not_converge_in_200_iterations(self) -> None:
        late = self.judged(0.01, 20)
        assert [claim.verdict for claim in late.claims] == ["holds", "does not hold"]


class TestAlgorithms:
    def judged(self, returns: dict[str, float], settled: dict[str, int]) -> dict[str, str]:
        results = made_up(
            "fig4",
            lambda _, label: {"return": returns[label], **distances(1.0)},
            lambda label: settled.get(label, 1),
        )
        output = EXPERIMENTS["fig4"].output(results)
        assert len(output.table) == len(returns)
        return {claim.text: claim.verdict for claim in output.claims}

    def test_a_world_that_agrees(self) -> None:
        words = self.judged(AGREES, SETTLED)
        assert set(words.values()) == {"holds"}
        assert sum("% more reward" in text for text in words) == 5
        assert sum("fewer iterations" in text for text in words) == 2

    def test_a_world_in_which_ours_is_lowest_and_slowest(self) -> None:
        words = self.judged(AGREES | {"MALPPO": 500.0}, {"MALPPO": 24})
        assert set(words.values()) == {"does not hold"}

    def test_a_smaller_advantage_is_no_agreement(self) -> None:
        words = self.judged(AGREES | {"MALPPO-RF": 1500.0}, SETTLED)
        assert words["MALPPO has more reward than MALPPO-RF"] == "holds"
        assert words["MALPPO has 23.2% more reward than MALPPO-RF"] == "does not hold"

    def test_those_who_never_arrive_refute_nothing(self) -> None:
        never = dict.fromkeys(SETTLED, 99)
        words = self.judged(AGREES, never)
        assert {word for text, word in words.items() if "fewer iterations" in text} == {"undecided"}
        words = self.judged(AGREES, never | {"MALPPO": 4})
        assert {word for text, word in words.items() if "fewer iterations" in text} == {"holds"}

    def test_iterations_count_from_where_a_seed_stays_near(self) -> None:
        [planned] = EXPERIMENTS["fig3"].cells(dataclasses.replace(PROFILES["paper"], evaluations=4))
        found = outcome(planned, distances(1.0), settled=2)
        curve = found.result.curve
        curve.loc[(curve["seed"] == 1) & (curve["evaluation"] == 3), "demand_distance"] = 9.0
        curve.loc[(curve["seed"] == 2) & (curve["evaluation"] == 4), "price_distance"] = 9.0
        needed, there = iterations(found)
        training = planned.cell.player.run.training
        done = [training.iterations_done(k) for k in range(5)]
        np.testing.assert_allclose(needed, [done[2], done[4], done[4], done[2], done[2], done[2]])
        assert there == SEEDS - 1


def world(setting: Setting, sign: int) -> StackelbergEquilibrium:
    """An equilibrium that follows the paper's trends, or with a negative sign the opposite of each."""
    config = setting.build()
    n, m, alpha, w = config.followers, config.leaders, config.satisfaction[0], config.social
    cost = np.broadcast_to(np.asarray(config.cost), m)
    good = alpha / 50 + w / 10
    found = {
        "prices": 1 + cost - 0.1 * m + alpha / 50,
        "demands": np.ones((n, 1)) * (1 + 0.1 * n + 0.05 * m - cost + good),
        "leader_utilities": 50 + 5 * n - 5 * m - 20 * cost + 5 * (cost.sum() - cost) + 10 * good,
        "follower_utilities": np.full(n, 10 + n + m - 10 * cost.mean() + 10 * good),
        "welfare": np.asarray(100 + 5 * n - 5 * m - 20 * cost.mean() + 10 * good),
    }
    if sign < 0:  # sales are sums over followers, so that a constant less a demand does not do
        found = {name: 1000 / value for name, value in found.items()}
    arrays = {name: jnp.asarray(value, jnp.float32) for name, value in found.items()}
    flags = {"feasible": jnp.ones(n, bool), "limited": jnp.zeros(n, bool), "candidates": arrays["prices"][None]}
    return dataclasses.replace(LEVELS, **arrays, **flags)


def shown(name: str, exact_sign: int, learned_sign: int, away: float) -> tuple[Results, Output]:
    """A figure of a world in which equilibria and learners follow the paper's trends, or the opposite of each."""

    def values(setting: Setting, label: str) -> Values:
        return metrics(world(setting, learned_sign)) | distances(away)

    solved = [{"market": market.label, **metrics(world(market, exact_sign))} for market in SHOWN[name].markets()]
    results = made_up(name, values, solved=solved)
    return results, EXPERIMENTS[name].output(results)


class TestSweeps:
    @pytest.mark.parametrize("name", SWEEPS)
    def test_a_world_that_agrees_and_one_that_does_not(self, name: str) -> None:
        _, agreeing = shown(name, 1, 1, 1.0)
        words = [claim.verdict for claim in agreeing.claims]
        assert set(words) == {"holds"}
        assert len(words) == 2 * len(TRENDS[name]) + 1
        assert len({claim.text for claim in agreeing.claims}) == len(words)
        learned = agreeing.data[agreeing.data["kind"] == "learned"]
        points = sum(len(curve.markets) for curve in SHOWN[name].curves)
        assert len(agreeing.data) - len(learned) == points * len(SHOWN[name].units)
        _, refuting = shown(name, -1, -1, 30.0)
        assert {claim.verdict for claim in refuting.claims} == {"does not hold"}

    def test_exact_equilibria_of_several_sizes_come_in_order(self) -> None:
        settings = [at_means("a", {}, 2, 1), at_means("b", {}, 1, 2), at_means("c", {}, 2, 1, satisfaction=35.0)]
        one, two, three = equilibria([setting.build() for setting in settings])
        assert (one.prices.shape, two.prices.shape, three.prices.shape) == ((1,), (2,), (1,))
        assert three.prices[0] > one.prices[0]
        monopoly = (
            30 / 15 + 0.1
        ) / 2  # of a linear demand, halfway between cost and the price at which nothing is sold
        assert one.prices[0] == pytest.approx(monopoly, rel=1e-5)
        assert max(float(each.certificate) for each in (one, two, three)) < 1e-6


class TestTrend:
    @staticmethod
    def judge(trend: Trend, table: Any) -> Any:
        return trend.judge(table, "exact", lambda one, two: "holds" if two > one else "does not hold", str)

    def test_along_the_axis_on_every_curve(self) -> None:
        claim = self.judge(Trend("q rises", {"q": UP}), TABLE)
        assert claim.verdict == "does not hold"
        assert "3.0 at 0, 2.5 at 2" in claim.evidence
        assert self.judge(Trend("q rises", {"q": UP}, curves=("a",)), TABLE).verdict == "holds"
        assert self.judge(Trend("q falls", {"q": DOWN}, curves=("b",)), TABLE).verdict == "holds"

    def test_across_curves_only_where_both_have_a_point(self) -> None:
        claim = self.judge(Trend("q rises", {"q": UP}, across=True), TABLE)
        assert (claim.verdict, claim.evidence) == ("holds", "q (0) 1.0 to 3.0")

    def test_a_single_point_tells_nothing(self) -> None:
        assert self.judge(Trend("r rises", {"r": UP}), TABLE) is None


def test_output_goes_into_a_folder(tmp_path: Path) -> None:
    """Names with a slash, of single agents, are columns like others."""
    results, output = shown("fig8", 1, 1, 1.0)
    write_output(tmp_path, EXPERIMENTS["fig8"], results, output, "command")
    assert {"price/leader_0", "sold/leader_2"} <= set(pd.read_csv(tmp_path / "seeds.csv").columns)
    assert pd.read_csv(tmp_path / "data.csv")["curve"].nunique() == 3


def test_an_equilibrium_is_told_in_the_metrics_of_evaluations() -> None:
    found = metrics(LEVELS)
    assert found["bought/follower_0"] == pytest.approx(0.8)
    assert found["sold/leader_0"] == pytest.approx(1.2)
    assert found["price"] == pytest.approx(0.85)
    assert (found["reward/leader_1"], found["reward/follower_2"]) == (45.0, 5.0)
