"""The EDMSAC paper's experiments: one tiny learner through every figure, and claims judged by their figures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from edgewise.execution.local import serial
from edgewise.experiments.cell import CellResult, Learned, Planned, ProbeResult
from edgewise.experiments.experiment import Experiment, run_experiment
from edgewise.experiments.results import Outcome, Output, Results
from edgewise.experiments.setting import Learner, Profile
from edgewise.experiments.store import Store
from edgewise.papers.edmsac.experiments import DEFAULT, EXPERIMENTS
from edgewise.papers.edmsac.names import (
    ALPHA,
    BETA,
    DYNAMIC,
    FIRST_BEST,
    OPTIMUM,
    OURS,
    PROFIT,
    RANDOM,
    RANDOM_STATIC,
    SCHEME_PROFITS,
    SERVERS,
    STATIC,
    STATIC_FIRST,
    TRAINING_OPTIMUM,
)
from edgewise.papers.edmsac.paper import PROFILES
from edgewise.papers.edmsac.phones import AGENTS as PHONE_AGENTS
from edgewise.papers.edmsac.probes import first_period_of_static, network_states, scheme_profits
from edgewise.reports.folder import write_output
from tiny_experiment import must_not_be_called

PROFILE = Profile("tiny", steps=400, seeds=2, evaluations=2, episodes=3)
TINY = Learner(
    OURS,
    "edmsac",
    {"hidden": (16, 16), "batch_size": 16, "denoising_steps": 2, "pruning_rate": 0.5},
    {"environments": 4, "warmup_steps": 80, "updates": 1, "evaluation_episodes": 2, "checkpoint_every": 2},
)
"""Sizes of `test_edmsac.RUN`, so that programs are compiled once for both."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("edmsac"))


def make(experiment: Experiment, store: Store) -> tuple[Results, Output]:
    """What it shows, twice: nothing is computed to show it again."""
    results = run_experiment(experiment, PROFILE, store, serial)
    output = experiment.output(results)
    again = experiment.output(run_experiment(experiment, PROFILE, store, must_not_be_called))
    assert again.claims == output.claims
    pd.testing.assert_frame_equal(again.data, output.data)
    return results, output


@pytest.mark.slow
def test_gaps_are_to_the_optimum_of_the_same_states(store: Store) -> None:
    figure = replace(EXPERIMENTS["fig6"], learners=(TINY,), references=("optimum",))
    results, output = make(figure, store)
    table = output.table.set_index("policy")
    assert table.index[0] == "optimum"
    assert table.loc["optimum", "gap, %"].startswith(("0.00", "-0.00"))
    optimum = results.find("optimum").result.episodes["profit"].mean()
    earned = results.find("EDMSAC").result.per_seed("profit")
    gap = output.data.set_index(["metric", "policy"]).loc[("gap, %", "EDMSAC"), "value"]
    assert gap == pytest.approx(100 * (1 - earned.mean() / optimum), abs=1e-2)  # of two seeds the mean


@pytest.mark.slow
def test_a_menu_of_the_learner_beside_the_optimal_one(store: Store) -> None:
    _, output = make(replace(EXPERIMENTS["fig8"], learners=(TINY,)), store)
    assert len(output.data) == 3 * 6 * 2
    profits = output.table[["profit", "exact optimum"]].astype(float)
    assert (profits["profit"] < profits["exact optimum"]).all()
    assert output.claims[0].verdict == "holds"  # a projected menu rises in period 2


@pytest.mark.slow
def test_schemes_beside_the_learner(store: Store) -> None:
    fig9 = EXPERIMENTS["fig9"]
    default = next(s for s in fig9.settings if s.build() == DEFAULT.build())
    _, output = make(replace(fig9, settings=(default,), learners=(TINY,)), store)
    assert output.table["setting"].tolist() == [default.label]
    assert output.claims[0].verdict == "holds"
    states = network_states(DEFAULT.build(), 3, 5)
    profits = {name: values.mean() for name, values in scheme_profits(states).items()}
    assert profits[FIRST_BEST] > profits[DYNAMIC] > profits[STATIC] > profits[RANDOM]
    assert first_period_of_static(states).mean() < profits[STATIC]


