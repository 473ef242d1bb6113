"""Agents evaluated on tasks of the simulated phone: episodes, and figures with intervals over tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from edgewise.agent.agents import Maker, Setting
from edgewise.agent.conduct import Conduct
from edgewise.agent.forced import forced
from edgewise.agent.loop import run_agent
from edgewise.agent.measures import Episode, Judge
from edgewise.agent.permission import anything
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.phone.faults import Fault, Plan, with_orders
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.suites import draw_tasks
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.steps import Watcher
from edgewise.agent.truth import Truth
from edgewise.common.table import unknown
from edgewise.statistics.estimates import Estimate, estimate, mean, ratio

SHARES = ("decisions", "reflections", "asked", "plans")
P95 = 95.0
"""Percentile of the latencies beside the median."""


@dataclass(frozen=True)
class Trial:
    """What agents are evaluated on.

    Attributes:
        suite: of tasks, `simple`, `complex` or `long`.
        episodes: tasks of every kind.
        seed: of the first of them.
        language: of the apps. If None, drawn.
        unseen: names, texts and looks for tests.
        faults: that strike.
        conduct: of the agents.
        options: of the back end, by name.
        kinds: of tasks. If empty, all of the suite.
    """

    suite: str
    episodes: int = 1
    seed: int = 0
    language: str | None = None
    unseen: bool = True
    faults: tuple[Fault, ...] = ()
    conduct: Conduct = field(default_factory=lambda: Conduct(late_s=0.0))
    options: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()

    def tasks(self) -> Iterator[tuple[int, Task]]:
        """Seeds and tasks; where texts that give orders are among the faults, they stand on the phones already.

        Raises:
            ConfigurationError: if there is no such kind.
        """
        for seed in range(self.seed, self.seed + self.episodes):
            ordered = _ordered(self.faults, seed)
            drawn = list(draw_tasks(self.suite, seed, self.language, self.unseen, ordered))
            for kind in self.kinds:
                if kind not in [each.name for each in drawn]:
                    raise unknown("kinds", kind, [each.name for each in drawn])
            yield from ((seed, each) for each in drawn if not self.kinds or each.name in self.kinds)

    @property
    def striking(self) -> tuple[Fault, ...]:
        """Faults that strike while an agent is at work."""
        return tuple(each for each in self.faults if each.name != "orders")


def _ordered(faults: Sequence[Fault], seed: int) -> Callable[[State], State]:
    plan = Plan(faults, seed)
    return lambda state: replace(state, world=with_orders(state.world, plan))


def play(make: Maker, task: Task, seed: int, trial: Trial, watchers: Sequence[Watcher] = ()) -> Episode:
    """Let an agent do a task on a simulated phone in this process, and judge it.

    Args:
        make: makes the agent's modules.
        task: to do.
        seed: of modules and faults.
        trial: what else is so.
        watchers: are told of every step.
    """
    session = Session(task.start, trial.striking, seed)
    truth = Truth(session, task)
    setting = Setting(seed, trial.conduct.tree, truth, trial.options)
    judge = Judge(truth)
    end = run_agent(
        task.instruction,
        SimulatedDevice(session),
        make(setting),
        trial.conduct,
        apps=packages(),
        allow=anything,
        watchers=(judge, *watchers),
    )
    return judge.episode(end, seed)


def evaluate(make: Maker, trial: Trial, told: Callable[[Episode], None] = lambda episode: None) -> list[Episode]:
    """Episodes of an agent on all tasks of a trial.

    Args:
        make: makes the agent's modules for each task.
        trial: what they are evaluated on.
        told: is given every episode as soon as it is over.
    """
    found = []
    for seed, task in trial.tasks():
        found.append(play(make, task, seed, trial))
        told(found[-1])
    return found


def evaluate_forced(make: Maker, trial: Trial) -> list[Episode]:
    """The same on the oracle's states, where errors do not add up; success and steps are the oracle's."""
    return [
        forced(task, make(Setting(seed, trial.conduct.tree, None, trial.options)), tree=trial.conduct.tree, seed=seed)
        for seed, task in trial.tasks()
    ]


def figures(episodes: Sequence[Episode]) -> dict[str, Estimate]:
    """Figures of episodes, with 95% bootstrap intervals over tasks.

    Returns:
        By name: `success`; shares of what was right; `false_claims` (said to be done, and was not); `steps` (actions over the
        oracle's, of tasks that succeeded); `redundant` verification rounds, `calls`, `tokens` and `money` of a task.
    """
    found = {"success": _mean(episodes, lambda each: each.succeeded)}
    for name in SHARES:
        shares = [getattr(each, name) for each in episodes]
        found[name] = _ratio([each.right for each in shares], [each.all for each in shares])
    found["false_claims"] = _mean(episodes, lambda each: each.reason == "success" and not each.succeeded)
    solved = [each for each in episodes if each.succeeded and each.oracle]
    found["steps"] = _ratio([each.actions for each in solved], [each.oracle or 0 for each in solved])
    for name in ("redundant", "calls", "tokens", "money"):
        found[name] = _mean(episodes, lambda each, name=name: getattr(each, name))  # type: ignore[misc]
    return found


def _ratio(parts: Sequence[int], wholes: Sequence[int]) -> Estimate:
    return ratio(np.array(parts, dtype=float), np.array(wholes, dtype=float))


def _mean(episodes: Sequence[Episode], value: Callable[[Episode], float]) -> Estimate:
    if not episodes:
        return Estimate(np.nan, np.nan, np.nan)
    return estimate([np.array([float(value(each)) for each in episodes])], mean)


def latencies(episodes: Iterable[Episode]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of the time that each module takes for a call, ms."""
    times: dict[str, list[float]] = {}
    for each in episodes:
        for place, seconds in each.latency.items():
            times.setdefault(place, []).extend(seconds)
    return {
        place: {"median_ms": 1000 * float(np.median(kept)), "p95_ms": 1000 * float(np.percentile(kept, P95))}
        for place, kept in times.items()
    }


def by_kind(episodes: Sequence[Episode]) -> dict[str, dict[str, float]]:
    """Success and shares of every kind of task."""
    found: dict[str, dict[str, float]] = {}
    for kind in dict.fromkeys(each.kind for each in episodes):
        of_kind = [each for each in episodes if each.kind == kind]
        row: dict[str, float] = {"success": float(np.mean([each.succeeded for each in of_kind]))}
        for name in SHARES:
            shares = [getattr(each, name) for each in of_kind]
            whole = sum(each.all for each in shares)
            row[name] = sum(each.right for each in shares) / whole if whole else float("nan")
        found[kind] = row
    return found


def as_json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Estimates as JSON has them; what is not known is null."""
    return {
        name: {end: None if np.isnan(value) else round(value, 6) for end, value in asdict(each).items()}
        for name, each in estimates.items()
    }
