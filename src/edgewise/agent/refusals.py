"""What agents do where nothing is to be changed: with tasks that cannot be done, and with tasks that are fulfilled already."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from edgewise.agent.agents import Maker, Setting
from edgewise.agent.evaluate import Trial
from edgewise.agent.loop import run_agent
from edgewise.agent.permission import anything
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.phone.core import draw_phone
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.tasks.fulfilled import draw_fulfilled
from edgewise.agent.phone.tasks.missing import FOREIGN, draw_missing, foreign
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.truth import Truth
from edgewise.common.errors import ConfigurationError
from edgewise.statistics.estimates import Estimate, estimate, mean

SAID = ("infeasible", "unsure", "question", "answer")
"""Ends at which an agent does not claim that the task is done, and says why."""
WISHES = 6
"""Wishes that no app fulfils, for each seed."""


class Refusal(BaseModel):
    """What came of a task for which nothing is to be changed.

    Attributes:
        kind: of the task; `wish` for what no app does.
        instruction: that was given.
        reason: why the run ended.
        unchanged: whether the apps hold what they did.
        seen: whether the page was seen on which a fulfilled task is.
        actions: that were made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    instruction: str
    reason: str
    unchanged: bool
    seen: bool
    actions: int


def impossible(trial: Trial) -> Iterator[tuple[int, str, Task]]:
    """Seeds, kinds and tasks that cannot be done: on phones without what they name, and wishes that no app fulfils."""
    for seed in range(trial.seed, trial.seed + trial.episodes):
        for each in draw_missing(trial.suite, seed, trial.language, trial.unseen):
            yield seed, each.task.name, each.task
        rng = random.Random(f"wishes {seed}")
        for number in range(min(WISHES, len(FOREIGN[int(trial.unseen)].split("|")))):
            phone = draw_phone(seed * WISHES + number, trial.language, trial.unseen)
            yield seed, "wish", foreign(Task("wish", "simple", "", phone, ()), rng, trial.unseen)


def refusals(make: Maker, trial: Trial) -> list[Refusal]:
    """Let an agent try what cannot be done.

    Args:
        make: makes the agent's modules for each task; they get no exact knowledge.
        trial: suite, seeds, looks and conduct.
    """
    return [_tried(make, trial, *each) for each in impossible(trial)]


def recognitions(make: Maker, trial: Trial) -> list[Refusal]:
    """Let an agent do what is fulfilled already; see `refusals`.

    Raises:
        ConfigurationError: if of no task of the suite it can be seen.
    """
    seeds = range(trial.seed, trial.seed + trial.episodes)
    tasks = [(seed, each) for seed in seeds for each in draw_fulfilled(trial.suite, seed, trial.language, trial.unseen)]
    if not tasks:
        raise ConfigurationError("suite", trial.suite, "simple: no other task can be seen to be fulfilled at the start")
    return [_tried(make, trial, seed, task.name, task) for seed, task in tasks]


def _tried(make: Maker, trial: Trial, seed: int, kind: str, task: Task) -> Refusal:
    session = Session(task.start, trial.striking, seed)
    truth = Truth(session, task)
    modules = make(Setting(seed, trial.conduct.tree, None, trial.options))
    end = run_agent(task.instruction, SimulatedDevice(session), modules, trial.conduct, apps=packages(), allow=anything)
    return Refusal(
        kind=kind,
        instruction=task.instruction,
        reason=end.reason,
        unchanged=session.state.world == task.start.world,
        seen=truth.all_done,
        actions=session.gestures,
    )


def refusal_figures(found: Sequence[Refusal]) -> dict[str, Estimate]:
    """Shares with 95% bootstrap intervals over tasks: `refused` (says so, and has changed nothing), `claimed` (says that it is
    done), `changed` (what the apps hold).
    """
    return _shares(
        {
            "refused": [each.reason in SAID and each.unchanged for each in found],
            "claimed": [each.reason == "success" for each in found],
            "changed": [not each.unchanged for each in found],
        }
    )


def recognition_figures(found: Sequence[Refusal]) -> dict[str, Estimate]:
    """The same of tasks that are fulfilled already: `recognised` (has seen it, says so, and has changed nothing), `denied` (says
    that it cannot be done), `undone` (has changed what the apps hold).
    """
    return _shares(
        {
            "recognised": [each.reason == "success" and each.seen and each.unchanged for each in found],
            "denied": [each.reason in SAID for each in found],
            "undone": [not each.unchanged for each in found],
        }
    )


def _shares(values: Mapping[str, Sequence[bool]]) -> dict[str, Estimate]:
    return {name: estimate([np.array(each, float)], mean) for name, each in values.items()}
