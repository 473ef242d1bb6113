"""Writing what an experiment shows: figure as PDF and PNG, data as CSV, and a page with the table and the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from edgewise.common.by_products import is_own_figure
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import replace_file
from edgewise.drawing.style import save_figure
from edgewise.experiments.experiment import Experiment
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import Claim, Output, Results
from edgewise.experiments.setting import Setting, spent_in
from edgewise.reports.record import RECORD, Record, make_record, save_record

FIGURE, PAGE = "figure", "README.md"
WRITTEN = (f"{FIGURE}.png", f"{FIGURE}.pdf", "data.csv", "seeds.csv", PAGE)


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
    record = make_record(experiment, results, output, command)
    for ending in ("png", "pdf"):
        save_figure(output.figure, folder / f"{FIGURE}.{ending}")
    try:
        replace_file(folder / "data.csv", output.data.to_csv(index=False).encode())
        replace_file(folder / "seeds.csv", _seeds(results).to_csv(index=False, float_format="%.6g").encode())
        replace_file(folder / PAGE, _page(record).encode())
        save_record(folder, record)
    except OSError as error:
        raise EdgewiseError(f"{folder}: cannot be written: {error.strerror or error}") from None


def require_own_folder(folder: Path) -> None:
    """Refuse a folder in which files of somebody else would be replaced.

    Args:
        folder: that `write_output` is to write.

    Raises:
        ConfigurationError: if it holds files of these names but no experiment.
    """
    there = [name for name in WRITTEN if (folder / name).exists()]
    if there and not (folder / RECORD).exists() and not is_own_figure(folder / f"{FIGURE}.png"):
        raise ConfigurationError(
            "out",
            str(folder.parent),
            f"another folder: {folder} holds {', '.join(there)}, which edgewise did not write",
        )


def markdown(table: pd.DataFrame) -> str:
    """A table of text as Markdown; the first column to the left, the others to the right."""
    return _markdown(list(table.columns), table.to_numpy(object).tolist())


def _markdown(columns: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    rules = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(str(value) for value in row)} |" for row in (columns, rules, *rows))


def claim_text(claim: Claim) -> str:
    """A claim and its verdict as Markdown."""
    paper = f"the paper: {claim.paper}; " if claim.paper else ""
    return f"**{claim.verdict}**: {claim.text} ({paper}{claim.evidence})"


def budget_text(profile: Profile, settings: Sequence[Setting] = ()) -> str:
    """A profile in words.

    Args:
        profile: what may be spent.
        settings: where it was spent; those with a budget of their own are told.
    """
    parts = [
        _spent(profile),
        *(f"in {s.label} {_spent(here)}" for s in settings if (here := spent_in(s, profile)) != profile),
    ]
    return f"Profile {profile.name}: {'; '.join(parts)}. Tested is the policy that was best while learning."


def _spent(profile: Profile) -> str:
    seeds = f"{profile.seeds} seed{'s' * (profile.seeds != 1)}"
    return f"{profile.steps:,} environment steps per seed, {seeds}, {profile.episodes} test episodes"


def small_print(profile: Profile) -> list[str]:
    """Remarks that verdicts need on a smaller budget than the paper's."""
    if profile.steps >= profile.paper_steps:
        return []
    return [
        f"Learners had {profile.steps:,} environment steps each, not {profile.paper_steps:,} as in the paper profile: verdicts "
        "on them tell nothing about the paper's claims yet."
    ]


def _seeds(results: Results) -> pd.DataFrame:
    tables = []
    for outcome in results:
        means = outcome.result.episodes.drop(columns="episode").groupby("seed", as_index=False).mean()
        means.insert(0, "policy", outcome.label)
        means.insert(0, "setting", outcome.setting.label)
        tables.append(means)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["setting", "policy", "seed"])


def _page(record: Record) -> str:
    profile = record.profile
    parts = [
        f"# {record.title}",
        f"![{record.name}]({FIGURE}.png)",
        _markdown(record.columns, record.rows),
        record.method,
    ]
    if record.claims:
        parts += [
            "## Claims of the paper",
            *small_print(profile),
            "\n".join(f"- {claim_text(claim)}" for claim in record.claims),
        ]
    facts = [
        *record.notes,
        *([budget_text(profile, record.settings)] if record.settings else []),
        f"edgewise {record.software['edgewise']}, code {', '.join(record.code)}; figure drawn on {record.machine}"
        + ("." if not record.computed_on else f", results computed on {' and '.join(record.computed_on)}.")
        + (" The results were made by more than one state of the code." if len(record.code) > 1 else ""),
        f"Data of the figure: `data.csv`; means per seed of every metric: `seeds.csv`; also `figure.pdf`; `{RECORD}` is what "
        "`edgewise report` reads.",
    ]
    parts += ["## Notes", "\n".join(f"- {fact}" for fact in facts), f"Made by:\n\n    {record.command}"]
    return "\n\n".join(parts) + "\n"
