"""Experiments: cells computed once, killed and continued, in one process or several; tables, figures and verdicts."""

from __future__ import annotations

import dataclasses
import errno
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

from edgewise.cli import main
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import make_schedule
from edgewise.environments import registry
from edgewise.execution.choose import executor
from edgewise.execution.contract import TaskReporter
from edgewise.execution.local import serial
from edgewise.experiments import timing
from edgewise.experiments.catalogue import CATALOGUE, Paper, find_paper
from edgewise.experiments.cell import Bound, Cell, CellResult, Learned, ProbeResult, Reference
from edgewise.experiments.compute import compute, make_jobs
from edgewise.experiments.experiment import TEST_SEED, Experiment, run_experiment
from edgewise.experiments.job import Job, carry_out, stack
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import Outcome, Results
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.store import Store, StoreError, code_digest, machine
from edgewise.experiments.training_time import TRAINING_TIME, seconds_alone
from edgewise.numerics.scaling import Scaling
from edgewise.papers.d2sac import probes
from edgewise.papers.d2sac.experiments import EXPERIMENTS
from edgewise.papers.d2sac.names import CHAIN, CONTROL
from edgewise.papers.d2sac.paper import PROFILES
from edgewise.policies.categorical import CategoricalPolicy
from edgewise.policies.categorical_diffusion import CategoricalDiffusionPolicy
from edgewise.policies.scaled import ScaledPolicy
from edgewise.reports.folder import budget_text, small_print, write_output
from edgewise.reports.record import load_record
from edgewise.statistics.estimates import interquartile_mean
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.training.judgement import judge_policies
from edgewise.training.run_folder import RunConfig
from pictures import shows_something
from tiny_experiment import CURVES, DQN, LIMIT, PROFILE, REFERENCES, REWARDS, SETTING, TABLE, must_not_be_called

TESTS = Path(__file__).parent
QUICK, PAPER = PROFILES["quick"], PROFILES["paper"]
KEY = jax.random.key(0)


def silent(done: int, text: str) -> None:
    """No progress shown."""


