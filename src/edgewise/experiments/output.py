"""Writing what an experiment shows: figure as PDF and PNG, data as CSV, and a page with the table and the verdicts."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import jax
import pandas as pd

from edgewise import __version__
from edgewise.experiments.experiment import Experiment
from edgewise.experiments.figures import save_figure
from edgewise.experiments.parts import Profile
from edgewise.experiments.results import Output, Results
from edgewise.numerics.checks import EdgewiseError
from edgewise.numerics.files import replace_file

FIGURE, PAGE = "figure", "README.md"


def write_output(folder: Path, experiment: Experiment, results: Results, output: Output, command: str) -> None:
    """Write a figure's or table's folder; every file is replaced whole.

    Args:
        folder: made if need be.
        experiment: what was run.
        results: its outcomes; their means per seed go to `seeds.csv`.
        output: what it shows.
        command: that makes all this again.

    Raises:
        EdgewiseError: if a file cannot be written.
    """
    for ending in ("png", "pdf"):
        save_figure(output.figure, folder / f"{FIGURE}.{ending}")
    try:
        replace_file(folder / "data.csv", output.data.to_csv(index=False).encode())
        replace_file(folder / "seeds.csv", _seeds(results).to_csv(index=False, float_format="%.6g").encode())
        replace_file(folder / PAGE, _page(experiment, results, output, command).encode())
    except OSError as error:
        raise EdgewiseError(f"{folder}: cannot be written: {error.strerror or error}") from None


def markdown(table: pd.DataFrame) -> str:
    """A table of text as Markdown; the first column to the left, the others to the right."""
    rules = ["---", *["---:"] * (table.shape[1] - 1)]
    rows = [list(table.columns), rules, *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(str(value) for value in row)} |" for row in rows)


def small_print(profile: Profile) -> list[str]:
    """What must be said of verdicts on a smaller budget than the paper's."""
    if profile.steps >= profile.paper_steps:
        return []
    return [
        f"Verdicts are on learners after {profile.steps:,} environment steps, not {profile.paper_steps:,} as in the paper: they "
        "tell nothing about its claims yet."
    ]


def _seeds(results: Results) -> pd.DataFrame:
    tables = []
    for outcome in results:
        means = outcome.result.episodes.drop(columns="episode").groupby("seed", as_index=False).mean()
        means.insert(0, "policy", outcome.label)
        means.insert(0, "setting", outcome.setting.label)
        tables.append(means)
    return pd.concat(tables, ignore_index=True)


def _page(experiment: Experiment, results: Results, output: Output, command: str) -> str:
    profile = results.profile
    states = sorted({outcome.result.code for outcome in results})
    parts = [
        f"# {experiment.title}",
        f"![{experiment.name}]({FIGURE}.png)",
        markdown(output.table),
        "Figures are interquartile means with 95% stratified bootstrap intervals, over seeds for learners and over test "
        "episodes for other policies.",
    ]
    if output.claims:
        claims = [f"- **{claim.verdict}**: {claim.text} ({claim.evidence})" for claim in output.claims]
        parts += ["## Claims of the paper", *small_print(profile), "\n".join(claims)]
    facts = [
        *output.notes,
        f"Profile {profile.name}: {profile.steps:,} environment steps per seed, {profile.seeds} seeds, "
        f"{profile.episodes} test episodes of the policy that was best while learning.",
        f"edgewise {__version__}, code {', '.join(states)}; figure drawn on {platform.machine()} with {os.cpu_count()} "
        f"cores, {jax.devices()[0].platform}."
        + (" The results were made by more than one state of the code." if len(states) > 1 else ""),
        "Data of the figure: `data.csv`; means per seed of every metric: `seeds.csv`; also `figure.pdf`.",
    ]
    parts += ["## Notes", "\n".join(f"- {fact}" for fact in facts), f"Made by:\n\n    {command}"]
    return "\n\n".join(parts) + "\n"