def fabricated(
    experiment: Experiment, score: Callable[[Planned], float], optimum: Callable[[Planned], float]
) -> Results:
    """Results as if each player earned its score, with a little spread; nothing is trained or solved."""
    outcomes, probes = [], {}
    for planned in experiment.cells(PROFILES["quick"]):
        label, learned = planned.label, isinstance(planned.cell.player, Learned)
        seeds = 6 if learned else 1
        index = {"seed": np.repeat(np.arange(seeds), 50), "episode": np.tile(np.arange(50), seeds)}
        profit = score(planned) + np.repeat(np.linspace(-1, 1, seeds) if learned else 0.0, 50)
        table = pd.DataFrame(index | {"profit": profit, "infeasible": 0.5})
        rows = [
            {"evaluation": k, "steps": 1000 * k, "seed": seed, "wall_s": 60.0 * k, "profit": score(planned) * k / 4}
            for k in range(1, 5)
            for seed in range(seeds if learned else 0)
        ]
        outcomes.append(Outcome.of(planned, CellResult(table, pd.DataFrame(rows), "code")))
        best = ProbeResult(pd.DataFrame({PROFIT: np.full(1000, optimum(planned))}), "code")
        probes |= {(OPTIMUM, planned.setting.label): best, (TRAINING_OPTIMUM, label): best}
    return Results(PROFILES["quick"], tuple(outcomes), probes)


AGREES = {
    "EDMSAC": 1080.0,
    "PPO": 900.0,
    "pruning 70%": 1080.0,
    "pruning 30%": 1000.0,
    "M = 3": 1080.0,
    "M = 12": 1000.0,
    "rates 2e-07, 2e-06": 1080.0,
}
REFUTES = {
    "EDMSAC": 900.0,
    "PPO": 1080.0,
    "pruning 70%": 900.0,
    "pruning 30%": 1080.0,
    "M = 3": 900.0,
    "M = 12": 1080.0,
    "rates 2e-07, 2e-06": 900.0,
}


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("name", ["fig6", "fig7"])
@pytest.mark.parametrize(("values", "verdict"), [(AGREES, "holds"), (REFUTES, "does not hold")])
def test_claims_are_judged_by_the_figures(name: str, values: dict[str, float], verdict: str) -> None:
    figure = EXPERIMENTS[name]
    output = figure.output(fabricated(figure, lambda p: values.get(p.label, 1040.0), lambda p: 1100.0))
    assert {claim.verdict for claim in output.claims} == {verdict}
    assert len(output.claims) == 3
    assert len(output.table) == len(figure.labels())
    ends = output.data[output.data["metric"] == "gap, %"].set_index("policy")["value"]
    np.testing.assert_allclose(ends, [100 * (1 - values.get(label, 1040.0) / 1100) for label in ends.index], atol=1e-6)


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(("way", "verdict"), [(1, "holds"), (-1, "does not hold")])
def test_trends_of_schemes_are_read_from_places(way: int, verdict: str) -> None:
    """A world in which profit goes with servers, alpha and beta, and in which contracts are ordered, or the other way round."""
    figure = EXPERIMENTS["fig9"]

    def world(planned: Planned) -> float:
        return 2000.0 + way * (10 * planned.at[SERVERS] + planned.at[ALPHA] + 100 * planned.at[BETA])

    results = fabricated(figure, world, world)
    profits = [
        {"setting": o.setting.label, DYNAMIC: 10 + way * 2, STATIC: 10, RANDOM: 10 - way, RANDOM_STATIC: 10 - 2 * way,
         FIRST_BEST: 20, STATIC_FIRST: 5}
        for o in results
    ]  # fmt: skip
    scale = [world(planned) for planned in figure.cells(PROFILES["quick"])]
    table = pd.DataFrame(profits).set_index("setting").mul(scale, axis=0).reset_index()
    seen = Results(results.profile, results.outcomes, {(SCHEME_PROFITS, ""): ProbeResult(table, "code")})
    output = figure.output(seen)
    assert {claim.verdict for claim in output.claims} == {verdict}
    assert len(output.claims) == 6
    assert len(output.table) == len(figure.settings)
    servers = output.data.dropna(subset=[SERVERS]).query("policy == 'EDMSAC'")[SERVERS]
    assert sorted(servers) == [3, 6, 12, 12, 18]


