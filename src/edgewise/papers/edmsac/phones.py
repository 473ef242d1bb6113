"""The case studies of section VI-B: agents that operate a phone, built by edge servers, and two of their runs."""

from __future__ import annotations

import base64
import io
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from PIL import Image

from edgewise.common.table import resolve
from edgewise.drawing.panels import plot_intervals
from edgewise.drawing.style import VERMILION, new_figure, styled
from edgewise.experiments.cell import Planned
from edgewise.experiments.claims import FAILS, HOLDS, UNDECIDED, notes, overall, verdict
from edgewise.experiments.probe import Probe, Probes
from edgewise.experiments.results import Claim, Drawing, Results
from edgewise.papers.edmsac.names import CASES, PHONES
from edgewise.statistics.estimates import Estimate, estimate, mean

COMPARE, PLAY = "edgewise.agent.experiment:compare", "edgewise.agent.experiment:cases"
"""Agents stand above the papers: they are loaded when they are wanted."""
AGENTS = {
    "alone": "built by one server, the best",
    "federated": "built together",
    "chosen": "best module of each kind",
    "single": "built by one server, any",
    "rules": "rules",
    "oracle": "oracle",
}
"""Agents that are compared, and what they are called; "alone" is the single server whose agent does the most tasks, "single" the
mean of all, which is what to expect of one that is drawn at random."""
SUITES = {"simple": "simple tasks", "complex": "complex tasks"}
MEASURES = {
    "decisions": "DA",
    "reflections": "RA",
    "plans": "PA",
    "success": "success",
    "steps": "actions over the oracle's",
    "redundant": "verification rounds, task done",
    "task_ms": "time of all modules, a task, ms",
}
"""Figures of an agent, and what the table calls them."""
PANELS = ("decisions", "reflections", "plans", "success")
WIDE = 10
"""Pictures beside one another."""


@dataclass(frozen=True)
class Phones(Probe):
    """Agents built by single servers and together, on tasks that no server has seen the names, texts and looks of.

    Attributes:
        servers: edge servers, each of which builds all modules from its own users' data.
        apps: of the phone's eight that the users of each have.
        examples, rounds: of each module.
        hidden: examples by which the cloud server chooses the module for each place, and joins others with it.
        episodes: tasks of every kind.
        repetitions: each with other servers, data and tasks.
        seed: of the first one.
    """

    name = f"edmsac: {PHONES}"
    servers: int = 3
    apps: int = 6
    examples: int = 2048
    rounds: int = 8
    hidden: int = 512
    episodes: int = 1
    repetitions: int = 10
    seed: int = 0

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per repetition, suite and agent."""
        found: pd.DataFrame = resolve(COMPARE)(
            self.servers,
            self.apps,
            self.examples,
            self.rounds,
            self.hidden,
            self.episodes,
            self.repetitions,
            self.seed,
        )
        return found


@dataclass(frozen=True)
class Cases(Probe):
    """A simple and a complex task, step by step, by the agent that comes with the package.

    Attributes:
        agent: by name.
        simple, complex: kinds of tasks.
        language: of the apps.
        seed: of names, texts and looks, all unseen.
    """

    name = f"edmsac: {CASES}"
    agent: str = "trained"
    simple: str = "send-message"
    complex: str = "send-place"
    language: str = "en"
    seed: int = 20_000

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per step."""
        found: pd.DataFrame = resolve(PLAY)(self.agent, self.simple, self.complex, self.language, self.seed)
        return found


def phones(cells: Sequence[Planned]) -> Probes:
    """Agents on phones, whatever is trained."""
    return {(PHONES, ""): Phones()}


def runs(cells: Sequence[Planned]) -> Probes:
    """Two runs."""
    return {(CASES, ""): Cases()}


