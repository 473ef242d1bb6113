"""Measures of agents: from the exact state, on their own runs, on the oracle's states, and from labels by a person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent_parts import QUICK, at_work, make_pictures_quick, scripted, some_task, within
from edgewise.agent.agents import AGENTS, Setting
from edgewise.agent.evaluate import Trial, as_json, by_kind, evaluate, figures, latencies
from edgewise.agent.forced import forced
from edgewise.agent.labels import Label, Labels, labelled_folder
from edgewise.agent.measures import Episode, Judge, Share
from edgewise.agent.modules.interfaces import Decision, Modules, Plan, Reflected
from edgewise.agent.phone.core import Open, Press, Swipe, Tap, step
from edgewise.agent.phone.faults import ORDERS, read_faults
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.tasks.oracle import solve
from edgewise.agent.trajectory import Recorder
from edgewise.agent.truth import Truth, same_way
from edgewise.cli.main import main
from edgewise.common.errors import EdgewiseError
from edgewise.statistics.estimates import ratio

SHOW = some_task("show-contact")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)


def judged(modules: str | Modules, conduct: object = QUICK) -> Episode:
    session = Session(SHOW.start)
    judge = Judge(Truth(session, SHOW))
    end, _ = at_work(SHOW, modules, session=session, watchers=[judge], conduct=conduct)  # type: ignore[arg-type]
    return judge.episode(end, 3)


def test_the_oracle_is_always_right() -> None:
    found = judged("oracle")
    assert found.succeeded
    assert found.actions == found.oracle == 2
    for share in (found.decisions, found.reflections, found.asked):
        assert share == Share(right=2, all=2)
    assert found.plans == Share(right=4, all=4)
    assert (found.rounds, found.redundant) == (1, 1)


def test_what_is_wrong_is_counted_as_wrong() -> None:
    ways = [Decision(kind="open_app", app="org.edgewise.shop"), Decision(kind="press", key="home")]
    wrong = scripted([*ways, Decision(kind="press", key="home")], plan=Plan(finished=1))
    found = judged(replace(wrong, reflection=lambda change: Reflected(outcome="A")), within(steps=3))
    assert not found.succeeded
    assert found.decisions == Share(right=0, all=3)
    assert found.plans.right == 0
    assert found.asked == Share(right=0, all=2), "the shop is another page than expected, and so is what came after"
    early = judged(scripted([Decision(kind="finish")]))
    assert early.reason == "success"
    assert early.decisions == Share(right=0, all=2)
    assert (early.rounds, early.redundant) == (1, 0)


def test_ways_are_as_good_wherever_a_list_is_scrolled_to_in_the_same_direction() -> None:
    session = Session(SHOW.start)
    truth = Truth(session, SHOW)
    opened = step(SHOW.start, Open("contacts"))
    assert truth.outcome(0, SHOW.start, opened) == "A"
    assert truth.outcome(0, opened, opened) == "C"
    assert truth.outcome(0, opened, step(opened, Press("home"))) == "B"
    assert truth.outcome(0, SHOW.start, replace(opened, turned=True)) == "A", "that a fault turned it is not its doing"
    shop = replace(step(SHOW.start, Open("shop")), turned=True)  # so that not all of the list is seen
    little, more = (step(shop, Swipe(500, 800, 500, to)) for to in (700, 600))
    assert little != more
    assert same_way(shop, little, more)
    assert not same_way(shop, shop, more)
    assert not same_way(shop, step(shop, Tap(5, 5)), more)


@pytest.mark.parametrize(("name", "least"), [("rules", 0.99), ("random", 0.0)])
def test_modules_are_judged_on_the_oracles_states(name: str, least: float) -> None:
    task = some_task("send-place")
    found = forced(task, AGENTS.find(name)(Setting(seed=1)))
    assert found.succeeded, "the run itself is the oracle's"
    assert found.decisions.all == found.plans.all - 1 == len(solve(task))
    assert found.decisions.right / found.decisions.all >= least
    assert found.plans.right / found.plans.all >= least
    assert found.asked.all > found.decisions.all, "a reflection on what the oracle did, and on something else"


def test_a_module_that_gives_no_answer_is_judged_as_wrong() -> None:
    def silent(asked: object) -> Any:
        raise EdgewiseError("no answer")

    rules = AGENTS.find("rules")(Setting())
    found = forced(SHOW, replace(rules, planning=silent, decision=silent, reflection=silent))
    assert found.succeeded
    assert (found.decisions.right, found.decisions.all) == (0, len(solve(SHOW)))
    assert (found.plans.right, found.asked.right) == (0, 0)
    assert found.plans.all == len(solve(SHOW)) + 1


def test_figures_of_a_trial_have_intervals_over_tasks() -> None:
    trial = Trial("simple", seed=2, language="en", conduct=replace(QUICK, verify=False))
    one = next(task for _, task in trial.tasks())
    told: list[Episode] = []
    trial = Trial("simple", seed=2, language="en", faults=read_faults("orders"), conduct=QUICK)
    texts = [each.text for _, task in trial.tasks() for each in task.start.world.notes]
    assert set(texts) & set(ORDERS), "texts that give orders stand on the phones before their tasks are drawn"
    assert trial.striking == ()
    assert one.suite == "simple"
    kept = [evaluate_one(seed) for seed in (0, 1)]
    told += kept
    found = figures(told)
    assert (found["success"].value, found["steps"].value, found["redundant"].value) == (0.5, 1.0, 0.5)
    assert found["success"].low <= 0.5 <= found["success"].high
    assert by_kind(told)["show-contact"]["success"] == 0.5
    assert latencies(told)["decision"]["p95_ms"] >= latencies(told)["decision"]["median_ms"] > 0
    assert as_json(found)["tokens"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert as_json(figures([]))["success"]["value"] is None


def evaluate_one(seed: int) -> Episode:
    return judged("oracle" if seed else scripted([Decision(kind="finish")]))


def test_ratios_draw_parts_and_wholes_together() -> None:
    parts, wholes = np.array([1.0, 2, 3, 4]), np.array([2.0, 4, 6, 8])
    always = ratio(parts, wholes)
    assert (always.value, always.low, always.high) == (0.5, 0.5, 0.5)
    found = ratio(np.array([0.0, 2, 3, 9]), np.array([2.0, 4, 6, 12]))
    drawn = np.random.default_rng(1).integers(0, 4, (20_000, 4))
    shares = np.array([0, 2, 3, 9])[drawn].sum(1) / np.array([2, 4, 6, 12])[drawn].sum(1)
    assert found.value == pytest.approx(14 / 24)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(shares, [2.5, 97.5])), abs=0.02)
    assert np.isnan(ratio(np.array([]), np.array([])).value)


def test_runs_are_judged_by_a_persons_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at_work(SHOW, "rules", watchers=[Recorder(tmp_path / "one")])
    labels = Labels(
        by="somebody",
        succeeded=True,
        fewest=2,
        steps=(
            Label(number=0, right=True, outcome="A", finished=0),
            Label(number=1, right=False, outcome="B", finished=1),
        ),
    )
    (tmp_path / "one" / "labels.json").write_text(labels.model_dump_json())
    (found,) = labelled_folder(tmp_path)
    assert (found.decisions, found.reflections) == (Share(right=1, all=2), Share(right=1, all=2))
    assert found.plans == Share(right=1, all=2)
    assert found.told == "labelled by somebody"
    assert main(["agent", "evaluate", "--labels", str(tmp_path), "--json", str(tmp_path / "found.json")]) == 0
    assert "labelled by a person" in capsys.readouterr().out
    assert json.loads((tmp_path / "found.json").read_text())["labelled"] is True
    (tmp_path / "one" / "labels.json").write_text('{"by": "x", "succeeded": true, "steps": [{"number": 99}]}')
    with pytest.raises(EdgewiseError, match="no step 99"):
        labelled_folder(tmp_path)
    with pytest.raises(EdgewiseError, match="holds no trajectory"):
        labelled_folder(tmp_path / "none")


def test_evaluate_goes_through_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Episode] = []
    trial = Trial("simple", language="en", conduct=within(steps=1))
    monkeypatch.setattr(Trial, "tasks", lambda self: [(0, SHOW), (1, some_task("show-note"))])
    found = evaluate(AGENTS.find("rules"), trial, told.append)
    assert [each.kind for each in told] == [each.kind for each in found] == ["show-contact", "show-note"]
    assert [each.reason for each in found] == ["steps", "steps"]