def test_every_cell_can_be_described() -> None:
    for experiment in EXPERIMENTS.values():
        for profile in PROFILES.values():
            cells = experiment.cells(profile)
            assert len(cells) == len(experiment.settings) * len(experiment.labels())
            assert all(planned.cell.setting.project for planned in cells)


def test_constructions_are_shown_beside_what_the_model_predicts(tmp_path: Path) -> None:
    figures = ("expected", "modelled", "realised", "paid", "quality_paper", "quality_fitted", "quality_measured")
    rows = [
        {"designer": name, "repetition": n, **dict.fromkeys(figures, scale + n), "accepted": 1.0, "success": 0.5}
        for name, scale in (("optimum", 3.0), ("static", 2.0), ("random", 1.0))
        for n in range(4)
    ]
    experiment = EXPERIMENTS["construction"]
    [key] = experiment.probes([])
    results = Results(PROFILES["quick"], (), {key: ProbeResult(pd.DataFrame(rows), "code")})
    table = experiment.output(results).table
    assert table["contract"].tolist() == ["dynamic", "static", "random"]
    assert table["realised, measured quality"].str.split().str[0].tolist() == ["4.5", "3.5", "2.5"]
    write_output(tmp_path, experiment, results, experiment.output(results), "the command")
    assert (tmp_path / "seeds.csv").read_text() == "setting,policy,seed\n"
    assert "environment steps" not in (tmp_path / "README.md").read_text()


def test_agents_on_phones_are_shown_beside_what_the_paper_claims() -> None:
    level = {"alone 1": 0.5, "alone 2": 0.7, "federated": 0.8, "chosen": 0.65, "rules": 0.6, "oracle": 1.0}
    ease = {"simple": 0.15, "complex": 0.0}
    names = ("success", "decisions", "reflections", "plans", "steps")
    rows = [
        {"repetition": n, "suite": suite, "agent": agent, "redundant": 1.0 + n / 100, "task_ms": 9.0}
        | dict.fromkeys(names, value + easier + n / 1000)
        for n in range(6)
        for suite, easier in ease.items()
        for agent, value in level.items()
    ]
    experiment = EXPERIMENTS["fig5"]
    [key] = experiment.probes([])
    output = experiment.output(Results(PROFILES["quick"], (), {key: ProbeResult(pd.DataFrame(rows), "code")}))
    assert output.table["agent"].tolist() == [name for name in PHONE_AGENTS.values() for _ in ease]
    assert output.table["success"].str.split().str[0].tolist()[:4] == ["0.85", "0.70", "0.95", "0.80"]
    assert output.table["success"].str.split().str[0].tolist()[4:8] == ["0.80", "0.65", "0.75", "0.60"]
    assert [claim.verdict for claim in output.claims] == ["holds"] * 4
    hard = pd.DataFrame(rows).assign(suite=[{"simple": "complex", "complex": "simple"}[row["suite"]] for row in rows])
    worse = hard.assign(success=hard["success"].where(hard["agent"] != "federated", 0.1))
    output = experiment.output(Results(PROFILES["quick"], (), {key: ProbeResult(worse, "code")}))
    assert [claim.verdict for claim in output.claims] == ["does not hold", "holds", "does not hold", "does not hold"]


def test_runs_on_a_phone_are_shown_step_by_step() -> None:
    kept = io.BytesIO()
    Image.new("RGB", (9, 20), "navy").save(kept, "JPEG")
    picture = base64.b64encode(kept.getvalue()).decode()
    step = {"action": "tap", "target": "Send", "finished": 0, "x": 0.5, "y": 0.9, "picture": picture, "by": "modules"}
    rows = [
        {"case": case, "instruction": f"do {case}", "succeeded": case == "simple", "step": n, **step}
        for case, count in (("simple", 3), ("complex", 9))
        for n in range(count)
    ]
    experiment = EXPERIMENTS["fig4"]
    [key] = experiment.probes([])
    output = experiment.output(Results(PROFILES["quick"], (), {key: ProbeResult(pd.DataFrame(rows), "code")}))
    assert sum(bool(axes.images) for axes in output.figure.axes) == 12
    assert output.notes[:2] == ("Simple: do simple (done).", "Complex: do complex (not done).")
    assert "picture" not in output.data