@styled()
def accuracies(results: Results) -> Drawing:
    """Fig. 5: accuracies of the modules and success, on simple and on complex tasks."""
    table = _compared(results.table(PHONES))
    figure, grid = new_figure(9.0, 4.4, 1, len(PANELS))
    for axes, measure in zip(grid[0], PANELS, strict=True):
        rows = [
            (f"{AGENTS[agent]}, {suite}", _mean(table, agent, suite, measure), agent in ("alone", "federated"))
            for agent in AGENTS
            for suite in SUITES
        ]
        plot_intervals(axes, rows, {}, MEASURES[measure])
        axes.set_xlim(-0.03, 1.03)
        if axes is not grid[0][0]:
            axes.set_yticklabels([])
    shown = [
        {"agent": AGENTS[agent], "tasks": SUITES[suite]}
        | {told: _told(_mean(table, agent, suite, name), name) for name, told in MEASURES.items()}
        for agent in AGENTS
        for suite in SUITES
    ]
    said = notes(
        results,
        "Tasks of the simulated phone with names, texts, words and looks that no training has; means over repetitions with 95% "
        "bootstrap intervals, each with other servers, data and tasks. The paper's agents are Qwen-VL-Plus and Qwen-VL-Max on a "
        "real phone, which cannot be run here: only its order of simple and complex tasks can be compared.",
        "Every server builds all modules from tasks in its own users' apps. Built together: for each place the module that the "
        "cloud server measures as the best, on examples of all apps, and those of other servers with which it answers better "
        "there: their probabilities are averaged. Best module of each kind: the same without joining. Built by one server, the "
        "best: that of each repetition whose agent does the most tasks of both suites, which nobody could know before, and "
        "part of which is luck with these very tasks; any: the mean of all servers, as if one were drawn at random.",
        "RA counts identical pictures, which say by themselves that nothing has happened. DA, RA and PA are taken along each "
        "agent's own run: an error leads to displays that the oracle would not see.",
    )
    return Drawing(figure, table, pd.DataFrame(shown), said)


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the agents that are compared; of those built alone, the best of each repetition, and their mean."""
    alone = table[table["agent"].str.startswith("alone")]
    total = alone.groupby(["repetition", "agent"])["success"].mean().unstack()
    best = set(total.idxmax(axis=1).items())
    kept = alone[[pair in best for pair in zip(alone["repetition"], alone["agent"], strict=True)]]
    others = table[table["agent"].isin(AGENTS)]
    single = alone.groupby(["repetition", "suite"], as_index=False).mean(numeric_only=True).assign(agent="single")
    return pd.concat([kept.assign(server=kept["agent"], agent="alone"), others, single], ignore_index=True)


def _mean(table: pd.DataFrame, agent: str, suite: str, measure: str) -> Estimate:
    rows = table[(table["agent"] == agent) & (table["suite"] == suite)]
    values = rows[measure].dropna().to_numpy(float)
    return estimate([values], mean) if len(values) else Estimate(np.nan, np.nan, np.nan)


def _told(value: Estimate, measure: str) -> str:
    return value.text(0 if measure.endswith("_ms") else 2)


def on_phones(results: Results) -> list[Claim | None]:
    """The claims on Fig. 5, of the agent that is built together."""
    table = _compared(results.table(PHONES))
    verdicts, evidence = [], []
    for measure in ("decisions", "reflections", "plans"):
        easy, hard = (_mean(table, "federated", suite, measure) for suite in SUITES)
        verdicts.append(verdict(easy, hard))
        evidence.append(f"{MEASURES[measure]} {easy.text(3)} against {hard.text(3)}")
    rounds, complex_rounds = (_mean(table, "federated", suite, "redundant") for suite in SUITES)
    return [
        Claim("DA, RA and PA are higher on simple tasks than on complex ones", overall(verdicts), "; ".join(evidence)),
        Claim(
            "on simple tasks the agent may make additional rounds to verify completion",
            HOLDS if rounds.low > 0 else UNDECIDED if rounds.high > 0 else FAILS,
            f"{rounds.text(2)} rounds a simple task after it was done, {complex_rounds.text(2)} a complex one: our loop looks "
            "again once before every end",
        ),
        *_together(table),
    ]


def _together(table: pd.DataFrame) -> list[Claim]:
    """That agents built together are at least as good as the best one built alone, repetition by repetition."""
    success = table.pivot_table("success", "repetition", ["agent", "suite"])
    found = []
    for suite, told in SUITES.items():
        alone, together = (_mean(table, agent, suite, "success") for agent in ("alone", "federated"))
        more = estimate([(success["federated", suite] - success["alone", suite]).to_numpy(float)], mean)
        result = HOLDS if more.low >= 0 else FAILS if more.high < 0 else UNDECIDED
        text = f"an agent built together does at least as many {told} as the best that one server builds"
        found.append(Claim(text, result, f"{together.text(2)} against {alone.text(2)}, {more.text(2)} more"))
    return found


@styled()
def pictures(results: Results) -> Drawing:
    """Fig. 4: both runs, a picture for each step with the point that was touched."""
    table = results.table(CASES)
    parts = [table[table["case"] == suite] for suite in SUITES]
    rows = sum(-(-len(part) // WIDE) for part in parts)
    figure, grid = new_figure(1.25 * WIDE, 3.0 * rows, rows, WIDE)
    line = 0
    for part in parts:
        for place, step in enumerate(part.to_dict("records")):
            _picture(grid[line + place // WIDE][place % WIDE], step)
        line += -(-len(part) // WIDE)
    for axes in grid.flat:
        axes.set_axis_off()
    shown = table.assign(step=table["step"] + 1)[["case", "step", "action", "target", "finished"]].astype(str)
    said = notes(
        results,
        *(f"{part['case'].iloc[0].capitalize()}: {part['instruction'].iloc[0]} ({_end(part)})." for part in parts),
        'The circle is the point that is touched. "Looks again" is a round in which the agent verifies that it is done.',
    )
    return Drawing(figure, table.drop(columns="picture"), shown, said)


def _end(part: pd.DataFrame) -> str:
    return "done" if bool(part["succeeded"].iloc[0]) else "not done"


def _picture(axes: Axes, step: Mapping[Hashable, Any]) -> None:
    image = Image.open(io.BytesIO(base64.b64decode(step["picture"])))
    axes.imshow(np.asarray(image), aspect="equal")
    wide, high = image.size
    x, y = step["x"] * wide, step["y"] * high
    if np.isfinite(x):
        axes.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=VERMILION, markeredgewidth=2)
    target = str(step["target"]).rsplit(".", 1)[-1]
    axes.set_title(f"{step['step'] + 1}. {step['action']}\n{_short(target)}", fontsize=7)


def _short(text: str, most: int = 22) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