def same(one: Results, other: Results) -> None:
    """All that does not tell the time is identical, to the last bit."""
    for a, b in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(a.result.episodes, b.result.episodes, check_exact=True)
        curves = [x.result.curve.drop(columns="wall_s", errors="ignore") for x in (a, b)]
        pd.testing.assert_frame_equal(*curves, check_exact=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return run_experiment(TABLE, PROFILE, Store(folder), serial)


class TestEngine:
    @pytest.mark.slow
    def test_a_learner_is_judged_by_its_saved_policies(self, folder: Path, results: Results) -> None:
        outcome = results.find("DQN")
        assert isinstance(outcome.player, Learned)
        [planned] = TABLE.cells(PROFILE, ("DQN",))
        cell = planned.cell
        environment = registry.find("service-selection").build_evaluation(cell.setting)
        judged = judge_policies(outcome.player.run, outcome.folder, environment, "best", cell.episodes, cell.seed)
        kept = outcome.result.episodes["return"].to_numpy().reshape(PROFILE.seeds, PROFILE.episodes)
        np.testing.assert_allclose(kept, judged.values["return"], rtol=1e-5)
        assert outcome.curve("return").shape == (PROFILE.evaluations, PROFILE.seeds)

    def test_every_player_gets_the_same_episodes(self, results: Results) -> None:
        assert [len(o.result.per_episode("return")) for o in results] == [PROFILE.episodes] * 3
        prophet, random = results.find("prophet"), results.find("random")
        assert prophet.estimate("return").value > random.estimate("return").value

    def test_what_is_written(self, tmp_path: Path, folder: Path, results: Results) -> None:
        write_output(tmp_path, TABLE, results, TABLE.output(results), "edgewise experiment mine tasks")
        page = (tmp_path / "README.md").read_text()
        assert "edgewise experiment mine tasks" in page
        assert "Only 2 seeds" in page
        data = pd.read_csv(tmp_path / "data.csv").set_index(["policy", "metric"])["value"]
        crashed = 100 * results.find("DQN").result.per_seed("crashed")
        assert data["DQN", "crashed, %"] == pytest.approx(interquartile_mean([crashed]))
        assert f"| DQN | {data['DQN', 'finished, %']:.1f}" in page
        seeds = pd.read_csv(tmp_path / "seeds.csv")
        assert seeds["policy"].value_counts().to_dict() == {"DQN": 2, "random": 1, "prophet": 1}
        assert all(shows_something(tmp_path / f"figure.{ending}") for ending in ("png", "pdf"))

    def test_the_report_needs_nothing_but_the_folders(
        self, tmp_path: Path, results: Results, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for experiment in (TABLE, REWARDS):
            write_output(tmp_path / experiment.name, experiment, results, experiment.output(results), "the command")
        assert main(["report", str(tmp_path)]) == 0
        page = Path(capsys.readouterr().out.strip()).read_text()
        sources = re.findall(r'src="([^"]*)"', page)
        assert len(sources) == 2
        assert all(source.startswith("data:image/png;base64,") for source in sources)
        assert "<script" not in page
        for claim in REWARDS.output(results).claims:
            assert claim.text in html.unescape(page)
            assert claim.verdict in page
        for said in (TABLE.title, REWARDS.title, "the command", jax.__version__, "training time"):
            assert said in page

    def test_a_folder_is_judged_again_without_training(self, tmp_path: Path, folder: Path, results: Results) -> None:
        sys.path.append(str(TESTS.parent / "benchmarks"))
        from judge_again import judge_again

        for experiment in (REWARDS, CURVES):
            write_output(tmp_path / experiment.name, experiment, results, experiment.output(results), "the command")
        again, output = judge_again(REWARDS, tmp_path / "rewards", tmp_path / "curves", Store(folder))
        before = REWARDS.output(results)
        pd.testing.assert_frame_equal(output.table.astype(str), before.table.astype(str))
        assert [claim.verdict for claim in output.claims] == [claim.verdict for claim in before.claims]
        np.testing.assert_allclose(again.find("DQN").units("return"), results.find("DQN").units("return"), rtol=1e-5)
        other = dataclasses.replace(REWARDS, learners=(dataclasses.replace(DQN, config={"hidden": (4,)}),))
        with pytest.raises(EdgewiseError, match="DQN had other settings"):
            judge_again(other, tmp_path / "rewards", tmp_path / "curves", Store(folder))

    def test_a_damaged_record_is_named(
        self, tmp_path: Path, results: Results, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_output(tmp_path, TABLE, results, TABLE.output(results), "the command")
        (tmp_path / "experiment.json").write_text("{")
        assert main(["report", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert str(tmp_path / "experiment.json") in error
        assert error.count("\n") == 1

    def test_cells_are_shared_between_experiments(self, folder: Path, results: Results) -> None:
        again = run_experiment(CURVES, PROFILE, Store(folder), must_not_be_called)
        same(results, again)
        assert list(CURVES.output(again).table["policy"]) == ["DQN"]

    def test_the_bound_is_above_every_policy(self, folder: Path, results: Results) -> None:
        bounded = run_experiment(LIMIT, PROFILE, Store(folder), serial)
        limit = bounded.find("bound").result.per_episode("return")
        assert all((limit >= bounded.find(name).result.per_episode("return")).all() for name in REFERENCES)

    def test_a_system_without_a_bound_says_so(self, tmp_path: Path) -> None:
        cell = Cell("cartpole", Setting("x", "cartpole").build(), Bound(), 1, 0)
        with pytest.raises(ConfigurationError, match="none is known for cartpole"):
            carry_out(Job((cell,), None), silent)

    @pytest.mark.slow
    def test_killed_and_continued_by_two_processes_equals_undisturbed(self, tmp_path: Path, results: Results) -> None:
        script = subprocess.run([sys.executable, str(TESTS / "tiny_experiment.py"), str(tmp_path), "2"], timeout=300)
        assert script.returncode == -signal.SIGKILL
        [run] = [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]
        assert [path.name for path in (run / "checkpoints").iterdir()] == ["1"]
        assert not (tmp_path / "cells").exists()
        (run / "code.txt").write_text("0123456789ab")
        again = run_experiment(TABLE, PROFILE, Store(tmp_path), executor(2), ("DQN", "random"))
        assert again.find("DQN").result.code.split() == ["0123456789ab", code_digest()]
        assert not (run / "checkpoints").exists()
        undisturbed = results.without("prophet")
        same(undisturbed, again)
        pd.testing.assert_frame_equal(TABLE.output(undisturbed).table, TABLE.output(again).table)

    def test_settings_that_differ_in_arrays_are_played_together(self) -> None:
        settings = [
            Setting(str(rate), "service-selection", {**SETTING.config, "arrival_rate": rate}) for rate in (0.001, 0.01)
        ]
        environments = [registry.find("service-selection").build_evaluation(s.build()) for s in settings]
        assert stack(environments) is not None
        cells = [Cell(s.environment, s.build(), Reference("crash-avoid"), 3, 1) for s in settings]
        [job] = make_jobs(cells, Store(Path("unused")))
        slow, fast = carry_out(job, silent)
        [alone] = carry_out(Job((cells[1],), None), silent)
        np.testing.assert_allclose(fast.episodes, alone.episodes, rtol=1e-5, atol=1e-6)
        assert slow.per_seed("return") > fast.per_seed("return")

    def test_one_job_plays_settings_that_can_be_joined_and_others(self) -> None:
        departures = (
            {"arrival_rate": 0.001},
            {"tasks": 12},
            {"arrival_rate": 0.01},
            {"tasks": 12, "arrival_rate": 0.01},
        )
        settings = [Setting(str(d), "service-selection", {**SETTING.config, **d}) for d in departures]
        cells = tuple(Cell(s.environment, s.build(), Reference("crash-avoid"), 3, 1) for s in settings)
        together = carry_out(Job(cells, None), silent)
        for cell, found in zip(cells, together, strict=True):
            [alone] = carry_out(Job((cell,), None), silent)
            np.testing.assert_allclose(found.episodes, alone.episodes, rtol=1e-5, atol=1e-6)

    def test_a_job_of_which_a_part_was_saved_ends_as_undisturbed(self, tmp_path: Path) -> None:
        """All settings are played again: another number of them might round otherwise."""
        settings = [
            Setting(str(rate), "service-selection", {**SETTING.config, "arrival_rate": rate}) for rate in (0.001, 0.01)
        ]
        cells = [Cell(s.environment, s.build(), Reference("crash-avoid"), 3, 1) for s in settings]
        played: list[int] = []

        def watched(jobs: Sequence[Job], report: TaskReporter) -> Iterator[tuple[Job, list[CellResult]]]:
            played.extend(len(job.cells) for job in jobs)
            return serial(jobs, report)

        undisturbed = compute(cells, Store(tmp_path / "calm"), watched).cells
        kept = undisturbed[cells[0].address]
        Store(tmp_path / "killed").save(cells[0], kept)
        found = compute(cells, Store(tmp_path / "killed"), watched).cells
        assert played == [2, 2]
        for address, result in undisturbed.items():
            pd.testing.assert_frame_equal(found[address].episodes, result.episodes, check_exact=True)

    def test_bounds_are_jobs_of_their_own(self) -> None:
        configs = [Setting("", SETTING.environment, {**SETTING.config, "tasks": n}).build() for n in (10, 11)]
        cells = [
            Cell(SETTING.environment, config, player, 3, 1)
            for player in (Bound(), Reference("random"))
            for config in configs
        ]
        assert [len(job.cells) for job in make_jobs(cells, Store(Path("unused")))] == [1, 1, 2]

    def test_settings_that_differ_in_sizes_are_not(self) -> None:
        entry = registry.find("service-selection")
        configs = [
            Setting("", "service-selection", {**SETTING.config, **more}).build()
            for more in ({}, {"tasks": 11}, {"providers": 4})
        ]
        first, *others = [entry.build_evaluation(config) for config in configs]
        assert all(stack([first, other]) is None for other in others)


class TestMachines:
    """Where results were computed, and how long training takes."""

    def moved(self, results: Results, machine: str) -> Results:
        first, *rest = results.outcomes
        elsewhere = dataclasses.replace(first, result=dataclasses.replace(first.result, machine=machine))
        return dataclasses.replace(results, outcomes=(elsewhere, *rest))

    def test_results_know_where_they_were_computed(self, folder: Path, results: Results) -> None:
        assert results.machines == (machine(),)
        again = run_experiment(TABLE, PROFILE, Store(folder), must_not_be_called)
        assert again.machines == results.machines

    def test_machines_are_said_and_their_times_not_compared(self, tmp_path: Path, results: Results) -> None:
        two = self.moved(results, "another machine")
        learner = results.outcomes[0]
        curve = learner.result.curve.assign(wall_s=60.0 * learner.result.curve["evaluation"])
        steady = dataclasses.replace(learner, result=dataclasses.replace(learner.result, curve=curve))
        assert results.training_minutes(steady) == {"training, min": f"{PROFILE.evaluations:.1f}"}
        assert two.training_minutes(learner) == {}
        write_output(tmp_path, TABLE, two, TABLE.output(two), "the command")
        assert f"results computed on another machine and {machine()}." in (tmp_path / "README.md").read_text()
        assert load_record(tmp_path).computed_on == ("another machine", machine())

    def test_training_time_is_that_of_one_learner_alone(
        self, results: Results, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On a clock that goes on by half a second in every iteration, and by 100 s where programs are compiled."""
        clock, built = [0.0], []

        class Stand:
            def start(self, keys: jax.Array) -> int:
                return len(keys)

            def advance(self, state: int, iterations: int) -> tuple[int, dict[str, Any], dict[str, Any]]:
                clock[0] += 0.5 * iterations + (100.0 if len(built) == 1 and clock[0] == 0 else 0.0)
                return state, {}, {}

            def close(self) -> None:
                """Nothing is held."""

        def stand(run: RunConfig) -> Stand:
            built.append(run.training.seeds)
            return Stand()

        monkeypatch.setattr(timing, "make_trainer", stand)
        monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
        run = next(o.player.run for o in results if isinstance(o.player, Learned))
        assert run.training.seeds > 1
        assert timing.training_seconds(run) == pytest.approx(0.5 * run.training.iterations)
        [probe] = timing.training_times(TABLE.cells(PROFILE)).values()
        assert probe.alone
        table = probe.compute(None)
        assert table.to_dict("records") == [{"policy": "DQN", "seconds": pytest.approx(0.5 * run.training.iterations)}]
        assert set(built) == {1}

    def test_training_time_is_measured_once_and_kept(
        self, folder: Path, results: Results, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timing, "LEAST_S", 0.0)
        timed = dataclasses.replace(TABLE, probes=timing.training_times)
        batches: list[int] = []

        def watched(tasks: Sequence[Any], report: TaskReporter) -> Iterator[tuple[Any, Any]]:
            batches.append(len(tasks))
            return serial(tasks, report)

        measured = seconds_alone(run_experiment(timed, PROFILE, Store(folder), watched))
        assert batches == [1]
        assert measured["DQN"] > 0
        assert seconds_alone(run_experiment(timed, PROFILE, Store(folder), must_not_be_called)) == measured


class TestStore:
    """A stored result is used only if it is what was asked for, whole, and of this version."""

    @pytest.fixture
    def copied(self, tmp_path: Path, folder: Path, results: Results) -> tuple[Store, Cell, Path]:
        shutil.copytree(folder, tmp_path / "store")
        store = Store(tmp_path / "store")
        [planned] = TABLE.cells(PROFILE, ("random",))
        cell = planned.cell
        assert store.load(cell) is not None
        return store, cell, store.cell_folder(cell)

    @staticmethod
    def refused(store: Store, cell: Cell, *words: str) -> None:
        with pytest.raises(StoreError) as caught:
            store.load(cell)
        assert "\n" not in str(caught.value)
        assert all(word in str(caught.value) for word in words)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda kept: kept.update(edgewise="0.0.1"), ("edgewise = '0.0.1'", "this version")),
            (lambda kept: kept["cell"].update(episodes=99), ("episodes = 99: must be 3",)),
            (lambda kept: kept["cell"]["setting"].update(tasks=11), ("setting.tasks = 11: must be 10",)),
            (lambda kept: kept["cell"]["player"].update(more=1), ("player.more = 1",)),
            (lambda kept: kept.pop("sha256"), ("damaged",)),
        ],
    )
    def test_another_configuration_or_version(
        self, copied: tuple[Store, Cell, Path], change: Callable[[dict[str, Any]], object], words: tuple[str, ...]
    ) -> None:
        store, cell, place = copied
        kept = json.loads((place / "cell.json").read_text())
        change(kept)
        (place / "cell.json").write_text(json.dumps(kept))
        self.refused(store, cell, *words)

    def test_damage(self, copied: tuple[Store, Cell, Path]) -> None:
        store, cell, place = copied
        table = place / "episodes.csv"
        table.write_text(table.read_text().replace("1", "2", 1))
        self.refused(store, cell, "does not match its checksum", "delete this folder")
        table.unlink()
        self.refused(store, cell, "damaged or incomplete")

    def test_a_run_of_another_version(self, copied: tuple[Store, Cell, Path]) -> None:
        store, _, _ = copied
        [planned] = TABLE.cells(PROFILE, ("DQN",))
        cell = planned.cell
        config = store.run_folder(cell.player) / "config.yaml"
        config.write_text(config.read_text().replace("edgewise: ", "edgewise: 9.", 1))
        shutil.rmtree(store.cell_folder(cell))
        with pytest.raises(StoreError, match=r"edgewise = '9.*delete this folder to train again"):
            run_experiment(TABLE, PROFILE, store, serial)

    def test_a_result_that_exists_is_kept(self, copied: tuple[Store, Cell, Path]) -> None:
        store, cell, place = copied
        before = (place / "episodes.csv").read_bytes()
        other = dataclasses.replace(store.load(cell), code="another")
        store.save(cell, other)
        assert (place / "episodes.csv").read_bytes() == before
        assert not list(place.parent.glob(".*.tmp"))

    def test_an_address_stands_for_all_that_matters(self) -> None:
        [planned] = TABLE.cells(PROFILE, ("DQN",))
        cell = planned.cell
        seeds = dataclasses.replace(PROFILE, seeds=3)
        others = [
            dataclasses.replace(cell, seed=1),
            dataclasses.replace(cell, player=Reference("random")),
            dataclasses.replace(cell, setting=dataclasses.replace(cell.setting, arrival_rate=0.5)),
            dataclasses.replace(cell, player=Learned(DQN.run(SETTING, seeds))),
        ]
        assert len({each.address for each in (cell, *others)}) == 5


def fabricated(experiment: Experiment, score: Callable[[str], float]) -> Results:
    """Results as if each player had the score of its label, with a little spread; nothing is trained."""
    profile = dataclasses.replace(QUICK, seeds=6, evaluations=4)
    outcomes = []
    for planned in experiment.cells(profile):
        label, learned = planned.label, isinstance(planned.cell.player, Learned)
        seeds, episodes = (6, 2) if learned else (1, 8)
        index = {"seed": np.repeat(np.arange(seeds), episodes), "episode": np.tile(np.arange(episodes), seeds)}
        spread = np.tile(np.linspace(-1, 1, episodes), seeds) + np.repeat(np.linspace(-1, 1, seeds), episodes)
        metrics = {"utility": score(label) / 1000, "lost_utility": 0.0, "finished": 0.9, "crashed": 0.1}
        table = pd.DataFrame(index | {"return": score(label) + spread} | metrics)
        curve = pd.DataFrame(
            [
                {"evaluation": k, "steps": 10_000 * k, "seed": seed, "wall_s": 60.0 * k, "return": score(label) * k / 4 + seed}
                for k in range(1, 5)
                for seed in range(seeds if learned else 0)
            ]
        )  # fmt: skip
        outcomes.append(Outcome.of(planned, CellResult(table, curve, "code")))
    times = [{"policy": o.label, "seconds": 10.0 + int(o.label)} for o in outcomes if o.label.isdigit()]
    probes = {(TRAINING_TIME, ""): ProbeResult(pd.DataFrame(times), "code")}
    return Results(profile, tuple(outcomes), probes)


SCORES = {"random": -30.0, "round-robin": 280.0, "crash-avoid": 400.0, "prophet": 596.0, "bound": 700.0, "D2SAC": 590.0}
PAPER_AGREES = {"5": 590.0, "0.05": 590.0, "entity-d2sac": 590.0, "bid-price": 480.0}


@pytest.mark.usefixtures("few_resamples")
class TestPaper:
    """The D2SAC paper's experiments."""

    @pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
    @pytest.mark.parametrize("name", EXPERIMENTS)
    def test_every_cell_can_be_described(self, name: str, profile: Any) -> None:
        experiment = EXPERIMENTS[name]
        cells = experiment.cells(profile)
        left_out = sum(len(setting.without) for setting in experiment.settings)
        assert len(cells) == len(experiment.settings) * len(experiment.labels()) - left_out
        assert len({planned.cell.address for planned in cells}) == len(cells)

    def test_the_control_shares_every_setting_with_d2sac(self) -> None:
        learners = {learner.label: learner for learner in EXPERIMENTS["table3"].learners}
        ours, control = (learners[label].run(SETTING, QUICK) for label in ("D2SAC", CONTROL))
        assert control.algorithm == "discrete-sac"
        assert control.training == ours.training
        wanted, found = (dataclasses.asdict(run.algorithm_config) for run in (ours, control))
        assert set(wanted) - set(found) == {"denoising_steps", "schedule", "predicts", "time_embedding"}
        assert found == {field: wanted[field] for field in found}
        assert (found["soft_target"], found["target_entropy"]) == (False, None)
        assert all(CONTROL in EXPERIMENTS[name].labels() for name in ("table5", "fig5", "fig6"))
        assert CONTROL not in EXPERIMENTS["table4"].labels()

    @pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name not in ("fig8", "general")])
    def test_claims_are_judged_by_the_figures(self, name: str) -> None:
        experiment = EXPERIMENTS[name]
        agreeing = experiment.output(fabricated(experiment, lambda label: (SCORES | PAPER_AGREES).get(label, 500.0)))
        against = {"D2SAC": 300.0, "5": 300.0, "0.05": 300.0, "entity-d2sac": 300.0}
        refuting = experiment.output(fabricated(experiment, lambda label: (SCORES | against).get(label, 500.0)))
        assert agreeing.claims
        assert {claim.verdict for claim in agreeing.claims} == {"holds"}
        assert {claim.verdict for claim in refuting.claims} == {"does not hold"}
        players = [label for label in experiment.labels() if name != "fig5" or label not in SCORES or label == "D2SAC"]
        assert len(agreeing.table) == len(players) + bool(experiment.besides)
        assert not agreeing.data["value"].isna().any()

    @pytest.mark.parametrize(("reward", "word"), [(610.0, "holds"), (580.0, "does not hold"), (596.0, "undecided")])
    def test_a_rule_that_is_told_no_curve_exceeds_prophet_or_not(self, reward: float, word: str) -> None:
        experiment = EXPERIMENTS["general"]
        scores = SCORES | {"bid-price": reward, "general-1": reward}
        output = experiment.output(fabricated(experiment, lambda label: scores.get(label, 500.0)))
        assert [claim.verdict for claim in output.claims] == [word] * 2 * len(experiment.settings)
        table = output.table.set_index("setting")
        assert list(table.index) == [setting.label for setting in experiment.settings]
        assert float(table.loc["20 providers", "bid-price"]) == pytest.approx(reward / 596, abs=0.002)
        assert table.loc["20 providers", "Prophet"] == "595.0"

    def test_without_prophet_rewards_are_shown(self) -> None:
        experiment = EXPERIMENTS["general"]
        results = fabricated(experiment, lambda label: SCORES.get(label, 500.0)).without("prophet")
        output = experiment.output(results)
        assert not output.claims
        assert output.table.set_index("setting").loc["noise 0.1", "optimistic"] == "499.0"

    def test_learners_over_sets_differ_in_nothing_that_they_share(self) -> None:
        cells = EXPERIMENTS["general-learners"].cells(PROFILES["brief"])
        runs = [planned.cell.player.run for planned in cells if isinstance(planned.cell.player, Learned)]
        configs = [{**vars(run.algorithm_config), **vars(run.training)} for run in runs]
        for field in ("width", "rounds", "discount", "steps", "seeds", "environments", "input_span", "credit"):
            assert len({config[field] for config in configs}) == 1
        for field in ("batch_size", "critics", "updates", "temperature", "actor_rate", "critic_rate"):
            assert len({config[field] for config in configs[:2]}) == 1

    @pytest.mark.parametrize("name", ["table3", "table5", "fig5", "fig6"])
    def test_the_control_has_no_say_in_claims_of_the_paper(self, name: str) -> None:
        scores = SCORES | {CONTROL: 595.0}
        claims = EXPERIMENTS[name].output(fabricated(EXPERIMENTS[name], lambda label: scores.get(label, 500.0))).claims
        of_paper = [claim for claim in claims if not claim.text.startswith("Not in the paper")]
        assert {claim.verdict for claim in of_paper} == {"holds"}
        assert all(claim.verdict == "does not hold" for claim in claims if claim not in of_paper)

    @pytest.mark.parametrize("name", ["table3", "table5"])
    def test_policies_besides_those_of_the_paper_stand_apart_and_have_no_say(self, name: str) -> None:
        experiment = EXPERIMENTS[name]
        none, more = (dataclasses.replace(experiment, besides=each) for each in ((), ("optimistic", "general")))
        scores = SCORES | {"optimistic": 650.0, "general": 660.0}
        plain, output = (each.output(fabricated(each, lambda label: scores.get(label, 500.0))) for each in (none, more))
        assert output.claims == plain.claims
        pd.testing.assert_frame_equal(output.table[: len(plain.table)], plain.table)
        assert list(output.table["policy"])[len(plain.table) :] == ["not in the paper:", "optimistic", "general"]
        assert all("paper" not in column or output.table[column].iloc[-1] == "" for column in output.table.columns)
        assert {"optimistic", "general"} <= set(output.data["policy"])
        for axes in output.figure.axes:
            ticks = [label.get_text() for label in axes.get_yticklabels()]
            assert len(ticks) == len(plain.table) + 2
            assert len(axes.lines) > len(plain.figure.axes[0].lines)
        assert sorted([label.get_text() for label in output.figure.axes[0].get_yticklabels()][-2:]) == [
            "general",
            "optimistic",
        ]

    def test_tasks_of_table_4_have_budgets_and_learners_of_their_own(self) -> None:
        experiment = EXPERIMENTS["table4"]
        cells = {(each.setting.label, each.label): each.cell for each in experiment.cells(PROFILES["control"])}
        assert ("Maze-v0", "DRQN") not in cells
        game, control = cells["Maze-v0", "D2SAC"].player.run, cells["CartPole-v1", "D2SAC"].player.run
        assert (game.training.steps, game.training.seeds, game.algorithm_config.discount) == (10_000, 5, 0.99)
        assert (control.training.steps, control.training.seeds) == (100_000, 10)
        assert cells["CartPole-v1", "DRQN"].player.run.training.steps == 10_000
        said = budget_text(PROFILES["control"], experiment.settings)
        assert "100,000 environment steps per seed, 10 seeds, 50 test episodes; in CoinRun-v0 10,000" in said
        output = experiment.output(fabricated(experiment, lambda label: SCORES.get(label, 500.0)))
        table = output.table.set_index("policy")
        assert table.loc["DRQN", "Maze-v0"] == table.loc["DRQN", "Maze-v0, paper"] == ""
        assert table.loc["SAC", "Maze-v0, paper"] == "3.0 ± 4.6"
        assert list(table.index)[-2:] == ["not in the paper:", "Random"]

    def test_nothing_is_claimed_of_learners_no_better_than_chance(self) -> None:
        experiment = EXPERIMENTS["table4"]
        scores = {"D2SAC": 30.0, "random": 40.0}
        claims = experiment.output(fabricated(experiment, lambda label: scores.get(label, 20.0))).claims
        assert [claim.verdict for claim in claims] == ["undecided"] * 4
        assert all("none exceeds random actions, 39.0" in claim.evidence for claim in claims)

    def test_no_two_players_are_drawn_alike(self) -> None:
        experiment = EXPERIMENTS["fig6"]
        [axes] = experiment.output(fabricated(experiment, lambda label: 500.0)).figure.axes
        looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines]
        assert len(looks) == len(set(looks)) == len(experiment.labels())

    def test_one_seed_decides_nothing(self) -> None:
        experiment = EXPERIMENTS["fig7"]
        results = fabricated(experiment, lambda label: PAPER_AGREES.get(label, 500.0))
        single = tuple(
            dataclasses.replace(
                o,
                result=dataclasses.replace(
                    o.result, episodes=o.result.episodes.query("seed == 0"), curve=o.result.curve.query("seed == 0")
                ),
            )
            for o in results
        )
        output = experiment.output(Results(dataclasses.replace(results.profile, seeds=1), single, results.probes))
        assert [claim.verdict for claim in output.claims] == ["undecided"]
        assert any("One seed" in note for note in output.notes)

    def test_a_small_budget_is_said_beside_the_verdicts(self) -> None:
        assert "40,000" in small_print(QUICK)[0]
        assert small_print(PAPER) == []


class TestReverseChain:
    def test_the_moment_shown_is_one_of_prophets(self) -> None:
        environment = ServiceSelection(SETTING.build())
        observation, best = probes.moment(environment, 300)
        size = observation[0] * environment.config.largest_task
        free = observation[-3:] * environment.providers.capacity
        utility = np.asarray(environment.providers.utility(size, False))
        with_room = np.asarray(free >= size - 1e-3)
        assert best == {int(np.argmax(np.where(with_room, utility, -np.inf)))}

    def test_a_policy_that_scales_observations_is_shown_what_it_learned_from(self) -> None:
        space = ServiceSelection(SETTING.build()).observation_space
        observation = jax.random.uniform(KEY, space.low.shape)
        inside = CategoricalDiffusionPolicy(
            Denoiser(space.low.size, 3, (8,), 4, KEY), make_schedule("vp", 4), "clean", False
        )
        inputs = Scaling.of_box(space.low, space.high, 4.0)
        found = probes.distributions(ScaledPolicy(inside, inputs), observation)
        np.testing.assert_allclose(found, inside.distributions(inputs(observation), KEY), atol=1e-5)
        assert abs(found - inside.distributions(observation, KEY)).max() > 0.01
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)

    @pytest.mark.parametrize(
        ("ends", "word"),
        [((0.4, 0.6, 0.9), "holds"), ((0.9, 0.6, 0.7), "undecided"), ((0.5, 0.4, 0.3), "does not hold")],
    )
    def test_the_figure_and_its_claim(self, ends: tuple[float, ...], word: str) -> None:
        """Chains of one step over five providers, of which the paper's Prophet would choose two."""
        experiment = EXPERIMENTS["fig8"]
        best = np.array([True, False, True, False, False])
        chains = {}
        for label, end in zip(experiment.labels(), ends, strict=True):
            last = np.where(best, end / 2, (1 - end) / 3)
            table = {"step": np.repeat([0, 1], 5), "provider": np.tile(np.arange(5), 2), "best": np.tile(best, 2)}
            probability = np.concatenate([np.full(5, 0.2), last])
            chains[CHAIN, label] = ProbeResult(pd.DataFrame(table | {"probability": probability}), "code")
        results = fabricated(experiment, lambda label: 1.0)
        output = experiment.output(Results(results.profile, results.outcomes, chains))
        assert [claim.verdict for claim in output.claims] == [word]
        titles = [axes.get_title(loc="left") for axes in output.figure.axes]
        assert titles == ["noise", "step 1", *[""] * 4]
        assert [axes.get_xlabel() for axes in output.figure.axes] == [*[""] * 4, "provider", "provider"]
        assert output.table["step 1"].tolist() == [f"{end:.2f}" for end in ends]
        assert list(output.data) == ["budget", "step", "provider", "probability"]

    def test_a_policy_without_a_chain_is_refused(self) -> None:
        policy = CategoricalPolicy.create(8, 3, (8,), KEY, False)
        with pytest.raises(EdgewiseError, match="CategoricalPolicy: has no reverse chain"):
            probes.distributions(policy, jax.numpy.zeros(8))


class TestParts:
    def test_a_field_that_does_not_exist_is_named(self) -> None:
        with pytest.raises(ConfigurationError, match=r"speed = 3: must be left out; known fields are .*arrival_rate"):
            Setting("x", "service-selection", {"speed": 3}).build()
        with pytest.raises(ConfigurationError, match="depth = 1"):
            Learner("x", "dqn", {"depth": 1}).run(SETTING, PROFILE)

    @pytest.mark.slow
    def test_an_environment_stepped_outside_is_one_among_others(self, tmp_path: Path) -> None:
        outside = Setting("outside", "gymnasium:CartPole-v1", {"longest_evaluation": 30}, learning={"rollout": 4})
        learner = Learner("PPO", "ppo", {"hidden": (4,)}, {"environments": 4, "evaluation_episodes": 2})
        profile = Profile("tiny", steps=512, seeds=2, evaluations=2, episodes=3)
        experiment = dataclasses.replace(
            TABLE, settings=(outside, Setting("inside", "cartpole")), learners=(learner,), references=("random",)
        )
        results = run_experiment(experiment, profile, Store(tmp_path), serial)
        ours, inside = results.find("PPO", "outside"), results.find("PPO", "inside")
        environment = registry.find(outside.environment).build_evaluation(outside.build())
        judged = judge_policies(ours.player.run, ours.folder, environment, "best", 3, TEST_SEED)
        kept = ours.result.episodes["return"].to_numpy().reshape(2, 3)
        np.testing.assert_array_equal(kept, judged.values["return"])
        assert (ours.player.run.training.rollout, inside.player.run.training.rollout) == (4, 64)
        random = results.find("random", "outside").result.per_episode("length")
        assert len(random) == 3
        assert (random <= 30).all()

    def test_a_setting_says_what_departs_for_those_who_learn_there(self) -> None:
        there = dataclasses.replace(SETTING, learning={"rollout": 8, "n_step": 2}, most={"seeds": 1, "steps": 50_000})
        q_learner, ppo = (Learner("x", name).run(there, QUICK) for name in ("dqn", "ppo"))
        assert (q_learner.algorithm_config.n_step, ppo.training.rollout) == (2, 8)
        assert (q_learner.training.seeds, q_learner.training.steps) == (1, QUICK.steps)
        assert Learner("x", "dqn", {"n_step": 5}).run(there, QUICK).algorithm_config.n_step == 5
        short = dataclasses.replace(SETTING, most={"episodes": 2})
        assert {planned.cell.episodes for planned in dataclasses.replace(TABLE, settings=(short,)).cells(PROFILE)} == {
            2
        }

    @pytest.mark.parametrize(
        ("departs", "said"),
        [
            ({"learning": {"rollot": 8}}, "rollot = 8: must be a field of a learner of tasks, in default"),
            ({"most": {"step": 8}}, "step = 8: must be left out; known fields are .*steps"),
            ({"without": ("SAC",)}, "without = 'SAC': must be a learner of tasks, in default"),
        ],
    )
    def test_what_departs_for_nobody_is_named(self, departs: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            dataclasses.replace(TABLE, settings=(dataclasses.replace(SETTING, **departs),)).cells(PROFILE)

    def test_a_profile_sets_the_budget(self) -> None:
        run = Learner("x", "dqn", training={"steps": 7, "environments": 4}, budget=0.5).run(SETTING, QUICK)
        assert (run.training.steps, run.training.seeds, run.training.environments) == (QUICK.steps // 2, QUICK.seeds, 4)

    @pytest.mark.parametrize("field", ["steps", "seeds", "evaluations", "episodes"])
    def test_a_profile_spends_something(self, field: str) -> None:
        with pytest.raises(ConfigurationError, match=f"{field} = 0: must be an integer in"):
            dataclasses.replace(PROFILE, **{field: 0})


@pytest.mark.slow
def test_the_documented_experiment_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own words, on a smaller budget."""
    page = (TESTS.parent / "docs" / "experiments.md").read_text()
    snippet, paper = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    smaller = snippet.replace(
        "steps=40_000, seeds=3, evaluations=8, episodes=16", "steps=1280, seeds=2, evaluations=2, episodes=2"
    )
    assert smaller != snippet
    exec(smaller + paper, names := {"__name__": "__main__"})
    assert names["PAPER"].titles == {"load": "Reward under load"}
    written = tmp_path / "runs" / "experiments" / "own" / "load"
    table = pd.read_csv(written / "data.csv").set_index(["policy", "setting"])["value"]
    assert len(table) == 6
    assert table["prophet", "0.001 per s"] > table["random", "0.001 per s"]
    page = (written / "README.md").read_text()
    assert "| small DQN | 0.004 per s |" in page
    assert len([line for line in snippet.splitlines() if line and line != ")"]) <= 20


class TestCommand:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["cgdn", "table3"], "paper = 'cgdn': must be one of cgdm, d2sac"),
            (["d2sac"], "experiment = '': must be one of table3"),
            (["d2sac", "table9"], "experiment = 'table9': must be one of table3"),
            (["d2sac", "table3", "--only", "SARSA"], "only = 'SARSA': must be one of D2SAC"),
            (["d2sac", "table3", "--workers", "0"], "workers = 0: must be"),
            (
                ["d2sac", "table3", "--ray-address", "a:1"],
                "ray_address = 'a:1': must be left out unless workers is ray",
            ),
        ],
    )
    def test_mistakes_are_named_before_any_work(
        self,
        words: list[str],
        said: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main(["experiment", *words]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"edgewise experiment: {said}")
        assert error.count("\n") == 1
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("option", ["--out", "--cells"])
    def test_a_folder_that_cannot_be_is_named_before_any_work(
        self, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("edgewise.execution.choose.executor", lambda *_: must_not_be_called)
        (tmp_path / "file").touch()
        assert main(["experiment", "cgdm", "fig5", option, "file/folder"]) == 1
        assert capsys.readouterr().err == "edgewise experiment: file/folder: Not a directory\n"

    def test_a_full_disk_is_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a/table.csv")

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("edgewise.experiments.experiment.compute", full)
        assert main(["experiment", "cgdm", "fig5"]) == 1
        assert capsys.readouterr().err == "edgewise experiment: a/table.csv: No space left on device\n"

    def test_a_missing_ray_is_named(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        monkeypatch.delitem(sys.modules, "edgewise.execution.ray_cluster", raising=False)
        assert main(["experiment", "d2sac", "table3", "--workers", "ray"]) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "pip install '.[ray]'" in error

    @pytest.mark.slow
    def test_tables_are_printed_and_written(
        self,
        tmp_path: Path,
        folder: Path,
        results: Results,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        mine = Paper.of((TABLE, REWARDS), (dataclasses.replace(PROFILE, name="quick"),))
        monkeypatch.setattr(CATALOGUE, "_registered", {"mine": mine})
        words = ["experiment", "mine", "all", "--cells", str(folder), "--out", str(tmp_path)]
        assert main([*words, "--json"]) == 0
        plain = json.loads(capsys.readouterr().out)
        assert [each["experiment"] for each in plain] == ["tasks", "rewards"]
        assert plain[0]["table"] == TABLE.output(results).table.to_dict("records")
        assert main([*words, "--only", "prophet", "random"]) == 0
        text = capsys.readouterr().out
        assert "| Prophet |" in text
        assert "DQN" not in text
        assert "--only prophet random" in (tmp_path / "tasks" / "README.md").read_text()

    def test_names_are_taken_once_and_in_order(self) -> None:
        found = find_paper("d2sac").find(("fig7", "table3", "fig7"))
        assert [experiment.name for experiment in found] == ["fig7", "table3"]

    def test_list_names_every_experiment(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["list", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)["experiments"]
        assert {paper: set(names) for paper, names in listed.items()} == {
            name: set(find_paper(name).titles) for name in CATALOGUE.names()
        }
